package import GapuraTabular

/// People and units whose rows are in memory already: what SCIM brought.
package struct PersonnelRowsOrigin: PersonnelOrigin {
    package let name: String
    private let source: String
    private let rows: [[PersonnelColumn: TabularCell]]
    private let units: [UnitRow]

    /// Whether nobody is in it.
    package var isEmpty: Bool { rows.isEmpty }

    /// - Parameters:
    ///   - name: for people to recognise; stands in the record of the load.
    ///   - source: a short word for the record: `scim`.
    ///   - units: the whole tree, where units change.
    package init(
        name: String, source: String, rows: [[PersonnelColumn: TabularCell]], units: [UnitRow] = []
    ) {
        self.name = name
        self.source = source
        self.rows = rows
        self.units = units
    }

    package func readPeople(
        withNIK: Bool, _ stop: any PersonnelStop, _ body: (any PersonnelSource) throws -> Void
    ) throws -> String {
        let wanted = PersonnelColumn.wanted(withNIK: withNIK)
        var digest = RowDigest()
        for row in rows { try digest.add(wanted.map { row[$0]?.digestText }) }
        try body(Rows(name: source, rows: rows, wanted: Set(wanted), stop: stop))
        return digest.finish([source])
    }

    package func readUnits(_ stop: any PersonnelStop) throws -> (rows: [UnitRow], digest: String) {
        var digest = RowDigest()
        for unit in units {
            try digest.add([
                unit.sourceID, unit.governmentID, unit.parentID, unit.name, unit.postName, unit.kind, unit.echelon,
                unit.headPNSID,
            ])
        }
        return (units, digest.finish([source]))
    }

    /// They cannot change.
    package func check(_ digest: String) throws {}

    private struct Rows: PersonnelSource {
        let name: String
        let rows: [[PersonnelColumn: TabularCell]]
        let wanted: Set<PersonnelColumn>
        let stop: any PersonnelStop

        func read(_ take: (PersonnelRow) throws -> Void) throws {
            for (index, row) in rows.enumerated() {
                if index.isMultiple(of: 1000) { try stop.check() }
                try take(
                    PersonnelRow(number: index + 1, cells: row.filter { wanted.contains($0.key) }))
            }
        }
    }
}

extension TabularCell {
    /// Nil for nothing; a number and the text of its digits differ.
    fileprivate var digestText: String? {
        switch self {
        case .empty: nil
        case .text(let text): "t" + text
        case .number(let raw): "n" + raw
        case .formula(let text): "f" + text
        case .bool(let truth): truth ? "b1" : "b0"
        case .error(let text): "e" + text
        }
    }
}
