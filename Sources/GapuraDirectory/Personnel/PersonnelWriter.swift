internal import GapuraFormats
internal import GapuraStore

/// Writes a plan, inside its one transaction.
struct PersonnelWriter {
    let tx: Transaction
    let plan: PersonnelPlan
    let actor: Actor
    let now: Timestamp
    private var aliasIDs: SortedIDs<PersonAlias>
    private var accountIDs: SortedIDs<Account>
    /// What only the writing found: accounts that stay as they are.
    private var kept: [PersonnelFinding] = []

    init(tx: Transaction, plan: PersonnelPlan, actor: Actor, now: Timestamp) {
        self.tx = tx
        self.plan = plan
        self.actor = actor
        self.now = now
        aliasIDs = SortedIDs(2 * plan.steps.count, now: now)
        accountIDs = SortedIDs(plan.steps.count, now: now)
    }

    mutating func write(_ loadID: LoadID, _ progress: (Double) -> Void) throws {
        // Parents stand before their children in both lists, and a new unit may hang below a changed one or the other
        // way round.
        for unit in plan.units.added { try tx.units.insert(unit) }
        for unit in plan.units.changed { try tx.units.update(unit) }
        // Numbers that end come first: two people may have swapped theirs.
        for step in plan.steps {
            for alias in step.endedAliases { try tx.people.end(alias, at: now) }
        }
        try writePeople(loadID, progress)
        try writeRecord(loadID)
        progress(1)
    }

    // MARK: People

    /// How many rows are gathered before they are written.
    private static let portion = 500

    /// More new accounts than this in one load are counted in the row of the load and have none of their own: the chain
    /// would have ten thousand rows that all say the same of a city's first load. Which accounts they are stays known:
    /// they were made at the moment of the load.
    private static let maximumAccountRows = 1000

    /// Table by table, and in the order of an index where one can be chosen: a hundred thousand rows then go to the end
    /// of most indexes, and not through all of them at once, which is more than the engine's cache holds.
    private mutating func writePeople(_ loadID: LoadID, _ progress: (Double) -> Void) throws {
        let steps = plan.steps
        let isListed = plan.counts.accountsAdded <= Self.maximumAccountRows
        let renumbered = steps.indices.filter { steps[$0].newNIP != nil }
            .sorted { steps[$0].nip.utf8.lexicographicallyPrecedes(steps[$1].nip.utf8) }

        try inPortions(of: steps.indices, from: 0, to: 0.4, progress) { writer, portion in
            let portion = portion.map { steps[$0] }
            try writer.tx.people.insert(portion.filter(\.isNew).map(\.person))
            try writer.tx.people.update(portion.filter { !$0.isNew && $0.isChanged }.map(\.person))
        }
        try inPortions(of: steps.indices, from: 0.4, to: 0.55, progress) { writer, portion in
            let aliases = portion.compactMap { place -> PersonAlias? in
                let step = steps[place]
                return step.isNew ? step.person.pnsID.map { writer.alias(step, .pnsID, $0) } : nil
            }
            try writer.tx.people.insert(aliases)
        }
        try inPortions(of: renumbered, from: 0.55, to: 0.7, progress) { writer, portion in
            let aliases = portion.compactMap { place in
                steps[place].newNIP.map { writer.alias(steps[place], $0, steps[place].nip) }
            }
            try writer.tx.people.insert(aliases)
        }
        try inPortions(of: steps.indices, from: 0.7, to: 1, progress) { writer, portion in
            let accounts = portion.compactMap { place in
                steps[place].accountID == nil ? steps[place].newState.map { writer.account(steps[place], $0) } : nil
            }
            try writer.tx.accounts.insert(accounts)
            if isListed { for account in accounts { try writer.recordAdded(account, loadID) } }
            for place in portion { try writer.changeKnown(steps[place], loadID) }
        }
    }

    /// - Parameters:
    ///   - places: of steps.
    ///   - start: the share of the load that is done before.
    private mutating func inPortions<Places: RandomAccessCollection<Int>>(
        of places: Places, from start: Double, to end: Double, _ progress: (Double) -> Void,
        _ body: (inout PersonnelWriter, Places.SubSequence) throws -> Void
    ) throws {
        var rest = places[...]
        while !rest.isEmpty {
            progress(end - (end - start) * Double(rest.count) / Double(places.count))
            try body(&self, rest.prefix(Self.portion))
            rest = rest.dropFirst(Self.portion)
        }
    }

