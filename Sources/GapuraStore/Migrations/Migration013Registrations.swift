extension Migration {
    /// Who may register clients by themselves, and which clients did.
    static let registrations = Migration(version: 13, name: "registrations") { tx in
        for statement in registrationTables { try tx.run(statement) }
    }

    private static let registrationTables: [Statement] = [
        """
        CREATE TABLE registrations (
            id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, application_id TEXT NOT NULL REFERENCES applications(id),
            settings TEXT NOT NULL, uses_left BIGINT NOT NULL, created_by TEXT NOT NULL, created_at BIGINT NOT NULL,
            expires_at BIGINT NOT NULL, ended_at BIGINT
        )
        """,
        "CREATE INDEX registrations_expires ON registrations(expires_at)",
        "ALTER TABLE clients ADD COLUMN registration_id TEXT REFERENCES registrations(id)",
        "ALTER TABLE clients ADD COLUMN registration_digest TEXT",
        "CREATE INDEX clients_registration ON clients(registration_id) WHERE registration_id IS NOT NULL",
    ]
}
