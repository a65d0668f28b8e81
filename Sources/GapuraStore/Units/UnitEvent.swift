package import GapuraFormats

package typealias UnitEventID = ID<UnitEvent>

/// Something that happened to a unit.
package struct UnitEvent: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case added
        /// From one name to another.
        case renamed
        /// From below one unit to below another; the values are their ids.
        case moved
        case closed
        /// Closed, with its people going to another unit, whose id is the value.
        case merged
        case reopened
    }

    package var id: UnitEventID
    package var unitID: UnitID
    package var kind: Kind
    /// When it counts from.
    package var at: Timestamp
    package var before: String?
    package var after: String?
    /// The load that did it, or the draft.
    package var loadID: LoadID?
    package var draftID: UnitDraftID?
    package var recordedBy: String

    package init(
        id: UnitEventID, unitID: UnitID, kind: Kind, at: Timestamp, before: String?, after: String?, loadID: LoadID?,
        draftID: UnitDraftID?, recordedBy: String
    ) {
        self.id = id
        self.unitID = unitID
        self.kind = kind
        self.at = at
        self.before = before
        self.after = after
        self.loadID = loadID
        self.draftID = draftID
        self.recordedBy = recordedBy
    }
}

extension UnitQueries {
    package func insert(_ events: [UnitEvent]) throws {
        let table: Statement =
            "unit_events (id, unit_id, kind, at, before_value, after_value, load_id, draft_id, recorded_by)"
        try tx.insert(into: table, events) { row, event in
            row.add(event.id)
            row.add(event.unitID)
            row.add(event.kind.rawValue)
            row.add(event.at)
            row.add(event.before)
            row.add(event.after)
            row.add(event.loadID)
            row.add(event.draftID)
            row.add(event.recordedBy)
        }
    }

    /// What happened to a unit, the latest first.
    package func events(of id: UnitID) throws -> [UnitEvent] {
        try tx.rows(
            """
            SELECT id, unit_id, kind, at, before_value, after_value, load_id, draft_id, recorded_by FROM unit_events
            WHERE unit_id = \(id) ORDER BY at DESC, id DESC
            """
        ).map { row in
            UnitEvent(
                id: try row.id(0), unitID: try row.id(1), kind: try row.value(2), at: try row.time(3),
                before: try row.optionalText(4), after: try row.optionalText(5), loadID: try row.optionalID(6),
                draftID: try row.optionalID(7), recordedBy: try row.text(8))
        }
    }

    /// How many people are in each unit.
    package func peopleCounts() throws -> [UnitID: Int64] {
        try Dictionary(
            tx.rows("SELECT unit_id, COUNT(*) FROM people WHERE unit_id IS NOT NULL GROUP BY unit_id")
                .map { (try $0.id(0), try $0.integer(1)) }
        ) { first, _ in first }
    }

    /// How many people work in each unit of a subtree.
    package func peopleCounts(under path: String) throws -> [UnitID: Int64] {
        try Dictionary(
            tx.rows(
                """
                SELECT units.id, COUNT(*) FROM units CROSS JOIN people
                WHERE \(fragment: Self.isUnder(path, "units")) AND people.unit_id = units.id GROUP BY units.id
                """
            ).map { (try $0.id(0), try $0.integer(1)) }
        ) { first, _ in first }
    }

    /// Sends everybody of a unit to another one.
    /// - Returns: how many they are.
    package func movePeople(from old: UnitID, to new: UnitID, at now: Timestamp) throws -> Int {
        try tx.run("UPDATE people SET unit_id = \(new), updated_at = \(now) WHERE unit_id = \(old)")
    }

    /// Ends what people hold in units that are closed.
    /// - Returns: how many appointments these were.
    package func endAppointments(
        in units: [UnitID], validTo: Timestamp, at now: Timestamp, by actor: String
    ) throws -> Int {
        var count = 0
        for unit in units {
            count += try tx.run(
                """
                UPDATE appointments SET valid_to = CASE WHEN valid_from > \(validTo) THEN valid_from ELSE \(validTo) END,
                ended_at = \(now), ended_by = \(actor)
                WHERE unit_id = \(unit) AND (valid_to IS NULL OR valid_to > \(validTo))
                """)
        }
        return count
    }

    /// Units that were closed, the latest first.
    package func listPast(limit: Int64) throws -> [Unit] {
        try tx.rows(
            """
            SELECT \(fragment: Self.prefixedColumns) FROM units WHERE valid_to IS NOT NULL ORDER BY valid_to DESC, id LIMIT \(limit)
            """
        ).map { try Self.unit($0) }
    }
}
