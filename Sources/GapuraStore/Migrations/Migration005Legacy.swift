extension Migration {
    /// User tables of old applications: whose local account is whose, and old passwords that sign in once.
    ///
    /// A password stands here as `argon2id(old hash)`, or as the slow hash it was; `cost` and `work` are what checking
    /// such a slow hash takes (bcrypt's cost, Argon2's KiB times passes), indexed because every failed sign-in asks for
    /// the highest.
    static let legacy = Migration(version: 5, name: "legacy") { tx in
        for statement in legacyTables { try tx.run(statement) }
    }

    private static let legacyTables: [Statement] = [
        """
        CREATE TABLE legacy_accounts (
            application_id TEXT NOT NULL REFERENCES applications(id), local_id TEXT NOT NULL, user_name TEXT, nip TEXT, email TEXT,
            account_id TEXT REFERENCES accounts(id), matched_by TEXT, state TEXT NOT NULL, reason TEXT,
            file_digest TEXT NOT NULL, imported_at BIGINT NOT NULL, used_at BIGINT,
            PRIMARY KEY (application_id, local_id)
        )
        """,
        """
        CREATE UNIQUE INDEX legacy_accounts_account ON legacy_accounts(account_id, application_id) WHERE account_id IS NOT NULL
        """,
        "CREATE INDEX legacy_accounts_state ON legacy_accounts(state)",
        """
        CREATE TABLE legacy_passwords (
            application_id TEXT NOT NULL, local_id TEXT NOT NULL, account_id TEXT REFERENCES accounts(id),
            scheme TEXT NOT NULL, parameter TEXT NOT NULL, hash TEXT NOT NULL, cost BIGINT NOT NULL, work BIGINT NOT NULL,
            imported_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
            PRIMARY KEY (application_id, local_id),
            FOREIGN KEY (application_id, local_id) REFERENCES legacy_accounts(application_id, local_id)
        )
        """,
        "CREATE INDEX legacy_passwords_account ON legacy_passwords(account_id)",
        "CREATE INDEX legacy_passwords_cost ON legacy_passwords(cost)",
        "CREATE INDEX legacy_passwords_work ON legacy_passwords(work)",
        "CREATE INDEX legacy_passwords_expires ON legacy_passwords(expires_at)",
    ]
}
