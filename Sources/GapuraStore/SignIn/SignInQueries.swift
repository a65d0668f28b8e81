package import GapuraFormats

extension Transaction {
    package var signIn: SignInQueries { SignInQueries(tx: self) }
}

/// A link that somebody may use once: to set the first password, or a new one.
package struct OneTimeLink: Sendable, Equatable {
    package enum Purpose: String, Sendable {
        case setUp = "setup"
        case reset
        /// A printed code was right; see `ActivationRecord`.
        case activation
    }

    package var digest: String
    package var accountID: AccountID
    package var purpose: Purpose
    package var createdAt: Timestamp
    package var expiresAt: Timestamp
    package var usedAt: Timestamp?

    package init(
        digest: String, accountID: AccountID, purpose: Purpose, createdAt: Timestamp, expiresAt: Timestamp,
        usedAt: Timestamp? = nil
    ) {
        self.digest = digest
        self.accountID = accountID
        self.purpose = purpose
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usedAt = usedAt
    }
}

/// One sign-in under way: what the client asked for, behind a handle that only one browser's cookie carries.
package struct Flow: Sendable, Equatable {
    package var digest: String
    /// Whence it was begun: the network of the browser's address, the address itself (of IPv6 its /64), and the digest
    /// of the browser's handle. Who has begun many makes room first.
    package var network: String
    package var place: String
    package var handle: String
    package var clientID: ClientID?
    /// The authorization request, form-urlencoded.
    package var request: String
    /// Digest of the handle, where the client had pushed it.
    package var pushed: String?
    package var createdAt: Timestamp
    package var expiresAt: Timestamp
    package var usedAt: Timestamp?

    package init(
        digest: String, network: String, place: String, handle: String, clientID: ClientID?, request: String,
        pushed: String? = nil, createdAt: Timestamp, expiresAt: Timestamp, usedAt: Timestamp? = nil
    ) {
        self.digest = digest
        self.network = network
        self.place = place
        self.handle = handle
        self.clientID = clientID
        self.request = request
        self.pushed = pushed
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usedAt = usedAt
    }
}

/// Failed sign-ins of one account or name, one device, one address, one network, or everybody in an hour.
package struct Throttle: Sendable, Equatable {
    package var failures: Int64
    package var lastFailureAt: Timestamp
    /// Before this moment nothing is tried.
    package var openAt: Timestamp

    package init(failures: Int64, lastFailureAt: Timestamp, openAt: Timestamp) {
        self.failures = failures
        self.lastFailureAt = lastFailureAt
        self.openAt = openAt
    }
}

/// All SQL about one-time links, flows (`SignInQueries+Flows`), throttles and known devices.
package struct SignInQueries {
    let tx: Transaction

    // MARK: One-time links

    package func insert(_ link: OneTimeLink) throws {
        try tx.run(
            """
            INSERT INTO one_time_links (digest, account_id, purpose, created_at, expires_at, used_at)
            VALUES (\(link.digest), \(link.accountID), \(link.purpose.rawValue), \(link.createdAt), \(link.expiresAt), \(link.usedAt))
            """
        )
    }

    package func findLink(digest: String) throws -> OneTimeLink? {
        try tx.first(
            "SELECT digest, account_id, purpose, created_at, expires_at, used_at FROM one_time_links WHERE digest = \(digest)"
        ).map { row in
            guard let purpose = OneTimeLink.Purpose(rawValue: try row.text(2)) else {
                throw StoreError.unreadable("one_time_links.purpose")
            }
            return OneTimeLink(
                digest: try row.text(0), accountID: try row.id(1), purpose: purpose, createdAt: try row.time(3),
                expiresAt: try row.time(4),
                usedAt: try row.optionalTime(5)
            )
        }
    }

    /// Spends a link. - Returns: whether this call was the one that did.
    package func consumeLink(digest: String, at moment: Timestamp) throws -> Bool {
        try tx.run(
            "UPDATE one_time_links SET used_at = \(moment) WHERE digest = \(digest) AND used_at IS NULL AND expires_at > \(moment)"
        ) == 1
    }

    /// A new link, or a new password, makes earlier links worthless.
    package func consumeLinks(of accountID: AccountID, at moment: Timestamp) throws {
        try tx.run("UPDATE one_time_links SET used_at = \(moment) WHERE account_id = \(accountID) AND used_at IS NULL")
    }

    // MARK: Throttles

    package func findThrottle(_ key: String) throws -> Throttle? {
        try tx.first("SELECT failures, last_failure_at, open_at FROM throttles WHERE key = \(key)").map { row in
            Throttle(failures: try row.integer(0), lastFailureAt: try row.time(1), openAt: try row.time(2))
        }
    }

    package func update(_ key: String, _ throttle: Throttle) throws {
        try tx.run(
            """
            INSERT INTO throttles (key, failures, last_failure_at, open_at)
            VALUES (\(key), \(throttle.failures), \(throttle.lastFailureAt), \(throttle.openAt))
            ON CONFLICT (key) DO UPDATE SET failures = \(throttle.failures), last_failure_at = \(throttle.lastFailureAt),
            open_at = \(throttle.openAt)
            """
        )
    }

    package func deleteThrottle(_ key: String) throws {
        try tx.run("DELETE FROM throttles WHERE key = \(key)")
    }

    // MARK: Devices

    /// - Parameter network: whence it signed in.
    package func insertDevice(digest: String, accountID: AccountID, network: String, at moment: Timestamp) throws {
        try tx.run(
            """
            INSERT INTO devices (digest, account_id, network, created_at, last_seen_at)
            VALUES (\(digest), \(accountID), \(network), \(moment), \(moment))
            ON CONFLICT (digest) DO UPDATE SET network = \(network), last_seen_at = \(moment)
            """
        )
    }

    package func isKnownDevice(digest: String, of accountID: AccountID) throws -> Bool {
        try tx.first("SELECT 1 FROM devices WHERE digest = \(digest) AND account_id = \(accountID)") != nil
    }

    /// Whether a device that anybody is still known by signed in from a network last.
    package func isKnownNetwork(_ network: String) throws -> Bool {
        try tx.first("SELECT 1 FROM devices WHERE network = \(network) LIMIT 1") != nil
    }
}
