package import GapuraFormats

extension Transaction {
    package var upkeep: UpkeepQueries { UpkeepQueries(tx: self) }
}

/// All SQL that removes what has run out, and the few facts the database keeps about itself.
package struct UpkeepQueries {
    let tx: Transaction

    /// Deletes rows that nothing can need any more; each table keeps what is younger than the moment given for it.
    /// - Parameter limit: at most so many rows, since no other write goes on meanwhile.
    /// - Returns: how many rows went; as many as `limit` means that there may be more.
    @discardableResult
    package func deleteExpired(at moment: Timestamp, keepingSessionsSince old: Timestamp, limit: Int64 = .max) throws
        -> Int64
    {
        var left = limit
        // What points to a row goes before it.
        for rule in Self.rules(at: moment, keepingSessionsSince: old) where left > 0 {
            left -= Int64(try tx.run(rule.deletion(limit: left)))
        }
        return limit - left
    }

    static func rules(at moment: Timestamp, keepingSessionsSince old: Timestamp) -> [ExpiryRule] {
        // A code is remembered well beyond its life, so that a second use still revokes what the first gave.
        let (hour, day) = (moment.adding(seconds: -3600), moment.adding(seconds: -86_400))
        return [
            ExpiryRule("flows", by: "digest", "expires_at < \(moment)"),
            DeviceRequestQueries.expiry(at: moment),
            ExpiryRule("consents", by: "account_id, client_id, item", "expires_at < \(moment)"),
            ExpiryRule("seen_tokens", by: "digest", "expires_at < \(moment)"),
            PushedRequestQueries.expiry(at: moment),
            ExpiryRule("access_tokens", by: "digest", "expires_at < \(moment)"),
            ExpiryRule("revoked_tokens", by: "jti", "expires_at < \(moment)"),
            ExpiryRule("one_time_links", by: "digest", "expires_at < \(old)"),
            ExpiryRule("activation_codes", by: "account_id", "expires_at < \(old)"),
            ExpiryRule("throttles", by: "key", "last_failure_at < \(day) AND open_at < \(moment)"),
            ExpiryRule("codes", by: "digest", "expires_at < \(hour)"),
            ExpiryRule("refresh_tokens", by: "digest", "expires_at < \(hour)"),
            ExpiryRule(
                "token_families", by: "id",
                """
                ends_at < \(hour)
                AND NOT EXISTS (SELECT 1 FROM codes WHERE codes.family_id = token_families.id)
                AND NOT EXISTS (SELECT 1 FROM refresh_tokens WHERE refresh_tokens.family_id = token_families.id)
                AND NOT EXISTS (SELECT 1 FROM access_tokens WHERE access_tokens.family_id = token_families.id)
                """),
            ExpiryRule(
                "client_sessions", by: "sid",
                """
                session_id IN (SELECT id FROM sessions WHERE ends_at < \(old))
                AND NOT EXISTS (SELECT 1 FROM token_families WHERE token_families.session_id = client_sessions.session_id)
                """),
            ExpiryRule(
                "sessions", by: "id",
                """
                ends_at < \(old)
                AND NOT EXISTS (SELECT 1 FROM token_families WHERE token_families.session_id = sessions.id)
                AND NOT EXISTS (SELECT 1 FROM client_sessions WHERE client_sessions.session_id = sessions.id)
                """),
            ExpiryRule("logout_deliveries", by: "id", "created_at < \(old) AND state <> 'waiting'"),
            ExpiryRule("devices", by: "digest", "last_seen_at < \(moment.adding(seconds: -180 * 86_400))"),
            ExpiryRule("legacy_passwords", by: "application_id, local_id", "expires_at < \(moment)"),
            // Out of the bin is not gone: the account and its person stay.
            ExpiryRule("recycle_bin", by: "account_id", "until < \(moment)"),
            ExpiryRule("api_answers", by: "actor, key", "created_at < \(day)"),
            ExpiryRule("load_requests", by: "id", "asked_at < \(moment.adding(seconds: -7 * 86_400))"),
        ]
    }

    /// Until when loads lost what they kept to be taken back, all of it or some.
    package func loadsPrunedBefore() throws -> Timestamp? {
        try meta(Self.prunedKey).flatMap { Int64($0) }.map(Timestamp.init(milliseconds:))
    }

    private static let prunedKey = "loads.pruned_before"

    /// Removes what loads before a moment kept to be explained and taken back, and what once waited and was dropped; the
    /// loads themselves stay.
    /// - Returns: how many rows went; as many as `limit` means that there may be more.
    package func deleteLoadDetails(before moment: Timestamp, limit: Int64) throws -> Int {
        if try loadsPrunedBefore().map({ $0 < moment }) ?? true {
            try setMeta(Self.prunedKey, "\(moment.milliseconds)")
        }
        var gone = try tx.run(
            """
            DELETE FROM load_changes WHERE (load_id, seq) IN (SELECT load_changes.load_id, load_changes.seq FROM loads
            JOIN load_changes ON load_changes.load_id = loads.id WHERE loads.applied_at < \(moment)
            ORDER BY loads.applied_at, load_changes.load_id, load_changes.seq LIMIT \(limit))
            """)
        guard gone < limit else { return gone }
        gone += try tx.run(
            """
            DELETE FROM load_findings WHERE (load_id, row_number, reason) IN (SELECT load_findings.load_id,
            load_findings.row_number, load_findings.reason FROM loads JOIN load_findings ON load_findings.load_id = loads.id
            WHERE loads.applied_at < \(moment) LIMIT \(limit - Int64(gone)))
            """)
        guard gone < limit else { return gone }
        // Those that acted stay: what they did still counts for the next load.
        gone += try tx.run(
            """
            DELETE FROM scheduled_changes WHERE id IN (SELECT id FROM scheduled_changes WHERE state = 'cancelled'
            AND decided_at < \(moment) LIMIT \(limit - Int64(gone)))
            """)
        return gone
    }

    package func meta(_ key: String) throws -> String? {
        try tx.first("SELECT value FROM meta WHERE key = \(key)")?.text(0)
    }

    package func setMeta(_ key: String, _ value: String) throws {
        try tx.run(
            "INSERT INTO meta (key, value) VALUES (\(key), \(value)) ON CONFLICT (key) DO UPDATE SET value = \(value)")
    }

    /// The engine's own version, for `doctor`.
    package func engineVersion(_ engine: Engine) throws -> String {
        let statement: Statement =
            engine == .sqlite ? "SELECT sqlite_version()" : "SELECT current_setting('server_version')"
        return try tx.first(statement)?.text(0) ?? "?"
    }

    /// After a restore: yesterday's sessions, tokens, links and codes must not live again. Applications hear of it
    /// through the sign-out ledger.
    package func endEverything(at moment: Timestamp) throws {
        let open = try tx.rows(
            """
            SELECT sessions.id, accounts.sub FROM sessions JOIN accounts ON accounts.id = sessions.account_id
            WHERE sessions.ended_at IS NULL
            """
        )
        for row in open {
            _ = try tx.logout.insertDeliveries(for: row.id(0), accountSub: row.text(1), at: moment)
        }
        try tx.run("UPDATE sessions SET ended_at = \(moment), end_reason = 'restored' WHERE ended_at IS NULL")
        try tx.run(
            "UPDATE token_families SET revoked_at = \(moment), revoke_reason = 'restored' WHERE revoked_at IS NULL")
        try tx.run("UPDATE one_time_links SET used_at = \(moment) WHERE used_at IS NULL")
        // Which of them were used after the backup, and thrown away, nobody knows.
        try tx.run("UPDATE activation_codes SET used_at = \(moment) WHERE used_at IS NULL")
        try tx.run("UPDATE codes SET used_at = \(moment) WHERE used_at IS NULL")
        try tx.run("DELETE FROM flows")
        try tx.run("DELETE FROM access_tokens")
    }
}
