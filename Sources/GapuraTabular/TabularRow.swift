/// One cell of a spreadsheet or delimited file, before anybody has given it a meaning.
///
/// Numbers keep the characters of the file, so that a reader of identifiers can refuse what Excel turned into a float.
package enum TabularCell: Sendable, Equatable {
    case empty
    case text(String)
    /// A numeric cell: the characters as the file has them, for example `1.87011121902031e+17`.
    case number(raw: String)
    /// A formula, as text with its leading `=`; its cached result is never looked at.
    case formula(String)
    case bool(Bool)
    /// An error value of the spreadsheet, for example `#N/A`.
    case error(String)

    /// Whether nothing but white space is in it.
    package var isBlank: Bool {
        switch self {
        case .empty: true
        case .text(let text): text.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
        case .number, .formula, .bool, .error: false
        }
    }
}

/// One row of a table, counted as the spreadsheet program counts it: the header is row 1.
package struct TabularRow: Sendable, Equatable {
    package let number: Int
    package let cells: [TabularCell]

    package init(number: Int, cells: [TabularCell]) {
        self.number = number
        self.cells = cells
    }

    /// The cell of a column counted from 0; a column that the row does not have is empty.
    package subscript(column: Int) -> TabularCell {
        cells.indices.contains(column) ? cells[column] : .empty
    }

    package var isBlank: Bool {
        cells.allSatisfy(\.isBlank)
    }
}

/// The columns (from 0) that a reader hands on. Cells of other columns are skipped while parsing: nothing of them is
/// ever turned into a value.
package struct ColumnSelection: Sendable {
    private let isWanted: [Bool]?

    /// Every column.
    package static let all = ColumnSelection(isWanted: nil)

    package init(_ columns: some Sequence<Int>) {
        var isWanted: [Bool] = []
        for column in columns where (0..<TabularLimits.hardMaximumColumns).contains(column) {
            while isWanted.count <= column { isWanted.append(false) }
            isWanted[column] = true
        }
        self.isWanted = isWanted
    }

    private init(isWanted: [Bool]?) {
        self.isWanted = isWanted
    }

    package func contains(_ column: Int) -> Bool {
        guard let isWanted else { return true }
        return isWanted.indices.contains(column) && isWanted[column]
    }
}

/// What a table may be at most. The defaults are those of a file given to the command; an upload also limits
/// `maximumInflatedBytes`.
package struct TabularLimits: Sendable {
    /// No setting goes beyond this many columns: it is what XLSX itself allows.
    static let hardMaximumColumns = 16_384

    package var maximumColumns = 100
    package var maximumCellBytes = 64 * 1024
    package var maximumRows = 4_000_000
    /// XLSX: entries of the ZIP container.
    package var maximumEntries = 64
    /// XLSX: inflated size divided by packed size, of each entry and of the whole file.
    package var maximumRatio = 100
    /// XLSX: inflated size of the whole file, as the container states it and as it really comes out.
    package var maximumInflatedBytes = Int64.max
    /// XLSX: what the shared strings may take in memory: their text, and for each where it ends
    /// (`sharedStringOverhead`). As Excel saves a sheet, every text is one, the same text once: a hundred thousand
    /// people with fifteen texts of their own are 1.5 million.
    package var maximumSharedStringBytes = 256 * 1024 * 1024
    /// What each shared string takes beside its text.
    package static let sharedStringOverhead = MemoryLayout<UInt32>.size

    package init() {}
}

/// A table that is read once, from its first row to its last.
package protocol TabularReader {
    /// Reads the whole table.
    ///
    /// `header` gets row 1 with all its cells and answers which columns it wants; `row` gets every later row, in order.
    /// What they throw ends the reading.
    mutating func read(header: (TabularRow) throws -> ColumnSelection, row: (TabularRow) throws -> Void) throws
}
