extension Migration {
    /// Identity numbers (NIK) under a key of their own, what each application received about whom, and how far the
    /// audit was exported and purged.
    static let privacy = Migration(version: 8, name: "privacy") { tx in
        for statement in privacyTables { try tx.run(statement) }
    }

    private static let privacyTables: [Statement] = [
        // `sealed` is under AES-256-GCM for this person, `lookup` an HMAC; two people may have one number by mistake.
        """
        CREATE TABLE identity_numbers (
            person_id TEXT PRIMARY KEY REFERENCES people(id), sealed TEXT NOT NULL, lookup TEXT NOT NULL, changed_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX identity_numbers_lookup ON identity_numbers(lookup)",
        """
        CREATE TABLE disclosures (
            account_id TEXT NOT NULL REFERENCES accounts(id), client_id TEXT NOT NULL REFERENCES clients(id), claims TEXT NOT NULL,
            first_at BIGINT NOT NULL, last_at BIGINT NOT NULL, times BIGINT NOT NULL,
            PRIMARY KEY (account_id, client_id, claims)
        )
        """,
        // One row: the chain before `purged_seq` is gone, and up to `exported_seq` it is in a file.
        """
        CREATE TABLE audit_checkpoint (
            id BIGINT PRIMARY KEY, purged_seq BIGINT NOT NULL, purged_hash TEXT NOT NULL,
            exported_seq BIGINT NOT NULL, exported_hash TEXT NOT NULL
        )
        """,
        "INSERT INTO audit_checkpoint (id, purged_seq, purged_hash, exported_seq, exported_hash) VALUES (1, 0, '', 0, '')",
    ]
}
