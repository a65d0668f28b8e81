extension Migration {
    /// Organisation and posts: who holds which post from when to when, managers that were named by hand, and what
    /// happened to units, or will happen on a day to come.
    static let appointments = Migration(version: 3, name: "appointments") { tx in
        for statement in posts + units { try tx.run(statement) }
    }

    private static let posts: [Statement] = [
        """
        CREATE TABLE appointments (
            id TEXT PRIMARY KEY, person_id TEXT NOT NULL REFERENCES people(id), unit_id TEXT NOT NULL REFERENCES units(id),
            kind TEXT NOT NULL, post_name TEXT NOT NULL, post_key TEXT NOT NULL, letter_number TEXT NOT NULL, letter_key TEXT NOT NULL,
            valid_from BIGINT NOT NULL, valid_to BIGINT, letter_to BIGINT, recorded_at BIGINT NOT NULL,
            recorded_by TEXT NOT NULL, ended_at BIGINT, ended_by TEXT
        )
        """,
        "CREATE INDEX appointments_person ON appointments(person_id)",
        "CREATE INDEX appointments_unit ON appointments(unit_id, kind)",
        // The same letter names the same person for the same post once, unless it was taken back.
        """
        CREATE UNIQUE INDEX appointments_letter ON appointments(person_id, unit_id, post_key, letter_key) WHERE ended_at IS NULL
        """,
        """
        CREATE TABLE manager_overrides (
            person_id TEXT PRIMARY KEY REFERENCES people(id), manager_id TEXT NOT NULL REFERENCES people(id),
            set_at BIGINT NOT NULL, set_by TEXT NOT NULL
        )
        """,
        "CREATE INDEX manager_overrides_manager ON manager_overrides(manager_id)",
    ]

    private static let units: [Statement] = [
        """
        CREATE TABLE unit_drafts (
            id TEXT PRIMARY KEY, file_name TEXT NOT NULL, file_digest TEXT NOT NULL, effective_at BIGINT NOT NULL,
            state TEXT NOT NULL, recorded_at BIGINT NOT NULL, recorded_by TEXT NOT NULL, decided_at BIGINT, decided_by TEXT
        )
        """,
        "CREATE INDEX unit_drafts_waiting ON unit_drafts(effective_at) WHERE state = 'waiting'",
        """
        CREATE TABLE unit_draft_rows (
            draft_id TEXT NOT NULL REFERENCES unit_drafts(id), row_number BIGINT NOT NULL, source_id TEXT, parent_id TEXT,
            name TEXT, post_name TEXT, kind TEXT, echelon TEXT, head_pns_id TEXT,
            PRIMARY KEY (draft_id, row_number)
        )
        """,
        """
        CREATE TABLE unit_draft_merges (
            draft_id TEXT NOT NULL REFERENCES unit_drafts(id), source_id TEXT NOT NULL, into_id TEXT NOT NULL,
            PRIMARY KEY (draft_id, source_id)
        )
        """,
        """
        CREATE TABLE unit_events (
            id TEXT PRIMARY KEY, unit_id TEXT NOT NULL REFERENCES units(id), kind TEXT NOT NULL, at BIGINT NOT NULL,
            before_value TEXT, after_value TEXT, load_id TEXT REFERENCES loads(id), draft_id TEXT REFERENCES unit_drafts(id),
            recorded_by TEXT NOT NULL
        )
        """,
        "CREATE INDEX unit_events_unit ON unit_events(unit_id, at)",
    ]
}
