import GapuraFormats
package import GapuraStore

extension AccountDirectory {
    /// Takes an old password, which somebody proved to know, as the account's own: its new hash is stored, every old
    /// one goes.
    /// - Returns: the account as it is now, or nothing if it has a password of ours by now, or may not sign in.
    package func adopt(_ old: LegacyPassword, hash: String) throws -> Account? {
        guard let id = old.accountID, let account = try tx.accounts.find(id), account.mayHaveOldPassword,
            account.state(at: now).maySignIn, try tx.legacy.consume(old, of: id, at: now)
        else { return nil }
        try tx.legacy.deletePasswords(of: id)
        try tx.signIn.consumeLinks(of: id, at: now)
        try tx.accounts.updatePassword(id, hash: hash, at: now)
        try tx.record(
            .passwordSet, by: .account(id.text), subject: id.text,
            detail: [
                "purpose": "legacy", "application": .string(old.applicationID.text), "scheme": .string(old.scheme),
            ], at: now
        )
        return try tx.accounts.find(id)
    }

    /// For an old password that was right and is too weak to stay: a link to set another one at once. The old one goes
    /// when that is done.
    /// - Returns: the secret of the link, or nothing as for `adopt`.
    package func linkInstead(of old: LegacyPassword, lifetime: Int64) throws -> String? {
        guard let id = old.accountID, let account = try tx.accounts.find(id), account.mayHaveOldPassword,
            account.state(at: now).maySignIn,
            try tx.legacy.findPassword(old.localID, of: old.applicationID)?.hash.isExactly(old.hash) == true
        else { return nil }
        try tx.record(
            .legacyPasswordWeak, by: .account(id.text), subject: id.text,
            detail: ["application": .string(old.applicationID.text), "scheme": .string(old.scheme)], at: now
        )
        return try issueLink(for: account, purpose: .reset, lifetime: lifetime)
    }
}
