import Mustache

/// What a template can say of a page: names and their values. Made by a view from its typed model, once per answer.
struct Values: MustacheParent, ExpressibleByDictionaryLiteral {
    enum Value {
        /// Nothing when absent: the section of that name is left out.
        case text(String?)
        case flag(Bool)
        case group(Values?)
        case list([Values])
        case texts(Texts)
    }

    private var members: [String: Value]

    init(dictionaryLiteral pairs: (String, Value)...) {
        members = Dictionary(pairs) { _, last in last }
    }

    /// Both; the members of `other` win.
    func adding(_ other: Values) -> Values {
        var sum = self
        sum.members.merge(other.members) { _, new in new }
        return sum
    }

    func child(named name: String) -> Any? {
        switch members[name] {
        case .none: nil
        case .text(let text): text ?? Absent()
        case .flag(let flag): flag
        case .group(let group): group ?? Absent()
        case .list(let list): list
        case .texts(let texts): texts
        }
    }

    /// Known to be empty. Without it the engine would go on looking for the same name in the surrounding groups.
    private struct Absent: MustacheCustomRenderable {
        let renderText = ""
        let isNull = true
    }
}
