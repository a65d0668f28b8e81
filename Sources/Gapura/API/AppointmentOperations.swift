import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Posts that people hold for a time: definitive ones, further duties, Plt, Plh, Pj.
enum AppointmentOperations {
    static let all = [load, add, list, end]

    /// Reads a list of letters, shows what each row would do, and writes the good ones on demand; refused rows are
    /// listed and stay out.
    private static let load = Operation("appointment.load", ["file", "apply"], .console) { arguments, context in
        let path = try arguments.text("file")
        let applies = try arguments.flag("apply")
        context.progress(0, "reading")
        let file = try PersonnelFile.open(path)
        let (requests, digest) = try await readLetters(file)
        context.progress(0.5, applies ? "writing" : "comparing")
        let (now, actor, calendar) = (context.now, context.actor, CityCalendar(timeZone: context.settings.timeZone))
        let body: @Sendable (Transaction) throws -> JSONObject = { tx in
            let directory = AppointmentDirectory(tx, calendar: calendar, by: actor, at: now)
            let outcomes =
                try applies ? directory.add(requests, fileDigest: digest) : directory.judge(requests)
            return try LettersJSON(calendar: calendar, at: now).outcomes(outcomes, requests, tx)
        }
        var json = try await applies ? context.store.write(body) : context.store.read(body)
        json["file"] = .string(file.name)
        json["sha256"] = .string(digest)
        json["applied"] = .bool(applies)
        return .object(json)
    }

    private static let add = Operation(
        "appointment.add", ["kind", "nip", "pns_id", "unit", "post", "from", "to", "letter"],
        .needs(.appointmentsChange)
    ) { arguments, context in
        var request = AppointmentRequest(
            kind: try arguments.text("kind"), pnsID: try arguments.optionalText("pns_id"),
            nip: try arguments.optionalText("nip"), unitSourceID: nil, postName: try arguments.optionalText("post"),
            start: WrittenDay(try arguments.text("from")), end: WrittenDay(try arguments.optionalText("to")),
            letterNumber: try arguments.text("letter")
        )
        let unitName = try arguments.text("unit")
        let (now, actor, calendar) = (context.now, context.actor, CityCalendar(timeZone: context.settings.timeZone))
        let wanted = request
        return try await context.store.write { tx in
            var request = wanted
            let unit = try UnitLookup.find(unitName, onlyAgencies: false, tx)
            request.unitSourceID = unit.sourceID
            request.postName = request.postName ?? unit.postName
            let directory = AppointmentDirectory(tx, calendar: calendar, by: actor, at: now)
            guard let outcome = try directory.add([request]).first else { return .null }
            let letters = LettersJSON(calendar: calendar, at: now)
            if case .refused(let reason, let other) = outcome.verdict {
                throw letters.error(reason, other)
            }
            return .object(try letters.outcome(outcome, tx))
        }
    }

    private static let list = Operation(
        "appointment.list", ["unit", "person", "on", "after", "limit"], .scoped(.appointmentsRead)
    ) { arguments, context in
        let unit = try arguments.optionalText("unit")
        let person = try arguments.optionalText("person")
        let calendar = CityCalendar(timeZone: context.settings.timeZone)
        let day = try arguments.optionalDay("on")
        let limit = try arguments.optionalInteger("limit", 1...100_000) ?? 1000
        let after: AppointmentID? = try arguments.optionalID("after")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.read { tx, authority in
            let personID = try person.map {
                try authority.person(ManagerDirectory(tx, by: actor, at: now).person($0), in: tx).id
            }
            let path =
                try unit.map { try UnitLookup.find($0, onlyAgencies: false, tx, within: authority).path }
                ?? authority.path
            let more = try tx.appointments.list(
                of: personID, under: path, at: day.map { calendar.start(of: $0) }, after: after, limit: limit + 1)
            let found = more.prefix(Int(limit))
            let numbers = try PersonNumbers(found.map(\.appointment.personID), tx)
            let letters = LettersJSON(calendar: calendar, at: now)
            return [
                "appointments": .array(
                    found.map { .object(letters.placed($0, nip: numbers[$0.appointment.personID])) }),
                "more": .bool(more.count > found.count),
            ]
        }
    }

    private static let end = Operation("appointment.end", ["id", "on"], .needs(.appointmentsChange)) {
        arguments, context in
        let text = try arguments.text("id")
        guard let day = try arguments.optionalDay("on") else {
            throw OperationError(.invalid, "on is missing.", id: "on belum diisi.")
        }
        let (now, actor, calendar) = (context.now, context.actor, CityCalendar(timeZone: context.settings.timeZone))
        return try await context.store.write { tx in
            guard let id = AppointmentID(text) else {
                throw OperationError(
                    .notFound, "That is no id of an appointment; see `gapura appointment list`.",
                    id: "Itu bukan id penugasan; lihat `gapura appointment list`.")
            }
            let ended = try AppointmentDirectory(tx, calendar: calendar, by: actor, at: now).end(id, on: day)
            return .object(LettersJSON(calendar: calendar, at: now).appointment(ended))
        }
    }

    /// The file's columns are BKPSDM's own: nobody exports them from SIASN.
    private static func readLetters(
        _ file: PersonnelFile
    ) async throws -> (requests: [AppointmentRequest], digest: String) {
        do {
            return try await file.readAppointments()
        } catch PersonnelSourceError.missingColumns(let names) {
            let list = names.joined(separator: ", ")
            throw OperationError(
                .invalid, "The file has no column \(list); a list of letters has \(columns).",
                id: "Berkas tidak memiliki kolom \(list); daftar surat penugasan memuat \(columns).")
        }
    }

    private static let columns = "jenis, pns_id, nip, unor_id, jabatan, mulai, selesai, nomor_surat"
}

