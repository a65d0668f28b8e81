package import GapuraFormats

extension Transaction {
    package var logout: LogoutQueries { LogoutQueries(tx: self) }
}

/// All SQL about the sign-out ledger.
package struct LogoutQueries {
    let tx: Transaction

    private static let columns: Statement =
        "id, session_id, account_sub, client_id, sid, uri, created_at, next_try_at, tries, state, answered_at, status, problem"

    package func insert(_ delivery: LogoutDelivery) throws {
        try tx.run(
            """
            INSERT INTO logout_deliveries (\(fragment: Self.columns)) VALUES (\(delivery.id), \(delivery.sessionID), \(delivery.accountSub),
            \(delivery.clientID), \(delivery.sid), \(delivery.uri), \(delivery.createdAt), \(delivery.nextTryAt), \(delivery.tries),
            \(delivery.state.rawValue), \(delivery.answeredAt), \(delivery.status), \(delivery.problem))
            """
        )
    }

    /// Writes a line for every client of a session that registered a back-channel address.
    /// - Returns: how many.
    package func insertDeliveries(for sessionID: SessionID, accountSub: String, at moment: Timestamp) throws -> Int {
        let clients = try tx.rows(
            """
            SELECT client_sessions.sid, client_sessions.client_id, clients.backchannel_logout_uri FROM client_sessions
            JOIN clients ON clients.id = client_sessions.client_id
            WHERE client_sessions.session_id = \(sessionID) AND clients.backchannel_logout_uri IS NOT NULL
            """
        )
        for row in clients {
            try insert(
                LogoutDelivery(
                    id: .make(now: moment), sessionID: sessionID, accountSub: accountSub,
                    clientID: ClientID(try row.text(1)),
                    sid: try row.text(0), uri: try row.text(2), createdAt: moment, nextTryAt: moment
                )
            )
        }
        return clients.count
    }

    /// Claims what is due: whoever gets it back is the only one to send it until `lease` has passed.
    /// - Parameter full: applications whose lines are left for later.
    package func claimDue(
        at moment: Timestamp, lease: Timestamp, limit: Int64, except full: [ClientID] = []
    ) throws -> [LogoutDelivery] {
        try tx.rows(
            """
            UPDATE logout_deliveries SET next_try_at = \(lease), tries = tries + 1 WHERE id IN (SELECT id FROM logout_deliveries
            WHERE state = 'waiting' AND next_try_at <= \(moment) AND client_id NOT IN \(list: full)
            ORDER BY next_try_at LIMIT \(limit)) AND next_try_at <= \(moment)
            RETURNING \(fragment: Self.columns)
            """
        ).map(Self.delivery)
    }

    package func update(_ delivery: LogoutDelivery) throws {
        try tx.run(
            """
            UPDATE logout_deliveries SET next_try_at = \(delivery.nextTryAt), state = \(delivery.state.rawValue),
            answered_at = \(delivery.answeredAt), status = \(delivery.status), problem = \(delivery.problem)
            WHERE id = \(delivery.id) AND state = 'waiting' AND tries = \(delivery.tries)
            """
        )
    }

    package func list(of sessionID: SessionID) throws -> [LogoutDelivery] {
        try tx.rows(
            "SELECT \(fragment: Self.columns) FROM logout_deliveries WHERE session_id = \(sessionID) ORDER BY created_at"
        )
        .map(Self.delivery)
    }

    /// The newest lines of the ledger.
    package func list(limit: Int64) throws -> [LogoutDelivery] {
        try tx.rows(
            "SELECT \(fragment: Self.columns) FROM logout_deliveries ORDER BY created_at DESC, id DESC LIMIT \(limit)"
        )
        .map(Self.delivery)
    }

    /// What became of the last notices to a client.
    package func outcomes(of clientID: ClientID, limit: Int64 = 50) throws -> LogoutOutcomes {
        let row = try tx.first(
            """
            SELECT COUNT(CASE WHEN state = 'answered' THEN 1 END), COUNT(CASE WHEN state = 'failed' THEN 1 END)
            FROM (SELECT state FROM logout_deliveries WHERE client_id = \(clientID) ORDER BY created_at DESC
            LIMIT \(limit)) latest
            """)
        guard let row else { return LogoutOutcomes(answered: 0, failed: 0) }
        return LogoutOutcomes(
            answered: Int(clamping: try row.integer(0)), failed: Int(clamping: try row.integer(1)))
    }

    /// When the next line is due, but for those of some applications.
    package func nextDue(except full: [ClientID] = []) throws -> Timestamp? {
        try tx.first(
            """
            SELECT MIN(next_try_at) FROM logout_deliveries WHERE state = 'waiting' AND client_id NOT IN \(list: full)
            """
        )?.optionalTime(0)
    }

    static func delivery(_ row: Row) throws -> LogoutDelivery {
        guard let state = LogoutDelivery.State(rawValue: try row.text(9)) else {
            throw StoreError.unreadable("logout_deliveries.state")
        }
        return LogoutDelivery(
            id: try row.id(0), sessionID: try row.id(1), accountSub: try row.text(2),
            clientID: ClientID(try row.text(3)),
            sid: try row.text(4), uri: try row.text(5), createdAt: try row.time(6), nextTryAt: try row.optionalTime(7),
            tries: try row.integer(8), state: state, answeredAt: try row.optionalTime(10),
            status: try row.optionalInteger(11),
            problem: try row.optionalText(12)
        )
    }
}
