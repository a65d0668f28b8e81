internal import GapuraFormats
internal import GapuraStore

/// All that a plan decides, ready to be written: made before the transaction begins, because everybody else waits for
/// that one.
struct PersonnelWork: Sendable {
    /// An account whose state changes, if it still is as it was.
    struct StateStep: Sendable {
        let accountID: AccountID
        let state: AccountState
        let row: Int
        let pnsID: String?
    }

    /// More new accounts than this in one load are counted in the row of the load and have none of their own: the chain
    /// would have ten thousand rows that all say the same of a city's first load. Which accounts they are stays known:
    /// `load_changes` has them.
    private static let maximumAccountRows = 1000

    let load: Load
    let source: String
    private(set) var unitsAdded: [Unit] = []
    private(set) var unitsChanged: [Unit] = []
    /// Known people who get another number: those they have end.
    private(set) var renumbered: [PersonID] = []
    private(set) var newPeople: [Person] = []
    private(set) var changedPeople: [Person] = []
    /// First those by `pns_id`, then those by number, each in the order of its index.
    private(set) var aliases: [PersonAlias] = []
    private(set) var newAccounts: [Account] = []
    private(set) var stateSteps: [StateStep] = []
    private(set) var scheduled: [ScheduledChange] = []
    /// What waited when the plan was made and is decided by it: it must be so still.
    private(set) var waiting: [ScheduledChange] = []
    /// What stands in the chain whatever happens to the states.
    private(set) var entries: [AuditEntry] = []
    private(set) var changes: [LoadChange] = []

    /// What counts against the stop of the next load of some people. Whoever confirmed a number confirmed all before it,
    /// and the count begins anew.
    private static func lost(_ plan: PersonnelPlan, _ actor: Actor) -> Int64 {
        guard plan.coverage == .listed || actor.isClient else { return 0 }
        return plan.stop == nil ? Int64(plan.losses) : -1
    }

    init(_ plan: PersonnelPlan, loadID: LoadID, actor: Actor, now: Timestamp) {
        load = Load(
            id: loadID, fileName: plan.fileName, fileDigest: plan.fileDigest, unitsDigest: plan.unitsDigest,
            appliedAt: now, actor: actor.text, counts: JSONValue.object(plan.countsJSON).encodedText(),
            lost: Self.lost(plan, actor))
        source = plan.source
        unitsAdded = plan.units.added
        unitsChanged = plan.units.changed
        changes += unitsAdded.map { LoadChange(made: .unit, $0.id.text, ["valid_to": .null]) }
        changes += zip(plan.units.previous, unitsChanged).compactMap { old, new in
            LoadChange(.unit, new.id.text, from: old, to: new)
        }
        addPeople(plan.steps, now)
        addAliases(plan.steps, now)
        addAccounts(plan, now)
        addScheduled(plan, now)
    }

    private mutating func addPeople(_ steps: [PersonStep], _ now: Timestamp) {
        for step in steps {
            if step.isNew {
                newPeople.append(step.person)
            } else if step.isChanged {
                changedPeople.append(step.person)
                if let known = step.known,
                    let change = LoadChange(
                        .person, step.person.id.text, from: known.person, to: step.person)
                {
                    changes.append(change)
                }
            }
            if !step.isNew, step.newNIP != nil { renumbered.append(step.person.id) }
        }
    }

    /// In the order of an index where one can be chosen: a hundred thousand rows then go to the end of most indexes,
    /// and not through all of them at once, which is more than the engine's cache holds.
    private mutating func addAliases(_ steps: [PersonStep], _ now: Timestamp) {
        let renumbered = steps.filter { $0.newNIP != nil }
            .sorted { $0.nip.utf8.lexicographicallyPrecedes($1.nip.utf8) }
        var ids = SortedIDs<PersonAlias>(2 * steps.count, now: now)
        aliases.reserveCapacity(2 * steps.count)
        for step in steps where step.isNew {
            guard let pnsID = step.person.pnsID else { continue }
            aliases.append(
                PersonAlias(id: ids.next(), personID: step.person.id, kind: .pnsID, value: pnsID, validFrom: now))
        }
        for step in renumbered {
            guard let kind = step.newNIP else { continue }
            let alias = PersonAlias(
                id: ids.next(), personID: step.person.id, kind: kind, value: step.nip, validFrom: now)
            aliases.append(alias)
            // Those of a new person end with the account that is made for them.
            if !step.isNew { changes.append(LoadChange(made: .alias, alias.id.text, ["valid_to": .null])) }
        }
    }

