internal import GapuraFormats

/// How an identifier in personnel data is freed of what spreadsheets and people put around it.
enum IdentifierText {
    /// Takes off white space at both ends and the apostrophe by which Excel marks text; `null` and nothing at all are
    /// nil.
    static func cleaned(_ text: String) -> String? {
        var bytes = trimmed(text.utf8[...])
        while let size = apostrophe(bytes) { bytes = trimmed(bytes.dropFirst(size)) }
        if bytes.isEmpty || isNull(bytes) { return nil }
        return bytes.count == text.utf8.count ? text : String(Substring(bytes))
    }

    /// Like `cleaned`, for names and titles, where an apostrophe may belong to the text.
    static func cleanedName(_ text: String) -> String? {
        let bytes = trimmed(text.utf8[...])
        if bytes.isEmpty || isNull(bytes) || bytes.elementsEqual("-".utf8) { return nil }
        return bytes.count == text.utf8.count ? text : String(Substring(bytes))
    }

    /// Whether a character is in the text that nobody can see: controls, format characters (zero width, direction
    /// marks), fillers, unusual spaces.
    ///
    /// An identifier with one would look like another and not be it.
    static func hasInvisible(_ text: String) -> Bool {
        // Nearly every text is of ASCII, whose properties need no tables.
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.contains { $0 < 0x20 || $0 == 0x7f } }
        return text.unicodeScalars.contains { scalar in
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

    private static func isNull(_ bytes: Substring.UTF8View) -> Bool {
        bytes.count == 4 && bytes.lazy.map { $0 | 0x20 }.elementsEqual("null".utf8)
    }

    /// How many bytes an apostrophe at the beginning has: `'`, `‘` or `’`.
    private static func apostrophe(_ bytes: Substring.UTF8View) -> Int? {
        if bytes.first == 0x27 { return 1 }
        return bytes.starts(with: "\u{2018}".utf8) || bytes.starts(with: "\u{2019}".utf8) ? 3 : nil
    }

    private static func trimmed(_ bytes: Substring.UTF8View) -> Substring.UTF8View {
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d || byte == 0x0a }
        var bytes = bytes.drop(while: isSpace)
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        return bytes
    }
}
