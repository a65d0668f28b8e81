import GRDB
import GRDBSQLite

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One SQLite connection that GRDB opened, with SQLite's own calls for the statements: positional rows, and a cache
/// with a bound.
final class SQLiteConnection: WritingConnection {
    let engine = Engine.sqlite
    let database: Database
    private let handle: OpaquePointer
    private var cache = StatementCache<OpaquePointer>(limit: 256)
    /// The error that ended the transaction under way, see `Transaction`.
    private(set) var failure: StoreError?

    /// To be used within GRDB's access to `database`, and `finish`ed before it ends.
    init(_ database: Database) throws {
        guard let handle = database.sqliteConnection else {
            throw StoreError(.unavailable, "the SQLite connection is closed")
        }
        self.database = database
        self.handle = handle
        // GRDB watches transactions and statements for observers, of which we have none.
        sqlite3_commit_hook(handle, nil, nil)
        sqlite3_rollback_hook(handle, nil, nil)
        sqlite3_set_authorizer(handle, nil, nil)
    }

    /// Frees the statements and leaves no transaction behind.
    func finish() {
        rollback()
        for statement in cache.removeAll() { sqlite3_finalize(statement) }
    }

    // MARK: Transactions

    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }
    var isBroken: Bool { false }

    func begin() throws {
        failure = nil
        _ = try run("BEGIN IMMEDIATE")
    }

    func beginReading() throws {
        failure = nil
        _ = try run("BEGIN DEFERRED")
    }

    func commit() throws {
        if let failure { throw failure }
        _ = try run("COMMIT")
    }

    func rollback() {
        failure = nil
        // One that fails leaves no transaction either: SQLite has ended it by itself.
        if isInTransaction { _ = try? run("ROLLBACK") }
        failure = nil
    }

    /// One transaction that only reads.
    func reading<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            try beginReading()
            let value = try body()
            try commit()
            return value
        } catch {
            let cause = failure ?? error
            rollback()
            throw cause
        }
    }

    func beginSavepoint() throws {
        failure = nil
        _ = try run("SAVEPOINT one")
    }

    func releaseSavepoint() throws {
        if let failure { throw failure }
        _ = try run("RELEASE one")
    }

    func rollbackSavepoint() throws {
        failure = nil
        _ = try run("ROLLBACK TO one")
        _ = try run("RELEASE one")
    }

    func exclusively(_ body: () throws -> Void) throws {
        defer { rollback() }
        try body()  // `DataLock` keeps other processes out, the one writer other transactions
    }

    func maintain(_ body: () throws -> Void) throws {
        // Foreign keys cannot be switched within a transaction.
        _ = try run("PRAGMA foreign_keys = OFF")
        do {
            try begin()
            try body()
            if let broken = try rows("PRAGMA foreign_key_check").first {
                let table = (try? broken.text(0)) ?? "?"  // only for the message
                throw StoreError(
                    .constraint(.foreignKey), "a row of table \(table) points to a row that does not exist")
            }
            try commit()
        } catch {
            let cause = failure ?? error
            rollback()
            _ = try run("PRAGMA foreign_keys = ON")
            throw cause
        }
        _ = try run("PRAGMA foreign_keys = ON")
    }

    func loadUnordered(_ body: () throws -> Void) throws {
        try body()  // `maintain` has switched the keys off and checks them
    }

    // MARK: Statements

    func run(_ statement: Statement) throws -> Int {
        let before = sqlite3_total_changes64(handle)
        try execute(statement) { _ in }
        // `changes` keeps the figure of the last change, whatever ran since.
        return sqlite3_total_changes64(handle) == before ? 0 : Int(sqlite3_changes64(handle))
    }

    func rows(_ statement: Statement) throws -> [Row] {
        var rows: [Row] = []
        try execute(statement) { rows.append(try Self.row($0)) }
        return rows
    }

    func stream(_ statement: Statement, _ body: (Row) throws -> Void) throws {
        try execute(statement) { try body(try Self.row($0)) }
    }

    func tableNames() throws -> [String] {
        try rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY name"
        )
        .map { try $0.text(0) }
    }

    func columnNames(of table: String) throws -> [String] {
        try rows("SELECT name FROM pragma_table_info(\(table)) ORDER BY cid").map { try $0.text(0) }
    }

    private func execute(_ statement: Statement, _ body: (OpaquePointer) throws -> Void) throws {
        if let failure { throw failure }
        let key = StatementCache<OpaquePointer>.Key(text: statement.text, types: [])
        let prepared: OpaquePointer
        var entry: StatementCache<OpaquePointer>.Entry?
        switch cache.take(key) {
        case .found(let found):
            entry = found
            prepared = found.prepared
        case .missing:
            prepared = try prepare(statement.text)
            let kept = cache.keep(prepared, for: key)
            if let evicted = kept.evicted { sqlite3_finalize(evicted) }
            entry = kept.entry
        case .inUse:
            prepared = try prepare(statement.text)
        }
        defer {
            if let entry {
                sqlite3_reset(prepared)
                entry.isInUse = false
            } else {
                sqlite3_finalize(prepared)
            }
        }
        try bind(statement, to: prepared)
        while true {
            switch sqlite3_step(prepared) {
            case SQLITE_ROW: try body(prepared)
            case SQLITE_DONE: return
            default: throw fail()
            }
        }
    }

    private func prepare(_ text: String) throws -> OpaquePointer {
        var text = text
        let (code, prepared, isWhole) = text.withUTF8 { bytes -> (CInt, OpaquePointer?, Bool) in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                var prepared: OpaquePointer?
                var tail: UnsafePointer<CChar>?
                let code = sqlite3_prepare_v3(
                    handle, characters.baseAddress, CInt(clamping: characters.count),
                    CUnsignedInt(SQLITE_PREPARE_PERSISTENT), &prepared, &tail
                )
                guard let start = characters.baseAddress, let tail else { return (code, prepared, true) }
                let rest = characters[min(characters.count, start.distance(to: tail))...]
                return (code, prepared, rest.allSatisfy { $0 == 0x20 || $0 == 0x0a })
            }
        }
        guard code == SQLITE_OK else { throw fail() }
        guard let prepared else { throw StoreError(.other, "an empty SQL statement") }
        guard isWhole else {
            sqlite3_finalize(prepared)
            throw StoreError(.other, "more than one SQL statement at once")
        }
        return prepared
    }

    private func bind(_ statement: Statement, to prepared: OpaquePointer) throws {
        guard Int(sqlite3_bind_parameter_count(prepared)) == statement.bindings.count else {
            throw StoreError(.other, "the placeholders of a statement do not match its values")
        }
        var position: CInt = 0
        for binding in statement.bindings {
            position += 1
            let code: CInt
            switch binding.value {
            case .null: code = sqlite3_bind_null(prepared, position)
            case .integer(let integer): code = sqlite3_bind_int64(prepared, position, integer)
            case .text(let text): code = try bind(text, to: prepared, position)
            }
            guard code == SQLITE_OK else { throw fail() }
        }
    }

    private func bind(_ text: String, to prepared: OpaquePointer, _ position: CInt) throws -> CInt {
        var text = text
        let code = text.withUTF8 { bytes -> CInt? in
            guard let start = bytes.baseAddress, !bytes.isEmpty else {
                return sqlite3_bind_text(prepared, position, "", 0, transient)
            }
            guard memchr(start, 0, bytes.count) == nil else { return nil }
            return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                sqlite3_bind_text64(prepared, position, $0, sqlite3_uint64(bytes.count), transient, UInt8(SQLITE_UTF8))
            }
        }
        guard let code else {
            let error = StoreError.nul
            failure = isInTransaction ? error : nil
            throw error
        }
        return code
    }

    private static func row(_ prepared: OpaquePointer) throws -> Row {
        let count = Int(sqlite3_column_count(prepared))
        var values: [SQLValue] = []
        values.reserveCapacity(count)
        for index in 0..<CInt(count) {
            switch sqlite3_column_type(prepared, index) {
            case SQLITE_NULL: values.append(.null)
            case SQLITE_INTEGER: values.append(.integer(sqlite3_column_int64(prepared, index)))
            case SQLITE_TEXT:
                let start = sqlite3_column_text(prepared, index)
                let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(prepared, index)))
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw StoreError(.corrupt, "the database holds text that is not UTF-8")
                }
                values.append(.text(text))
            default: throw StoreError(.other, "column \(index) of the result is neither text nor integer")
            }
        }
        return Row(values: values)
    }

    /// The error of the last call; within a transaction it ends that.
    private func fail() -> StoreError {
        let error = StoreError.sqlite(
            code: sqlite3_extended_errcode(handle), message: sqlite3_errmsg(handle).map { String(cString: $0) } ?? ""
        )
        if isInTransaction { failure = error }
        return error
    }
}

/// SQLite copies the text.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
