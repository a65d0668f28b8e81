extension Migration {
    /// Pictures of applications, kept here so that no page asks another host for anything.
    static let logos = Migration(version: 14, name: "logos") { tx in
        try tx.run(
            """
            CREATE TABLE logos (
                client_id TEXT PRIMARY KEY REFERENCES clients(id), uri TEXT NOT NULL, digest TEXT NOT NULL,
                media_type TEXT NOT NULL, data TEXT NOT NULL, fetched_at BIGINT NOT NULL
            )
            """)
        try tx.run("CREATE INDEX logos_digest ON logos(digest)")
    }
}
