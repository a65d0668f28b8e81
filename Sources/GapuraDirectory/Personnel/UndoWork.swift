internal import GapuraFormats
internal import GapuraStore

/// What taking a load back writes: read and decided first, then written in the same transaction.
struct UndoWork {
    private let load: Load
    private let now: Timestamp
    private(set) var report: UndoReport

    private var people: [PersonID: (old: Person, new: Person)] = [:]
    private var units: [UnitID: (old: Unit, new: Unit)] = [:]
    private var schedule: [ID<ScheduledChange>: (old: ScheduledChange, new: ScheduledChange)] = [:]
    private var states: [StateChanges.Step] = []
    /// Accounts that the load made.
    private var closed: [StateChanges.Step] = []
    private var endedAliases: [AliasID] = []
    private var reopened: [(id: AliasID, ended: Timestamp?)] = []
    private var personOfAccount: [AccountID: PersonID] = [:]
    private var renumbered: Set<PersonID> = []

    /// - Throws: `UndoRefusal`
    init(_ tx: Transaction, _ id: LoadID, _ options: PersonnelOptions, _ now: Timestamp) throws {
        guard let load = try tx.loads.find(id) else { throw UndoRefusal.unknown }
        if let undo = load.undoneBy { throw UndoRefusal.undoneAlready(by: undo) }
        self.load = load
        self.now = now
        report = UndoReport(load: id)
        let changes = try Changes(tx, id)
        let isWhole = try tx.upkeep.loadsPrunedBefore().map { load.appliedAt >= $0 } ?? true
        guard isWhole, try !changes.isEmpty || Self.changedNothing(load) else { throw UndoRefusal.notKept }
        try restorePeople(tx, changes.people)
        try restoreUnits(tx, changes.units, changes.made)
        if try stayOutOfClosed(tx) {
            // Whoever stays keeps a unit of this load open.
            units = [:]
            report.left.removeAll { $0.entity == .unit }
            try restoreUnits(tx, changes.units, changes.made)
        }
        try restoreAccounts(tx, changes.accounts)
        try restoreAliases(tx, changes.aliases)
        try restoreSchedule(tx, changes.schedule)
        try nameLeft(tx)
        count()
        try stop(tx, options)
    }

    /// A load that changed nothing keeps nothing, and is taken back all the same.
    private static func changedNothing(_ load: Load) throws -> Bool {
        guard let counts = try? StrictJSON.parse(Array(load.counts.utf8)).object else { return false }
        return ["new", "changed", "vanished", "units_added", "units_changed"].allSatisfy {
            (counts[$0]?.integer ?? 0) == 0
        }
    }

    /// What a load changed, row by row, the newest change of a row first.
    private struct Changes {
        struct One {
            let id: String
            let before: JSONObject?
            let after: JSONObject
        }

        var people: [One] = []
        var units: [One] = []
        var aliases: [One] = []
        var accounts: [One] = []
        var schedule: [One] = []
        /// Ids of units that the load made.
        var made: Set<String> = []

        var isEmpty: Bool {
            people.isEmpty && units.isEmpty && aliases.isEmpty && accounts.isEmpty && schedule.isEmpty
        }

        init(_ tx: Transaction, _ id: LoadID) throws {
            try tx.loads.eachChange(of: id) { change in
                guard let after = try StrictJSON.parse(Array(change.after.utf8)).object else {
                    throw StoreError.unreadable("load_changes.new_values")
                }
                let before = try change.before.map { try StrictJSON.parse(Array($0.utf8)).object ?? JSONObject() }
                let one = One(id: change.entityID, before: before, after: after)
                switch change.entity {
                case .person: people.append(one)
                case .unit:
                    units.append(one)
                    if before == nil { made.insert(change.entityID) }
                case .alias: aliases.append(one)
                case .account: accounts.append(one)
                case .schedule: schedule.append(one)
                }
            }
        }
    }

