package import GapuraFormats

extension Transaction {
    package var signIn: SignInQueries { SignInQueries(tx: self) }
}

/// A link that somebody may use once: to set the first password, or a new one.
package struct OneTimeLink: Sendable, Equatable {
    package enum Purpose: String, Sendable {
        case setUp = "setup"
        case reset
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
    /// Whence it was begun: the network of the browser's address.
    package var network: String
    package var clientID: ClientID?
    /// The authorization request, form-urlencoded.
    package var request: String
    package var createdAt: Timestamp
    package var expiresAt: Timestamp
    package var usedAt: Timestamp?

    package init(
        digest: String, network: String, clientID: ClientID?, request: String, createdAt: Timestamp,
        expiresAt: Timestamp, usedAt: Timestamp? = nil
    ) {
        self.digest = digest
        self.network = network
        self.clientID = clientID
        self.request = request
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

/// All SQL about one-time links, flows, throttles and known devices.
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

    // MARK: Flows

    package func insert(_ flow: Flow) throws {
        try tx.run(
            """
            INSERT INTO flows (digest, network, client_id, request, created_at, expires_at, used_at)
            VALUES (\(flow.digest), \(flow.network), \(flow.clientID), \(flow.request), \(flow.createdAt),
            \(flow.expiresAt), \(flow.usedAt))
            """
        )
    }

    package func findFlow(digest: String) throws -> Flow? {
        try tx.first(
            "SELECT digest, network, client_id, request, created_at, expires_at, used_at FROM flows WHERE digest = \(digest)"
        ).map { row in
            Flow(
                digest: try row.text(0), network: try row.text(1), clientID: try row.optionalText(2).map(ClientID.init),
                request: try row.text(3), createdAt: try row.time(4), expiresAt: try row.time(5),
                usedAt: try row.optionalTime(6)
            )
        }
    }

    /// Spends a flow. - Returns: whether this call was the one that did.
    package func consumeFlow(digest: String, at moment: Timestamp) throws -> Bool {
        try tx.run(
            "UPDATE flows SET used_at = \(moment) WHERE digest = \(digest) AND used_at IS NULL AND expires_at > \(moment)"
        ) == 1
    }

    /// How many sign-ins are under way, of everybody or from one network.
    package func countOpenFlows(from network: String? = nil, at moment: Timestamp) throws -> Int64 {
        let statement: Statement =
            network.map {
                "SELECT COUNT(*) FROM flows WHERE network = \($0) AND used_at IS NULL AND expires_at > \(moment)"
            }
            ?? "SELECT COUNT(*) FROM flows WHERE used_at IS NULL AND expires_at > \(moment)"
        return try tx.first(statement)?.integer(0) ?? 0
    }

    /// Takes away the oldest sign-in under way from a network, to make room for a new one from there.
    package func deleteOldestFlow(from network: String) throws {
        try tx.run(
            """
            DELETE FROM flows WHERE digest = (SELECT digest FROM flows WHERE network = \(network) AND used_at IS NULL
            ORDER BY expires_at LIMIT 1)
            """
        )
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
