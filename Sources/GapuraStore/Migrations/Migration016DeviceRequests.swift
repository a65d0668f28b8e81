extension Migration {
    /// Devices without a browser that wait for somebody to allow them.
    static let deviceRequests = Migration(version: 16, name: "device_requests") { tx in
        try tx.run(
            """
            CREATE TABLE device_requests (
                digest TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL REFERENCES clients(id),
                network TEXT NOT NULL, scope TEXT NOT NULL, state TEXT NOT NULL, family_id TEXT, pause BIGINT NOT NULL,
                polled_at BIGINT, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL
            )
            """)
        try tx.run("CREATE INDEX device_requests_expires ON device_requests(expires_at)")
        try tx.run("CREATE INDEX device_requests_client ON device_requests(client_id, network, expires_at)")
    }
}
