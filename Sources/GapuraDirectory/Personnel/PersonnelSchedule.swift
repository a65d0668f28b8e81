package import GapuraFormats
package import GapuraStore

/// Lets what waits for a day act on it: retirements with a date, and the suspension of people who stayed away.
package struct PersonnelSchedule: Sendable {
    /// What one call did.
    package struct Outcome: Sendable, Equatable {
        /// How many changes were decided.
        package var decided = 0
        /// How many accounts changed.
        package var accounts = 0
    }

    /// How many in one transaction: the others wait for it.
    private static let portion: Int64 = 200

    private let store: Store
    private let binDays: Int64

    package init(store: Store, binDays: Int64) {
        self.store = store
        self.binDays = binDays
    }

    /// Everything that is due. With two nodes both may try: the second finds nothing.
    package func act(at now: Timestamp) async throws -> Outcome {
        var total = Outcome()
        while let due = try await store.read({ try $0.schedule.nextDue() }), due <= now {
            let binDays = binDays
            let outcome = try await store.write { tx in try Self.act(tx, now, binDays) }
            total.decided += outcome.decided
            total.accounts += outcome.accounts
            guard outcome.decided > 0 else { break }
        }
        return total
    }

    private static func act(_ tx: Transaction, _ now: Timestamp, _ binDays: Int64) throws -> Outcome {
        let due = try tx.schedule.due(at: now, limit: portion)
        var outcome = Outcome()
        // By the load that brought them: its undo takes back what they did.
        for (loadID, changes) in Dictionary(grouping: due, by: \.loadID).sorted(by: { $0.key < $1.key }) {
            for kind in [ScheduledChange.Kind.retired, .vanished] {
                let changes = changes.filter { $0.kind == kind }
                guard !changes.isEmpty else { continue }
                // Read anew each time: who retired a moment ago is not suspended for an absence.
                let accounts = Dictionary(
                    try tx.accounts.list(personIDs: Set(changes.map(\.personID)).sorted()).compactMap { account in
                        account.personID.map { ($0, account) }
                    }
                ) { first, _ in first }
                var states = StateChanges(tx: tx, actor: .system, now: now, loadID: loadID, binDays: binDays)
                states.detail = ["reason": .string(kind.rawValue)]
                states.binReason = kind == .retired ? .retired : .vanished
                let steps = changes.compactMap { change in
                    accounts[change.personID].flatMap { step(change, $0) }
                }
                let written = Set(try states.write(steps).map(\.id))
                try states.finish()
                try finish(changes, accounts, written, states.changes, tx, now)
                outcome.decided += changes.count
                outcome.accounts += written.count
            }
        }
        return outcome
    }

    /// What a change asks of the account as it is now.
    private static func step(_ change: ScheduledChange, _ account: Account) -> StateChanges.Step? {
        switch change.kind {
        case .retired: .init(accountID: account.id, state: .nonaktif)
        case .vanished:
            account.state.isSuspendedByAbsence ? .init(accountID: account.id, state: .ditangguhkan) : nil
        }
    }

    /// Notes what was decided, for the account or without any.
    private static func finish(
        _ changes: [ScheduledChange], _ accounts: [PersonID: Account], _ written: Set<AccountID>,
        _ accountChanges: [LoadChange], _ tx: Transaction, _ now: Timestamp
    ) throws {
        var decided: [ScheduledChange] = []
        var rows = accountChanges
        var entries: [AuditEntry] = []
        for change in changes {
            let account = accounts[change.personID]
            let acted = account.map { written.contains($0.id) } ?? false
            var done = change
            done.state = .done
            done.decidedAt = now
            done.stateBefore = acted ? account?.state : nil
            decided.append(done)
            if let row = LoadChange(.schedule, done.id.text, from: change, to: done) { rows.append(row) }
            entries.append(
                AuditEntry(
                    .personnelActed, subject: account?.id.text ?? change.personID.text,
                    detail: [
                        "kind": .string(change.kind.rawValue), "person": .string(change.personID.text),
                        "load": .string(change.loadID.text), "valid_from": .integer(change.validFrom.milliseconds),
                        "changed": .bool(acted),
                    ]))
        }
        try tx.schedule.put(decided)
        if let load = changes.first?.loadID {
            try tx.loads.insert(rows, of: load, from: tx.loads.nextChange(of: load))
        }
        try tx.record(entries, by: .system, at: now)
    }
}
