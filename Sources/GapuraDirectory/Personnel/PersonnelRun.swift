package import GapuraFormats
package import GapuraStore

/// Reads personnel files, shows what they would do, and does it in one transaction.
package struct PersonnelRun: Sendable {
    /// What applying a plan did.
    package enum Outcome: Sendable, Equatable {
        case applied(LoadID)
        /// The last load had exactly these files: nothing was done.
        case alreadyApplied
    }

    private let store: Store
    private let options: PersonnelOptions

    package init(store: Store, options: PersonnelOptions) {
        self.store = store
        self.options = options
    }

    /// Reads the files and compares them with the directory. Changes nothing.
    ///
    /// - Parameter coverage: whether the rows are of everybody, or of some and nothing is said of the others. Of some,
    ///   what it costs depends on the rows and not on the city.
    package func plan(
        people: any PersonnelOrigin, units: (any PersonnelOrigin)?, now: Timestamp,
        coverage: PersonnelCoverage = .everybody
    ) async throws -> PersonnelPlan {
        switch coverage {
        case .everybody: try await planEverybody(people, units, now)
        case .listed: try await planListed(people, units, now)
        }
    }

    private func planEverybody(
        _ people: any PersonnelOrigin, _ units: (any PersonnelOrigin)?, _ now: Timestamp
    ) async throws -> PersonnelPlan {
        let options = options
        let tree = try await PersonnelThread.run { stop in try units?.readUnits(stop) }
        let ids = tree?.rows.compactMap(\.sourceID) ?? []
        let directory = try await store.read { tx in try DirectorySnapshot(tx, unitIDs: ids, now: now) }
        let governments = governmentIDs(tree?.rows, directory)
        return try await PersonnelThread.run { cancellation in
            let unitPlan =
                tree.map { UnitPlan($0.rows, current: directory.units, past: directory.pastUnits, now: now) }
                ?? UnitPlan(current: directory.units)
            var comparison = PersonnelComparison(
                options: options, directory: directory, units: unitPlan, governmentIDs: governments ?? [], now: now)
            var intake = PersonnelIntake(
                allowsFixtureYears: options.allowsFixtureYears, takesNIK: options.identities != nil)
            var source = ""
            let digest = try people.readPeople(withNIK: options.identities != nil, cancellation) { rows in
                source = rows.name
                try intake.read(rows, known: comparison) { try cancellation.check() }
            }
            // A file that cannot be read is told first.
            guard governments != nil else { throw PersonnelRefusal.governmentUnknown }
            var plan = comparison.plan(
                intake, fileName: people.name, source: source, fileDigest: digest, unitsDigest: tree?.digest)
            plan.identities = intake.identities?.accepted(besides: plan.rejected) ?? []
            plan.files = [.init(file: people, digest: digest)]
            if let units, let tree { plan.files.append(.init(file: units, digest: tree.digest)) }
            return plan
        }
    }

    /// The rows first, then no more of the directory than they concern.
    private func planListed(
        _ people: any PersonnelOrigin, _ units: (any PersonnelOrigin)?, _ now: Timestamp
    ) async throws -> PersonnelPlan {
        let options = options
        let tree = try await PersonnelThread.run { stop in try units?.readUnits(stop) }
        let (intake, source, digest) = try await PersonnelThread.run { cancellation in
            var intake = PersonnelIntake(
                allowsFixtureYears: options.allowsFixtureYears, takesNIK: options.identities != nil)
            var source = ""
            let digest = try people.readPeople(withNIK: options.identities != nil, cancellation) { rows in
                source = rows.name
                try intake.read(LimitedSource(rows)) { try cancellation.check() }
            }
            return (intake, source, digest)
        }
        let (records, ids) = (intake.records, tree?.rows.compactMap(\.sourceID))
        let directory = try await store.read { tx in
            try DirectorySnapshot(tx, concerning: records, unitIDs: ids, now: now)
        }
        guard let governments = governmentIDs(tree?.rows, directory) else {
            throw PersonnelRefusal.governmentUnknown
        }
        return try await PersonnelThread.run { _ in
            let unitPlan =
                tree.map { UnitPlan($0.rows, current: directory.units, past: directory.pastUnits, now: now) }
                ?? UnitPlan(current: directory.units)
            var comparison = PersonnelComparison(
                options: options, directory: directory, units: unitPlan, governmentIDs: governments, now: now,
                coverage: .listed)
            // Another digest than that of the same rows as a load of everybody: one is not a repetition of the other,
            // nor its confirmation.
            var plan = comparison.plan(
                intake, fileName: people.name, source: source,
                fileDigest: RowDigest.of([digest, PersonnelCoverage.listed.rawValue]), unitsDigest: tree?.digest)
            plan.identities = intake.identities?.accepted(besides: plan.rejected) ?? []
            plan.files = [.init(file: people, digest: digest)]
            if let units, let tree { plan.files.append(.init(file: units, digest: tree.digest)) }
            return plan
        }
    }

    /// What hangs on the accounts that a plan takes something from.
    package func holdings(_ plan: PersonnelPlan, now: Timestamp) async throws -> AccountHoldings {
        guard plan.endsSessions || plan.mayEndGrants else { return .none }
        return try await store.read { tx in
            var holdings = AccountHoldings.none
            if plan.endsSessions {
                holdings =
                    plan.coverage == .everybody
                    ? try AccountHoldings(tx, at: now)
                    : try AccountHoldings(tx, of: plan.steps.compactMap(\.accountID), at: now)
            }
            holdings.grants = try plan.endingGrants(in: tx, at: now)
            return holdings
        }
    }

    /// Applies a plan: all of it or nothing.
    ///
    /// - Parameters:
    ///   - confirmed: the number that `PersonnelPlan.stop` asked to repeat.
    ///   - actor: who decided.
    ///   - companion: what is looked at and written in the same transaction.
    ///   - progress: called with the share that is done, from the thread that writes.
    package func apply(
        _ plan: PersonnelPlan, confirmed: Int? = nil, by actor: Actor, now: Timestamp,
        with companion: PersonnelCompanion = PersonnelCompanion(),
        progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) async throws -> Outcome {
        if plan.isRepeated { return .alreadyApplied }
        let askedBy = try await confirm(plan, confirmed, actor, now)
        // What was previewed is what the operator decided on: a file that is another one by now is previewed again.
        let loadID = LoadID.make(now: now)
        let work = try await PersonnelThread.run { _ in
            for planned in plan.files { try planned.file.check(planned.digest) }
            return PersonnelWork(plan, loadID: loadID, actor: actor, now: now)
        }
        let identities = try await identityWork(plan, work, now)
        return try await store.write { tx in
            try companion.before(tx)
            let basis = PersonnelBasis(load: plan.baseLoadID, seq: plan.baseSeq)
            guard try basis.holds(in: tx) else { throw PersonnelRefusal.outdated }
            var writer = PersonnelWriter(tx: tx, plan: plan, work: work, actor: actor, now: now, askedBy: askedBy)
            try writer.write(progress)
            try Self.write(identities, of: loadID, by: actor, in: tx, at: now)
            try tx.loads.deleteRequests(
                before: now.adding(seconds: -LoadConfirmation.lifetime), fileDigest: plan.fileDigest)
            try companion.after(tx)
            return .applied(loadID)
        }
    }

    // MARK: NIK

    /// What of the NIKs is new or another one. Read before the transaction: only loads and forgetting change them, and
    /// a plan that is older than one of these is outdated.
    private func identityWork(_ plan: PersonnelPlan, _ work: PersonnelWork, _ now: Timestamp) async throws
        -> IdentityWork?
    {
        guard let vault = options.identities, !plan.identities.isEmpty else { return nil }
        let (known, ids) =
            plan.coverage == .everybody ? try await knownIdentities() : try await knownIdentities(plan, vault)
        return try await PersonnelThread.run { _ in
            var people = ids
            for person in work.newPeople { people[person.pnsID ?? ""] = person.id }
            return try IdentityWork(plan.identities, people: people, known: known, vault, now: now)
        }
    }

    /// Every keyed hash, and whose row is whose.
    private func knownIdentities() async throws -> (known: [PersonID: String], ids: [String: PersonID]) {
        try await store.read { tx in
            var known: [PersonID: String] = [:]
            try tx.identities.eachLookup { known[$0] = $1 }
            var ids: [String: PersonID] = [:]
            try tx.people.each { person in ids[person.pnsID ?? ""] = person.id }
            return (known, ids)
        }
    }

    /// Of the people in the rows, and of who has their numbers.
    private func knownIdentities(
        _ plan: PersonnelPlan, _ vault: IdentityVault
    ) async throws -> (known: [PersonID: String], ids: [String: PersonID]) {
        let pnsIDs = Set(plan.identities.map(\.pnsID))
        let identities = plan.identities
        let lookups = try await PersonnelThread.run { _ in Set(try identities.map { try vault.lookup($0.nik) }) }
        return try await store.read { tx in
            var ids: [String: PersonID] = [:]
            for person in try tx.people.list(pnsIDs: pnsIDs) { ids[person.pnsID ?? ""] = person.id }
            var known: [PersonID: String] = [:]
            for identity in try tx.identities.list(of: ids.values) + tx.identities.list(lookups: lookups) {
                known[identity.personID] = identity.lookup
            }
            return (known, ids)
        }
    }

    private static func write(
        _ identities: IdentityWork?, of load: LoadID, by actor: Actor, in tx: Transaction, at now: Timestamp
    ) throws {
        guard let changed = identities?.changed, !changed.isEmpty else { return }
        try tx.identities.put(changed)
        try tx.record(
            .identitiesLoaded, by: actor, subject: load.text, detail: ["people": .integer(Int64(changed.count))],
            at: now)
    }

    // MARK: The stop

    /// - Returns: who asked first, where two have to agree.
    private func confirm(
        _ plan: PersonnelPlan, _ confirmed: Int?, _ actor: Actor, _ now: Timestamp
    ) async throws -> String? {
        guard let stop = plan.stop else { return nil }
        let question = LoadConfirmation.Question(
            fileDigest: plan.fileDigest, unitsDigest: plan.unitsDigest, baseLoadID: plan.baseLoadID, stop: stop)
        switch try await LoadConfirmation(store, options).ask(question, confirmed, by: actor, at: now) {
        case .confirmed(let first): return first
        case .mustConfirm: throw PersonnelRefusal.mustConfirm(stop)
        case .needsSecondAdmin: throw PersonnelRefusal.needsSecondAdmin(stop)
        }
    }

    /// Nil where nobody said yet which government is ours.
    private func governmentIDs(_ units: [UnitRow]?, _ directory: DirectorySnapshot) -> Set<String>? {
        if !options.governmentIDs.isEmpty { return options.governmentIDs }
        let named = Set(units?.compactMap(\.governmentID) ?? [])
        if !named.isEmpty { return named }
        return directory.governmentIDs.isEmpty ? nil : directory.governmentIDs
    }
}
