package import GapuraTabular

/// People from a table, whatever it comes from: a workbook, delimited text, the answer of a database. The profile says
/// what its columns mean; columns that nobody needs are skipped by the reader.
package struct TableSource: PersonnelSource {
    private let reader: any TabularReader
    private let profile: PersonnelProfile
    private let withNIK: Bool

    package var name: String { profile.name }

    /// - Parameter withNIK: whether the columns of the NIK are read at all.
    package init(_ reader: any TabularReader, profile: PersonnelProfile, withNIK: Bool = false) {
        self.reader = reader
        self.profile = profile
        self.withNIK = withNIK
    }

    package func read(_ take: (PersonnelRow) throws -> Void) throws {
        let mapping = profile.mapping
        let wanted = Set(PersonnelColumn.wanted(withNIK: withNIK)).subtracting(profile.people.constants.keys)
        try readTable(
            reader, columns: PersonnelColumn.self, spellings: profile.people.spellings,
            optional: profile.people.optional, without: Set(PersonnelColumn.allCases).subtracting(wanted)
        ) { number, cells in
            try take(PersonnelRow(number: number, cells: mapping.map(cells)))
        }
    }
}
