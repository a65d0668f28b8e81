package import GapuraFormats
package import GapuraStore

/// The rules about local accounts of old applications. Every function is one step inside the caller's transaction and
/// writes its own audit row.
package struct LegacyDirectory {
    private let tx: Transaction
    private let actor: Actor
    private let now: Timestamp

    package init(_ tx: Transaction, by actor: Actor, at now: Timestamp) {
        self.tx = tx
        self.actor = actor
        self.now = now
    }

    /// Whose a local account is to become, with what has to be looked into before: its password, if it has one that
    /// may be kept, and what that must not be.
    package func prepareMatch(
        _ localID: String, of application: ApplicationID, to account: Account
    ) throws -> (password: LegacyPassword, guesses: [String])? {
        let local = try get(localID, of: application)
        guard let password = try tx.legacy.findPassword(localID, of: application), account.mayHaveOldPassword else {
            return nil
        }
        let numbers = try account.personID.map { try tx.people.aliases(of: $0).map(\.value) } ?? []
        let guesses = LegacyGuesses(
            numbers: numbers + [local.nip].compactMap { $0 },
            names: [local.userName, account.userName].compactMap { $0 })
        return (password, guesses.few)
    }

    /// Says by an operator's word whose a local account is. The same call again changes nothing.
    /// - Parameter isGuess: its password is one that anybody would try first, and goes.
    package func match(
        _ localID: String, of application: ApplicationID, to account: Account, isGuess: Bool
    ) throws -> LegacyAccount {
        var local = try get(localID, of: application)
        if local.accountID == account.id { return local }
        guard local.accountID == nil else {
            throw DirectoryError(
                .conflict, "This local account is somebody else's already.",
                id: "Akun lokal ini sudah milik orang lain.")
        }
        var taken: String?
        try tx.legacy.each(of: application) { if $0.accountID == account.id { taken = $0.localID } }
        guard taken == nil else {
            throw DirectoryError(
                .conflict, "This person is known by another local_id in this application.",
                id: LegacyReason.otherLocalID.indonesian)
        }
        local.accountID = account.id
        local.matchedBy = .byHand
        local.state = .matched
        local.reason = nil
        let password = try tx.legacy.findPassword(localID, of: application)
        if password != nil, isGuess || !account.mayHaveOldPassword {
            try tx.legacy.deletePasswords([localID], of: application)
            let reason: LegacyReason =
                isGuess ? .hashOfNIP : account.passwordHash != nil ? .hasPassword : .privilegedAccount
            local.reason = reason.rawValue
            if reason != .hasPassword { local.state = .refused }
        } else if let password {
            try tx.legacy.assign(localID, of: application, to: account.id)
            try tx.record(
                .legacyPasswordTaken, by: actor, subject: account.id.text,
                detail: ["application": .string(application.text), "scheme": .string(password.scheme)], at: now)
        }
        try tx.legacy.put([local])
        try tx.record(
            .legacyMatched, by: actor, subject: account.id.text,
            detail: ["application": .string(application.text)], at: now)
        return local
    }

    /// Throws the old passwords of an application away; whose local accounts are whose stays known.
    /// - Returns: how many there were.
    package func forgetPasswords(of application: ApplicationID) throws -> Int {
        let count = try tx.legacy.deletePasswords(of: application)
        if count > 0 {
            try tx.record(
                .legacyForgotten, by: actor, subject: application.text, detail: ["passwords": .integer(Int64(count))],
                at: now)
        }
        return count
    }

    private func get(_ localID: String, of application: ApplicationID) throws -> LegacyAccount {
        if let local = try tx.legacy.find(localID, of: application) { return local }
        throw DirectoryError(
            .notFound, "The application has no such local_id; see `gapura legacy queue`.",
            id: "Tidak ada local_id itu di aplikasi ini; lihat `gapura legacy queue`.")
    }
}
