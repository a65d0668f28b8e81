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
        let unitRows = try units.map { try UnitFileSource($0.bytes).read() }
        var intake = PersonnelIntake(allowsFixtureYears: options.allowsFixtureYears)
        let source = people.personnelSource
        try intake.read(source)
        let ids = unitRows?.compactMap(\.sourceID) ?? []
        let directory = try await store.read { tx in try DirectorySnapshot(tx, unitIDs: ids) }
        let governments = try governmentIDs(unitRows, directory)
        let unitPlan =
            unitRows.map { UnitPlan($0, current: directory.units, past: directory.pastUnits, now: now) }
            ?? UnitPlan(current: directory.units)
        var comparison = PersonnelComparison(
            options: options, directory: directory, units: unitPlan, governmentIDs: governments, now: now)
        return comparison.plan(
            intake, fileName: people.name, source: source.name, fileDigest: people.digest, unitsDigest: units?.digest)
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
