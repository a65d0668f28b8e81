extension Migration {
    /// How many pushed requests of a client wait is asked for each one: those that were answered are not in the index.
    static let openRequests = Migration(version: 17, name: "open_requests") { tx in
        try tx.run("DROP INDEX pushed_requests_client")
        try tx.run(
            """
            CREATE INDEX pushed_requests_open ON pushed_requests(client_id, network, expires_at) WHERE used_at IS NULL
            """)
    }
}