    private mutating func leave(
        _ entity: LoadChange.Entity, _ id: String, _ reason: UndoLeft.Reason, columns: [String] = []
    ) {
        report.left.append(
            UndoLeft(entity: entity, entityID: id, columns: columns, pnsID: nil, name: nil, reason: reason))
    }

    // MARK: People and units

    /// Puts columns back whose value is still the one that the load gave them.
    /// - Returns: the columns that something newer touched.
    private func putBack<Value: ChangedValues>(
        _ value: inout Value, _ change: Changes.One, together: Set<String> = []
    ) -> [String] {
        guard let before = change.before else { return [] }
        var touched: [String] = []
        for (column, after) in change.after.members {
            if value.value(column)?.isSame(after) != true { touched.append(column) }
        }
        // Some columns mean nothing one without another.
        if touched.contains(where: together.contains) {
            touched += change.after.keys.filter { together.contains($0) && !touched.contains($0) }
        }
        for column in change.after.keys where !touched.contains(column) {
            value.set(column, before[column] ?? .null)
        }
        return touched
    }

    private mutating func restorePeople(_ tx: Transaction, _ changes: [Changes.One]) throws {
        let found = Dictionary(try tx.people.list(changes.compactMap { PersonID($0.id) }).map { ($0.id.text, $0) }) {
            first, _ in first
        }
        for change in changes {
            guard let person = found[change.id] else {
                leave(.person, change.id, .gone)
                continue
            }
            var new = people[person.id]?.new ?? person
            let touched = putBack(&new, change)
            if !touched.isEmpty { leave(.person, change.id, .changedSince, columns: touched) }
            guard person.difference(to: new) != nil else { continue }
            new.updatedAt = now
            people[person.id] = (person, new)
        }
    }

    private mutating func restoreUnits(_ tx: Transaction, _ changes: [Changes.One], _ made: Set<String>) throws {
        guard !changes.isEmpty else { return }
        let found = Dictionary(try tx.units.list(changes.compactMap { UnitID($0.id) }).map { ($0.id.text, $0) }) {
            first, _ in first
        }
        let current = try tx.units.list()
        let ours = Set(changes.map(\.id))
        for change in changes {
            guard let unit = found[change.id] else {
                leave(.unit, change.id, .gone)
                continue
            }
            var new = units[unit.id]?.new ?? unit
            // Whatever stands below it came with the same load, or it cannot go back.
            let isAlone = current.allSatisfy { !$0.path.hasPrefix(unit.path) || ours.contains($0.id.text) }
            if change.before == nil {
                let back = Set(people.filter { $0.value.new.unitID != unit.id }.keys)
                let newcomers = try newcomers(tx, in: unit.id, besides: back)
                guard unit.validTo == nil, isAlone, !newcomers else {
                    leave(.unit, change.id, unit.validTo == nil ? .unitInUse : .changedSince)
                    continue
                }
                new.validTo = now
            } else {
                guard isAlone || !change.after.keys.contains(where: Unit.place.contains) else {
                    leave(.unit, change.id, .unitInUse, columns: change.after.keys)
                    continue
                }
                let touched = putBack(&new, change, together: Unit.place)
                if !touched.isEmpty { leave(.unit, change.id, .changedSince, columns: touched) }
            }
            guard unit.difference(to: new) != nil else { continue }
            units[unit.id] = (unit, new)
        }
    }

    /// Leaves in their present unit those whose former one is closed, unless this undo opens it again.
    /// - Returns: whether there are any.
    private mutating func stayOutOfClosed(_ tx: Transaction) throws -> Bool {
        let moving = people.values.filter { $0.old.unitID != $0.new.unitID }.sorted { $0.new.id < $1.new.id }
        let former = try tx.units.list(Set(moving.compactMap(\.new.unitID)).sorted())
        let closed = Set(former.filter { (units[$0.id]?.new ?? $0).validTo != nil }.map(\.id))
        var isAnybody = false
        for (old, new) in moving {
            guard let unit = new.unitID, closed.contains(unit) else { continue }
            isAnybody = true
            leave(.person, old.id.text, .unitClosed, columns: ["unit_id"])
            var kept = new
            kept.unitID = old.unitID
            people[old.id] = old.difference(to: kept) == nil ? nil : (old, kept)
        }
        return isAnybody
    }

