import GapuraDirectory
import GapuraFormats
import GapuraStore

/// The organisation tree: what is, what was, and what is to come.
enum UnitOperations {
    static let all = [list, show, history, loadDraft, pushDraft, listDrafts, showDraft, cancelDraft]

    private static let list = Operation(
        "unit.list", ["agency", "search", "closed", "after", "limit"], .scoped(.unitsRead)
    ) { arguments, context in
        let agency = try arguments.optionalText("agency")
        let search = try arguments.optionalText("search").map(nameKey)
        let isClosed = try arguments.flag("closed")
        let limit = try arguments.optionalInteger("limit", 1...100_000) ?? 1000
        let after: UnitID? = try arguments.optionalID("after")
        return try await context.store.read { tx, authority in
            let path =
                try agency.map { try UnitLookup.find($0, onlyAgencies: true, tx, within: authority).path }
                ?? authority.path
            let units =
                isClosed
                ? try tx.units.listPast(limit: 100_000).filter { authority.includes(path: $0.path) }
                : try path.map(tx.units.list(under:)) ?? tx.units.list()
            let found = units.filter { unit in
                path.map { unit.path.utf8.starts(with: $0.utf8) } ?? true
                    && search.map { nameKey(unit.name).utf8.firstRange(of: $0.utf8) != nil } ?? true
            }
            var rest = found[...]
            if let after { rest = rest.drop { $0.id != after }.dropFirst() }
            let counts = try path.map(tx.units.peopleCounts(under:)) ?? tx.units.peopleCounts()
            return [
                "matching": .integer(Int64(found.count)), "more": .bool(rest.count > limit),
                "units": .array(
                    rest.prefix(Int(limit)).map { unit in
                        .object(UnitJSON.make(unit).adding("people", .integer(counts[unit.id] ?? 0)))
                    }),
            ]
        }
    }

    private static let show = Operation(showing: "unit.show", ["unit"], .scoped(.unitsRead)) {
        arguments, context, tx, authority in
        let (now, calendar) = (context.now, CityCalendar(timeZone: context.settings.timeZone))
        let unit = try UnitJSON.find(arguments.text("unit"), tx, within: authority)
        var json = UnitJSON.make(unit)
        json["parent"] = .text(try unit.parentID.flatMap { try tx.units.find($0)?.name })
        json["agency"] = .text(try unit.agencyID.flatMap { try tx.units.find($0)?.name })
        let head = try unit.headPNSID.flatMap { try tx.people.find(pnsID: $0) }
        json["head"] = .text(head?.fullName)
        json["head_nip"] = .text(try head.flatMap { try tx.people.currentNIP(of: $0.id) })
        json["people"] = .integer(try tx.units.peopleCounts(under: unit.path)[unit.id] ?? 0)
        let acting = try tx.appointments.list(of: nil, under: unit.path, at: now, limit: 1000)
            .filter { $0.appointment.unitID == unit.id && $0.appointment.kind.isActing }
        let numbers = try PersonNumbers(acting.map(\.appointment.personID), tx)
        let letters = LettersJSON(calendar: calendar, at: now)
        json["acting"] = .array(
            acting.map { .object(letters.placed($0, nip: numbers[$0.appointment.personID])) })
        return json
    }

    private static let history = Operation("unit.history", ["unit"], .scoped(.unitsRead)) { arguments, context in
        let name = try arguments.text("unit")
        return try await context.store.read { tx, authority in
            let unit = try UnitJSON.find(name, tx, within: authority)
            let events = try tx.units.events(of: unit.id)
            let others = Set(
                events.flatMap { [$0.before, $0.after] }.compactMap { $0.flatMap { UnitID($0) } })
            let names = Dictionary(try tx.units.list(others).map { ($0.id, $0.name) }) { first, _ in first }
            func named(_ event: UnitEvent, _ value: String?) -> JSONValue {
                // Moves and merges name units by their keys.
                .text(value.map { UnitID($0).flatMap { names[$0] } ?? $0 })
            }
            return [
                "unit": .object(UnitJSON.make(unit)),
                "events": .array(
                    events.map { event in
                        [
                            "kind": .string(event.kind.rawValue), "at": .time(event.at),
                            "before": named(event, event.before), "after": named(event, event.after),
                            "load": .text(event.loadID?.text), "draft": .text(event.draftID?.text),
                            "by": .string(event.recordedBy),
                        ]
                    }),
            ]
        }
    }

