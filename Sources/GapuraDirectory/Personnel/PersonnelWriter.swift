internal import GapuraFormats
internal import GapuraStore

/// Writes a plan, inside its one transaction.
struct PersonnelWriter {
    let tx: Transaction
    let plan: PersonnelPlan
    let work: PersonnelWork
    let actor: Actor
    let now: Timestamp
    /// Who asked for it, where a second admin confirmed it.
    let askedBy: String?
    /// What only the writing found: accounts that stay as they are.
    private var kept: [PersonnelFinding] = []

    init(
        tx: Transaction, plan: PersonnelPlan, work: PersonnelWork, actor: Actor, now: Timestamp, askedBy: String? = nil
    ) {
        self.tx = tx
        self.plan = plan
        self.work = work
        self.actor = actor
        self.now = now
        self.askedBy = askedBy
    }

    /// - Throws: `PersonnelRefusal.outdated` where something acted on its day since the plan was made: who came back
    ///   would stay suspended.
    mutating func write(_ progress: (Double) -> Void) throws {
        let waiting = try tx.schedule.list(work.waiting.map(\.id))
        guard waiting.sorted(by: { $0.id < $1.id }) == work.waiting.sorted(by: { $0.id < $1.id }) else {
            throw PersonnelRefusal.outdated
        }
        try tx.loads.insert(work.load)
        // Parents stand before their children in both lists, and a new unit may hang below a changed one or the other
        // way round.
        for unit in work.unitsAdded { try tx.units.insert(unit) }
        for unit in work.unitsChanged { try tx.units.update(unit) }
        try tx.units.insert(UnitHistory(loadID: work.load.id, by: actor, at: now).events(of: plan.units))
        // Numbers that end come first: two people may have swapped theirs.
        let ended = try tx.people.currentNumbers(of: work.renumbered).map(\.id)
        try tx.people.end(ended, at: now)
        // Table by table: see `PersonnelWork.addAliases`.
        try inPortions(work.newPeople, from: 0, to: 0.4, progress) { try tx.people.insert(Array($0)) }
        try inPortions(work.changedPeople, from: 0.4, to: 0.5, progress) { try tx.people.update(Array($0)) }
        try inPortions(work.aliases, from: 0.5, to: 0.7, progress) { try tx.people.insert(Array($0)) }
        try inPortions(work.newAccounts, from: 0.7, to: 0.8, progress) { try tx.accounts.insert(Array($0)) }
        try inPortions(work.scheduled, from: 0.8, to: 0.82, progress) { try tx.schedule.put(Array($0)) }
        try tx.loads.insert(ended.map { LoadChange($0, endFrom: nil, to: now) }, of: work.load.id, from: 1)
        var place = Int64(ended.count) + 1
        try inPortions(work.changes, from: 0.82, to: 0.9, progress) { changes in
            try tx.loads.insert(changes, of: work.load.id, from: place)
            place += Int64(changes.count)
        }
        try inPortions(work.entries, from: 0.9, to: 0.92, progress) { try tx.record($0, by: actor, at: now) }
        try writeStates(from: place, progress)
        if plan.mayEndGrants { try GrantTransfers.end(load: work.load.id, by: actor, in: tx, at: now) }
        try writeRecord()
        progress(1)
    }

    /// How many rows are gathered before they are written.
    private static let portion = 500

    /// - Parameter start: the share of the load that is done before.
    private func inPortions<Element>(
        _ elements: [Element], from start: Double, to end: Double, _ progress: (Double) -> Void,
        _ body: (ArraySlice<Element>) throws -> Void
    ) throws {
        var rest = elements[...]
        while !rest.isEmpty {
            progress(end - (end - start) * Double(rest.count) / Double(elements.count))
            try body(rest.prefix(Self.portion))
            rest = rest.dropFirst(Self.portion)
        }
    }

    /// Changes the states of known accounts, unless an admin decided one since the plan was made, or nobody would be
    /// left to administer.
    private mutating func writeStates(from first: Int64, _ progress: (Double) -> Void) throws {
        var states = StateChanges(tx: tx, actor: actor, now: now, loadID: work.load.id, binDays: plan.binDays)
        try inPortions(work.stateSteps, from: 0.92, to: 1, progress) { portion in
            _ = try states.write(portion.map { .init(accountID: $0.accountID, state: $0.state) })
            try states.finish()
        }
        try tx.loads.insert(states.changes, of: work.load.id, from: first)
        let keeps = Set(states.kept)
        kept = work.stateSteps.filter { keeps.contains($0.accountID) }.map {
            PersonnelFinding(row: $0.row, reason: .lastSuperadmin, pnsID: $0.pnsID)
        }
    }

    // MARK: The record of the load

    private func writeRecord() throws {
        for (findings, outcome) in [(plan.rejected, LoadFinding.Outcome.rejected), (plan.warnings + kept, .warning)] {
            try tx.loads.insert(
                findings.map { finding in
                    LoadFinding(
                        loadID: work.load.id, rowNumber: Int64(finding.row), outcome: outcome,
                        reason: finding.reason.rawValue, pnsID: finding.pnsID)
                })
        }
        try tx.upkeep.setMeta(DirectorySnapshot.governmentsKey, plan.governmentIDs.sorted().joined(separator: " "))
        var detail: JSONObject = [
            "source": .string(plan.source), "file_digest": .string(plan.fileDigest),
            "units_digest": plan.unitsDigest.map { .string($0) } ?? .null, "counts": .object(plan.countsJSON),
        ]
        if let askedBy { detail["asked_by"] = .string(askedBy) }
        try tx.record(.personnelLoaded, by: actor, subject: work.load.id.text, detail: detail, at: now)
    }
}