    /// Whether anybody is in a unit who did not come with this load.
    private func newcomers(_ tx: Transaction, in unit: UnitID, besides back: Set<PersonID>) throws -> Bool {
        try tx.people.isAnybody(in: unit, besides: back, madeAt: load.appliedAt)
    }

    // MARK: Accounts

    private mutating func restoreAccounts(_ tx: Transaction, _ changes: [Changes.One]) throws {
        let accounts = Dictionary(
            try tx.accounts.list(changes.compactMap { AccountID($0.id) }).map { ($0.id.text, $0) }
        ) {
            first, _ in first
        }
        var standing: [String: (state: String, by: String)] = [:]
        var steps: [String: StateChanges.Step] = [:]
        var people: [PersonID] = []
        for change in changes {
            guard let account = accounts[change.id] else {
                leave(.account, change.id, .gone)
                continue
            }
            if let person = account.personID { personOfAccount[account.id] = person }
            let (state, by) = standing[change.id] ?? (account.state.rawValue, account.stateBy.rawValue)
            guard change.after["state"]?.string == state, change.after["by"]?.string == by else {
                leave(.account, change.id, .changedSince)
                // What an older row of this load says of it does not count either.
                standing[change.id] = ("", "")
                continue
            }
            guard let before = change.before else {
                steps[change.id] = nil
                closed.append(.init(accountID: account.id, state: .nonaktif))
                if change.after["person"]?.string == "new", let person = account.personID { people.append(person) }
                continue
            }
            guard let old = before["state"]?.string.flatMap(AccountState.init),
                let source = before["by"]?.string.flatMap(StateSource.init)
            else { throw StoreError.unreadable("load_changes.old_values") }
            standing[change.id] = (old.rawValue, source.rawValue)
            steps[change.id] = .init(accountID: account.id, state: old, by: source)
        }
        states = steps.values.sorted { $0.accountID < $1.accountID }
        // A newcomer's number is free again: whoever it belongs to comes with the right file.
        for alias in try tx.people.currentNumbers(of: people) where alias.validFrom == load.appliedAt {
            endedAliases.append(alias.id)
        }
        losing = Self.losing(accounts, states + closed)
    }

    private var losing = 0

    /// Accounts that may sign in and will not.
    private static func losing(_ accounts: [String: Account], _ steps: [StateChanges.Step]) -> Int {
        steps.count { step in
            accounts[step.accountID.text]?.state.maySignIn == true && !step.state.maySignIn
        }
    }

    // MARK: Numbers

