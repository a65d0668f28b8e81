package import GapuraFormats

/// All SQL about sign-ins under way.
extension SignInQueries {
    private static let columns: Statement =
        "digest, network, place, handle, client_id, request, created_at, expires_at, used_at, pushed"

    package func insert(_ flow: Flow) throws {
        try tx.run(
            """
            INSERT INTO flows (\(fragment: Self.columns))
            VALUES (\(flow.digest), \(flow.network), \(flow.place), \(flow.handle), \(flow.clientID), \(flow.request),
            \(flow.createdAt), \(flow.expiresAt), \(flow.usedAt), \(flow.pushed))
            """
        )
    }

    package func findFlow(digest: String) throws -> Flow? {
        try tx.first("SELECT \(fragment: Self.columns) FROM flows WHERE digest = \(digest)").map { row in
            Flow(
                digest: try row.text(0), network: try row.text(1), place: try row.text(2), handle: try row.text(3),
                clientID: try row.optionalText(4).map(ClientID.init), request: try row.text(5),
                pushed: try row.optionalText(9), createdAt: try row.time(6), expiresAt: try row.time(7),
                usedAt: try row.optionalTime(8)
            )
        }
    }

    /// Spends a flow. - Returns: whether this call was the one that did.
    package func consumeFlow(digest: String, at moment: Timestamp) throws -> Bool {
        try tx.run(
            "UPDATE flows SET used_at = \(moment) WHERE digest = \(digest) AND used_at IS NULL AND expires_at > \(moment)"
        ) == 1
    }

    // MARK: Room

    /// How many flows nobody has spent, of everybody or from one network; those that ran out and were not purged yet
    /// are among them.
    package func countOpenFlows(from network: String? = nil) throws -> Int64 {
        let statement: Statement =
            network.map { "SELECT COUNT(*) FROM flows WHERE network = \($0) AND used_at IS NULL" }
            ?? "SELECT COUNT(*) FROM flows WHERE used_at IS NULL"
        return try tx.first(statement)?.integer(0) ?? 0
    }

    /// How many of these one place of a network began since a moment.
    package func countOpenFlows(from place: String, in network: String, since moment: Timestamp) throws -> Int64 {
        try tx.first(
            """
            SELECT COUNT(*) FROM flows WHERE network = \(network) AND place = \(place) AND used_at IS NULL
            AND created_at > \(moment)
            """
        )?.integer(0) ?? 0
    }

    /// Takes away the oldest open flows of one browser, until it has `limit`.
    package func deleteOldestFlows(of handle: String, keeping limit: Int64) throws {
        try tx.run(
            """
            DELETE FROM flows WHERE digest IN (SELECT digest FROM flows WHERE handle = \(handle) AND used_at IS NULL
            ORDER BY expires_at DESC LIMIT 1000 OFFSET \(limit))
            """
        )
    }

    /// Takes away so many open flows, of everybody or from one network: of the network that has most, there of the
    /// place that has most, there of the browser that has most, always the oldest.
    ///
    /// Each flow is numbered within its browser, the newest first; by these numbers within its place, and by those
    /// within its network. So whoever has few has low numbers only, and the highest go.
    package func deleteFlowsOfMany(_ count: Int64, from network: String? = nil) throws {
        let scope: Statement = network.map { "network = \($0) AND used_at IS NULL" } ?? "used_at IS NULL"
        try tx.run(
            """
            DELETE FROM flows WHERE digest IN (
                SELECT digest FROM (
                    SELECT digest, expires_at, ROW_NUMBER() OVER (PARTITION BY network ORDER BY of_place, expires_at DESC) AS of_network
                    FROM (
                        SELECT digest, expires_at, network, ROW_NUMBER() OVER (PARTITION BY network, place ORDER BY of_browser, expires_at DESC) AS of_place
                        FROM (
                            SELECT digest, expires_at, network, place, ROW_NUMBER() OVER (PARTITION BY network, place, handle ORDER BY expires_at DESC) AS of_browser
                            FROM flows WHERE \(fragment: scope)
                        ) AS browsers
                    ) AS places
                ) AS networks
                ORDER BY of_network DESC, expires_at LIMIT \(count)
            )
            """
        )
    }
}
