import GapuraFormats

extension Transaction {
    package var units: UnitQueries { UnitQueries(tx: self) }
}

/// All SQL about `units`.
package struct UnitQueries {
    let tx: Transaction

    private static let columns: Statement =
        "id, source_id, parent_id, agency_id, name, post_name, kind, echelon, path, head_pns_id, valid_from, valid_to"

    private static let prefixedColumns: Statement =
        """
        units.id, units.source_id, units.parent_id, units.agency_id, units.name, units.post_name, units.kind, units.echelon, units.path,
        units.head_pns_id, units.valid_from, units.valid_to
        """

    package func find(_ id: UnitID) throws -> Unit? {
        try tx.first("SELECT \(fragment: Self.columns) FROM units WHERE id = \(id)").map(Self.unit)
    }

    package func find(sourceID: String) throws -> Unit? {
        try tx.first("SELECT \(fragment: Self.columns) FROM units WHERE source_id = \(sourceID)").map(Self.unit)
    }

    /// All current units, parents before children.
    package func list() throws -> [Unit] {
        try tx.rows("SELECT \(fragment: Self.columns) FROM units WHERE valid_to IS NULL ORDER BY path").map(Self.unit)
    }

    /// The unit and everything above it, from the root down.
    package func ancestors(of id: UnitID) throws -> [Unit] {
        try tx.rows(
            """
            WITH RECURSIVE above(id, depth) AS (SELECT id, 0 FROM units WHERE id = \(id)
            UNION ALL SELECT units.parent_id, above.depth + 1 FROM above JOIN units ON units.id = above.id
            WHERE units.parent_id IS NOT NULL AND above.depth < 32)
            SELECT \(fragment: Self.prefixedColumns) FROM above JOIN units ON units.id = above.id ORDER BY above.depth DESC
            """
        ).map(Self.unit)
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

    static func unit(_ row: Row) throws -> Unit {
        Unit(
            id: try row.id(0), sourceID: try row.text(1), parentID: try row.optionalID(2),
            agencyID: try row.optionalID(3),
            name: try row.text(4), postName: try row.optionalText(5), kind: try row.optionalText(6),
            echelon: try row.optionalText(7),
            path: try row.text(8), headPNSID: try row.optionalText(9), validFrom: try row.time(10),
            validTo: try row.optionalTime(11)
        )
    }
}