    private mutating func restoreAliases(_ tx: Transaction, _ changes: [Changes.One]) throws {
        let aliases = Dictionary(try tx.people.aliases(changes.compactMap { AliasID($0.id) }).map { ($0.id.text, $0) })
        {
            first, _ in first
        }
        // Whose number of this load is no longer theirs has had another since: their older one stays ended.
        var moved: Set<PersonID> = []
        var ending = Set(endedAliases)
        for change in changes where change.before == nil {
            guard let alias = aliases[change.id] else { continue }
            if alias.validTo == nil {
                endedAliases.append(alias.id)
                ending.insert(alias.id)
                renumbered.insert(alias.personID)
            } else {
                moved.insert(alias.personID)
                leave(.alias, change.id, .changedSince)
            }
        }
        let former = changes.filter { $0.before != nil }.compactMap { change in
            aliases[change.id].map { (alias: $0, change: change) }
        }
        // An undo is taken back: what it reopened ends again.
        for (alias, change) in former where change.after["valid_to"]?.isNull == true {
            if alias.validTo == nil {
                endedAliases.append(alias.id)
                ending.insert(alias.id)
                renumbered.insert(alias.personID)
            } else {
                moved.insert(alias.personID)
                leave(.alias, change.id, .changedSince)
            }
        }
        let closed = former.filter { $0.change.after["valid_to"]?.isNull != true }
        let holders = Dictionary(
            grouping: try tx.people.current(numbers: closed.map(\.alias.value)).filter { !ending.contains($0.id) },
            by: \.value)
        for (alias, change) in closed {
            guard !moved.contains(alias.personID), alias.validTo?.milliseconds == change.after["valid_to"]?.integer
            else {
                leave(.alias, change.id, .changedSince)
                continue
            }
            guard holders[alias.value] == nil else {
                leave(.alias, change.id, .numberTaken)
                continue
            }
            reopened.append((alias.id, alias.validTo))
            renumbered.insert(alias.personID)
        }
    }

    // MARK: What waits

    private mutating func restoreSchedule(_ tx: Transaction, _ changes: [Changes.One]) throws {
        let found = Dictionary(
            try tx.schedule.list(changes.compactMap { ID<ScheduledChange>($0.id) }).map { ($0.id.text, $0) }
        ) { first, _ in first }
        for change in changes {
            guard let item = found[change.id] else { continue }
            var new = schedule[item.id]?.new ?? item
            if change.before == nil {
                guard change.after["state"]?.string == new.state.rawValue else { continue }
                new.state = .cancelled
                new.decidedAt = now
            } else {
                // A later load decided it: that load's word counts, and nobody has to look at it.
                guard change.after["state"]?.string == new.state.rawValue else { continue }
                _ = putBack(&new, change)
            }
            schedule[item.id] = (item, new)
        }
    }

    // MARK: The report

    private mutating func nameLeft(_ tx: Transaction) throws {
        guard !report.left.isEmpty else { return }
        var persons: [String: PersonID] = [:]
        for left in report.left {
            switch left.entity {
            case .person: persons[left.entityID] = PersonID(left.entityID)
            case .account: persons[left.entityID] = AccountID(left.entityID).flatMap { personOfAccount[$0] }
            default: break
            }
        }
        let aliases = try tx.people.aliases(
            report.left.filter { $0.entity == .alias }.compactMap { AliasID($0.entityID) })
        for alias in aliases { persons[alias.id.text] = alias.personID }
        let found = Dictionary(try tx.people.list(Set(persons.values).sorted()).map { ($0.id, $0) }) { first, _ in first
        }
        let units = Dictionary(
            try tx.units.list(report.left.filter { $0.entity == .unit }.compactMap { UnitID($0.entityID) })
                .map { ($0.id.text, $0.name) }
        ) { first, _ in first }
        for place in report.left.indices {
            let id = report.left[place].entityID
            let person = persons[id].flatMap { found[$0] }
            report.left[place].pnsID = person?.pnsID
            report.left[place].name = person?.fullName ?? units[id]
        }
    }

    private mutating func count() {
        report.people = people.count
        report.units = units.count
        report.numbers = renumbered.count
        report.scheduled = schedule.count
        report.accounts = states.count + closed.count
        report.disabled = closed.count
    }

    private mutating func stop(_ tx: Transaction, _ options: PersonnelOptions) throws {
        let active = try tx.accounts.countOfPeopleWhoMaySignIn()
        // With what loads of some people took in a day: else a source that has gone mad takes back, one by one, what it
        // may not take.
        let gone = losing + Int(clamping: try tx.loads.lost(since: now.adding(seconds: -86_400)))
        guard losing > 0, active > 0, Double(gone) > Double(active) * options.stopShare else { return }
        report.stop = PersonnelPlan.Stop(accounts: gone, activeAccounts: Int(clamping: active))
    }

