package import GapuraFormats

extension Transaction {
    package var sessions: SessionQueries { SessionQueries(tx: self) }
}

/// All SQL about `sessions` and `client_sessions`.
package struct SessionQueries {
    let tx: Transaction

    private static let columns: Statement =
        """
        sessions.id, sessions.digest, sessions.account_id, sessions.auth_time, sessions.amr, sessions.acr, sessions.user_agent, sessions.address,
        sessions.created_at, sessions.last_seen_at, sessions.idle_ends_at, sessions.ends_at, sessions.ended_at, sessions.end_reason
        """

    package func find(_ id: SessionID) throws -> Session? {
        try tx.first("SELECT \(fragment: Self.columns) FROM sessions WHERE id = \(id)").map { try Self.session($0) }
    }

    /// The session behind a cookie, with its account as it is now.
    package func find(digest: String) throws -> (session: Session, account: Account)? {
        try tx.first(
            """
            SELECT \(fragment: Self.columns), \(fragment: AccountQueries.columns)
            FROM sessions JOIN accounts ON accounts.id = sessions.account_id WHERE sessions.digest = \(digest)
            """
        ).map { (try Self.session($0), try AccountQueries.account($0, from: 14)) }
    }

    package func listLive(of accountID: AccountID, at moment: Timestamp) throws -> [Session] {
        try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM sessions WHERE account_id = \(accountID) AND ended_at IS NULL
            AND idle_ends_at > \(moment) AND ends_at > \(moment) ORDER BY created_at DESC
            """
        ).map { try Self.session($0) }
    }

    package func insert(_ session: Session) throws {
        try tx.run(
            """
            INSERT INTO sessions (id, digest, account_id, auth_time, amr, acr, user_agent, address, created_at, last_seen_at, idle_ends_at,
            ends_at, ended_at, end_reason) VALUES (\(session.id), \(session.digest), \(session.accountID), \(session.authTime), \(session.amr),
            \(session.acr), \(session.userAgent), \(session.address), \(session.createdAt), \(session.lastSeenAt), \(session.idleEndsAt),
            \(session.endsAt), \(session.endedAt), \(session.endReason))
            """
        )
    }

    /// Moves the idle end of a live session.
    package func touch(_ id: SessionID, at moment: Timestamp, idleEndsAt: Timestamp) throws {
        try tx.run(
            "UPDATE sessions SET last_seen_at = \(moment), idle_ends_at = \(idleEndsAt) WHERE id = \(id) AND ended_at IS NULL"
        )
    }

    /// A fresh sign-in in the same browser: a new secret, the old one is dead, what hangs below the session stays.
    /// - Returns: whether the session was still live.
    package func renew(
        _ id: SessionID, digest: String, authTime: Timestamp, amr: String, acr: String, idleEndsAt: Timestamp,
        endsAt: Timestamp
    ) throws -> Bool {
        try tx.run(
            """
            UPDATE sessions SET digest = \(digest), auth_time = \(authTime), amr = \(amr), acr = \(acr), last_seen_at = \(authTime),
            idle_ends_at = \(idleEndsAt), ends_at = \(endsAt) WHERE id = \(id) AND ended_at IS NULL
            """
        ) == 1
    }

    /// - Returns: whether this call ended it.
    package func end(_ id: SessionID, reason: String, at moment: Timestamp) throws -> Bool {
        try tx.run(
            "UPDATE sessions SET ended_at = \(moment), end_reason = \(reason) WHERE id = \(id) AND ended_at IS NULL")
            == 1
    }

    /// Ids of the sessions of an account that nobody ended yet.
    package func listOpen(of accountID: AccountID) throws -> [SessionID] {
        try tx.rows("SELECT id FROM sessions WHERE account_id = \(accountID) AND ended_at IS NULL").map { try $0.id(0) }
    }

    /// The sessions that nobody ended yet of many accounts.
    package func listOpen(of accounts: some Collection<AccountID>) throws -> [(id: SessionID, accountID: AccountID)] {
        try tx.portions(of: accounts) { portion in
            try tx.rows(
                "SELECT id, account_id FROM sessions WHERE account_id IN \(list: portion) AND ended_at IS NULL")
        }.map { (try $0.id(0), try $0.id(1)) }
    }

    /// How many live sessions each account has.
    package func liveCounts(at moment: Timestamp) throws -> [AccountID: Int] {
        var counts: [AccountID: Int] = [:]
        try tx.stream(
            """
            SELECT account_id, COUNT(*) FROM sessions WHERE ended_at IS NULL AND idle_ends_at > \(moment) AND ends_at > \(moment)
            GROUP BY account_id
            """
        ) { counts[try $0.id(0)] = Int(clamping: try $0.integer(1)) }
        return counts
    }

    /// The same of some accounts.
    package func liveCounts(of accounts: some Collection<AccountID>, at moment: Timestamp) throws -> [AccountID: Int] {
        let rows = try tx.portions(of: accounts) { portion in
            try tx.rows(
                """
                SELECT account_id, COUNT(*) FROM sessions WHERE account_id IN \(list: portion)
                AND ended_at IS NULL AND idle_ends_at > \(moment) AND ends_at > \(moment) GROUP BY account_id
                """)
        }
        return Dictionary(try rows.map { (try $0.id(0), Int(clamping: try $0.integer(1))) }, uniquingKeysWith: +)
    }

    // MARK: Client sessions

    private static let clientColumns: Statement = "sid, session_id, client_id, created_at, last_used_at"

    package func clientSession(of sessionID: SessionID, for clientID: ClientID) throws -> ClientSession? {
        try tx.first(
            "SELECT \(fragment: Self.clientColumns) FROM client_sessions WHERE session_id = \(sessionID) AND client_id = \(clientID)"
        ).map(Self.clientSession)
    }

    /// Every client that knows a session.
    package func clientSessions(of sessionID: SessionID) throws -> [ClientSession] {
        try tx.rows(
            """
            SELECT \(fragment: Self.clientColumns) FROM client_sessions WHERE session_id = \(sessionID) ORDER BY client_id
            """
        ).map(Self.clientSession)
    }

    package func clientSession(sid: String) throws -> ClientSession? {
        try tx.first("SELECT \(fragment: Self.clientColumns) FROM client_sessions WHERE sid = \(sid)").map(
            Self.clientSession)
    }

    package func insert(_ session: ClientSession) throws {
        try tx.run(
            """
            INSERT INTO client_sessions (\(fragment: Self.clientColumns)) VALUES (\(session.sid), \(session.sessionID), \(session.clientID),
            \(session.createdAt), \(session.lastUsedAt))
            """
        )
    }

    package func touchClientSession(sid: String, at moment: Timestamp) throws {
        try tx.run("UPDATE client_sessions SET last_used_at = \(moment) WHERE sid = \(sid)")
    }

    static func clientSession(_ row: Row) throws -> ClientSession {
        ClientSession(
            sid: try row.text(0), sessionID: try row.id(1), clientID: ClientID(try row.text(2)),
            createdAt: try row.time(3),
            lastUsedAt: try row.time(4)
        )
    }

    static func session(_ row: Row) throws -> Session {
        Session(
            id: try row.id(0), digest: try row.text(1), accountID: try row.id(2), authTime: try row.time(3),
            amr: try row.text(4),
            acr: try row.text(5), userAgent: try row.optionalText(6), address: try row.optionalText(7),
            createdAt: try row.time(8),
            lastSeenAt: try row.time(9), idleEndsAt: try row.time(10), endsAt: try row.time(11),
            endedAt: try row.optionalTime(12),
            endReason: try row.optionalText(13)
        )
    }
}