    private mutating func addAccounts(_ plan: PersonnelPlan, _ now: Timestamp) {
        let isListed = plan.counts.accountsAdded <= Self.maximumAccountRows
        var ids = SortedIDs<Account>(plan.steps.count, now: now)
        var renumbered: [AuditEntry] = []
        for step in plan.steps {
            if step.accountID == nil, let state = step.newState {
                let account = Account(
                    id: ids.next(), personID: step.person.id, sub: UUIDText.version4(), state: state,
                    stateBy: .personnel, createdAt: now, updatedAt: now)
                newAccounts.append(account)
                changes.append(
                    LoadChange(
                        entity: .account, entityID: account.id.text, before: nil,
                        after: Self.made(state, withPerson: step.isNew)))
                if isListed { entries.append(added(account)) }
            } else if let state = step.newState, let id = step.accountID {
                stateSteps.append(StateStep(accountID: id, state: state, row: step.row, pnsID: step.person.pnsID))
            }
            if !step.isNew, step.newNIP != nil { renumbered.append(self.renumbered(step)) }
        }
        entries += renumbered
    }

    /// Five texts for a hundred thousand accounts.
    private static func made(_ state: AccountState, withPerson: Bool) -> String {
        (withPerson ? madeWithPerson : madeAlone)[state] ?? ""
    }

    private static let madeWithPerson = texts(withPerson: true)
    private static let madeAlone = texts(withPerson: false)

    private static func texts(withPerson: Bool) -> [AccountState: String] {
        Dictionary(
            uniqueKeysWithValues: AccountState.allCases.map { state in
                var object: JSONObject = [
                    "state": .string(state.rawValue), "by": .string(StateSource.personnel.rawValue),
                ]
                if withPerson { object["person"] = "new" }
                return (state, JSONValue.object(object).encodedText())
            })
    }

    private mutating func addScheduled(_ plan: PersonnelPlan, _ now: Timestamp) {
        for step in plan.steps {
            for item in step.scheduled {
                var change = item.change
                if item.isAdded {
                    change.personID = step.person.id
                    change.loadID = load.id
                    changes.append(made(change))
                } else if let before = item.before {
                    waiting.append(before)
                    if let row = LoadChange(.schedule, change.id.text, from: before, to: change) {
                        changes.append(row)
                    }
                }
                scheduled.append(change)
            }
        }
        var ids = SortedIDs<ScheduledChange>(plan.vanished.count, now: now)
        for person in plan.vanished {
            let change = ScheduledChange(
                id: ids.next(), personID: person.personID, kind: .vanished, loadID: load.id, validFrom: now,
                dueAt: plan.graceEnds)
            scheduled.append(change)
            changes.append(made(change))
        }
    }

    private func made(_ change: ScheduledChange) -> LoadChange {
        LoadChange(made: .schedule, change.id.text, ["state": .string(change.state.rawValue)])
    }

    // MARK: Audit

    private func added(_ account: Account) -> AuditEntry {
        AuditEntry(
            .accountAdded, subject: account.id.text,
            detail: [
                "role": .string(account.role.rawValue), "state": .string(account.state.rawValue),
                "by": .string(StateSource.personnel.rawValue), "load": .string(load.id.text),
            ])
    }

    /// That the number changed, and not which it is: it is a name to sign in with.
    private func renumbered(_ step: PersonStep) -> AuditEntry {
        AuditEntry(
            .personRenumbered, subject: step.accountID?.text ?? step.person.id.text,
            detail: ["person": .string(step.person.id.text), "load": .string(load.id.text)])
    }
}

/// New ids in ascending order, see `PersonnelComparison.sortNewIDs`.
struct SortedIDs<Entity> {
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
