package import GapuraFormats

/// A row of an old application's user table, and whose it is.
package struct LegacyAccount: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        /// Somebody's.
        case matched
        /// Waits for a person to say whose it is.
        case queued
        /// Its password, or all of it, was not taken; `reason` says why. The local id of a known person is kept.
        case refused
    }

    /// How it was found whose it is.
    package enum Match: String, Sendable {
        case nip
        /// By an operator's word, which a later import does not overrule.
        case byHand = "operator"
    }

    package var applicationID: ApplicationID
    package var localID: String
    package var userName: String?
    /// As the old application had it.
    package var nip: String?
    package var email: String?
    package var accountID: AccountID?
    package var matchedBy: Match?
    package var state: State
    package var reason: String?
    /// SHA-256 of the file it came from last, base64url.
    package var fileDigest: String
    package var importedAt: Timestamp
    /// When its password signed its owner in.
    package var usedAt: Timestamp?

    package init(
        applicationID: ApplicationID, localID: String, userName: String?, nip: String?, email: String?,
        accountID: AccountID?, matchedBy: Match?, state: State, reason: String?, fileDigest: String,
        importedAt: Timestamp, usedAt: Timestamp? = nil
    ) {
        self.applicationID = applicationID
        self.localID = localID
        self.userName = userName
        self.nip = nip
        self.email = email
        self.accountID = accountID
        self.matchedBy = matchedBy
        self.state = state
        self.reason = reason
        self.fileDigest = fileDigest
        self.importedAt = importedAt
        self.usedAt = usedAt
    }
}

/// An old password, in the form in which it may be kept until its owner signs in.
package struct LegacyPassword: Sendable, Equatable {
    package var applicationID: ApplicationID
    package var localID: String
    /// Nobody's as long as the local account waits in the queue.
    package var accountID: AccountID?
    package var scheme: String
    /// Salt, user id or setting of the old hash.
    package var parameter: String
    /// `argon2id(old hash)` as a PHC string, or a slow hash as it was.
    package var hash: String
    /// bcrypt's cost; 0 for others.
    package var cost: Int64
    /// KiB times passes of an Argon2 hash that is not ours; 0 for others.
    package var work: Int64
    package var importedAt: Timestamp
    package var expiresAt: Timestamp

    package init(
        applicationID: ApplicationID, localID: String, accountID: AccountID?, scheme: String, parameter: String,
        hash: String, cost: Int64, work: Int64, importedAt: Timestamp, expiresAt: Timestamp
    ) {
        self.applicationID = applicationID
        self.localID = localID
        self.accountID = accountID
        self.scheme = scheme
        self.parameter = parameter
        self.hash = hash
        self.cost = cost
        self.work = work
        self.importedAt = importedAt
        self.expiresAt = expiresAt
    }
}

/// How many local accounts of one application are in one state.
package struct LegacyCount: Sendable, Equatable {
    package var applicationID: ApplicationID
    package var state: LegacyAccount.State
    package var accounts: Int64
    /// Of these with an old password that is still there.
    package var passwords: Int64
}
