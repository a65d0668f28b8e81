package import GapuraFormats
package import GapuraStore

/// Ends sessions with everything that hangs below: tokens are revoked, and every client of the session that wants to
/// hear of it stands in the sign-out ledger, all in the caller's transaction.
package enum SessionEnding {
    /// Why a session ended, as audit and ledger know it.
    package enum Reason: String, Sendable {
        case signedOut = "signed_out"
        case signedOutByApplication = "signed_out_by_application"
        case endedFromAccountPage = "ended_from_account_page"
        case replaced
        /// A newer one took its place.
        case tooMany = "too_many"
        case passwordChanged = "password_changed"
        case accountState = "account_state"
        case admin
    }

    /// - Returns: whether this call ended the session.
    @discardableResult
    package static func end(
        _ id: SessionID, of account: Account, reason: Reason, by actor: Actor, in tx: Transaction, at now: Timestamp
    ) throws -> Bool {
        guard try tx.sessions.end(id, reason: reason.rawValue, at: now) else { return false }
        let keepsOffline = [.signedOut, .signedOutByApplication, .replaced, .tooMany].contains(reason)
        try tx.tokens.revokeAll(of: id, includingOffline: !keepsOffline, reason: reason.rawValue, at: now)
        let told = try tx.logout.insertDeliveries(for: id, accountSub: account.sub, at: now)
        try tx.record(
            .sessionEnded, by: actor, subject: account.id.text,
            detail: [
                "session": .string(id.text), "reason": .string(reason.rawValue), "clients": .integer(Int64(told)),
            ], at: now
        )
        return true
    }

    /// Ends every session of an account, its offline tokens too.
    package static func endAll(
        of account: Account, except kept: SessionID? = nil, reason: Reason, by actor: Actor, in tx: Transaction,
        at now: Timestamp
    ) throws {
        for id in try tx.sessions.listOpen(of: account.id) where id != kept {
            try end(id, of: account, reason: reason, by: actor, in: tx, at: now)
        }
        if kept == nil { try tx.tokens.revokeAll(of: account.id, reason: reason.rawValue, at: now) }
    }

    /// Ends every session of many accounts, their offline tokens too: one look for all who have none open.
    package static func endAll(
        of accounts: [Account], reason: Reason, by actor: Actor, in tx: Transaction, at now: Timestamp
    ) throws {
        guard !accounts.isEmpty else { return }
        let byID = Dictionary(accounts.map { ($0.id, $0) }) { first, _ in first }
        for session in try tx.sessions.listOpen(of: byID.keys.sorted()) {
            guard let account = byID[session.accountID] else { continue }
            try end(session.id, of: account, reason: reason, by: actor, in: tx, at: now)
        }
        try tx.tokens.revokeAll(of: byID.keys.sorted(), reason: reason.rawValue, at: now)
    }
}
