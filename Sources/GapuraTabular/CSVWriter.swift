/// Delimited text, RFC 4180, for whatever a person will open in a spreadsheet program.
package enum CSVWriter {
    /// One cell: quoted where it must be, and made harmless where a spreadsheet program would take it for a formula.
    ///
    /// A text that begins with `=`, `+`, `-`, `@`, tab or carriage return gets an apostrophe in front, which the
    /// program shows as text.
    package static func cell(_ text: String, delimiter: Character = ",") -> String {
        var text = text
        if isFormulaLike(text) { text = "'" + text }
        let mustQuote = text.unicodeScalars.contains {
            $0 == "\"" || $0 == "\r" || $0 == "\n" || Character($0) == delimiter
        }
        guard mustQuote || text.utf8.first == 0x20 || text.utf8.last == 0x20 else { return text }
        var quoted = String.UnicodeScalarView("\"".unicodeScalars)
        for scalar in text.unicodeScalars {
            if scalar == "\"" { quoted.append("\"") }
            quoted.append(scalar)
        }
        quoted.append("\"")
        return String(quoted)
    }

    /// One row with its CR LF.
    package static func row(_ cells: [String], delimiter: Character = ",") -> String {
        cells.map { cell($0, delimiter: delimiter) }.joined(separator: String(delimiter)) + "\r\n"
    }

    /// Whether a spreadsheet program would compute the text when it opens a delimited file.
    package static func isFormulaLike(_ text: String) -> Bool {
        switch text.utf8.first {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"), 0x09, 0x0d: true
        default: false
        }
    }
}