    private mutating func changeKnown(_ step: PersonStep, _ loadID: LoadID) throws {
        if !step.isNew, step.newNIP != nil { try recordRenumbered(step, loadID) }
        if let state = step.newState, let id = step.accountID { try change(id, to: state, step, loadID) }
    }

    private mutating func alias(_ step: PersonStep, _ kind: PersonAlias.Kind, _ value: String) -> PersonAlias {
        PersonAlias(id: aliasIDs.next(), personID: step.person.id, kind: kind, value: value, validFrom: now)
    }

    private mutating func account(_ step: PersonStep, _ state: AccountState) -> Account {
        Account(
            id: accountIDs.next(), personID: step.person.id, sub: UUIDText.version4(), state: state,
            stateBy: .personnel, createdAt: now, updatedAt: now
        )
    }

    /// Changes the state of a known account, unless an admin decided it since the plan was made, or nobody would be
    /// left to administer.
    private mutating func change(
        _ accountID: AccountID, to state: AccountState, _ step: PersonStep, _ loadID: LoadID
    ) throws {
        guard let account = try tx.accounts.find(accountID), account.stateBy != .admin, account.state != state else {
            return
        }
        if state != .aktif, try AccountDirectory(tx, by: actor, at: now).isLastSuperadmin(account) {
            kept.append(PersonnelFinding(row: step.row, reason: .lastSuperadmin, pnsID: step.person.pnsID))
            return
        }
        try tx.accounts.updateState(accountID, state, by: .personnel, at: now)
        try tx.record(
            .accountStateChanged, by: actor, subject: accountID.text,
            detail: [
                "before": .string(account.state.rawValue), "after": .string(state.rawValue),
                "by": .string(StateSource.personnel.rawValue), "load": .string(loadID.text),
            ], at: now
        )
        if !state.mayUseApplications {
            try SessionEnding.endAll(of: account, reason: .accountState, by: actor, in: tx, at: now)
        }
    }

    // MARK: Audit

    private func recordAdded(_ account: Account, _ loadID: LoadID) throws {
        try tx.record(
            .accountAdded, by: actor, subject: account.id.text,
            detail: [
                "role": .string(account.role.rawValue), "state": .string(account.state.rawValue),
                "by": .string(StateSource.personnel.rawValue), "load": .string(loadID.text),
            ], at: now
        )
    }

    /// That the number changed, and not which it is: it is a name to sign in with.
    private func recordRenumbered(_ step: PersonStep, _ loadID: LoadID) throws {
        try tx.record(
            .personRenumbered, by: actor, subject: step.accountID?.text ?? step.person.id.text,
            detail: ["person": .string(step.person.id.text), "load": .string(loadID.text)], at: now
        )
    }

    // MARK: The record of the load

    private func writeRecord(_ loadID: LoadID) throws {
        try tx.loads.insert(
            Load(
                id: loadID, fileName: plan.fileName, fileDigest: plan.fileDigest, unitsDigest: plan.unitsDigest,
                appliedAt: now,
                actor: actor.text, counts: JSONValue.object(plan.countsJSON).encodedText()
            )
        )
        for (findings, outcome) in [(plan.rejected, LoadFinding.Outcome.rejected), (plan.warnings + kept, .warning)] {
            try tx.loads.insert(
                findings.map { finding in
                    LoadFinding(
                        loadID: loadID, rowNumber: Int64(finding.row), outcome: outcome,
                        reason: finding.reason.rawValue, pnsID: finding.pnsID)
                })
        }
        try tx.upkeep.setMeta(DirectorySnapshot.governmentsKey, plan.governmentIDs.sorted().joined(separator: " "))
        try tx.record(
            .personnelLoaded, by: actor, subject: loadID.text,
            detail: [
                "source": .string(plan.source), "file_digest": .string(plan.fileDigest),
                "units_digest": plan.unitsDigest.map { .string($0) } ?? .null, "counts": .object(plan.countsJSON),
            ], at: now
        )
    }
}

/// New ids in ascending order, see `PersonnelComparison.sortNewIDs`.
private struct SortedIDs<Entity> {
    private var waiting: [ID<Entity>]
    private let now: Timestamp

    init(_ count: Int, now: Timestamp) {
        waiting = (0..<count).map { _ in ID.make(now: now) }.sorted(by: >)
        self.now = now
    }

    mutating func next() -> ID<Entity> {
        waiting.popLast() ?? ID.make(now: now)
    }
}
