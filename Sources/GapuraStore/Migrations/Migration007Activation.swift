extension Migration {
    /// Printed one-time codes with which people come in for the first time, one an account; and indexes for accounts
    /// that have an end or somebody who answers for them.
    static let activation = Migration(version: 7, name: "activation") { tx in
        for statement in activationTables { try tx.run(statement) }
    }

    private static let activationTables: [Statement] = [
        """
        CREATE TABLE activation_codes (
            account_id TEXT PRIMARY KEY REFERENCES accounts(id), digest TEXT NOT NULL, created_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL, used_at BIGINT, issued_by TEXT NOT NULL, batch TEXT NOT NULL
        )
        """,
        "CREATE INDEX activation_codes_expires ON activation_codes(expires_at)",
        "CREATE INDEX accounts_ends ON accounts(ends_at) WHERE ends_at IS NOT NULL",
        "CREATE INDEX accounts_sponsor ON accounts(sponsor_id) WHERE sponsor_id IS NOT NULL",
    ]
}
