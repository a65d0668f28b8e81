import GapuraDirectory
import GapuraFormats
import GapuraStore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Loads of personnel data: shown first, applied on demand, taken back.
enum PersonnelOperations {
    static let all = [load, push, list, show, undo, bin]

    private static let load = Operation(
        "personnel.load",
        PersonnelOrigins.members + ["apply", "confirm_vanished", "findings", "changes", "complete"], .console
    ) { arguments, context in
        let order = try LoadOrder(arguments)
        let lists = try PreviewLists(
            findings: arguments.optionalText("findings"), changes: arguments.optionalText("changes"))
        let origins = try PersonnelOrigins(arguments)
        return try await carryOut(order, people: origins.people, units: origins.units, .everybody, lists, context)
    }

    /// People, and units where they are given, that another program delivers: JSON objects whose members are the columns
    /// of a profile.
    private static let push = Operation(
        "personnel.push",
        ["coverage", "people", "units", "name", "profile", "profile_text", "apply", "confirm_vanished", "complete"],
        .needs(.loadsRun)
    ) { arguments, context in
        let order = try LoadOrder(arguments)
        guard let coverage = try arguments.optionalWord("coverage", PersonnelCoverage.self) else {
            throw OperationError(
                .invalid,
                "Say coverage: everybody if whoever is not in people has left the city, listed if these are some of them.",
                id:
                    "Sebutkan coverage: everybody jika yang tidak disebut telah keluar, listed jika hanya sebagian orang."
            )
        }
        let profile = try PersonnelOrigins.profile(arguments) ?? .siasnText
        let name = try arguments.optionalText("name").map(ApplicationOperations.name) ?? "push"
        func origin(_ member: String) throws -> PersonnelObjectsOrigin? {
            guard arguments.has(member) else { return nil }
            let rows = try arguments.objects(member, atMost: 20_000)
            guard !rows.isEmpty else {
                throw OperationError(.invalid, "\(member) is empty.", id: "\(member) kosong.")
            }
            return PersonnelObjectsOrigin(rows, name: name, profile: profile)
        }
        guard let people = try origin("people") else {
            throw OperationError(.invalid, "people is missing.", id: "people belum diisi.")
        }
        return try await carryOut(order, people: people, units: origin("units"), coverage, nil, context)
    }

    /// Plans a load and shows it; applies it where that is asked.
    private static func carryOut(
        _ order: LoadOrder, people: any PersonnelOrigin, units: (any PersonnelOrigin)?, _ coverage: PersonnelCoverage,
        _ lists: PreviewLists?, _ context: OperationContext
    ) async throws -> JSONValue {
        var options = try options(context.settings)
        if context.settings.loadNIK { options.identities = context.services.secrets.identities }
        let run = PersonnelRun(store: context.services.store, options: options)
        let now = context.now
        context.progress(0.1, "comparing")
        let plan = try await run.plan(people: people, units: units, now: now, coverage: coverage)
        let holdings = try await run.holdings(plan, now: now)
        var json = PlanJSON.make(plan, holdings, options, isComplete: order.isComplete)
        json["applied"] = false
        // Before anything is changed: a list that cannot be written is an error of a load that did nothing.
        try lists?.write(plan, holdings, options.calendar)
        for (member, name) in lists?.members ?? [] { json[member] = .string(name) }
        guard order.applies else { return .object(json) }
        let progress = context.progress
        do {
            let outcome = try await run.apply(
                plan, confirmed: order.confirmed, by: context.actor, now: now, with: companion(context)
            ) { share in progress(0.4 + 0.6 * share, "writing") }
            switch outcome {
            case .applied(let id):
                json["applied"] = true
                json["load"] = .string(id.text)
            case .alreadyApplied:
                json["already_applied"] = true
            }
        } catch {
            // The command is given again, with these names.
            lists?.remove()
            throw error
        }
        return .object(json)
    }

