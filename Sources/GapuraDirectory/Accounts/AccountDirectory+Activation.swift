package import GapuraFormats
package import GapuraStore
import GapuraTokens

/// First passwords by printed codes.
extension AccountDirectory {
    /// Seconds from the right code to the new password.
    package static let activationLinkLifetime: Int64 = 15 * 60

    /// Stands for the digest of an account that has none.
    private static let decoy = String(repeating: "A", count: 43)

    /// Somebody typed a code. Right or wrong, known account or not, the same is looked up and computed (attack 149).
    ///
    /// - Parameters:
    ///   - account: nothing for a name that nobody has.
    ///   - id: the account's, or one that never was.
    /// - Returns: the secret of a link that sets the first password; nothing if the code is wrong, used, replaced or
    ///   too old, if the account has a password already, or may not sign in.
    package func activate(_ account: Account?, _ id: AccountID, code: ActivationCode, key: [UInt8]) throws -> String? {
        let record = try tx.activation.find(id)
        let digest = try code.digest(of: id, key: key)
        let isRight = constantTimeEquals(Array(digest.utf8), Array((record?.digest ?? Self.decoy).utf8))
        guard isRight, let account, let record, record.usedAt == nil, now < record.expiresAt,
            account.mayComeByCode, account.state(at: now).maySignIn
        else { return nil }
        return try issueLink(for: account, purpose: .activation, lifetime: Self.activationLinkLifetime)
    }
}

extension Account {
    /// Whoever administers the gateway gets in by a one-time link only: a sheet of codes lies on a unit head's desk.
    package var mayComeByCode: Bool { passwordHash == nil && role == .none }
}

/// Issues codes to everybody of a scope who has no password, in the caller's transaction and in bounded memory.
package struct ActivationBatch {
    /// Codes that are written at once.
    private static let portion = 500

    /// Whom codes are for, and with what life.
    package struct Order: Sendable {
        package var scope: ActivationQueries.Scope
        /// Also whoever has a code that is still good; that one is worthless then.
        package var again: Bool
        package var key: [UInt8]
        /// Seconds.
        package var lifetime: Int64
        /// For the audit: the unit whose people it is for.
        package var unitID: UnitID?

        package init(
            scope: ActivationQueries.Scope, again: Bool, key: [UInt8], lifetime: Int64, unitID: UnitID? = nil
        ) {
            self.scope = scope
            self.again = again
            self.key = key
            self.lifetime = lifetime
            self.unitID = unitID
        }
    }

    /// What was done.
    package struct Outcome: Sendable {
        package let batch: String
        package let expiresAt: Timestamp
        package fileprivate(set) var issued = 0
        /// Of these with an earlier code that is worthless now.
        package fileprivate(set) var replaced = 0
        /// Left with the code they have.
        package fileprivate(set) var kept = 0
    }

    private let tx: Transaction
    private let actor: Actor
    private let now: Timestamp
    private let order: Order

    private init(_ tx: Transaction, by actor: Actor, at now: Timestamp, _ order: Order) {
        self.tx = tx
        self.actor = actor
        self.now = now
        self.order = order
    }

    /// - Parameter each: gets every account with its code, unit by unit and within a unit by name. What is done with
    ///   the codes there is undone by the caller if the transaction fails.
    package static func issue(
        _ order: Order, in tx: Transaction, by actor: Actor, at now: Timestamp,
        each: (Newcomer, ActivationCode) throws -> Void
    ) throws -> Outcome {
        try ActivationBatch(tx, by: actor, at: now, order).run(each)
    }

    private func run(_ each: (Newcomer, ActivationCode) throws -> Void) throws -> Outcome {
        var outcome = Outcome(
            batch: UUIDText.version7(now: now), expiresAt: now.adding(seconds: order.lifetime))
        var unit: [Newcomer] = []
        var records: [ActivationRecord] = []
        var replaced: [AccountID] = []

        func write() throws {
            try tx.activation.consumeLinks(of: replaced, at: now)
            try tx.activation.put(records)
            let detail: JSONObject = ["batch": .string(outcome.batch)]
            try tx.record(
                records.map { AuditEntry(.activationCodeIssued, subject: $0.accountID.text, detail: detail) },
                by: actor, at: now)
            records.removeAll(keepingCapacity: true)
            replaced.removeAll(keepingCapacity: true)
        }
        /// Everybody of one unit, who stand on one page.
        func finishUnit() throws {
            unit.sort { (nameKey($0.name), $0.account.id) < (nameKey($1.name), $1.account.id) }
            for newcomer in unit {
                let code = ActivationCode.make()
                records.append(
                    ActivationRecord(
                        accountID: newcomer.account.id,
                        digest: try code.digest(of: newcomer.account.id, key: order.key),
                        createdAt: now, expiresAt: outcome.expiresAt, issuedBy: actor.text, batch: outcome.batch))
                if newcomer.code != .none {
                    replaced.append(newcomer.account.id)
                    if case .issued = newcomer.code { outcome.replaced += 1 }
                }
                try each(newcomer, code)
                if records.count >= Self.portion { try write() }
            }
            outcome.issued += unit.count
            unit.removeAll(keepingCapacity: true)
        }

        try tx.activation.eachNewcomer(order.scope, states: [.aktif], at: now) { newcomer in
            guard newcomer.account.mayComeByCode else { return }
            if case .issued = newcomer.code, !order.again {
                outcome.kept += 1
                return
            }
            if let first = unit.first, first.place?.id != newcomer.place?.id { try finishUnit() }
            unit.append(newcomer)
        }
        try finishUnit()
        try write()
        guard outcome.issued > 0 else { return outcome }
        try tx.record(
            .activationCodesIssued, by: actor, subject: order.unitID?.text,
            detail: [
                "batch": .string(outcome.batch), "codes": .integer(Int64(outcome.issued)),
                "replaced": .integer(Int64(outcome.replaced)),
                "expires_at": .integer(outcome.expiresAt.milliseconds),
            ], at: now)
        return outcome
    }
}
