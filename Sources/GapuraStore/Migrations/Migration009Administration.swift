extension Migration {
    /// Admins of one subtree, searching by name, and requests that may be sent twice.
    static let administration = Migration(version: 9, name: "administration") { tx in
        for statement in administrationTables { try tx.run(statement) }
        // Folded here: the two engines fold differently.
        try tx.stream("SELECT id, name FROM people") { row in
            try tx.run("UPDATE people SET name_key = \(nameKey(row.text(1))) WHERE id = \(row.text(0))")
        }
    }

    private static let administrationTables: [Statement] = [
        "ALTER TABLE accounts ADD COLUMN role_unit_id TEXT REFERENCES units(id)",
        "CREATE INDEX accounts_role ON accounts(role) WHERE role <> 'none'",
        "ALTER TABLE people ADD COLUMN name_key TEXT NOT NULL DEFAULT ''",
        // What a request with an Idempotency-Key was answered; `answer` is under AES-256-GCM, since it may hold a link.
        """
        CREATE TABLE api_answers (
            actor TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, created_at BIGINT NOT NULL, answer TEXT,
            PRIMARY KEY (actor, key)
        )
        """,
        "CREATE INDEX api_answers_created ON api_answers(created_at)",
    ]
}
