package import GapuraFormats

/// A device without a browser that waits for somebody to allow it (RFC 8628); of both its codes only digests are stored.
package struct DeviceRequest: Sendable, Equatable {
    package enum State: String, Sendable {
        case waiting
        case allowed
        case denied
        /// Its tokens were given.
        case used
    }

    /// Of the code that the device polls with.
    package var digest: String
    /// Digest of the code that somebody types.
    package var userCode: String
    package var clientID: ClientID
    /// Whence it came, of a client that anybody can pretend to be; else empty.
    package var network: String
    package var scope: String
    package var state: State
    package var familyID: FamilyID?
    /// Seconds between two questions.
    package var pause: Int64
    package var polledAt: Timestamp?
    package var createdAt: Timestamp
    package var expiresAt: Timestamp

    package init(
        digest: String, userCode: String, clientID: ClientID, network: String, scope: String, state: State = .waiting,
        familyID: FamilyID? = nil, pause: Int64, polledAt: Timestamp? = nil, createdAt: Timestamp,
        expiresAt: Timestamp
    ) {
        self.digest = digest
        self.userCode = userCode
        self.clientID = clientID
        self.network = network
        self.scope = scope
        self.state = state
        self.familyID = familyID
        self.pause = pause
        self.polledAt = polledAt
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

extension Transaction {
    package var deviceRequests: DeviceRequestQueries { DeviceRequestQueries(tx: self) }
}

/// All SQL about devices that wait.
package struct DeviceRequestQueries {
    let tx: Transaction

    private static let columns: Statement =
        """
        digest, user_code, client_id, network, scope, state, family_id, pause, polled_at, created_at, expires_at
        """

    package func insert(_ request: DeviceRequest) throws {
        try tx.run(
            """
            INSERT INTO device_requests (\(fragment: Self.columns)) VALUES (\(request.digest), \(request.userCode),
            \(request.clientID), \(request.network), \(request.scope), \(request.state.rawValue), \(request.familyID),
            \(request.pause), \(request.polledAt), \(request.createdAt), \(request.expiresAt))
            """)
    }

    package func find(digest: String) throws -> DeviceRequest? {
        try tx.first("SELECT \(fragment: Self.columns) FROM device_requests WHERE digest = \(digest)").map(Self.read)
    }

    /// The one that waits for somebody who types a code.
    package func find(userCode: String, at moment: Timestamp) throws -> DeviceRequest? {
        try tx.first(
            """
            SELECT \(fragment: Self.columns) FROM device_requests WHERE user_code = \(userCode) AND state = 'waiting'
            AND expires_at > \(moment)
            """
        ).map(Self.read)
    }

    /// - Returns: whether this call was the one that decided.
    package func decide(_ digest: String, _ state: DeviceRequest.State, family: FamilyID?, at moment: Timestamp) throws
        -> Bool
    {
        try tx.run(
            """
            UPDATE device_requests SET state = \(state.rawValue), family_id = \(family) WHERE digest = \(digest)
            AND state = 'waiting' AND expires_at > \(moment)
            """) == 1
    }

    /// - Returns: whether this call was the one whose device gets the tokens.
    package func use(_ digest: String) throws -> Bool {
        try tx.run("UPDATE device_requests SET state = 'used' WHERE digest = \(digest) AND state = 'allowed'") == 1
    }

    package func notePoll(_ digest: String, at moment: Timestamp, pause: Int64) throws {
        try tx.run("UPDATE device_requests SET polled_at = \(moment), pause = \(pause) WHERE digest = \(digest)")
    }

    /// How many of a client, from one network, wait.
    package func countOpen(of clientID: ClientID, from network: String, at moment: Timestamp) throws -> Int64 {
        try tx.first(
            """
            SELECT COUNT(*) FROM device_requests WHERE client_id = \(clientID) AND network = \(network)
            AND expires_at > \(moment) AND state IN ('waiting', 'allowed')
            """
        )?.integer(0) ?? 0
    }

    static func expiry(at moment: Timestamp) -> ExpiryRule {
        ExpiryRule("device_requests", by: "digest", "expires_at < \(moment)")
    }

    /// - Returns: how many went, at most `limit`.
    package func deleteExpired(at moment: Timestamp, limit: Int64) throws -> Int {
        try tx.run(Self.expiry(at: moment).deletion(limit: limit))
    }

    /// How many are kept, of everybody.
    package func count() throws -> Int64 {
        try tx.first("SELECT COUNT(*) FROM device_requests")?.integer(0) ?? 0
    }

    private static func read(_ row: Row) throws -> DeviceRequest {
        guard let state = DeviceRequest.State(rawValue: try row.text(5)) else {
            throw StoreError.unreadable("device_requests.state")
        }
        return DeviceRequest(
            digest: try row.text(0), userCode: try row.text(1), clientID: ClientID(try row.text(2)),
            network: try row.text(3), scope: try row.text(4), state: state, familyID: try row.optionalID(6),
            pause: try row.integer(7), polledAt: try row.optionalTime(8), createdAt: try row.time(9),
            expiresAt: try row.time(10))
    }
}
