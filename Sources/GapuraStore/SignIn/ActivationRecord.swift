package import GapuraFormats

/// A printed code with which one account comes in for the first time. Only a keyed digest of it is stored; a new code
/// takes the place of the old one.
package struct ActivationRecord: Sendable, Equatable {
    package var accountID: AccountID
    package var digest: String
    package var createdAt: Timestamp
    package var expiresAt: Timestamp
    /// When a password was set with it, or when another way in made it worthless.
    package var usedAt: Timestamp?
    package var issuedBy: String
    /// The codes that were issued together.
    package var batch: String

    package init(
        accountID: AccountID, digest: String, createdAt: Timestamp, expiresAt: Timestamp, usedAt: Timestamp? = nil,
        issuedBy: String, batch: String
    ) {
        self.accountID = accountID
        self.digest = digest
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usedAt = usedAt
        self.issuedBy = issuedBy
        self.batch = batch
    }
}

/// Somebody who may sign in and has no password yet, with what a unit's head needs to know of them.
package struct Newcomer: Sendable {
    /// What there is of a code.
    package enum Code: Sendable, Equatable {
        /// Never issued, or worthless since another code or link was.
        case none
        case issued(until: Timestamp)
        case expired(at: Timestamp)
    }

    /// Where somebody works.
    package struct Place: Sendable, Equatable {
        package let id: UnitID
        package let name: String
        /// What its head is called, and who that is.
        package let headPost: String?
        package let headName: String?
        package let agency: String?
    }

    package let account: Account
    package let name: String
    package let nip: String?
    package let phone: String?
    package let place: Place?
    package let code: Code

    /// What they sign in with.
    package var signInName: String? { nip ?? account.userName }
}

/// How many of an agency's people have come in, and how many have not.
package struct ArrivalCount: Sendable, Equatable {
    /// Nothing for people of no agency, and for accounts without a person.
    package let agencyID: UnitID?
    package let agency: String?
    package let accounts: Int64
    /// Without a password.
    package let pending: Int64
    /// Of these with a code that is good, and with one that is too old.
    package let issued: Int64
    package let expired: Int64
}

/// An account with an end, and who answers for it.
package struct SponsoredAccount: Sendable {
    package let account: Account
    /// The sponsor's, where there is one.
    package let sponsorName: String?
    package let sponsorNIP: String?
    /// When the sponsor retires, if personnel data says so already.
    package let sponsorRetiresAt: Timestamp?
}