/// The NIP or NI PPPK of today of many people, read at once.
struct PersonNumbers {
    private let numbers: [PersonID: String]

    init(_ people: [PersonID], _ tx: Transaction) throws {
        let aliases = try tx.people.currentNumbers(of: Set(people)).sorted { $0.validFrom < $1.validFrom }
        numbers = Dictionary(aliases.map { ($0.personID, $0.value) }) { _, last in last }
    }

    subscript(person: PersonID) -> String? { numbers[person] }
}

/// Appointments as operators see them.
struct LettersJSON {
    let calendar: CityCalendar
    let now: Timestamp

    init(calendar: CityCalendar, at now: Timestamp) {
        self.calendar = calendar
        self.now = now
    }

    func appointment(_ appointment: Appointment) -> JSONObject {
        [
            "id": .string(appointment.id.text), "kind": .string(appointment.kind.rawValue),
            "post": .string(appointment.postName), "letter": .string(appointment.letterNumber),
            "from": .day(calendar.day(of: appointment.validFrom)),
            "to": .day(appointment.validTo.flatMap { calendar.lastDay(before: $0) }),
            "state": .string(state(appointment)), "ended_at": .time(appointment.endedAt),
            "recorded_at": .time(appointment.recordedAt), "recorded_by": .string(appointment.recordedBy),
        ]
    }

    func placed(_ placed: PlacedAppointment, nip: String?) -> JSONObject {
        var json = appointment(placed.appointment)
        json["person"] = .string(placed.personName)
        json["nip"] = .text(nip)
        json["pns_id"] = .text(placed.pnsID)
        json["unit"] = .string(placed.unitName)
        json["unit_id"] = .string(placed.unitSourceID)
        return json
    }

    /// `berlaku`, `akan berlaku`, `berakhir`, or `dibatalkan` for one that never holds.
    private func state(_ appointment: Appointment) -> String {
        if let end = appointment.validTo, end <= appointment.validFrom { return "dibatalkan" }
        if appointment.holds(at: now) { return "berlaku" }
        return now < appointment.validFrom ? "akan berlaku" : "berakhir"
    }

    func outcome(_ outcome: AppointmentOutcome, _ tx: Transaction) throws -> JSONObject {
        guard let appointment = outcome.appointment else { return JSONObject() }
        var json = self.appointment(appointment)
        let person = try tx.people.find(appointment.personID)
        let unit = try tx.units.find(appointment.unitID)
        json["person"] = .text(person?.fullName)
        json["unit"] = .text(unit?.name)
        json["unit_id"] = .text(unit?.sourceID)
        if case .new = outcome.verdict { json["new"] = true } else { json["new"] = false }
        json["warnings"] = .array(outcome.warnings.map { .object(reason($0)) })
        return json
    }

    /// Counts, refused rows and rows to look at, of a file.
    func outcomes(
        _ outcomes: [AppointmentOutcome], _ requests: [AppointmentRequest], _ tx: Transaction
    ) throws -> JSONObject {
        var (new, present) = (0, 0)
        var refused: [JSONValue] = []
        var warned: [JSONValue] = []
        var accepted: [JSONValue] = []
        for (outcome, request) in zip(outcomes, requests) {
            var row: JSONObject = ["row": .integer(Int64(outcome.row)), "letter": .text(request.letterNumber)]
            switch outcome.verdict {
            case .new(let appointment):
                new += 1
                row["new"] = true
                row["kind"] = .string(appointment.kind.rawValue)
                row["post"] = .string(appointment.postName)
                row["from"] = .day(calendar.day(of: appointment.validFrom))
                row["to"] = .day(appointment.validTo.flatMap { calendar.lastDay(before: $0) })
                accepted.append(.object(row))
                for warning in outcome.warnings {
                    warned.append(.object(JSONObject(row.members + reason(warning).members)))
                }
            case .present: present += 1
            case .refused(let why, let other):
                var json = JSONObject(row.members + reason(why).members)
                json["other_letter"] = .text(other?.letterNumber)
                refused.append(.object(json))
            }
        }
        return [
            "rows": .integer(Int64(outcomes.count)), "new": .integer(Int64(new)), "present": .integer(Int64(present)),
            "refused": .integer(Int64(refused.count)), "accepted_rows": .array(accepted),
            "rejected": .array(refused), "warnings": .array(warned),
        ]
    }

    func error(_ reason: AppointmentReason, _ other: Appointment?) -> OperationError {
        let code: OperationError.Code =
            switch reason {
            case .personUnknown, .unitUnknown: .notFound
            case .postTaken, .overlapsOwn, .letterDiffers: .conflict
            case .pltTooLong, .unitClosed: .refused
            default: .invalid
            }
        let letter = other.map { " (\($0.letterNumber))" } ?? ""
        return OperationError(
            code, "\(reason.rawValue): \(reason.english)\(letter)",
            id: "\(reason.rawValue): \(reason.indonesian)\(letter)")
    }

    private func reason(_ reason: AppointmentReason) -> JSONObject {
        [
            "reason": .string(reason.rawValue), "message": .string(reason.english), "pesan": .string(reason.indonesian),
        ]
    }
}

extension JSONValue {
    /// A day of the city, or null.
    static func day(_ day: CalendarDate?) -> JSONValue {
        day.map { .string($0.iso8601) } ?? .null
    }
}

extension OperationArguments {
    /// A day such as `2026-12-31` or `31-12-2026`.
    func optionalDay(_ name: String) throws -> CalendarDate? {
        guard let text = try optionalText(name) else { return nil }
        guard let day = CalendarDate(text) else {
            throw OperationError(
                .invalid, "\(name) must be a day such as 2026-12-31.",
                id: "\(name) harus berupa tanggal seperti 2026-12-31.")
        }
        return day
    }
}
