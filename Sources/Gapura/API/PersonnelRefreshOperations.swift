import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Asks SIASN's web service about some people, shows what that would change, and changes it on demand.
enum PersonnelRefreshOperations {
    static let all = [refresh]

    private static let refresh = Operation(
        "personnel.refresh",
        [
            "nips", "unit", "missing", "resume", "discard", "probe", "apply", "confirm_vanished", "complete",
            "consumer_secret", "sso_token",
        ], .needs(.loadsRun)
    ) { arguments, context in
        let order = try Order(arguments)
        let applies = try arguments.flag("apply")
        let confirmed = try arguments.optionalInteger("confirm_vanished", 0...100_000_000).map { Int($0) }
        let isComplete = try arguments.flag("complete")
        let isProbe = try arguments.flag("probe")
        let secrets = (
            consumer: try arguments.optionalSecret("consumer_secret"), token: try arguments.optionalSecret("sso_token")
        )
        let file = try SIASNProgressFile(folder: context.settings.dataFolder)
        let kept = file.load(now: context.now)
        if case .discard = order {
            file.remove()
            return ["discarded": .bool(kept != nil)]
        }
        var progress = kept
        var numbers: [String] = []
        switch (order, kept) {
        case (.resume, nil):
            throw OperationError(
                .notFound, "There is no refresh to go on with; answers are kept for a day.",
                id: "Tidak ada penyegaran untuk dilanjutkan; jawaban disimpan sehari.")
        case (.resume, .some): break
        case (_, .some(let kept)):
            throw OperationError(
                .conflict,
                "A refresh of \(kept.numbers.count) people, \(kept.answers.count) answered, is not applied yet; go on with --resume, or drop it with --discard.",
                id:
                    "Penyegaran \(kept.numbers.count) orang, \(kept.answers.count) sudah dijawab, belum diterapkan; lanjutkan dengan --resume, atau buang dengan --discard."
            )
        case (_, nil): numbers = try await order.numbers(context)
        }
        // Whoever asks people for secrets asks only where they are needed.
        if isProbe { return ["needs_secrets": .bool(progress?.isComplete != true)] }
        if progress?.isComplete != true {
            let access = try SIASNAccess(
                context.settings, consumerSecret: secrets.consumer, operatorToken: secrets.token)
            let client = SIASNClient(
                access, outgoing: context.services.outgoing, timeout: Double(context.settings.siasnTimeout),
                pace: .current, clock: context.services.clock)
            let report = context.progress
            let refresh = SIASNRefresh(client: client, file: file, store: context.services.store) { share, text in
                report(0.8 * share, text)
            }
            progress = try await refresh.run(try progress ?? file.begin(numbers, now: context.now))
        }
        guard let progress else { return .null }
        let names = try await names(progress.unknown, context)
        var json: JSONObject = [
            "asked": .integer(Int64(progress.numbers.count)), "applied": false,
            "unknown": .array(
                progress.unknown.map { number in
                    [
                        "nip": .string(number), "name": .text(names[number]), "reason": "unknown_at_source",
                        "message": "SIASN knows nobody by this number; nothing of this person changes.",
                        "pesan": "SIASN tidak mengenal nomor ini; data orang ini tidak berubah.",
                    ]
                }),
        ]
        guard !progress.people.isEmpty else {
            file.remove()
            return .object(json)
        }
        let now = context.now
        try await refuseOutrun(progress, context)
        let options = try PersonnelOperations.options(context.settings)
        let run = PersonnelRun(store: context.services.store, options: options)
        let plan = try await run.plan(
            people: PersonnelObjectsOrigin.siasn(progress.people), units: nil, now: now, coverage: .listed)
        let holdings = try await run.holdings(plan, now: now)
        for (key, value) in PlanJSON.make(plan, holdings, options, isComplete: isComplete).members {
            json[key] = value
        }
        guard applies else { return .object(json) }
        let companion = PersonnelOperations.companion(context)
        if case .applied(let id) = try await run.apply(
            plan, confirmed: confirmed, by: context.actor, now: now, with: companion)
        {
            json["applied"] = true
            json["load"] = .string(id.text)
        }
        file.remove()
        return .object(json)
    }

