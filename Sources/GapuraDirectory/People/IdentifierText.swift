internal import GapuraFormats

/// How an identifier in personnel data is freed of what spreadsheets and people put around it.
enum IdentifierText {
    /// Takes off white space at both ends and the apostrophe by which Excel marks text; `null` and nothing at all are
    /// nil.
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

    /// Whether a character is in the text that nobody can see: controls, format characters (zero width, direction
    /// marks), fillers, unusual spaces.
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
    ///
    /// Exactly its form, one digit before the point and an exponent of at most three: hexadecimal ids may well have one
    /// `E` among digits.
    static func isFloat(_ text: String) -> Bool {
        var rest = text.utf8[...]
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        guard let first = rest.popFirst(), isDigit(first) else { return false }
        if rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: ",") {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            guard !fraction.isEmpty else { return false }
            rest = rest[fraction.endIndex...]
        }
        guard let exponent = rest.popFirst(), exponent | 0x20 == UInt8(ascii: "e") else { return false }
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        return (1...3).contains(rest.count) && rest.allSatisfy(isDigit)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte)
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
