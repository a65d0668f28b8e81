/// Why a table cannot be read at all. Nothing of such a file is used.
package struct TabularError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The reason as a stable word.
    package enum Code: String, Sendable, CaseIterable {
        case empty
        case unreadable
        // Delimited text
        case utf16 = "encoding_utf16"
        case invalidUTF8 = "encoding_invalid_utf8"
        case nul = "nul_character"
        case quoting
        case lineEnding = "line_ending"
        case unequalColumns = "unequal_columns"
        case cutOff = "cut_off"
        // Any table
        case tooManyColumns = "too_many_columns"
        case tooManyRows = "too_many_rows"
        case cellTooLong = "cell_too_long"
        // The ZIP container
        case notZIP = "not_zip"
        case corruptZIP = "corrupt_zip"
        case encrypted
        case tooManyEntries = "too_many_entries"
        case compressionRatio = "compression_ratio"
        case tooLarge = "too_large"
        case overlappingEntries = "overlapping_entries"
        case duplicateEntry = "duplicate_entry"
        case unsupportedCompression = "unsupported_compression"
        // The workbook
        case macros
        case noWorksheet = "no_worksheet"
        case doctype
        case xmlDepth = "xml_depth"
        case corruptXML = "corrupt_xml"
        case tooManySharedStrings = "too_many_shared_strings"
        case unknownSharedString = "unknown_shared_string"
        case rowOrder = "row_order"
    }

    package let code: Code
    /// The row it happened in, where that is known; the header is row 1.
    package let row: Int?
    /// More for the log and the console, in English; never contents of a cell.
    package let detail: String

    package init(_ code: Code, row: Int? = nil, _ detail: String) {
        self.code = code
        self.row = row
        self.detail = detail
    }

    package var description: String {
        row.map { "row \($0): \(detail) (\(code.rawValue))" } ?? "\(detail) (\(code.rawValue))"
    }
}