    // MARK: Writing

    func write(
        _ tx: Transaction, _ id: LoadID, by actor: Actor, askedBy: String?, _ options: PersonnelOptions
    ) throws -> UndoReport {
        var report = report
        report.undo = id
        let record = Load(
            id: id, fileName: load.fileName, fileDigest: "", unitsDigest: nil, appliedAt: now, actor: actor.text,
            counts: JSONValue.object(report.countsJSON).encodedText(), kind: .undo, undoes: load.id,
            lost: report.stop == nil ? Int64(losing) : -1)
        try tx.loads.insert(record)
        try tx.loads.setUndone(load.id, by: id)
        // What an undo took back is in force again.
        if load.kind == .undo, let original = load.undoes { try tx.loads.setUndone(original, by: nil) }

        var changes: [LoadChange] = []
        for (old, new) in units.values.sorted(by: { $0.new.path < $1.new.path }) {
            try tx.units.update(new)
            try tx.units.insert(UnitHistory(loadID: id, by: actor, at: now).events(from: old, to: new))
            if let change = LoadChange(.unit, new.id.text, from: old, to: new) { changes.append(change) }
        }
        let people = people.values.sorted { $0.new.id < $1.new.id }
        try tx.people.update(people.map(\.new))
        changes += people.compactMap { LoadChange(.person, $0.new.id.text, from: $0.old, to: $0.new) }
        try tx.people.end(endedAliases, at: now)
        try tx.people.reopen(reopened.map(\.id))
        changes += endedAliases.map { LoadChange($0, endFrom: nil, to: now) }
        changes += reopened.map { LoadChange($0.id, endFrom: $0.ended, to: nil) }
        let items = schedule.values.sorted { $0.new.id < $1.new.id }
        try tx.schedule.put(items.map(\.new))
        changes += items.compactMap { LoadChange(.schedule, $0.new.id.text, from: $0.old, to: $0.new) }

        if !units.isEmpty || !people.isEmpty {
            try GrantTransfers.restore(endedBy: load.id, by: actor, in: tx, at: now)
            try GrantTransfers.end(load: id, by: actor, in: tx, at: now)
        }

        var kept: [AccountID] = []
        for (steps, reason) in [(states, nil), (closed, BinEntry.Reason.undone)] {
            var writer = StateChanges(tx: tx, actor: actor, now: now, loadID: id, binDays: options.binDays)
            writer.detail = ["undoes": .string(load.id.text)]
            writer.overrulesAdmins = true
            writer.binReason = reason
            _ = try writer.write(steps)
            try writer.finish()
            changes += writer.changes
            kept += writer.kept
        }
        for account in kept {
            report.left.append(
                UndoLeft(entity: .account, entityID: account.text, columns: [], reason: .lastSuperadmin))
            report.accounts -= 1
        }
        try tx.loads.insert(changes, of: id, from: 1)
        try writeRecord(tx, id, by: actor, askedBy, report)
        return report
    }

    private func writeRecord(
        _ tx: Transaction, _ id: LoadID, by actor: Actor, _ askedBy: String?, _ report: UndoReport
    ) throws {
        try tx.record(
            renumbered.sorted().map { person in
                AuditEntry(
                    .personRenumbered, subject: person.text,
                    detail: ["person": .string(person.text), "load": .string(id.text)])
            }, by: actor, at: now)
        try tx.loads.insert(
            report.left.enumerated().map { place, left in
                LoadFinding(
                    loadID: id, rowNumber: Int64(place + 1), outcome: .left, reason: left.reason.rawValue,
                    pnsID: left.pnsID)
            })
        var detail: JSONObject = ["load": .string(load.id.text), "counts": .object(report.countsJSON)]
        detail["asked_by"] = askedBy.map { .string($0) }
        try tx.record(.personnelUndone, by: actor, subject: id.text, detail: detail, at: now)
    }
}