    // MARK: Drafts

    /// Keeps a tree for a day to come, and shows what it would do.
    private static let loadDraft = Operation(
        "unit.draft-load", ["file", "on", "merges", "confirm_closed"], .console
    ) { arguments, context in
        try await keepDraft(PersonnelFile.open(arguments.text("file")), arguments, context)
    }

    /// The same of rows that another program sends.
    private static let pushDraft = Operation(
        "unit.draft-push", ["units", "name", "profile", "profile_text", "on", "merges", "confirm_closed"],
        .needs(.unitsChange)
    ) { arguments, context in
        let profile = try PersonnelOrigins.profile(arguments) ?? .siasnText
        let name = try arguments.optionalText("name").map(ApplicationOperations.name) ?? "push"
        let rows = try arguments.objects("units", atMost: 20_000)
        return try await keepDraft(PersonnelObjectsOrigin(rows, name: name, profile: profile), arguments, context)
    }

    private static func keepDraft(
        _ origin: some PersonnelOrigin, _ arguments: OperationArguments, _ context: OperationContext
    ) async throws -> JSONValue {
        guard let day = try arguments.optionalDay("on") else {
            throw OperationError(.invalid, "on is missing.", id: "on belum diisi.")
        }
        let merges = try merges(arguments.texts("merges"))
        let confirmed = try arguments.optionalInteger("confirm_closed", 0...1_000_000)
        let calendar = CityCalendar(timeZone: context.settings.timeZone)
        let (rows, digest) = try await origin.readDraft()
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let (draft, plan, isNew) = try UnitDraftDirectory(tx, by: actor, at: now).add(
                rows, fileName: origin.name, fileDigest: digest, effectiveAt: calendar.start(of: day), merges: merges,
                confirmed: confirmed)
            return .object(try UnitJSON.draft(draft, plan, calendar, tx).adding("new", .bool(isNew)))
        }
    }

    private static let listDrafts = Operation("unit.draft-list", .needs(.unitsRead)) { _, context in
        let calendar = CityCalendar(timeZone: context.settings.timeZone)
        return try await context.store.read { tx in
            [
                "drafts": .array(
                    try tx.unitDrafts.list(limit: 1000).map { .object(UnitJSON.draft($0, calendar)) })
            ]
        }
    }

    /// What a draft would do today; the one that comes first if none is named.
    private static let showDraft = Operation("unit.draft-show", ["draft"], .needs(.unitsRead)) { arguments, context in
        let text = try arguments.optionalText("draft")
        let (now, actor, calendar) = (context.now, context.actor, CityCalendar(timeZone: context.settings.timeZone))
        return try await context.store.read { tx in
            let directory = UnitDraftDirectory(tx, by: actor, at: now)
            let waiting = try tx.unitDrafts.list(limit: 1000).last { $0.state == .waiting }
            guard let draft = try text.map({ try directory.get($0) }) ?? waiting else {
                throw OperationError(.notFound, "No draft waits.", id: "Tidak ada rancangan yang menunggu.")
            }
            // Of an applied one the tree no longer differs.
            guard draft.state == .waiting else { return .object(UnitJSON.draft(draft, calendar)) }
            return .object(try UnitJSON.draft(draft, directory.plan(draft), calendar, tx))
        }
    }

    private static let cancelDraft = Operation("unit.draft-cancel", ["draft"], .needs(.unitsChange)) {
        arguments, context in
        let text = try arguments.text("draft")
        let (now, actor, calendar) = (context.now, context.actor, CityCalendar(timeZone: context.settings.timeZone))
        return try await context.store.write { tx in
            let directory = UnitDraftDirectory(tx, by: actor, at: now)
            let draft = try directory.get(text)
            try directory.cancel(draft)
            return .object(UnitJSON.draft(try tx.unitDrafts.find(draft.id) ?? draft, calendar))
        }
    }

    /// `OLD=NEW`, ids of personnel data.
    private static func merges(_ texts: [String]) throws -> [String: String] {
        var merges: [String: String] = [:]
        for text in texts {
            let parts = text.utf8.split(separator: UInt8(ascii: "="), omittingEmptySubsequences: false)
                .map { String(Substring($0)) }
            guard parts.count == 2, let old = parts.first, let new = parts.last, !old.isEmpty, !new.isEmpty,
                merges.updateValue(new, forKey: old) == nil
            else {
                throw OperationError(
                    .invalid, "A merge is OLD=NEW, each old unit once, by their ids in personnel data.",
                    id: "Penggabungan ditulis LAMA=BARU dengan id unor, setiap unit lama satu kali.")
            }
        }
        return merges
    }
}

