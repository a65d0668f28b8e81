extension Migration {
    /// Sign-ins under way know the address and the browser that began them, so that who has begun many makes room
    /// first.
    static let flows = Migration(version: 6, name: "flows") { tx in
        try tx.run("ALTER TABLE flows ADD COLUMN place TEXT NOT NULL DEFAULT ''")
        try tx.run("ALTER TABLE flows ADD COLUMN handle TEXT NOT NULL DEFAULT ''")
        try tx.run("CREATE INDEX flows_handle ON flows(handle, expires_at) WHERE used_at IS NULL")
    }
}