    private static let list = Operation("personnel.list", ["after", "limit"], .needs(.loadsRead)) {
        arguments, context in
        let limit = try arguments.optionalInteger("limit", 1...10_000) ?? 20
        let after: LoadID? = try arguments.optionalID("after")
        return try await context.store.read { tx in
            let found = try tx.loads.list(after: after, limit: limit + 1)
            return [
                "loads": .array(found.prefix(Int(limit)).map { .object(LoadJSON.make($0)) }),
                "more": .bool(Int64(found.count) > limit),
            ]
        }
    }

    private static let show = Operation("personnel.show", ["load"], .needs(.loadsRead)) { arguments, context in
        let id = try arguments.optionalText("load")
        return try await context.store.read { tx in
            let load = try id.map { id in try LoadID(id).flatMap { try tx.loads.find($0) } } ?? tx.loads.latest()
            guard let load else { throw unknown }
            var json = LoadJSON.make(load)
            json["findings"] = .array(
                try tx.loads.findings(of: load.id).map { finding in
                    let words = words(finding)
                    return [
                        "row": .integer(finding.rowNumber), "outcome": .string(finding.outcome.rawValue),
                        "reason": .string(finding.reason),
                        "pns_id": .text(finding.pnsID), "message": .text(words?.english),
                        "pesan": .text(words?.indonesian),
                    ]
                }
            )
            return .object(json)
        }
    }

    private static func words(_ finding: LoadFinding) -> (indonesian: String, english: String)? {
        if finding.outcome == .left {
            return UndoLeft.Reason(rawValue: finding.reason).map { ($0.indonesian, $0.english) }
        }
        return PersonnelReason(rawValue: finding.reason).map { ($0.indonesian, $0.english) }
    }

    private static let undo = Operation(
        "personnel.undo", ["load", "preview", "confirm_vanished"], .needs(.loadsRun)
    ) { arguments, context in
        guard let id = LoadID(try arguments.text("load")) else { throw unknown }
        let confirmed = try arguments.optionalInteger("confirm_vanished", 0...100_000_000).map { Int($0) }
        let undo = PersonnelUndo(store: context.services.store, options: try options(context.settings))
        if try arguments.flag("preview") {
            return .object(UndoJSON.make(try await undo.preview(id, now: context.now)))
        }
        do {
            let report = try await undo.run(
                id, confirmed: confirmed, by: context.actor, now: context.now, with: companion(context))
            return .object(UndoJSON.make(report))
        } catch UndoRefusal.undoneAlready(let earlier) {
            return ["load": .string(id.text), "undo": .string(earlier.text), "already_undone": true]
        }
    }

    private static let bin = Operation("personnel.bin", ["limit"], .needs(.loadsRead)) { arguments, context in
        let limit = try arguments.optionalInteger("limit", 1...100_000) ?? 100
        let now = context.now
        return try await context.store.read { tx in
            let listed = try tx.bin.list(at: now, limit: limit).map { item -> JSONValue in
                [
                    "account": .string(item.entry.accountID.text), "name": .text(item.name),
                    "pns_id": .text(item.pnsID), "state": .string(item.state.rawValue),
                    "state_before": .string(item.entry.stateBefore.rawValue),
                    "reason": .string(item.entry.reason.rawValue), "load": .string(item.entry.loadID.text),
                    "since": .time(item.entry.enteredAt), "until": .time(item.entry.until),
                ]
            }
            return ["accounts": .array(listed)]
        }
    }

    private static var unknown: OperationError {
        OperationError(
            .notFound, "There is no such load; see `gapura personnel loads`.",
            id: "Tidak ada muatan itu; lihat `gapura personnel loads`.")
    }

    /// What the transaction of a load begins with, as that of any operation.
    static func companion(_ context: OperationContext) -> PersonnelCompanion {
        let store = context.store
        return PersonnelCompanion(before: { try store.begin(in: $0) })
    }

    /// The settings that concern loads.
    static func options(_ settings: GatewaySettings) throws -> PersonnelOptions {
        var options = PersonnelOptions()
        options.allowsFixtureYears = settings.acceptsFixtures
        options.stopShare = Double(settings.loadStopShare) / 100
        options.needsSecondAdmin = settings.loadSecondAdmin
        options.graceDays = Int64(settings.vanishedGraceDays)
        options.binDays = Int64(settings.recycleBinDays)
        options.calendar = CityCalendar(timeZone: settings.timeZone)
        do {
            options.states = try AccountStateTable(overrides: settings.accountStates)
        } catch {
            throw OperationError(
                .invalid, "The setting account_states: \(error)", id: "Pengaturan account_states tidak sah: \(error)")
        }
        return options
    }
}

