internal import GapuraFormats
package import GapuraStore
internal import GapuraTabular

/// How a source of personnel data is to be understood: what its columns are called, what its codes mean, how it writes
/// days and nothing. A city adapts it in a file of its own (docs/adapters.md), without code.
package struct PersonnelProfile: Sendable, Equatable {
    /// What a profile is for.
    package enum Format: String, Sendable, CaseIterable {
        /// Any of the others.
        case any
        case xlsx
        case csv
        case sql
    }

    /// Where a leading apostrophe is no part of the text.
    package enum Apostrophe: String, Sendable, CaseIterable {
        /// Before identifiers and codes, as SIASN writes them.
        case ids
        /// Before names and titles too.
        case everywhere
    }

    /// How to reach a database, apart from its address.
    package struct Connection: Sendable, Equatable {
        package var passwordFile: String?
        package var passwordVariable: String?
        package var encryption: ForeignDatabase.Encryption?
        package var certificates: String?
        package var connectSeconds = 10
        package var readSeconds = 60
        package var totalSeconds = 1800
    }

    package var name: String
    /// One line in Indonesian, for the list.
    package var about = ""
    package var format = Format.any
    var people = ColumnProfile<PersonnelColumn>()
    var units = ColumnProfile<UnitColumn>()
    var dates = DateForm.usual
    /// Texts that say nothing, beside white space, `null` and, in names, `-`.
    var nulls: [String] = []
    var apostrophe = Apostrophe.ids
    /// Nil: the header tells.
    var delimiter: UInt8?
    package var connection = Connection()

    /// The ones without which nobody can be told apart, or placed.
    static let needed: Set<PersonnelColumn> = [.pnsID, .nip, .name, .statusCode, .unitID, .governmentID]
    static let neededOfUnits: Set<UnitColumn> = [.id, .governmentID, .parentID, .name]

    var mapping: ProfileMapping<PersonnelColumn> {
        ProfileMapping(people, of: self, days: [.birthDate, .postSince, .retiresOn], names: PersonnelColumn.names)
    }

    var unitMapping: ProfileMapping<UnitColumn> {
        ProfileMapping(units, of: self, days: [], names: [.name, .postName])
    }
}

extension PersonnelColumn {
    static let names: Set<PersonnelColumn> = [.name, .frontTitle, .backTitle, .statusName, .grade, .postName]
}

/// What a profile says about the columns of one table. Members are called as in SIASN.
struct ColumnProfile<Column: ProfileColumn>: Sendable, Equatable {
    /// What a member's column may be called, the most wanted first. A member that is not here is called as in SIASN.
    var spellings: [Column: [String]] = [:]
    /// Members that may be missing.
    var optional: Set<Column> = []
    /// Members without a column, which are the same for everybody.
    var constants: [Column: String] = [:]
    /// What texts of the source become; others stay as they are.
    var values: [Column: [Change]] = [:]

    struct Change: Sendable, Equatable {
        let from: String
        let to: String

        init(_ from: String, _ to: String) {
            self.from = from
            self.to = to
        }

        static func == (left: Change, right: Change) -> Bool {
            left.from.isExactly(right.from) && left.to.isExactly(right.to)
        }
    }
}

/// A column that a profile can speak of.
protocol ProfileColumn: CaseIterable, RawRepresentable<String>, Hashable, Sendable {}

extension PersonnelColumn: ProfileColumn {}
extension UnitColumn: ProfileColumn {}

/// A profile made ready for a hundred thousand rows.
struct ProfileMapping<Column: ProfileColumn>: Sendable {
    private let values: [Column: [ExactText: String]]
    private let constants: [Column: TabularCell]
    private let days: Set<Column>
    private let names: Set<Column>
    private let nulls: Set<ExactText>
    /// Longer texts are none of them.
    private let longestNull: Int
    private let dates: [DateForm]
    private let isUsual: Bool
    private let takesApostrophes: Bool
    /// Whether every row stays as it is.
    private let isPlain: Bool

    init(_ columns: ColumnProfile<Column>, of profile: PersonnelProfile, days: Set<Column>, names: Set<Column>) {
        values = columns.values.mapValues { changes in
            Dictionary(changes.map { (Self.key($0.from), $0.to) }) { first, _ in first }
        }
        constants = columns.constants.mapValues { .text($0) }
        dates = profile.dates
        isUsual = profile.dates == DateForm.usual
        // SIASN's own days are read as they are.
        self.days = isUsual && (profile.format == .xlsx || profile.format == .csv) ? [] : days
        self.names = names
        nulls = Set(profile.nulls.map(Self.key))
        longestNull = nulls.map(\.text.utf8.count).max() ?? 0
        takesApostrophes = profile.apostrophe == .everywhere
        isPlain = values.isEmpty && constants.isEmpty && nulls.isEmpty && self.days.isEmpty && !takesApostrophes
    }

    func map(_ cells: [Column: TabularCell]) -> [Column: TabularCell] {
        if isPlain { return cells }
        var mapped: [Column: TabularCell] = [:]
        mapped.reserveCapacity(cells.count + constants.count)
        for (column, cell) in cells {
            if let cell = map(cell, column) { mapped[column] = cell }
        }
        // An empty line stays one.
        guard mapped.values.contains(where: { !$0.isBlank }) else { return mapped }
        return mapped.merging(constants) { _, constant in constant }
    }

    private func map(_ cell: TabularCell, _ column: Column) -> TabularCell? {
        // A code may stand in a sheet as a number; a formula is refused or kept where rows are judged.
        let isText = if case .text = cell { true } else { false }
        if !nulls.isEmpty, isText, let text = CellText.identifier(cell), text.utf8.count <= longestNull,
            nulls.contains(Self.key(text))
        {
            return nil
        }
        if let changes = values[column], let text = CellText.identifier(cell), let changed = changes[Self.key(text)] {
            return changed.isEmpty ? nil : .text(changed)
        }
        guard case .text(let text) = cell else { return cell }
        if days.contains(column), let written = IdentifierText.cleaned(text) {
            for form in dates { if let day = form.day(written) { return .text(day.iso8601) } }
            // What no form of this profile fits must not be read by another one.
            return isUsual ? cell : .text("? " + written)
        }
        if takesApostrophes, names.contains(column) { return IdentifierText.cleaned(text).map { .text($0) } }
        return cell
    }

    /// Texts of codes are compared without regard to case.
    private static func key(_ text: String) -> ExactText { ExactText(text.lowercased()) }
}
