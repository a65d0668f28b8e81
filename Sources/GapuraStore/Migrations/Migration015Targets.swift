extension Migration {
    /// For which resources somebody's tokens are, and for whom a token acts.
    static let targets = Migration(version: 15, name: "targets") { tx in
        try tx.run("ALTER TABLE token_families ADD COLUMN resources TEXT")
        try tx.run("ALTER TABLE access_tokens ADD COLUMN actor TEXT")
    }
}
