package import GapuraFormats

extension Transaction {
    package var standing: StandingQueries { StandingQueries(tx: self) }
}

/// An appointment of today with its unit and its holder.
package struct HeldAppointment: Sendable, Equatable {
    package var appointment: Appointment
    package var unitName: String
    package var unitSourceID: String
    package var unitEchelon: String?
    /// Whether its post is the head post of its unit.
    package var isHead: Bool
    package var holder: PostHolder
}

/// A unit's head as personnel data has it, and who it is if that is anybody.
package struct UnitHead: Sendable, Equatable {
    package var unitID: UnitID
    package var holder: PostHolder?
}

/// Somebody who has to have a manager.
package struct ManagedPerson: Sendable, Equatable {
    package var id: PersonID
    package var name: String
    package var pnsID: String?
    package var unitID: UnitID?
}

/// All SQL about who leads what today, and about `manager_overrides`.
package struct StandingQueries {
    let tx: Transaction

    private static let holder: Statement = "accounts.sub, accounts.state, accounts.ends_at"

    private static let held: Statement =
        """
        SELECT \(fragment: AppointmentQueries.columns), units.name, units.source_id, units.echelon, units.post_name, \(fragment: holder)
        FROM appointments JOIN units ON units.id = appointments.unit_id LEFT JOIN accounts ON accounts.person_id = appointments.person_id
        """

    // MARK: One person

    /// What a person holds at a moment, and who acts in the units of a path, in one statement.
    package func appointments(
        of personID: PersonID, on path: [UnitID], at now: Timestamp
    ) throws -> [HeldAppointment] {
        try tx.rows(
            """
            \(fragment: Self.held)
            WHERE (appointments.person_id = \(personID)
            OR (appointments.unit_id IN \(list: path) AND appointments.kind IN \(list: Appointment.Kind.acting)))
            AND appointments.valid_from <= \(now) AND (appointments.valid_to IS NULL OR appointments.valid_to > \(now))
            """
        ).map(Self.heldAppointment)
    }

    /// The heads of the units of a path and the manager that was named for a person, in one statement.
    package func leaders(
        on path: [UnitID], of personID: PersonID
    ) throws -> (heads: [UnitHead], named: PostHolder?) {
        let rows = try tx.rows(
            """
            SELECT units.id, people.id, \(fragment: Self.holder) FROM units JOIN people ON people.pns_id = units.head_pns_id
            LEFT JOIN accounts ON accounts.person_id = people.id WHERE units.id IN \(list: path) AND units.valid_to IS NULL
            UNION ALL
            SELECT '', manager_overrides.manager_id, \(fragment: Self.holder) FROM manager_overrides
            LEFT JOIN accounts ON accounts.person_id = manager_overrides.manager_id WHERE manager_overrides.person_id = \(personID)
            """
        )
        var heads: [UnitHead] = []
        var named: PostHolder?
        for row in rows {
            let holder = try Self.postHolder(row, try row.id(1), from: 2)
            if try row.text(0).isEmpty {
                named = holder
            } else {
                heads.append(UnitHead(unitID: try row.id(0), holder: holder))
            }
        }
        return (heads, named)
    }

    // MARK: Everybody

    /// Who acts at a moment, in every unit.
    package func acting(at now: Timestamp) throws -> [HeldAppointment] {
        try tx.rows(
            """
            \(fragment: Self.held) WHERE appointments.kind IN \(list: Appointment.Kind.acting)
            AND appointments.valid_from <= \(now) AND (appointments.valid_to IS NULL OR appointments.valid_to > \(now))
            """
        ).map(Self.heldAppointment)
    }

    /// The heads of all current units.
    package func heads() throws -> [UnitHead] {
        try tx.rows(
            """
            SELECT units.id, people.id, \(fragment: Self.holder) FROM units JOIN people ON people.pns_id = units.head_pns_id
            LEFT JOIN accounts ON accounts.person_id = people.id WHERE units.valid_to IS NULL
            """
        ).map { row in UnitHead(unitID: try row.id(0), holder: try Self.postHolder(row, try row.id(1), from: 2)) }
    }

    /// Every manager that was named by hand.
    package func overrides() throws -> [PersonID: PostHolder] {
        let rows = try tx.rows(
            """
            SELECT manager_overrides.person_id, manager_overrides.manager_id, \(fragment: Self.holder) FROM manager_overrides
            LEFT JOIN accounts ON accounts.person_id = manager_overrides.manager_id
            """
        )
        return try Dictionary(
            rows.map { (try $0.id(0), try Self.postHolder($0, try $0.id(1), from: 2)) }
        ) { first, _ in first }
    }

    /// Everybody with an account that is not closed, one by one.
    package func eachInService(at now: Timestamp, _ body: (ManagedPerson) throws -> Void) throws {
        try tx.stream(
            """
            SELECT people.id, people.name, people.front_title, people.back_title, people.pns_id, people.unit_id
            FROM people JOIN accounts ON accounts.person_id = people.id
            WHERE accounts.state <> 'nonaktif' AND (accounts.ends_at IS NULL OR accounts.ends_at > \(now)) AND people.works_here = 1
            """
        ) { row in
            try body(
                ManagedPerson(
                    id: try row.id(0),
                    name: fullName(
                        try row.text(1), front: try row.optionalText(2), back: try row.optionalText(3)),
                    pnsID: try row.optionalText(4), unitID: try row.optionalID(5)))
        }
    }

    // MARK: Named by hand

    package func override(of personID: PersonID) throws -> ManagerOverride? {
        try tx.first(
            "SELECT person_id, manager_id, set_at, set_by FROM manager_overrides WHERE person_id = \(personID)"
        ).map {
            ManagerOverride(
                personID: try $0.id(0), managerID: try $0.id(1), setAt: try $0.time(2), setBy: try $0.text(3))
        }
    }

    package func setOverride(_ override: ManagerOverride) throws {
        try tx.run(
            """
            INSERT INTO manager_overrides (person_id, manager_id, set_at, set_by)
            VALUES (\(override.personID), \(override.managerID), \(override.setAt), \(override.setBy))
            ON CONFLICT (person_id) DO UPDATE SET manager_id = excluded.manager_id, set_at = excluded.set_at, set_by = excluded.set_by
            """
        )
    }

    /// - Returns: whether there was one.
    package func clearOverride(of personID: PersonID) throws -> Bool {
        try tx.run("DELETE FROM manager_overrides WHERE person_id = \(personID)") > 0
    }

    // MARK: Rows

    private static func heldAppointment(_ row: Row) throws -> HeldAppointment {
        let next = AppointmentQueries.columnCount
        let appointment = try AppointmentQueries.read(row)
        return HeldAppointment(
            appointment: appointment, unitName: try row.text(next), unitSourceID: try row.text(next + 1),
            unitEchelon: try row.optionalText(next + 2),
            isHead: try row.optionalText(next + 3).map { spacedNameKey($0).isExactly(appointment.postKey) } ?? false,
            holder: try postHolder(row, appointment.personID, from: next + 4)
        )
    }

    private static func postHolder(_ row: Row, _ personID: PersonID, from start: Int) throws -> PostHolder {
        PostHolder(
            personID: personID, sub: try row.optionalText(start),
            state: try row.optionalText(start + 1) == nil ? nil : row.value(start + 1),
            endsAt: try row.optionalTime(start + 2)
        )
    }
}
