extension Migration {
    /// Applications that deliver people by their own ids; the order of loads, of which there are many now, and how many
    /// accounts each took the sign-in from.
    static let provisioning = Migration(version: 10, name: "provisioning") { tx in
        for statement in provisioningTables { try tx.run(statement) }
    }

    private static let provisioningTables: [Statement] = [
        """
        CREATE TABLE external_ids (
            client_id TEXT NOT NULL REFERENCES clients(id), kind TEXT NOT NULL, external_id TEXT NOT NULL,
            entity_id TEXT NOT NULL, PRIMARY KEY (client_id, kind, external_id)
        )
        """,
        "CREATE UNIQUE INDEX external_ids_entity ON external_ids(client_id, kind, entity_id)",
        "ALTER TABLE loads ADD COLUMN lost BIGINT NOT NULL DEFAULT 0",
        "CREATE INDEX loads_applied ON loads(applied_at)",
        "ALTER TABLE loads ADD COLUMN seq BIGINT NOT NULL DEFAULT 0",
        """
        UPDATE loads SET seq = (SELECT COUNT(*) FROM loads earlier
        WHERE (earlier.applied_at, earlier.id) <= (loads.applied_at, loads.id))
        """,
        "CREATE UNIQUE INDEX loads_seq ON loads(seq)",
    ]
}
