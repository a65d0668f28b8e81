extension Migration {
    /// What authorization needs beyond OpenID Connect Core: requests that clients pushed, tokens bound to a key, what may
    /// be seen once, and which claims were asked for by name.
    static let authorization = Migration(version: 11, name: "authorization") { tx in
        for statement in authorizationTables { try tx.run(statement) }
    }

    private static let authorizationTables: [Statement] = [
        """
        CREATE TABLE pushed_requests (
            digest TEXT PRIMARY KEY, client_id TEXT NOT NULL REFERENCES clients(id), network TEXT NOT NULL,
            request TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_at BIGINT
        )
        """,
        "CREATE INDEX pushed_requests_expires ON pushed_requests(expires_at)",
        "CREATE INDEX pushed_requests_client ON pushed_requests(client_id, network, expires_at)",
        "CREATE TABLE seen_tokens (digest TEXT PRIMARY KEY, expires_at BIGINT NOT NULL)",
        "CREATE INDEX seen_tokens_expires ON seen_tokens(expires_at)",
        "ALTER TABLE flows ADD COLUMN pushed TEXT",
        "CREATE INDEX flows_pushed ON flows(pushed) WHERE pushed IS NOT NULL",
        "ALTER TABLE codes ADD COLUMN jkt TEXT",
        "ALTER TABLE token_families ADD COLUMN jkt TEXT",
        "ALTER TABLE token_families ADD COLUMN claims TEXT",
        "ALTER TABLE access_tokens ADD COLUMN jkt TEXT",
    ]
}
