internal import GapuraFormats

/// SIASN's own id of a person or unit: opaque, 32 hexadecimal digits in the exports seen, up to 42 characters
/// elsewhere. The join key of every load.
package struct PNSID: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package var description: String { text }

    /// Nil where there is none, or nothing that could be one: whoever reads the row reports `pns_id_missing`.
    package static func parse(_ text: String) throws(IdentifierProblem) -> PNSID? {
        guard let cleaned = IdentifierText.cleaned(text) else { return nil }
        if IdentifierText.hasInvisible(cleaned) { throw .invisible }
        if IdentifierText.isFloat(cleaned) { throw .numeric }
        guard cleaned.utf8.count <= 64, cleaned.utf8.allSatisfy(isAllowed) else { return nil }
        return PNSID(text: cleaned)
    }

    package static func == (left: PNSID, right: PNSID) -> Bool { left.text.isExactly(right.text) }

    package func hash(into hasher: inout Hasher) { ExactText(text).hash(into: &hasher) }

    /// Letters, digits, hyphen and underscore of ASCII.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
