/// Which rows of a table nobody needs any more.
struct ExpiryRule {
    let table: StaticString
    /// Its primary key.
    let key: StaticString
    let condition: Statement

    init(_ table: StaticString, by key: StaticString, _ condition: Statement) {
        self.table = table
        self.key = key
        self.condition = condition
    }

    /// By key, since only one of the two engines knows a limit of its own here.
    func deletion(limit: Int64) -> Statement {
        """
        DELETE FROM \(raw: table) WHERE (\(raw: key)) IN (SELECT \(raw: key) FROM \(raw: table)
        WHERE \(fragment: condition) LIMIT \(limit))
        """
    }
}
