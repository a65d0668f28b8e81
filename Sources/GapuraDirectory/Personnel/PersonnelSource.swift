package import GapuraStore
package import GapuraTabular

/// A source of personnel data: a file, a database, a web service. It only delivers rows; what they mean
/// and which are refused is decided in one place for all sources (`PersonnelIntake`).
package protocol PersonnelSource {
    /// A short word for the log and the record of the load: `siasn-xlsx`.
    var name: String { get }

    /// Delivers every row once, in order. What `take` throws ends the reading.
    func read(_ take: (PersonnelRow) throws -> Void) throws
}

/// One row as the source has it, before any check.
package struct PersonnelRow: Sendable {
    /// As in the sheet: the header is row 1.
    package let number: Int
    private let cells: [PersonnelColumn: TabularCell]

    package init(number: Int, cells: [PersonnelColumn: TabularCell]) {
        self.number = number
        self.cells = cells.filter { !$0.value.isBlank }
    }

    package subscript(column: PersonnelColumn) -> TabularCell {
        cells[column] ?? .empty
    }

    /// A row without anything in a needed column: a styled but empty line of the sheet.
    package var isBlank: Bool { cells.isEmpty }
}

/// Why a source cannot be used at all. Nothing of it was taken.
package enum PersonnelSourceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Needed columns that the header does not have, by their names in SIASN.
    case missingColumns([String])
    /// A needed column that the header has twice.
    case repeatedColumn(String)
    case table(TabularError)
    /// The file itself; English, with its path.
    case file(String)
    /// The profile is for another kind of source than this file.
    case format(profile: String, file: String)
    case database(ForeignDatabaseError)
    /// The file of this name is not the one any more that was read.
    case changed(String)

    package var description: String {
        switch self {
        case .missingColumns(let names):
            "the header has no column " + names.joined(separator: ", ")
        case .repeatedColumn(let name):
            "the header has the column \(name) twice"
        case .table(let error):
            error.description
        case .file(let problem):
            problem
        case .format(let profile, let file):
            "the profile \(profile) is for another kind of source than \(file)"
        case .database(let error):
            error.description
        case .changed(let name):
            "\(name) changed while it was read, or since it was previewed"
        }
    }
}