    /// What a load brought after SIASN was asked is newer than its answers.
    private static func refuseOutrun(_ progress: SIASNProgress, _ context: OperationContext) async throws {
        let latest = try await context.store.read { tx in try tx.loads.latest()?.appliedAt }
        guard let latest, latest > progress.startedAt else { return }
        throw OperationError(
            .conflict,
            "A load was applied since SIASN was asked, so these answers may be older than what is known; drop them with --discard and ask again.",
            id:
                "Ada muatan yang diterapkan setelah SIASN ditanya, sehingga jawaban ini mungkin lebih lama daripada data sekarang; buang dengan --discard lalu tanya lagi."
        )
    }

    private static func names(_ numbers: [String], _ context: OperationContext) async throws -> [String: String] {
        guard !numbers.isEmpty else { return [:] }
        return try await context.store.read { tx in
            let aliases = try tx.people.current(numbers: numbers)
            let people = Dictionary(try tx.people.list(Set(aliases.map(\.personID))).map { ($0.id, $0.fullName) }) {
                first, _ in first
            }
            return Dictionary(
                aliases.compactMap { alias in people[alias.personID].map { (alias.value, $0) } }
            ) { first, _ in first }
        }
    }
}

/// Of whom a refresh is.
private enum Order {
    case numbers([String])
    /// Everybody in a unit and below.
    case unit(String)
    /// Who was missing in a load and waits for the end of the grace.
    case missing
    /// What was begun.
    case resume
    case discard

    init(_ arguments: OperationArguments) throws {
        var orders: [Order] = []
        if arguments.has("nips") { orders.append(.numbers(try arguments.texts("nips"))) }
        if let unit = try arguments.optionalText("unit") { orders.append(.unit(unit)) }
        if try arguments.flag("missing") { orders.append(.missing) }
        if try arguments.flag("resume") { orders.append(.resume) }
        if try arguments.flag("discard") { orders.append(.discard) }
        guard orders.count == 1, let order = orders.first else {
            throw OperationError(
                .invalid, "Say who is asked for: nips, unit or missing; or resume, or discard. One of them.",
                id: "Sebutkan siapa yang ditanyakan: nips, unit, atau missing; atau resume, atau discard. Salah satu.")
        }
        self = order
    }

    /// Eighteen digits each.
    func numbers(_ context: OperationContext) async throws -> [String] {
        let limit = PersonnelCoverage.maximumListedRows
        let numbers: [String]
        switch self {
        case .numbers(let texts):
            let allowsFixtures = context.settings.acceptsFixtures
            var known: Set<String> = []
            numbers = try texts.compactMap { text in
                guard let nip = try? NIP.parse(text, allowsFixtureYears: allowsFixtures) else {
                    throw OperationError(
                        .invalid, "One of the numbers is no NIP or NI PPPK: 18 digits with a possible birth date.",
                        id: "Salah satu nomor bukan NIP atau NI PPPK: 18 digit dengan tanggal lahir yang mungkin.")
                }
                return known.insert(nip.digits).inserted ? nip.digits : nil
            }
        case .unit(let text):
            numbers = try await context.store.read { tx, authority in
                let unit = try UnitLookup.find(text, onlyAgencies: false, tx, within: authority)
                return try Self.numbers(tx.people.ids(under: unit.path, limit: Int64(limit) + 1), tx)
            }
        case .missing:
            numbers = try await context.store.read { tx in
                try Self.numbers(tx.schedule.waitingAbsences(limit: Int64(limit) + 1), tx)
            }
        case .resume, .discard: numbers = []
        }
        guard !numbers.isEmpty else {
            throw OperationError(
                .notFound, "There is nobody to ask for.", id: "Tidak ada orang yang perlu ditanyakan.")
        }
        guard numbers.count <= limit else { throw PersonnelRefusal.tooManyRows(limit) }
        return numbers
    }

    /// The latest number of each.
    private static func numbers(_ people: [PersonID], _ tx: Transaction) throws -> [String] {
        var latest: [PersonID: PersonAlias] = [:]
        for alias in try tx.people.currentNumbers(of: people)
        where latest[alias.personID].map({ $0.validFrom < alias.validFrom }) ?? true {
            latest[alias.personID] = alias
        }
        return latest.values.map(\.value).sorted()
    }
}
