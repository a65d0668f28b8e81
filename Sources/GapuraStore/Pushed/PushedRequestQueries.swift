package import GapuraFormats

extension Transaction {
    package var pushed: PushedRequestQueries { PushedRequestQueries(tx: self) }
}

/// All SQL about requests that clients pushed.
package struct PushedRequestQueries {
    let tx: Transaction

    package func insert(_ request: PushedRequest) throws {
        try tx.run(
            """
            INSERT INTO pushed_requests (digest, client_id, network, request, created_at, expires_at, used_at)
            VALUES (\(request.digest), \(request.clientID), \(request.network), \(request.request), \(request.createdAt),
            \(request.expiresAt), \(request.usedAt))
            """)
    }

    package func find(digest: String) throws -> PushedRequest? {
        try tx.first(
            """
            SELECT digest, client_id, network, request, created_at, expires_at, used_at FROM pushed_requests
            WHERE digest = \(digest)
            """
        ).map { row in
            PushedRequest(
                digest: try row.text(0), clientID: ClientID(try row.text(1)), network: try row.text(2),
                request: try row.text(3), createdAt: try row.time(4), expiresAt: try row.time(5),
                usedAt: try row.optionalTime(6))
        }
    }

    /// Spends a request, when its answer is given. - Returns: whether this call was the one that did.
    package func consume(digest: String, at moment: Timestamp) throws -> Bool {
        try tx.run("UPDATE pushed_requests SET used_at = \(moment) WHERE digest = \(digest) AND used_at IS NULL") == 1
    }

    /// How many requests of a client, from one network, may still be used.
    package func countOpen(of clientID: ClientID, from network: String, at moment: Timestamp) throws -> Int64 {
        try tx.first(
            """
            SELECT COUNT(*) FROM pushed_requests WHERE client_id = \(clientID) AND network = \(network)
            AND expires_at > \(moment) AND used_at IS NULL
            """
        )?.integer(0) ?? 0
    }

    /// Those with which no browser may come any more, and with which none is on its way.
    static func expiry(at moment: Timestamp) -> ExpiryRule {
        ExpiryRule(
            "pushed_requests", by: "digest",
            "expires_at < \(moment) AND NOT EXISTS (SELECT 1 FROM flows WHERE flows.pushed = pushed_requests.digest)")
    }

    /// - Returns: how many went, at most `limit`.
    package func deleteExpired(at moment: Timestamp, limit: Int64) throws -> Int {
        try tx.run(Self.expiry(at: moment).deletion(limit: limit))
    }

    /// How many are kept, of everybody.
    package func count() throws -> Int64 {
        try tx.first("SELECT COUNT(*) FROM pushed_requests")?.integer(0) ?? 0
    }
}
