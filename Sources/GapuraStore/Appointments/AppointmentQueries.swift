package import GapuraFormats

extension Transaction {
    package var appointments: AppointmentQueries { AppointmentQueries(tx: self) }
}

/// An appointment with the names that people read.
package struct PlacedAppointment: Sendable, Equatable {
    package var appointment: Appointment
    package var personName: String
    package var pnsID: String?
    package var unitName: String
    package var unitSourceID: String
}

/// All SQL about `appointments` by themselves; who acts for whom today is in `StandingQueries`.
package struct AppointmentQueries {
    let tx: Transaction

    static let columns: Statement =
        """
        appointments.id, appointments.person_id, appointments.unit_id, appointments.kind, appointments.post_name, appointments.letter_number,
        appointments.valid_from, appointments.valid_to, appointments.letter_to, appointments.recorded_at, appointments.recorded_by,
        appointments.ended_at, appointments.ended_by
        """
    static let columnCount = 13

    package func find(_ id: AppointmentID) throws -> Appointment? {
        try tx.first("SELECT \(fragment: Self.columns) FROM appointments WHERE id = \(id)").map { try Self.read($0) }
    }

    /// Everything that concerns some people or some units.
    package func list(of people: Set<PersonID>, in units: Set<UnitID>) throws -> [Appointment] {
        let rows =
            try tx.portions(of: people) {
                try tx.rows("SELECT \(fragment: Self.columns) FROM appointments WHERE person_id IN \(list: $0)")
            }
            + tx.portions(of: units) {
                try tx.rows("SELECT \(fragment: Self.columns) FROM appointments WHERE unit_id IN \(list: $0)")
            }
        var seen: Set<AppointmentID> = []
        return try rows.map { try Self.read($0) }.filter { seen.insert($0.id).inserted }
    }

    /// - Parameters:
    ///   - path: of a unit, whose subtree is listed.
    ///   - moment: only what holds then.
    ///   - after: goes on behind this one.
    package func list(
        of personID: PersonID?, under path: String?, at moment: Timestamp?, after: AppointmentID? = nil, limit: Int64
    ) throws -> [PlacedAppointment] {
        let isBehind: Statement =
            after.map {
                """
                (appointments.valid_from, appointments.id)
                < (SELECT that.valid_from, that.id FROM appointments that WHERE that.id = \($0))
                """
            } ?? "1 = 1"
        return try tx.rows(
            """
            SELECT \(fragment: Self.columns), people.name, people.front_title, people.back_title, people.pns_id, units.name, units.source_id
            FROM appointments JOIN people ON people.id = appointments.person_id JOIN units ON units.id = appointments.unit_id
            WHERE (\(personID) IS NULL OR appointments.person_id = \(personID))
            AND (\(path) IS NULL OR SUBSTR(units.path, 1, CAST(\(path?.utf8.count ?? 0) AS INTEGER)) = \(path))
            AND (\(moment) IS NULL OR (appointments.valid_from <= \(moment)
            AND (appointments.valid_to IS NULL OR appointments.valid_to > \(moment)))) AND \(fragment: isBehind)
            ORDER BY appointments.valid_from DESC, appointments.id DESC LIMIT \(limit)
            """
        ).map { row in
            let next = Self.columnCount
            return PlacedAppointment(
                appointment: try Self.read(row),
                personName: fullName(
                    try row.text(next), front: try row.optionalText(next + 1), back: try row.optionalText(next + 2)),
                pnsID: try row.optionalText(next + 3), unitName: try row.text(next + 4),
                unitSourceID: try row.text(next + 5)
            )
        }
    }

    package func insert(_ appointments: [Appointment]) throws {
        let table: Statement = """
            appointments (id, person_id, unit_id, kind, post_name, post_key, letter_number, letter_key, valid_from, valid_to, letter_to,
            recorded_at, recorded_by, ended_at, ended_by)
            """
        try tx.insert(into: table, appointments) { row, appointment in
            row.add(appointment.id)
            row.add(appointment.personID)
            row.add(appointment.unitID)
            row.add(appointment.kind.rawValue)
            row.add(appointment.postName)
            row.add(appointment.postKey)
            row.add(appointment.letterNumber)
            row.add(appointment.letterKey)
            row.add(appointment.validFrom)
            row.add(appointment.validTo)
            row.add(appointment.letterTo)
            row.add(appointment.recordedAt)
            row.add(appointment.recordedBy)
            row.add(appointment.endedAt)
            row.add(appointment.endedBy)
        }
    }

    /// Ends an appointment before its time.
    package func end(_ id: AppointmentID, validTo: Timestamp, at now: Timestamp, by actor: String) throws {
        try tx.run(
            """
            UPDATE appointments SET valid_to = \(validTo), ended_at = \(now), ended_by = \(actor) WHERE id = \(id)
            """
        )
    }

    /// Reads the columns above, beginning at a position of a longer select list.
    static func read(_ row: Row, from start: Int = 0) throws -> Appointment {
        Appointment(
            id: try row.id(start), personID: try row.id(start + 1), unitID: try row.id(start + 2),
            kind: try row.value(start + 3), postName: try row.text(start + 4), letterNumber: try row.text(start + 5),
            validFrom: try row.time(start + 6), validTo: try row.optionalTime(start + 7),
            letterTo: try row.optionalTime(start + 8), recordedAt: try row.time(start + 9),
            recordedBy: try row.text(start + 10), endedAt: try row.optionalTime(start + 11),
            endedBy: try row.optionalText(start + 12)
        )
    }
}

/// A name with its titles, as `Person.fullName` has it.
func fullName(_ name: String, front: String?, back: String?) -> String {
    (front.map { "\($0) " } ?? "") + name + (back.map { ", \($0)" } ?? "")
}

extension PersonQueries {
    /// Whose SIASN ids these are.
    package func ids(pnsIDs: some Collection<String>) throws -> [String: PersonID] {
        let rows = try tx.portions(of: pnsIDs) {
            try tx.rows("SELECT pns_id, id FROM people WHERE pns_id IN \(list: $0)")
        }
        return try Dictionary(rows.map { (try $0.text(0), try $0.id(1)) }) { first, _ in first }
    }

    /// Whose NIP or NI PPPK these are: today's, or else the one who had it last.
    package func ids(nips: some Collection<String>) throws -> [String: PersonID] {
        let rows = try tx.portions(of: nips) {
            try tx.rows(
                """
                SELECT value, person_id, valid_to FROM aliases WHERE value IN \(list: $0) AND kind IN ('nip', 'ni_pppk')
                """)
        }
        var latest: [String: (id: PersonID, until: Timestamp)] = [:]
        for row in rows {
            let (nip, until) = (try row.text(0), try row.optionalTime(2) ?? Timestamp(milliseconds: .max))
            if latest[nip].map({ $0.until < until }) ?? true { latest[nip] = (try row.id(1), until) }
        }
        return latest.mapValues(\.id)
    }
}

extension UnitQueries {
    /// Units by their ids in personnel data, past ones too.
    package func find(sourceIDs: some Collection<String>) throws -> [String: Unit] {
        let rows = try tx.portions(of: sourceIDs) {
            try tx.rows("SELECT \(fragment: Self.prefixedColumns) FROM units WHERE source_id IN \(list: $0)")
        }
        return try Dictionary(rows.map { try Self.unit($0) }.map { ($0.sourceID, $0) }) { first, _ in first }
    }
}