/// What is wanted of a load: shown or applied, and how much of it is told.
private struct LoadOrder {
    let applies: Bool
    /// How many accounts may lose their sign-in, where that is many.
    let confirmed: Int?
    /// Everybody whom the load changes is told, and not only the first.
    let isComplete: Bool

    init(_ arguments: OperationArguments) throws {
        applies = try arguments.flag("apply")
        confirmed = try arguments.optionalInteger("confirm_vanished", 0...100_000_000).map { Int($0) }
        isComplete = try arguments.flag("complete")
    }
}

/// The lists that a preview leaves as files: what is wrong with the data, and what would change.
private struct PreviewLists {
    let findings: String?
    let changes: String?

    /// - Throws: `OperationError` if there is a file of either name, before the load is read.
    init(findings: String?, changes: String?) throws {
        self.findings = findings
        self.changes = changes
        if let findings, let changes, findings.isExactly(changes) {
            throw OperationError(
                .invalid, "The two lists need two names.", id: "Kedua daftar memerlukan dua nama berkas.")
        }
        for path in [findings, changes].compactMap({ $0 }) { try NewFile.checkFree(path) }
    }

    var members: [(String, String)] {
        [findings.map { ("findings_file", $0) }, changes.map { ("changes_file", $0) }].compactMap { $0 }
    }

    func write(_ plan: PersonnelPlan, _ holdings: AccountHoldings, _ calendar: CityCalendar) throws {
        if let findings {
            let file = try NewFile(findings)
            try file.write(plan.findingsCSV())
            try file.finish()
        }
        guard let changes else { return }
        do {
            let file = try NewFile(changes)
            try plan.changesCSV(holdings, day: { calendar.day(of: $0)?.iso8601 ?? "" }, file.write)
            try file.finish()
        } catch {
            if let findings { unlink(findings) }
            throw error
        }
    }

    func remove() {
        for path in [findings, changes].compactMap({ $0 }) { unlink(path) }
    }
}

/// A plan as operators see it: counts, every refused row, every warning, and who changes how.
enum PlanJSON {
    /// How many people are told of who wants a glance.
    static let glance = 20

    /// - Parameter isComplete: everybody whom the load changes, and not only the first.
    static func make(
        _ plan: PersonnelPlan, _ holdings: AccountHoldings, _ options: PersonnelOptions, isComplete: Bool
    ) -> JSONObject {
        var json: JSONObject = [
            "file": .string(plan.fileName), "source": .string(plan.source), "sha256": .string(plan.fileDigest),
            "repeated": .bool(plan.isRepeated), "counts": .object(plan.countsJSON),
            "rejected": .array(plan.rejected.map(finding)), "warnings": .array(plan.warnings.map(finding)),
            "vanished": .array(
                plan.vanished.map { ["pns_id": .string($0.pnsID), "state": .text($0.state?.rawValue)] }),
            "unknown_codes": .object(
                JSONObject(plan.unknownCodes.sorted { $0.key < $1.key }.map { ($0.key, .integer(Int64($0.value))) })),
        ]
        let changes = plan.stateChanges.map {
            (from: $0.key.from?.rawValue ?? "", to: $0.key.to.rawValue, count: $0.value)
        }
        json["state_changes"] = .array(
            changes.sorted { ($0.from, $0.to) < ($1.from, $1.to) }.map { change in
                [
                    "from": change.from.isEmpty ? .null : .string(change.from), "to": .string(change.to),
                    "accounts": .integer(Int64(change.count)),
                ]
            }
        )
        json["kinds"] = .object(
            JSONObject(plan.kindCounts.map { ($0.kind.rawValue, .integer(Int64($0.people))) }))
        let people = isComplete ? plan.changes(holdings) : plan.foremost(glance, holdings)
        json["changes"] = .array(people.map { change($0, options.calendar) })
        json["changes_complete"] = .bool(isComplete)
        json["ending_grants"] = .array(
            holdings.grants.map { grant in
                [
                    "id": .string(grant.id.text), "application": .string(grant.applicationSlug),
                    "role": .string(grant.role), "account": .string(grant.accountID.text),
                ]
            })
        json["units"] = .array(plan.units.changed.isEmpty && plan.units.added.isEmpty ? [] : units(plan))
        if let stop = plan.stop {
            json["stop"] = [
                "accounts": .integer(Int64(stop.accounts)), "active_accounts": .integer(Int64(stop.activeAccounts)),
                "second_admin": .bool(options.needsSecondAdmin),
            ]
        }
        return json
    }

