package import GapuraFormats
package import GapuraStore

/// Which roles somebody holds today. Nothing is remembered between two questions: a grant counts from its first day to
/// its last because each question compares its dates with now, and a post or unit that is left takes its roles along.
package enum GrantPolicy {
    /// The roles that the application of a client may be told, sorted as bytes.
    ///
    /// None from a grant outside its dates, of an application that is not active, or of a role that meets one which
    /// excludes it: two duties that must be apart are then both withheld until somebody decides.
    package static func roleNames(of account: Account, in client: ClientID, in tx: Transaction, at now: Timestamp)
        throws -> [String]
    {
        guard account.state(at: now).mayUseApplications else { return [] }
        return try tx.grants.roleNames(of: tx.grants.holder(account, at: now), in: client, at: now)
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Every role in every application, each with the grant it comes from.
    package static func roles(of account: Account, in tx: Transaction, at now: Timestamp) throws -> [HeldRole] {
        try tx.grants.roles(of: tx.grants.holder(account, at: now), at: now)
    }
}
