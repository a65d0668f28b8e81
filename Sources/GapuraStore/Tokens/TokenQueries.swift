package import GapuraFormats

extension Transaction {
    package var tokens: TokenQueries { TokenQueries(tx: self) }
}

/// All SQL about token families, codes, refresh tokens and opaque access tokens.
package struct TokenQueries {
    let tx: Transaction

    // MARK: Families

    private static let familyColumns: Statement =
        """
        token_families.id, token_families.client_id, token_families.account_id, token_families.session_id, token_families.sid,
        token_families.scope, token_families.auth_time, token_families.amr, token_families.acr, token_families.offline,
        token_families.created_at, token_families.ends_at, token_families.revoked_at, token_families.revoke_reason,
        token_families.jkt, token_families.claims, token_families.resources
        """

    private static let familyColumnCount = 17

    package func find(_ id: FamilyID) throws -> TokenFamily? {
        try tx.first("SELECT \(fragment: Self.familyColumns) FROM token_families WHERE id = \(id)").map {
            try Self.family($0)
        }
    }

    /// The family with everything its tokens depend on, as it is now.
    package func standing(of id: FamilyID) throws -> FamilyStanding? {
        try tx.first(
            """
            SELECT \(fragment: Self.familyColumns), \(fragment: AccountQueries.columns), sessions.ended_at, sessions.idle_ends_at,
            sessions.ends_at, CASE WHEN clients.state = 'active' AND applications.state = 'aktif' THEN 1 ELSE 0 END
            FROM token_families JOIN accounts ON accounts.id = token_families.account_id
            JOIN sessions ON sessions.id = token_families.session_id JOIN clients ON clients.id = token_families.client_id
            JOIN applications ON applications.id = clients.application_id WHERE token_families.id = \(id)
            """
        ).map { row in
            let next = Self.familyColumnCount + AccountQueries.columnCount
            return FamilyStanding(
                family: try Self.family(row), account: try AccountQueries.account(row, from: Self.familyColumnCount),
                session: (try row.optionalTime(next), try row.time(next + 1), try row.time(next + 2)),
                clientActive: try row.bool(next + 3)
            )
        }
    }

    package func insert(_ family: TokenFamily) throws {
        try tx.run(
            """
            INSERT INTO token_families (id, client_id, account_id, session_id, sid, scope, auth_time, amr, acr, offline, created_at, ends_at,
            revoked_at, revoke_reason, jkt, claims, resources) VALUES (\(family.id), \(family.clientID), \(family.accountID), \(family.sessionID), \(family.sid),
            \(family.scope), \(family.authTime), \(family.amr), \(family.acr), \(family.offline), \(family.createdAt), \(family.endsAt),
            \(family.revokedAt), \(family.revokeReason), \(family.jkt), \(family.claims),
            \(family.resources))
            """
        )
    }

    /// - Returns: whether this call revoked it.
    @discardableResult
    package func revoke(_ id: FamilyID, reason: String, at moment: Timestamp) throws -> Bool {
        try tx.run(
            "UPDATE token_families SET revoked_at = \(moment), revoke_reason = \(reason) WHERE id = \(id) AND revoked_at IS NULL"
        ) == 1
    }

    /// Revokes every family that a client has of an account.
    package func revokeAll(of account: AccountID, for client: ClientID, reason: String, at moment: Timestamp) throws
        -> Int
    {
        try tx.run(
            """
            UPDATE token_families SET revoked_at = \(moment), revoke_reason = \(reason) WHERE account_id = \(account)
            AND client_id = \(client) AND revoked_at IS NULL
            """
        )
    }

    /// Revokes what hangs below a session, all or all but what was meant to outlive it.
    package func revokeAll(of sessionID: SessionID, includingOffline: Bool, reason: String, at moment: Timestamp) throws
    {
        try tx.run(
            """
            UPDATE token_families SET revoked_at = \(moment), revoke_reason = \(reason) WHERE session_id = \(sessionID)
            AND revoked_at IS NULL AND (offline = 0 OR \(includingOffline) = 1)
            """
        )
    }

    package func revokeAll(of accountID: AccountID, reason: String, at moment: Timestamp) throws {
        try tx.run(
            """
            UPDATE token_families SET revoked_at = \(moment), revoke_reason = \(reason) WHERE account_id = \(accountID) AND revoked_at IS NULL
            """
        )
    }

    package func revokeAll(of accounts: some Collection<AccountID>, reason: String, at moment: Timestamp) throws {
        _ = try tx.portions(of: accounts) { portion in
            try tx.run(
                """
                UPDATE token_families SET revoked_at = \(moment), revoke_reason = \(reason) WHERE account_id IN \(list: portion)
                AND revoked_at IS NULL
                """)
            return []
        }
    }

    /// How many families that may still bear tokens each account has.
    package func liveCounts(at moment: Timestamp) throws -> [AccountID: Int] {
        var counts: [AccountID: Int] = [:]
        try tx.stream(
            """
            SELECT account_id, COUNT(*) FROM token_families WHERE revoked_at IS NULL AND ends_at > \(moment) GROUP BY account_id
            """
        ) { counts[try $0.id(0)] = Int(clamping: try $0.integer(1)) }
        return counts
    }

    /// The same of some accounts.
    package func liveCounts(of accounts: some Collection<AccountID>, at moment: Timestamp) throws -> [AccountID: Int] {
        let rows = try tx.portions(of: accounts) { portion in
            try tx.rows(
                """
                SELECT account_id, COUNT(*) FROM token_families WHERE account_id IN \(list: portion)
                AND revoked_at IS NULL AND ends_at > \(moment) GROUP BY account_id
                """)
        }
        return Dictionary(try rows.map { (try $0.id(0), Int(clamping: try $0.integer(1))) }, uniquingKeysWith: +)
    }

    // MARK: Codes

    package func insert(_ code: AuthorizationCode) throws {
        try tx.run(
            """
            INSERT INTO codes (digest, family_id, client_id, redirect_uri, nonce, challenge, created_at, expires_at, used_at, jkt)
            VALUES (\(code.digest), \(code.familyID), \(code.clientID), \(code.redirectURI), \(code.nonce), \(code.challenge),
            \(code.createdAt), \(code.expiresAt), \(code.usedAt), \(code.jkt))
            """
        )
    }

    package func findCode(digest: String) throws -> AuthorizationCode? {
        try tx.first(
            """
            SELECT digest, family_id, client_id, redirect_uri, nonce, challenge, created_at, expires_at, used_at, jkt FROM codes
            WHERE digest = \(digest)
            """
        ).map { row in
            AuthorizationCode(
                digest: try row.text(0), familyID: try row.id(1), clientID: ClientID(try row.text(2)),
                redirectURI: try row.text(3),
                nonce: try row.optionalText(4), challenge: try row.optionalText(5), jkt: try row.optionalText(9),
                createdAt: try row.time(6),
                expiresAt: try row.time(7),
                usedAt: try row.optionalTime(8)
            )
        }
    }

    /// Spends a code. - Returns: whether this call was the one that did.
    package func consumeCode(digest: String, at moment: Timestamp) throws -> Bool {
        try tx.run("UPDATE codes SET used_at = \(moment) WHERE digest = \(digest) AND used_at IS NULL") == 1
    }

    /// How a client asked for its last codes; they are remembered for an hour and some.
    package func habits(of clientID: ClientID, limit: Int64 = 50) throws -> CodeHabits {
        let row = try tx.first(
            """
            SELECT COUNT(*), COUNT(nonce), COUNT(challenge) FROM (SELECT nonce, challenge FROM codes
            WHERE client_id = \(clientID) ORDER BY created_at DESC LIMIT \(limit)) latest
            """)
        guard let row else { return CodeHabits(codes: 0, withNonce: 0, withChallenge: 0) }
        return CodeHabits(
            codes: Int(clamping: try row.integer(0)), withNonce: Int(clamping: try row.integer(1)),
            withChallenge: Int(clamping: try row.integer(2)))
    }

    // MARK: Refresh tokens

    package func insert(_ token: RefreshToken) throws {
        try tx.run(
            """
            INSERT INTO refresh_tokens (digest, family_id, client_id, created_at, expires_at, used_at)
            VALUES (\(token.digest), \(token.familyID), \(token.clientID), \(token.createdAt), \(token.expiresAt), \(token.usedAt))
            """
        )
    }

    package func findRefreshToken(digest: String) throws -> RefreshToken? {
        try tx.first(
            "SELECT digest, family_id, client_id, created_at, expires_at, used_at FROM refresh_tokens WHERE digest = \(digest)"
        ).map { row in
            RefreshToken(
                digest: try row.text(0), familyID: try row.id(1), clientID: ClientID(try row.text(2)),
                createdAt: try row.time(3),
                expiresAt: try row.time(4), usedAt: try row.optionalTime(5)
            )
        }
    }

    /// Marks a refresh token as rotated. - Returns: whether this call was the one that did.
    package func consumeRefreshToken(digest: String, at moment: Timestamp) throws -> Bool {
        try tx.run("UPDATE refresh_tokens SET used_at = \(moment) WHERE digest = \(digest) AND used_at IS NULL") == 1
    }

    /// Moves the idle end of a refresh token that is kept.
    package func extendRefreshToken(digest: String, to end: Timestamp) throws {
        try tx.run("UPDATE refresh_tokens SET expires_at = \(end) WHERE digest = \(digest) AND used_at IS NULL")
    }

    // MARK: Opaque access tokens, and JWTs that were revoked one by one

    package func insert(_ token: AccessToken) throws {
        try tx.run(
            """
            INSERT INTO access_tokens (digest, family_id, client_id, scope, audience, created_at, expires_at, jkt, actor)
            VALUES (\(token.digest), \(token.familyID), \(token.clientID), \(token.scope), \(token.audience), \(token.createdAt),
            \(token.expiresAt), \(token.jkt), \(token.actor))
            """
        )
    }

    package func findAccessToken(digest: String) throws -> AccessToken? {
        try tx.first(
            """
            SELECT digest, family_id, client_id, scope, audience, created_at, expires_at, jkt, actor FROM access_tokens
            WHERE digest = \(digest)
            """
        ).map { row in
            AccessToken(
                digest: try row.text(0), familyID: try row.optionalID(1), clientID: ClientID(try row.text(2)),
                scope: try row.text(3),
                audience: try row.text(4), jkt: try row.optionalText(7), actor: try row.optionalText(8),
                createdAt: try row.time(5),
                expiresAt: try row.time(6)
            )
        }
    }

    package func deleteAccessToken(digest: String) throws {
        try tx.run("DELETE FROM access_tokens WHERE digest = \(digest)")
    }

    package func insertRevoked(jti: String, expiresAt: Timestamp) throws {
        try tx.run(
            "INSERT INTO revoked_tokens (jti, expires_at) VALUES (\(jti), \(expiresAt)) ON CONFLICT (jti) DO NOTHING")
    }

    // MARK: What clients sign, and may send once

    /// Notes a token of a client's own, such as an assertion or a proof. - Returns: whether it was not seen before.
    package func see(digest: String, until end: Timestamp) throws -> Bool {
        try tx.run(
            "INSERT INTO seen_tokens (digest, expires_at) VALUES (\(digest), \(end)) ON CONFLICT (digest) DO NOTHING")
            == 1
    }

    package func isSeen(digest: String) throws -> Bool {
        try tx.first("SELECT 1 FROM seen_tokens WHERE digest = \(digest)") != nil
    }

    /// Notes for a public client's tokens which key they are bound to from now on.
    package func bind(_ id: FamilyID, to jkt: String) throws {
        try tx.run("UPDATE token_families SET jkt = \(jkt) WHERE id = \(id)")
    }

    package func isRevoked(jti: String) throws -> Bool {
        try tx.first("SELECT 1 FROM revoked_tokens WHERE jti = \(jti)") != nil
    }

    static func family(_ row: Row) throws -> TokenFamily {
        TokenFamily(
            id: try row.id(0), clientID: ClientID(try row.text(1)), accountID: try row.id(2), sessionID: try row.id(3),
            sid: try row.text(4),
            scope: try row.text(5), authTime: try row.time(6), amr: try row.text(7), acr: try row.text(8),
            offline: try row.bool(9),
            createdAt: try row.time(10), endsAt: try row.time(11), revokedAt: try row.optionalTime(12),
            revokeReason: try row.optionalText(13), jkt: try row.optionalText(14), claims: try row.optionalText(15),
            resources: try row.optionalText(16)
        )
    }
}