    private static func change(_ change: PersonnelChange, _ calendar: CityCalendar) -> JSONValue {
        [
            "row": change.row.map { .integer(Int64($0)) } ?? .null, "pns_id": .text(change.pnsID),
            "nip": .text(change.nip), "name": .text(change.name),
            "changes": .array(change.kinds.map { .string($0.rawValue) }),
            "perubahan": .array(change.kinds.map { .string($0.indonesian) }),
            "account_before": .text(change.stateBefore?.rawValue), "account_after": .text(change.stateAfter?.rawValue),
            "sessions": .integer(Int64(change.sessions)), "token_families": .integer(Int64(change.tokens)),
            "grants": .integer(Int64(change.grants)),
            "unit_before": .text(change.unitBefore), "unit_after": .text(change.unitAfter),
            "effective": .text(change.effective.flatMap { calendar.day(of: $0)?.iso8601 }),
            "reason": .text(change.reason?.rawValue),
            "pesan": .text(change.reason?.indonesian),
        ]
    }

    private static func units(_ plan: PersonnelPlan) -> [JSONValue] {
        plan.units.added.map { ["id": .string($0.sourceID), "name": .string($0.name), "change": "added"] }
            + zip(plan.units.previous, plan.units.changed).map { old, new in
                [
                    "id": .string(new.sourceID), "name": .string(new.name), "name_before": .string(old.name),
                    "change": old.name.isExactly(new.name) ? "changed" : "renamed",
                ]
            }
    }

    private static func finding(_ finding: PersonnelFinding) -> JSONValue {
        [
            "row": .integer(Int64(finding.row)), "reason": .string(finding.reason.rawValue),
            "pns_id": .text(finding.pnsID),
            "message": .string(finding.reason.english), "pesan": .string(finding.reason.indonesian),
        ]
    }
}

/// An applied load as operators see it.
enum LoadJSON {
    static func make(_ load: Load) -> JSONObject {
        [
            "id": .string(load.id.text), "file": .string(load.fileName), "sha256": .string(load.fileDigest),
            "kind": .string(load.kind.rawValue), "undoes": .text(load.undoes?.text),
            "undone_by": .text(load.undoneBy?.text),
            "applied_at": .time(load.appliedAt),
            "actor": .string(load.actor),
            // Written by ourselves; a load whose counts cannot be read is still listed.
            "counts": (try? StrictJSON.parse(Array(load.counts.utf8))) ?? .null,
        ]
    }
}

/// What taking a load back did, or would do.
enum UndoJSON {
    static func make(_ report: UndoReport) -> JSONObject {
        var json: JSONObject = [
            "load": .string(report.load.text), "undo": .text(report.undo?.text),
            "restored": .object(report.countsJSON),
            "left": .array(
                report.left.map { left in
                    [
                        "entity": .string(left.entity.rawValue), "id": .string(left.entityID),
                        "pns_id": .text(left.pnsID), "name": .text(left.name),
                        "columns": .array(left.columns.map { .string($0) }), "reason": .string(left.reason.rawValue),
                        "message": .string(left.reason.english), "pesan": .string(left.reason.indonesian),
                    ]
                }),
        ]
        if let stop = report.stop, report.undo == nil {
            json["stop"] = [
                "accounts": .integer(Int64(stop.accounts)), "active_accounts": .integer(Int64(stop.activeAccounts)),
            ]
        }
        return json
    }
}
