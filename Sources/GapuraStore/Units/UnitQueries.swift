import GapuraFormats

extension Transaction {
    package var units: UnitQueries { UnitQueries(tx: self) }
}

/// All SQL about `units`.
package struct UnitQueries {
    let tx: Transaction

    private static let columns: Statement =
        "id, source_id, parent_id, agency_id, name, post_name, kind, echelon, path, head_pns_id, valid_from, valid_to"

    static let prefixedColumns: Statement =
        """
        units.id, units.source_id, units.parent_id, units.agency_id, units.name, units.post_name, units.kind, units.echelon, units.path,
        units.head_pns_id, units.valid_from, units.valid_to
        """

    static let agencyColumns: Statement =
        """
        agencies.id, agencies.source_id, agencies.parent_id, agencies.agency_id, agencies.name, agencies.post_name, agencies.kind,
        agencies.echelon, agencies.path, agencies.head_pns_id, agencies.valid_from, agencies.valid_to
        """

    package func find(_ id: UnitID) throws -> Unit? {
        try tx.first("SELECT \(fragment: Self.columns) FROM units WHERE id = \(id)").map(Self.unit)
    }

    package func find(sourceID: String) throws -> Unit? {
        try tx.first("SELECT \(fragment: Self.columns) FROM units WHERE source_id = \(sourceID)").map(Self.unit)
    }

    /// Whether a unit, under the name of its table in a statement, is the one of a path or below it.
    static func isUnder(_ path: String, _ table: StaticString) -> Statement {
        "SUBSTR(\(raw: table).path, 1, CAST(\(path.utf8.count) AS INTEGER)) = \(path)"
    }

    /// Current units of a subtree, parents before children.
    package func list(under path: String) throws -> [Unit] {
        try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM units WHERE valid_to IS NULL AND \(fragment: Self.isUnder(path, "units"))
            ORDER BY path
            """
        ).map(Self.unit)
    }

    /// All current units, parents before children.
    package func list() throws -> [Unit] {
        try tx.rows("SELECT \(fragment: Self.columns) FROM units WHERE valid_to IS NULL ORDER BY path").map(Self.unit)
    }

    /// Ended ones too.
    package func list(_ ids: some Collection<UnitID>) throws -> [Unit] {
        try tx.portions(of: ids) { portion in
            try tx.rows("SELECT \(fragment: Self.columns) FROM units WHERE id IN \(list: portion)")
        }.map(Self.unit)
    }

    /// Current units by their ids in the source.
    package func list(sourceIDs: some Collection<String>) throws -> [Unit] {
        try tx.portions(of: sourceIDs) { portion in
            try tx.rows(
                """
                SELECT \(fragment: Self.columns) FROM units WHERE source_id IN \(list: portion) AND valid_to IS NULL
                """)
        }.map(Self.unit)
    }

    /// A unit's name and the unit above it: one step on the way to the root.
    package func step(_ id: UnitID) throws -> (name: String, parentID: UnitID?)? {
        try tx.first("SELECT name, parent_id FROM units WHERE id = \(id)").map {
            (try $0.text(0), try $0.optionalID(1))
        }
    }

    package func insert(_ unit: Unit) throws {
        try tx.run(
            """
            INSERT INTO units (\(fragment: Self.columns)) VALUES (\(unit.id), \(unit.sourceID), \(unit.parentID), \(unit.agencyID), \(unit.name),
            \(unit.postName), \(unit.kind), \(unit.echelon), \(unit.path), \(unit.headPNSID), \(unit.validFrom), \(unit.validTo))
            """
        )
    }

    package func update(_ unit: Unit) throws {
        try tx.run(
            """
            UPDATE units SET parent_id = \(unit.parentID), agency_id = \(unit.agencyID), name = \(unit.name), post_name = \(unit.postName),
            kind = \(unit.kind), echelon = \(unit.echelon), path = \(unit.path), head_pns_id = \(unit.headPNSID), valid_to = \(unit.validTo)
            WHERE id = \(unit.id)
            """
        )
    }

    static func unit(_ row: Row) throws -> Unit { try unit(row, from: 0) }

    /// Of an outer join.
    static func optionalUnit(_ row: Row, from start: Int) throws -> Unit? {
        try row.optionalText(start) == nil ? nil : unit(row, from: start)
    }

    /// Reads the columns above, beginning at a position of a longer select list.
    static func unit(_ row: Row, from start: Int) throws -> Unit {
        Unit(
            id: try row.id(start), sourceID: try row.text(start + 1), parentID: try row.optionalID(start + 2),
            agencyID: try row.optionalID(start + 3),
            name: try row.text(start + 4), postName: try row.optionalText(start + 5),
            kind: try row.optionalText(start + 6),
            echelon: try row.optionalText(start + 7),
            path: try row.text(start + 8), headPNSID: try row.optionalText(start + 9),
            validFrom: try row.time(start + 10),
            validTo: try row.optionalTime(start + 11)
        )
    }
}
