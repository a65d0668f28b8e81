extension Migration {
    /// What each load changed, so that it can be taken back; changes that wait for their day; the recycle bin; loads
    /// that wait for a second admin.
    static let loads = Migration(version: 2, name: "loads") { tx in
        for statement in loadStatements { try tx.run(statement) }
    }

    private static let loadStatements: [Statement] = [
        "ALTER TABLE loads ADD COLUMN kind TEXT NOT NULL DEFAULT 'load'",
        "ALTER TABLE loads ADD COLUMN undoes TEXT REFERENCES loads(id)",
        "ALTER TABLE loads ADD COLUMN undone_by TEXT REFERENCES loads(id)",
        // One row a changed row, oldest first: the columns that changed, as JSON objects. Nothing before: it was made.
        """
        CREATE TABLE load_changes (
            load_id TEXT NOT NULL REFERENCES loads(id), seq BIGINT NOT NULL, entity TEXT NOT NULL, entity_id TEXT NOT NULL,
            old_values TEXT, new_values TEXT NOT NULL, PRIMARY KEY (load_id, seq)
        )
        """,
        """
        CREATE TABLE scheduled_changes (
            id TEXT PRIMARY KEY, person_id TEXT NOT NULL REFERENCES people(id), kind TEXT NOT NULL,
            load_id TEXT NOT NULL REFERENCES loads(id), valid_from BIGINT NOT NULL, due_at BIGINT NOT NULL,
            state TEXT NOT NULL, state_before TEXT, decided_at BIGINT
        )
        """,
        "CREATE INDEX scheduled_changes_due ON scheduled_changes(due_at) WHERE state = 'waiting'",
        "CREATE INDEX scheduled_changes_person ON scheduled_changes(person_id)",
        """
        CREATE TABLE recycle_bin (
            account_id TEXT PRIMARY KEY REFERENCES accounts(id), load_id TEXT NOT NULL REFERENCES loads(id), reason TEXT NOT NULL,
            state_before TEXT NOT NULL, entered_at BIGINT NOT NULL, until BIGINT NOT NULL
        )
        """,
        "CREATE INDEX recycle_bin_until ON recycle_bin(until)",
        """
        CREATE TABLE load_requests (
            id TEXT PRIMARY KEY, file_digest TEXT NOT NULL, units_digest TEXT, base_load_id TEXT, accounts BIGINT NOT NULL,
            actor TEXT NOT NULL, asked_at BIGINT NOT NULL
        )
        """,
        "CREATE INDEX load_requests_file ON load_requests(file_digest)",
    ]
}