/// Units and drafts as operators see them.
private enum UnitJSON {
    static func make(_ unit: Unit) -> JSONObject {
        [
            "id": .string(unit.id.text), "source_id": .string(unit.sourceID), "name": .string(unit.name),
            "kind": .text(unit.kind), "post": .text(unit.postName), "head_pns_id": .text(unit.headPNSID),
            "depth": .integer(Int64(unit.path.utf8.count { $0 == UInt8(ascii: "/") } - 1)),
            "since": .time(unit.validFrom), "closed_at": .time(unit.validTo),
        ]
    }

    /// By id also one that was closed.
    static func find(_ text: String, _ tx: Transaction, within authority: Authority) throws -> Unit {
        if let unit = try UnitID(text).flatMap({ try tx.units.find($0) }) ?? tx.units.find(sourceID: text),
            authority.includes(path: unit.path)
        {
            return unit
        }
        return try UnitLookup.find(text, onlyAgencies: false, tx, within: authority)
    }

    static func draft(_ draft: UnitDraft, _ calendar: CityCalendar) -> JSONObject {
        [
            "draft": .string(draft.id.text), "file": .string(draft.fileName), "sha256": .string(draft.fileDigest),
            "on": .day(calendar.day(of: draft.effectiveAt)), "state": .string(draft.state.rawValue),
            "recorded_at": .time(draft.recordedAt), "recorded_by": .string(draft.recordedBy),
            "decided_at": .time(draft.decidedAt),
        ]
    }

    static func draft(
        _ draft: UnitDraft, _ plan: UnitDraftPlan, _ calendar: CityCalendar, _ tx: Transaction
    ) throws -> JSONObject {
        var json = self.draft(draft, calendar)
        let parents = Set(plan.moved.flatMap { [$0.before.parentID, $0.unit.parentID] }.compactMap { $0 })
        var names = Dictionary(try tx.units.list(parents).map { ($0.id, $0.name) }) { first, _ in first }
        for unit in plan.added { names[unit.id] = unit.name }
        func line(_ unit: Unit) -> JSONObject { ["source_id": .string(unit.sourceID), "name": .string(unit.name)] }
        json["added"] = .array(plan.added.map { .object(line($0)) })
        json["renamed"] = .array(
            plan.renamed.map { .object(line($0.unit).adding("before", .string($0.before.name))) })
        json["moved"] = .array(
            plan.moved.map { change in
                .object(
                    line(change.unit).adding("from", .text(change.before.parentID.flatMap { names[$0] }))
                        .adding("to", .text(change.unit.parentID.flatMap { names[$0] })))
            })
        json["closed"] = .array(
            plan.closed.map { closing in
                .object(
                    line(closing.unit).adding("into", .text(closing.successor?.name))
                        .adding("people", .integer(closing.people)))
            })
        json["people"] = .integer(plan.people)
        json["stranded"] = .integer(plan.stranded)
        return json
    }
}
