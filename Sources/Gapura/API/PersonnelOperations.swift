import GapuraDirectory
import GapuraFormats
import GapuraStore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Loads of personnel data: shown first, applied on demand.
enum PersonnelOperations {
    static let all = [load, list, show]

    private static let load = Operation(
        "personnel.load", ["file", "units", "apply", "confirm_vanished", "findings"]
    ) { arguments, context in
        let path = try arguments.text("file")
        let unitsPath = try arguments.optionalText("units")
        let applies = try arguments.flag("apply")
        let confirmed = try arguments.optionalInteger("confirm_vanished", 0...100_000_000).map { Int($0) }
        let findings = try arguments.optionalText("findings")
        if let findings { try FindingsFile.checkFree(findings) }
        context.progress(0, "reading")
        let file = try PersonnelFile.open(path)
        let units = try unitsPath.map { path throws(PersonnelSourceError) in try PersonnelFile.open(path) }
        let run = PersonnelRun(store: context.store, options: try options(context.settings))
        let now = context.now
        context.progress(0.1, "comparing")
        let plan = try await run.plan(people: file, units: units, now: now)
        var json = PlanJSON.make(plan)
        json["applied"] = false
        // Before anything is changed: a list that cannot be written is an error of a load that did nothing.
        if let findings {
            try FindingsFile.write(plan.findingsCSV(), to: findings)
            json["findings_file"] = .string(findings)
        }
        guard applies else { return .object(json) }
        let progress = context.progress
        do {
            let outcome = try await run.apply(plan, confirmed: confirmed, by: context.actor, now: now) { share in
                progress(0.4 + 0.6 * share, "writing")
            }
            switch outcome {
            case .applied(let id):
                json["applied"] = true
                json["load"] = .string(id.text)
            case .alreadyApplied:
                json["already_applied"] = true
            }
        } catch {
            // The command is given again, with this name.
            if let findings { unlink(findings) }
            throw error
        }
        return .object(json)
    }

    private static let list = Operation("personnel.list", ["limit"]) { arguments, context in
        let limit = try arguments.optionalInteger("limit", 1...10_000) ?? 20
        return try await context.store.read { tx in
            ["loads": .array(try tx.loads.list(limit: limit).map { .object(LoadJSON.make($0)) })]
        }
    }

    private static let show = Operation("personnel.show", ["load"]) { arguments, context in
        let id = try arguments.optionalText("load")
        return try await context.store.read { tx in
            let loads = try tx.loads.list(limit: 10_000)
            guard let load = id.map({ id in loads.first { $0.id.text.isExactly(id) } }) ?? loads.first else {
                throw OperationError(
                    .notFound, "There is no such load; see `gapura personnel list`.",
                    id: "Tidak ada muatan itu; lihat `gapura personnel list`."
                )
            }
            var json = LoadJSON.make(load)
            json["findings"] = .array(
                try tx.loads.findings(of: load.id).map { finding in
                    let reason = PersonnelReason(rawValue: finding.reason)
                    return [
                        "row": .integer(finding.rowNumber), "outcome": .string(finding.outcome.rawValue),
                        "reason": .string(finding.reason),
                        "pns_id": .text(finding.pnsID), "message": .text(reason?.english),
                        "pesan": .text(reason?.indonesian),
                    ]
                }
            )
            return .object(json)
        }
    }

    /// The settings that concern loads.
    static func options(_ settings: GatewaySettings) throws -> PersonnelOptions {
        var options = PersonnelOptions()
        options.allowsFixtureYears = settings.acceptsFixtures
        do {
            options.states = try AccountStateTable(overrides: settings.accountStates)
        } catch {
            throw OperationError(
                .invalid, "The setting account_states: \(error)", id: "Pengaturan account_states tidak sah: \(error)")
        }
        return options
    }
}

/// The list of refused rows and warnings, for whoever corrects the data.
private enum FindingsFile {
    /// - Throws: `OperationError` if there is a file of that name, before the load is read.
    static func checkFree(_ path: String) throws {
        if access(path, F_OK) == 0 { throw exists(path) }
    }

    /// A new file of mode 0600: whose data is wrong is nobody else's business.
    static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw errno == EEXIST ? exists(path) : failure(path, errno) }
        defer { close(descriptor) }
        var rest = ArraySlice(text.utf8)
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { systemWrite(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = failure(path, errno)
                unlink(path)
                throw error
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        // Glibc's own write: the name is taken here.
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    private static func exists(_ path: String) -> OperationError {
        OperationError(
            .conflict, "\(path) exists; the list never overwrites. Choose another name, or move it away.",
            id: "\(path) sudah ada; daftar tidak pernah menimpa. Pilih nama lain atau pindahkan."
        )
    }

    private static func failure(_ path: String, _ code: Int32) -> OperationError {
        let why = String(cString: strerror(code))
        return OperationError(
            .refused, "\(path) cannot be written: \(why); nothing was changed. The gateway must be able to write it.",
            id: "\(path) tidak dapat ditulis: \(why); tidak ada yang berubah. Gerbang harus dapat menulisnya."
        )
    }
}

/// A plan as operators see it: counts, every refused row, every warning.
enum PlanJSON {
    static func make(_ plan: PersonnelPlan) -> JSONObject {
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
        if let stop = plan.stop {
            json["stop"] = [
                "accounts": .integer(Int64(stop.accounts)), "active_accounts": .integer(Int64(stop.activeAccounts)),
            ]
        }
        return json
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
            "applied_at": .time(load.appliedAt),
            "actor": .string(load.actor),
            // Written by ourselves; a load whose counts cannot be read is still listed.
            "counts": (try? StrictJSON.parse(Array(load.counts.utf8))) ?? .null,
        ]
    }
}
