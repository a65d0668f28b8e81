import GapuraDirectory
import GapuraFormats
import GapuraStore

/// User tables of old applications: shown first, brought in on demand; and those whose owner a person has to name.
enum LegacyOperations {
    static let all = [load, list, queue, match, forget]

    private static let load = Operation("legacy.import", ["application", "file", "apply", "keep_days"], .console) {
        arguments, context in
        let slug = try arguments.text("application")
        let path = try arguments.text("file")
        let applies = try arguments.flag("apply")
        let days = try arguments.optionalInteger("keep_days", 1...730) ?? 180
        let now = context.now
        let application = try await context.store.read { try find(slug, $0) }
        context.progress(0, "reading")
        let file = try PersonnelFile.open(path)
        let load = LegacyImport(
            store: context.services.store, passwords: context.services.passwords, application: application.id)
        let progress = context.progress
        let plan: LegacyPlan
        do {
            plan = try await load.plan(file) { progress(0.1 + 0.4 * $0, "comparing") }
        } catch PersonnelSourceError.missingColumns(let names) {
            let list = names.joined(separator: ", ")
            throw OperationError(
                .invalid,
                "The file has no column \(list); it needs username, nip, local_id, scheme, hash and email, in any order.",
                id: "Berkas tidak memiliki kolom \(list); perlu username, nip, local_id, scheme, hash, dan email.")
        }
        var json = LegacyJSON.make(plan, application)
        json["applied"] = false
        guard applies else { return .object(json) }
        let stored = try await load.apply(plan, lifetime: days * 86_400, by: context.actor, at: now) { share in
            progress(0.5 + 0.5 * share, "hashing and writing")
        }
        json["applied"] = true
        json["stored_passwords"] = .integer(Int64(stored))
        return .object(json)
    }

    private static let list = Operation("legacy.list", .needs(.legacyRead)) { _, context in
        try await context.store.read { tx in
            let counts = try tx.legacy.counts()
            let applications = try tx.applications.list().compactMap { application -> JSONValue? in
                let own = counts.filter { $0.applicationID == application.id }
                guard !own.isEmpty else { return nil }
                var json: JSONObject = ["application": .string(application.slug)]
                for state in LegacyAccount.State.allCases {
                    json[state.rawValue] = .integer(own.first { $0.state == state }?.accounts ?? 0)
                }
                json["passwords"] = .integer(own.reduce(0) { $0 + $1.passwords })
                return .object(json)
            }
            return ["applications": .array(applications)]
        }
    }

    private static let queue = Operation("legacy.queue", ["application", "limit"], .needs(.legacyRead)) {
        arguments, context in
        let slug = try arguments.optionalText("application")
        let limit = try arguments.optionalInteger("limit", 1...100_000) ?? 100
        return try await context.store.read { tx in
            let application = try slug.map { try find($0, tx) }
            let slugs = Dictionary(uniqueKeysWithValues: try tx.applications.list().map { ($0.id, $0.slug) })
            let waiting = try LegacyQueue(tx).list(of: application?.id, limit: limit)
            return [
                "queue": .array(
                    try waiting.map { local, candidates in
                        var json = LegacyJSON.make(local, slugs[local.applicationID] ?? "")
                        json["candidates"] = .array(try candidates.map { try LegacyJSON.make($0, tx) })
                        return .object(json)
                    })
            ]
        }
    }

    private static let match = Operation("legacy.match", ["application", "local_id", "name"], .needs(.legacyChange)) {
        arguments, context in
        let slug = try arguments.text("application")
        let localID = try arguments.text("local_id")
        let name = try arguments.text("name")
        let (now, actor) = (context.now, context.actor)
        let prepared = try await context.store.read { tx in
            let account = try AccountDirectory(tx, by: actor, at: now).get(name)
            return try LegacyDirectory(tx, by: actor, at: now)
                .prepareMatch(localID, of: try find(slug, tx).id, to: account)
        }
        // Only now is it known whose NIP the password must not be.
        var isGuess = false
        if let prepared {
            isGuess = try await context.services.passwords.fits(anyOf: prepared.guesses, prepared.password)
        }
        let guessed = isGuess
        return try await context.store.write { tx in
            let account = try AccountDirectory(tx, by: actor, at: now).get(name)
            let local = try LegacyDirectory(tx, by: actor, at: now)
                .match(localID, of: try find(slug, tx).id, to: account, isGuess: guessed)
            return .object(LegacyJSON.make(local, slug))
        }
    }

    private static let forget = Operation("legacy.forget", ["application"], .needs(.legacyChange)) {
        arguments, context in
        let slug = try arguments.text("application")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let application = try find(slug, tx)
            let count = try LegacyDirectory(tx, by: actor, at: now).forgetPasswords(of: application.id)
            return ["application": .string(application.slug), "forgotten": .integer(Int64(count))]
        }
    }

    private static func find(_ slug: String, _ tx: Transaction) throws -> ApplicationRecord {
        if let application = try tx.applications.find(slug: slug) { return application }
        throw OperationError(
            .notFound, "No application has the slug \(slug); see `gapura application list`.",
            id: "Tidak ada aplikasi dengan slug \(slug); lihat `gapura application list`.")
    }
}

/// Imports and local accounts as operators see them; an old hash is in none of it.
enum LegacyJSON {
    static func make(_ plan: LegacyPlan, _ application: ApplicationRecord) -> JSONObject {
        [
            "application": .string(application.slug), "file": .string(plan.fileName), "sha256": .string(plan.digest),
            "counts": [
                "rows": .integer(Int64(plan.rows)), "matched": .integer(Int64(plan.matched)),
                "queued": .integer(Int64(plan.queued)), "refused": .integer(Int64(plan.refused)),
                "passwords": .integer(Int64(plan.passwords)), "has_password": .integer(Int64(plan.haveOwn)),
                "unchanged": .integer(Int64(plan.unchanged)),
            ],
            "refused": .array(plan.rejected.map(make)), "queued": .array(plan.waiting.map(make)),
        ]
    }

    private static func make(_ finding: LegacyPlan.Finding) -> JSONValue {
        [
            "row": .integer(Int64(finding.row)), "reason": .string(finding.reason.rawValue),
            "message": .string(finding.reason.english), "pesan": .string(finding.reason.indonesian),
        ]
    }

    static func make(_ local: LegacyAccount, _ slug: String) -> JSONObject {
        let reason = local.reason.flatMap(LegacyReason.init)
        return [
            "application": .string(slug), "local_id": .string(local.localID), "user_name": .text(local.userName),
            "nip": .text(local.nip), "email": .text(local.email), "account": .text(local.accountID?.text),
            "state": .string(local.state.rawValue), "reason": .text(local.reason),
            "message": .text(reason?.english), "pesan": .text(reason?.indonesian),
        ]
    }

    static func make(_ candidate: LegacyQueue.Candidate, _ tx: Transaction) throws -> JSONValue {
        let account = try tx.accounts.find(candidate.account)
        let person = try account?.personID.flatMap { try tx.people.find($0) }
        return [
            "account": .string(candidate.account.text), "by": .string(candidate.ground.rawValue),
            "name": .text(person?.fullName ?? account?.displayName),
            "nip": .text(try account?.personID.flatMap { try tx.people.currentNIP(of: $0) }),
            "user_name": .text(account?.userName),
        ]
    }
}
