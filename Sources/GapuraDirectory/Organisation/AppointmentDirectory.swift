package import GapuraFormats
package import GapuraStore

/// Appointments as they are written: each function is one step inside the caller's transaction and writes its own audit
/// rows.
package struct AppointmentDirectory {
    private let tx: Transaction
    private let actor: Actor
    private let calendar: CityCalendar
    private let now: Timestamp

    package init(_ tx: Transaction, calendar: CityCalendar, by actor: Actor, at now: Timestamp) {
        self.tx = tx
        self.actor = actor
        self.calendar = calendar
        self.now = now
    }

    /// Judges requests one after another. Changes nothing.
    package func judge(_ requests: [AppointmentRequest]) throws -> [AppointmentOutcome] {
        var book = try AppointmentBook(for: requests, in: tx, calendar: calendar, by: actor, at: now)
        return requests.map { book.judge($0) }
    }

    /// Judges requests, and writes those that are good.
    /// - Parameter fileDigest: of the file they come from.
    package func add(_ requests: [AppointmentRequest], fileDigest: String? = nil) throws -> [AppointmentOutcome] {
        let outcomes = try judge(requests)
        let new = outcomes.compactMap { outcome -> Appointment? in
            if case .new(let appointment) = outcome.verdict { appointment } else { nil }
        }
        try tx.appointments.insert(new)
        let entries = new.map { appointment in
            var detail = self.detail(appointment)
            detail["file_digest"] = fileDigest.map { .string($0) }
            return AuditEntry(.appointmentAdded, subject: appointment.id.text, detail: detail)
        }
        try tx.record(entries, by: actor, at: now)
        return outcomes
    }

    /// Ends an appointment with a day, before its time. A day before its first takes it back: it never holds.
    /// The same call again changes nothing.
    package func end(_ id: AppointmentID, on day: CalendarDate) throws -> Appointment {
        guard var appointment = try tx.appointments.find(id) else {
            throw DirectoryError(
                .notFound, "There is no such appointment; see `gapura appointment list`.",
                id: "Tidak ada penugasan itu; lihat `gapura appointment list`."
            )
        }
        let end = max(calendar.end(of: day), appointment.validFrom)
        if appointment.endedAt != nil, appointment.validTo == end { return appointment }
        if let known = appointment.validTo, end >= known {
            throw DirectoryError(
                .conflict, "It ends on \(calendar.lastDay(before: known)?.iso8601 ?? "an earlier day") already.",
                id: "Penugasan ini sudah berakhir pada \(calendar.lastDay(before: known)?.iso8601 ?? "hari lain")."
            )
        }
        try tx.appointments.end(id, validTo: end, at: now, by: actor.text)
        let before = appointment.validTo
        appointment.validTo = end
        appointment.endedAt = now
        appointment.endedBy = actor.text
        var detail = self.detail(appointment)
        detail["before"] = before.map { .integer($0.milliseconds) } ?? .null
        try tx.record(.appointmentEnded, by: actor, subject: id.text, detail: detail, at: now)
        return appointment
    }

    /// Opaque ids, our own words and moments.
    private func detail(_ appointment: Appointment) -> JSONObject {
        [
            "kind": .string(appointment.kind.rawValue), "person": .string(appointment.personID.text),
            "unit": .string(appointment.unitID.text), "from": .integer(appointment.validFrom.milliseconds),
            "to": appointment.validTo.map { .integer($0.milliseconds) } ?? .null,
        ]
    }
}
