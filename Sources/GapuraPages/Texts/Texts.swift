import Gapura
import Mustache

/// Everything the pages say, by key, in one language. Templates write `{{t.sign-in-title}}`, views
/// `texts("sign-in-for", ["application": name])`.
struct Texts: MustacheParent, Sendable {
    let language: Language
    private let texts: [String: String]

    init(_ language: Language) {
        self.language = language
        let pairs =
            switch language {
            case .indonesian: Self.indonesian
            case .english: Self.english
            }
        texts = Dictionary(pairs) { first, _ in first }
    }

    /// The text of `key`, with `{name}` replaced by its argument; arguments are never read for further names.
    func callAsFunction(_ key: String, _ arguments: [String: String] = [:]) -> String {
        guard let text = texts[key] else { return "[\(key)]" }
        guard !arguments.isEmpty else { return text }
        return Self.pieces(text).map { piece in
            switch piece {
            case .words(let words): words
            case .placeholder(let name): arguments[name] ?? "{\(name)}"
            }
        }.joined()
    }

    func child(named name: String) -> Any? { self(name) }

    /// The names between braces, in order.
    static func placeholders(_ text: String) -> [String] {
        pieces(text).compactMap { if case .placeholder(let name) = $0 { name } else { nil } }
    }

    private enum Piece {
        case words(String)
        case placeholder(String)
    }

    private static func pieces(_ text: String) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            pieces.append(.words(String(rest[..<open])))
            pieces.append(.placeholder(String(rest[rest.index(after: open)..<close])))
            rest = rest[rest.index(after: close)...]
        }
        pieces.append(.words(String(rest)))
        return pieces
    }
}
