extension Migration {
    /// Roles of applications, who holds them and why, and which two nobody may hold together.
    ///
    /// A pair of exclusion is two rows, one from each side, so that a look-up goes one way.
    static let grants = Migration(version: 4, name: "grants") { tx in
        for statement in grantTables {
            try tx.run(statement)
        }
    }

    private static let grantTables: [Statement] = [
        """
        CREATE TABLE application_roles (
            application_id TEXT NOT NULL REFERENCES applications(id), name TEXT NOT NULL, description TEXT, created_at BIGINT NOT NULL,
            PRIMARY KEY (application_id, name)
        )
        """,
        """
        CREATE TABLE grants (
            id TEXT PRIMARY KEY, application_id TEXT NOT NULL, role TEXT NOT NULL, subject_kind TEXT NOT NULL, subject TEXT NOT NULL,
            post_key TEXT, post_unit_id TEXT REFERENCES units(id), unit_id TEXT REFERENCES units(id), valid_from BIGINT NOT NULL, valid_to BIGINT, letter_number TEXT NOT NULL,
            given_by TEXT NOT NULL, given_at BIGINT NOT NULL,
            ended_at BIGINT, ended_by TEXT, end_reason TEXT, end_load_id TEXT,
            FOREIGN KEY (application_id, role) REFERENCES application_roles(application_id, name)
        )
        """,
        // What one person holds: account, post, units upwards and kind of employment are looked up in it at once.
        "CREATE INDEX grants_subject ON grants(subject_kind, subject)",
        // Whoever stands in at a post is found by its name and unit: letters of appointment know no id, and many
        // agencies have a post of the same name.
        "CREATE INDEX grants_post_key ON grants(post_key, post_unit_id) WHERE post_key IS NOT NULL",
        "CREATE INDEX grants_role ON grants(application_id, role)",
        "CREATE INDEX grants_end_load ON grants(end_load_id) WHERE end_load_id IS NOT NULL",
        // Whom a grant to a post reaches.
        "CREATE INDEX grants_people_post ON people(post_id) WHERE post_id IS NOT NULL",
        """
        CREATE TABLE exclusions (
            application_id TEXT NOT NULL, role TEXT NOT NULL, other_application_id TEXT NOT NULL, other_role TEXT NOT NULL,
            created_at BIGINT NOT NULL, created_by TEXT NOT NULL,
            PRIMARY KEY (application_id, role, other_application_id, other_role),
            FOREIGN KEY (application_id, role) REFERENCES application_roles(application_id, name),
            FOREIGN KEY (other_application_id, other_role) REFERENCES application_roles(application_id, name)
        )
        """,
    ]
}
