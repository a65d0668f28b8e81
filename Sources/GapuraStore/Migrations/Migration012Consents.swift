extension Migration {
    /// What people allowed applications that are not the city's own.
    static let consents = Migration(version: 12, name: "consents") { tx in
        try tx.run(
            """
            CREATE TABLE consents (
                account_id TEXT NOT NULL REFERENCES accounts(id), client_id TEXT NOT NULL REFERENCES clients(id),
                item TEXT NOT NULL, given_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
                PRIMARY KEY (account_id, client_id, item)
            )
            """)
        try tx.run("CREATE INDEX consents_expires ON consents(expires_at)")
    }
}
