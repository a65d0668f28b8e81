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
    package func plan(people: PersonnelFile, units: PersonnelFile?, now: Timestamp) async throws -> PersonnelPlan {
        let options = options
        let input = try await PersonnelThread.run { cancellation in
            try PersonnelInput(people: people, units: units, options) { try cancellation.check() }
        }
        let ids = input.units?.compactMap(\.sourceID) ?? []
        let directory = try await store.read { tx in try DirectorySnapshot(tx, unitIDs: ids, now: now) }
        let governments = try governmentIDs(input.units, directory)
        return try await PersonnelThread.run { _ in
            let unitPlan =
                input.units.map { UnitPlan($0, current: directory.units, past: directory.pastUnits, now: now) }
                ?? UnitPlan(current: directory.units)
            var comparison = PersonnelComparison(
                options: options, directory: directory, units: unitPlan, governmentIDs: governments, now: now)
            var plan = comparison.plan(
                input.intake, fileName: people.name, source: input.source, fileDigest: input.digest,
                unitsDigest: input.unitsDigest)
            plan.files = [.init(file: people, digest: input.digest)]
            if let units, let digest = input.unitsDigest { plan.files.append(.init(file: units, digest: digest)) }
            return plan
        }
    }

    /// Applies a plan: all of it or nothing.
    ///
    /// - Parameters:
    ///   - confirmed: the number that `PersonnelPlan.stop` asked to repeat.
    ///   - actor: who decided.
    ///   - progress: called with the share that is done, from the thread that writes.
    package func apply(
        _ plan: PersonnelPlan, confirmed: Int? = nil, by actor: Actor, now: Timestamp,
        progress: @escaping @Sendable (Double) -> Void = { _ in }
    ) async throws -> Outcome {
        if plan.isRepeated { return .alreadyApplied }
        if let stop = plan.stop, confirmed != stop.accounts { throw PersonnelRefusal.mustConfirm(stop) }
        // What was previewed is what the operator decided on: a file that is another one by now is previewed again.
        try await PersonnelThread.run { _ in
            for planned in plan.files { try planned.file.check(planned.digest) }
        }
        let loadID = LoadID.make(now: now)
        return try await store.write { tx in
            guard try tx.loads.latest()?.id == plan.baseLoadID else { throw PersonnelRefusal.outdated }
            var writer = PersonnelWriter(tx: tx, plan: plan, actor: actor, now: now)
            try writer.write(loadID, progress)
            return .applied(loadID)
        }
    }

    private func governmentIDs(_ units: [UnitRow]?, _ directory: DirectorySnapshot) throws -> Set<String> {
        if !options.governmentIDs.isEmpty { return options.governmentIDs }
        let named = Set(units?.compactMap(\.governmentID) ?? [])
        if !named.isEmpty { return named }
        guard !directory.governmentIDs.isEmpty else { throw PersonnelRefusal.governmentUnknown }
        return directory.governmentIDs
    }
}

/// What was read out of the files, before it is compared with anything.
private struct PersonnelInput: Sendable {
    let units: [UnitRow]?
    let unitsDigest: String?
    let intake: PersonnelIntake
    /// The name of the source.
    let source: String
    let digest: String

    init(
        people: PersonnelFile, units: PersonnelFile?, _ options: PersonnelOptions, check: () throws -> Void
    ) throws {
        let tree = try units?.readUnits()
        var intake = PersonnelIntake(allowsFixtureYears: options.allowsFixtureYears)
        var name = ""
        digest = try people.readPeople { source in
            name = source.name
            try intake.read(source, check: check)
        }
        self.units = tree?.rows
        unitsDigest = tree?.digest
        self.intake = intake
        source = name
    }
}
