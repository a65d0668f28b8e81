/// The database inside one transaction. It exists only within the synchronous closures of `Store.read` and
/// `Store.write`.
///
/// A failed statement ends the transaction on both engines: whoever catches its error cannot save it. Use `ON
/// CONFLICT` where a conflict is normal.
package struct Transaction {
    let connection: any Connection

    /// Runs a statement and tells how many rows it inserted, changed or deleted.
    @discardableResult
    package func run(_ statement: Statement) throws -> Int {
        try connection.run(statement)
    }

    /// All rows of a result, of `RETURNING` too.
    package func rows(_ statement: Statement) throws -> [Row] {
        try connection.rows(statement)
    }

    /// The first row of a result, or nil. The statement runs to its end, so `UPDATE … RETURNING` works.
    package func first(_ statement: Statement) throws -> Row? {
        try connection.rows(statement).first
    }

    /// A large result, row by row; other statements may run in `body`.
    package func stream(_ statement: Statement, _ body: (Row) throws -> Void) throws {
        try connection.stream(statement, body)
    }
}

@available(*, unavailable)
extension Transaction: Sendable {}

/// Which engine a store runs on.
package enum Engine: String, Sendable {
    case sqlite = "SQLite"
    case postgres = "PostgreSQL"
}

/// One connection of a driver, used by one thread at a time.
protocol Connection: AnyObject {
    var engine: Engine { get }

    func run(_ statement: Statement) throws -> Int
    func rows(_ statement: Statement) throws -> [Row]
    func stream(_ statement: Statement, _ body: (Row) throws -> Void) throws

    /// Our tables, in the order of their bytes.
    func tableNames() throws -> [String]
    /// The columns of a table, in the order of their making.
    func columnNames(of table: String) throws -> [String]

    /// One transaction for a migration or a restore: no time limit, and foreign keys may be broken on the way but not
    /// at its end.
    func maintain(_ body: () throws -> Void) throws
    /// Inside `maintain`: lets rows be loaded in any order; at the end all foreign keys have been checked.
    func loadUnordered(_ body: () throws -> Void) throws
}
