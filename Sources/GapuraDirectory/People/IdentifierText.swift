internal import GapuraFormats

/// How an identifier in personnel data is freed of what spreadsheets and people put around it.
enum IdentifierText {
    /// Takes off white space at both ends and the apostrophe by which Excel marks text; `null` and nothing at all are nil.
    static func cleaned(_ text: String) -> String? {
        var scalars = trimmed(text.unicodeScalars)
        while let first = scalars.first, first == "'" || first == "\u{2018}" || first == "\u{2019}" {
            scalars = trimmed(scalars.dropFirst())
        }
        if scalars.isEmpty { return nil }
        let cleaned = String(String.UnicodeScalarView(scalars))
        return isNull(cleaned) ? nil : cleaned
    }

    /// Like `cleaned`, for names and titles, where an apostrophe may belong to the text.
    static func cleanedName(_ text: String) -> String? {
        let scalars = trimmed(text.unicodeScalars)
        if scalars.isEmpty { return nil }
        let cleaned = String(String.UnicodeScalarView(scalars))
        return isNull(cleaned) || cleaned.isExactly("-") ? nil : cleaned
    }

    /// Whether a character is in the text that nobody can see: controls, format characters (zero width, direction marks), fillers, unusual spaces.
    ///
    /// An identifier with one would look like another and not be it.
    static func hasInvisible(_ text: String) -> Bool {
        text.unicodeScalars.contains { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: true
            case .spaceSeparator: scalar != " "
            default: scalar.properties.isDefaultIgnorableCodePoint
            }
        }
    }

    /// Whether Excel has turned a long number into a float: `1.98E+17`, `1,98E+17`.
    static func isFloat(_ text: String) -> Bool {
        var hasExponent = false
        var hasDigit = false
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39: hasDigit = true
            case UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: "+"), UInt8(ascii: "-"): continue
            case UInt8(ascii: "e"), UInt8(ascii: "E"):
                guard !hasExponent, hasDigit else { return false }
                hasExponent = true
            default: return false
            }
        }
        return hasExponent && hasDigit
    }

    private static func isNull(_ text: String) -> Bool {
        text.utf8.count == 4 && text.lowercased().isExactly("null")
    }

    private static func trimmed(_ scalars: some BidirectionalCollection<Unicode.Scalar>) -> [Unicode.Scalar] {
        let isSpace: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" }
        var result = Array(scalars.drop(while: isSpace))
        while let last = result.last, isSpace(last) { result.removeLast() }
        return result
    }
}
