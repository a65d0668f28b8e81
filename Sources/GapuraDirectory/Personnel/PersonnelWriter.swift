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
        let total = Double(max(plan.steps.count, 1))
        for (index, step) in plan.steps.enumerated() {
            try write(step, loadID)
            if index.isMultiple(of: 200) { progress(Double(index) / total) }
        }
        try writeRecord(loadID)
        progress(1)
    }

    // MARK: One person

    private mutating func write(_ step: PersonStep, _ loadID: LoadID) throws {
        let person = step.person
        if step.isNew {
            try tx.people.insert(person)
            if let pnsID = person.pnsID { try insertAlias(person.id, .pnsID, pnsID) }
        } else if step.isChanged {
            try tx.people.update(person)
        }
        if let kind = step.newNIP { try insertAlias(person.id, kind, step.nip) }
        guard let state = step.newState else { return }
        if let accountID = step.accountID {
            try change(accountID, to: state, loadID)
        } else {
            try tx.accounts.insert(
                Account(
                    id: accountIDs.next(), personID: person.id, sub: UUIDText.version4(), state: state,
                    stateBy: .personnel, createdAt: now, updatedAt: now
                )
            )
        }
    }

    private mutating func insertAlias(_ personID: PersonID, _ kind: PersonAlias.Kind, _ value: String) throws {
        try tx.people.insert(
            PersonAlias(id: aliasIDs.next(), personID: personID, kind: kind, value: value, validFrom: now))
    }

    /// Changes the state of a known account, unless an admin decided it since the plan was made.
    private func change(_ accountID: AccountID, to state: AccountState, _ loadID: LoadID) throws {
        guard let account = try tx.accounts.find(accountID), account.stateBy != .admin, account.state != state else {
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

    // MARK: The record of the load

    private func writeRecord(_ loadID: LoadID) throws {
        try tx.loads.insert(
            Load(
                id: loadID, fileName: plan.fileName, fileDigest: plan.fileDigest, unitsDigest: plan.unitsDigest,
                appliedAt: now,
                actor: actor.text, counts: JSONValue.object(plan.countsJSON).encodedText()
            )
        )
        for (findings, outcome) in [(plan.rejected, LoadFinding.Outcome.rejected), (plan.warnings, .warning)] {
            for finding in findings {
                try tx.loads.insert(
                    LoadFinding(
                        loadID: loadID, rowNumber: Int64(finding.row), outcome: outcome,
                        reason: finding.reason.rawValue,
                        pnsID: finding.pnsID
                    )
                )
            }
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
