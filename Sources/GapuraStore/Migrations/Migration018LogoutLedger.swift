extension Migration {
    /// Every five minutes the clean-up asks for what is old in the sign-out ledger, and each look at its newest lines
    /// sorts them: both read all of it.
    static let logoutLedger = Migration(version: 18, name: "logout_ledger") { tx in
        try tx.run("CREATE INDEX logout_deliveries_created ON logout_deliveries(created_at)")
    }
}
