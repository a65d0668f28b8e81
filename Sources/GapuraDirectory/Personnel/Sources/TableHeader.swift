internal import GapuraTabular

/// Columns of which a file may lack some.
protocol OptionalColumns: Hashable {
    static var optional: Set<Self> { get }
}

/// Finds named columns in the header of a table.
///
/// Names are compared by their letters and digits alone: `NIP BARU`, `nip_baru` and `NipBaru` are one column.
struct TableHeader<Column: CaseIterable & RawRepresentable<String> & Hashable & Sendable> {
    /// Where each needed column is.
    let positions: [(column: Column, index: Int)]

    /// - Parameters:
    ///   - spellings: how columns may be called, the most wanted first; of others their own name.
    ///   - optional: columns that may be missing, beside those that always may.
    ///   - without: columns that are not looked for.
    init(
        _ row: TabularRow, spellings: [Column: [String]] = [:], optional: Set<Column> = [],
        without: Set<Column> = []
    ) throws(PersonnelSourceError) {
        var found: [String: [Int]] = [:]
        for (index, cell) in row.cells.enumerated() {
            guard case .text(let text) = cell else { continue }
            found[Self.key(text), default: []].append(index)
        }
        var positions: [(column: Column, index: Int)] = []
        var missing: [String] = []
        for column in Column.allCases where !without.contains(column) {
            let names = spellings[column] ?? [column.rawValue]
            let name = names.first { found[Self.key($0)] != nil }
            let places = name.flatMap { found[Self.key($0)] } ?? []
            guard places.count <= 1 else { throw .repeatedColumn(name ?? column.rawValue) }
            if let index = places.first {
                positions.append((column, index))
            } else if !optional.contains(column), !Self.isOptional(column) {
                missing.append(names.count == 1 ? names[0] : column.rawValue)
            }
        }
        guard missing.isEmpty else { throw .missingColumns(missing) }
        self.positions = positions
    }

    private static func isOptional(_ column: Column) -> Bool {
        func isIn<Other: OptionalColumns>(_ column: Other) -> Bool { Other.optional.contains(column) }
        guard let column = column as? any OptionalColumns else { return false }
        return isIn(column)
    }

    var selection: ColumnSelection {
        ColumnSelection(positions.map(\.index))
    }

    /// The letters and digits of a name, in lower case.
    static func key(_ text: String) -> String {
        String(decoding: nameBytes(text), as: UTF8.self)
    }

    private static func nameBytes(_ text: String) -> [UInt8] {
        text.utf8.compactMap { byte in
            switch byte {
            case 0x30...0x39, 0x61...0x7a: byte
            case 0x41...0x5a: byte | 0x20
            default: nil
            }
        }
    }
}

/// Reads a table with named columns, and turns what goes wrong into the error of a source.
func readTable<Column: CaseIterable & RawRepresentable<String> & Hashable & Sendable>(
    _ reader: some TabularReader,
    columns: Column.Type,
    spellings: [Column: [String]] = [:],
    optional: Set<Column> = [],
    without: Set<Column> = [],
    _ take: (Int, [Column: TabularCell]) throws -> Void
) throws {
    var reader = reader
    var positions: [(column: Column, index: Int)] = []
    do {
        try reader.read { row in
            let header = try TableHeader<Column>(row, spellings: spellings, optional: optional, without: without)
            positions = header.positions
            return header.selection
        } row: { row in
            var cells: [Column: TabularCell] = [:]
            for (column, index) in positions {
                let cell = row[index]
                if cell != .empty { cells[column] = cell }
            }
            try take(row.number, cells)
        }
    } catch let error as TabularError {
        throw PersonnelSourceError.table(error)
    }
}
