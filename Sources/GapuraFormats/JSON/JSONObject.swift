/// The members of a JSON object, in order. Names are compared as bytes, and no name occurs twice.
public struct JSONObject: Sendable {
    /// The members in the order in which they were read or set.
    public private(set) var members: [(key: String, value: JSONValue)]

    /// Where each name is, kept only for large objects: so many names make a search by hand quadratic.
    private var positions: [ExactText: Int] = [:]
    private static let searchedByHand = 24

    /// An object without members.
    public init() {
        members = []
    }

    /// Where a name occurs twice, the later value wins; foreign text goes through `StrictJSON`, which refuses that.
    public init(_ pairs: [(String, JSONValue)]) {
        members = []
        members.reserveCapacity(pairs.count)
        for (key, value) in pairs {
            self[key] = value
        }
    }

    /// How many members there are.
    public var count: Int { members.count }
    /// Whether there is no member.
    public var isEmpty: Bool { members.isEmpty }
    /// The names, in order.
    public var keys: [String] { members.map(\.key) }

    /// Whether there is a member of that name, `null` included.
    public func contains(_ key: String) -> Bool {
        position(of: key) != nil
    }

    /// The value of a member. Setting nil takes the member away; a new member goes to the end.
    public subscript(_ key: String) -> JSONValue? {
        get {
            guard let position = position(of: key) else { return nil }
            return members[position].value
        }
        set {
            let position = position(of: key)
            switch (position, newValue) {
            case (nil, nil):
                return
            case (nil, .some(let value)):
                append(key, value)
            case (.some(let position), .some(let value)):
                members[position].value = value
            case (.some(let position), nil):
                members.remove(at: position)
                positions = [:]
                indexIfLarge()
            }
        }
    }

    /// The same object without that member.
    public func removing(_ key: String) -> JSONObject {
        var copy = self
        copy[key] = nil
        return copy
    }

    /// For the parser: adds a member unless its name is taken.
    mutating func appendIfNew(_ key: String, _ value: JSONValue) -> Bool {
        guard position(of: key) == nil else { return false }
        append(key, value)
        return true
    }

    mutating func reserveCapacity(_ count: Int) {
        members.reserveCapacity(count)
    }

    private mutating func append(_ key: String, _ value: JSONValue) {
        members.append((key, value))
        if positions.isEmpty {
            indexIfLarge()
        } else {
            positions[ExactText(key)] = members.count - 1
        }
    }

    private mutating func indexIfLarge() {
        guard members.count > Self.searchedByHand else { return }
        for (position, member) in members.enumerated() {
            positions[ExactText(member.key)] = position
        }
    }

    private func position(of key: String) -> Int? {
        if !positions.isEmpty {
            return positions[ExactText(key)]
        }
        // `==` is Unicode's equality, which equal bytes always pass: quick to say no, and the bytes then decide.
        return members.firstIndex { $0.key == key && $0.key.isExactly(key) }
    }
}

extension JSONObject: Equatable {
    /// Whatever the order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.members.allSatisfy { right[$0.key] == $0.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }
}
