internal import GapuraFormats
internal import GapuraStore

/// Changes of account states that personnel data decides, many at once inside one transaction: what an admin decided
/// stays, and so does the last superadmin's sign-in. Sessions end, and every change has its audit row.
struct StateChanges {
    struct Step {
        let accountID: AccountID
        let state: AccountState
        /// Who decides it from now on; an undo gives the word back.
        var by = StateSource.personnel
    }

    let tx: Transaction
    let actor: Actor
    let now: Timestamp
    /// The load that is to blame.
    let loadID: LoadID
    let binDays: Int64
    /// Further members of the audit rows.
    var detail = JSONObject()
    /// Why it goes into the bin, where the state alone does not say.
    var binReason: BinEntry.Reason?
    /// Whether an admin's word may be given back or taken: only for an undo, which compares for itself.
    var overrulesAdmins = false

    private(set) var changes: [LoadChange] = []
    private(set) var entries: [AuditEntry] = []
    /// Accounts that stay because nobody else could administer.
    private(set) var kept: [AccountID] = []
    private var ending: [Account] = []
    private var binned: [BinEntry] = []
    private var freed: [AccountID] = []

    init(tx: Transaction, actor: Actor, now: Timestamp, loadID: LoadID, binDays: Int64) {
        self.tx = tx
        self.actor = actor
        self.now = now
        self.loadID = loadID
        self.binDays = binDays
    }

    /// Writes the states; `finish` writes what hangs on them.
    /// - Returns: the accounts that changed, as they were.
    mutating func write(_ steps: [Step]) throws -> [Account] {
        let accounts = Dictionary(try tx.accounts.list(steps.map(\.accountID)).map { ($0.id, $0) }) { first, _ in first
        }
        var written: [Account] = []
        var many: [Target: [AccountID]] = [:]
        for step in steps {
            guard let account = accounts[step.accountID], overrulesAdmins || account.stateBy != .admin,
                account.state != step.state || account.stateBy != step.by
            else { continue }
            if account.role == .superadmin {
                // One after another: the next one must see that this one has gone.
                if step.state != .aktif, account.state != step.state,
                    try AccountDirectory(tx, by: actor, at: now).isLastSuperadmin(account)
                {
                    kept.append(account.id)
                    continue
                }
                try tx.accounts.updateState(account.id, step.state, by: step.by, at: now)
            } else {
                many[Target(state: step.state, by: step.by), default: []].append(account.id)
            }
            note(account, step)
            written.append(account)
        }
        for (target, ids) in many.sorted(by: { $0.key.state.rawValue < $1.key.state.rawValue }) {
            try tx.accounts.updateStates(ids, target.state, by: target.by, at: now)
        }
        return written
    }

    /// Sessions and the bin. The audit rows and changes are the caller's to write.
    mutating func finish() throws {
        try tx.bin.put(binned)
        if !freed.isEmpty { try tx.bin.remove(freed) }
        try tx.record(entries, by: actor, at: now)
        try SessionEnding.endAll(of: ending, reason: .accountState, by: actor, in: tx, at: now)
        (binned, freed, entries, ending) = ([], [], [], [])
    }

    private struct Target: Hashable {
        let state: AccountState
        let by: StateSource
    }

    private mutating func note(_ account: Account, _ step: Step) {
        changes.append(LoadChange(account.id, from: (account.state, account.stateBy), to: (step.state, step.by)))
        var detail: JSONObject = [
            "before": .string(account.state.rawValue), "after": .string(step.state.rawValue),
            "by": .string(step.by.rawValue), "load": .string(loadID.text),
        ]
        for (key, value) in self.detail.members { detail[key] = value }
        entries.append(AuditEntry(.accountStateChanged, subject: account.id.text, detail: detail))
        if !step.state.mayUseApplications { ending.append(account) }
        if step.state.maySignIn {
            freed.append(account.id)
        } else if account.state.isSuspendedByAbsence {
            binned.append(
                BinEntry(
                    accountID: account.id, loadID: loadID, reason: binReason ?? .init(step.state),
                    stateBefore: account.state, enteredAt: now, until: now.adding(seconds: binDays * 86_400)))
        }
    }
}

extension BinEntry.Reason {
    /// What a state says about why.
    init(_ state: AccountState) {
        self =
            switch state {
            case .nonaktif: .retired
            case .ditangguhkan: .suspended
            default: .waiting
            }
    }
}
