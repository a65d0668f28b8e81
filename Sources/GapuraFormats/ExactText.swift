/// Text that is compared as UTF-8 bytes.
///
/// Swift's `String` equality is Unicode-canonical: two normal forms of "é", or `;` and U+037E, are equal there, and are
/// not in a database or a browser. Whatever decides something (client ids, redirect URIs, `state`) is compared through
/// this type.
public struct ExactText: Hashable, Comparable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public let text: String

    public init(_ text: some StringProtocol) {
        self.text = String(text)
    }

    public init(stringLiteral text: String) {
        self.text = text
    }

    public var description: String { text }

    public static func == (left: ExactText, right: ExactText) -> Bool {
        left.text.isExactly(right.text)
    }

    public static func < (left: ExactText, right: ExactText) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(UInt8(0xff))
    }
}

extension StringProtocol {
    /// Whether both are the same UTF-8 bytes; see `ExactText`.
    public func isExactly(_ other: some StringProtocol) -> Bool {
        utf8.elementsEqual(other.utf8)
    }
}

extension String {
    /// The same for whole texts, which lie in one piece: this is asked for each parameter and each member.
    public func isExactly(_ other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        let same = utf8.withContiguousStorageIfAvailable { ours in
            other.utf8.withContiguousStorageIfAvailable { theirs in ours.elementsEqual(theirs) }
        }
        return (same ?? nil) ?? utf8.elementsEqual(other.utf8)
    }
}
