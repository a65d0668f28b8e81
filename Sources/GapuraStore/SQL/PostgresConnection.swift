import CPostgres

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One connection to PostgreSQL through libpq, used by one thread. No call waits without a limit: a server that
/// accepts and never answers costs
/// one connection, not a thread for ever.
final class PostgresConnection: WritingConnection {
    let engine = Engine.postgres
    private let handle: OpaquePointer
    private let answerLimit: UInt64
    private var cache = StatementCache<String>(limit: 256)
    private var statementCount = 0
    private var cursorCount = 0
    /// Within `maintain` statements take as long as they take, and none is prepared.
    private var isMaintaining = false
    /// The error that ended the transaction under way, see `Transaction`.
    private(set) var failure: StoreError?
    /// Whether the connection is of no use any more.
    private(set) var isBroken = false

    init(url: String, _ options: StoreOptions) throws {
        // The URL comes last, so it may say otherwise.
        let connectSeconds = max(2, (options.connectLimit.millisecondsClamped + 999) / 1000)
        let parameters = [
            ("connect_timeout", "\(connectSeconds)"), ("fallback_application_name", "gapura"),
            ("client_encoding", "UTF8"), ("keepalives_idle", "30"), ("tcp_user_timeout", "10000"), ("dbname", url),
        ]
        let names = CStringList(parameters.map(\.0))
        let values = CStringList(parameters.map(\.1))
        let connected = names.withPointers { names in values.withPointers { PQconnectdbParams(names, $0, 1) } }
        guard let handle = connected else { throw StoreError(.unavailable, "PostgreSQL: out of memory") }
        guard PQstatus(handle) == CONNECTION_OK else {
            let error = StoreError(.unavailable, "PostgreSQL: \(oneLine(PQerrorMessage(handle)))")
            PQfinish(handle)
            throw error
        }
        self.handle = handle
        // The server ends a statement first; this is for a server that is silent.
        answerLimit = options.statementLimit.nanosecondsClamped + 1_000_000_000
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        PQsetnonblocking(handle, 1)
        let limit = options.statementLimit.millisecondsClamped
        do {
            PQclear(
                try simple(
                    """
                    SET statement_timeout = \(limit); SET lock_timeout = \(limit);
                    SET idle_in_transaction_session_timeout = 60000
                    """
                )
            )
        } catch {
            PQfinish(handle)
            throw error
        }
    }

    deinit {
        PQfinish(handle)
    }

    // MARK: Transactions

    var isInTransaction: Bool {
        guard !isBroken else { return false }
        switch PQtransactionStatus(handle) {
        case PQTRANS_INTRANS, PQTRANS_INERROR: return true
        default: return false
        }
    }

    /// Writes take turns, over all nodes, as on SQLite. `LOCK TABLE` waits before the snapshot is taken, so nothing
    /// is repeated for it;
    /// SERIALIZABLE guards against those who write without our lock.
    func begin() throws {
        failure = nil
        PQclear(try simple("BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE schema_migrations IN EXCLUSIVE MODE"))
    }

    /// One snapshot, as a reader has on SQLite.
    func beginReading() throws {
        failure = nil
        PQclear(try simple("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
    }

    func commit() throws {
        if let failure { throw failure }
        let result = try simple("COMMIT")
        defer { PQclear(result) }
        // The COMMIT of a failed transaction succeeds and says ROLLBACK.
        guard String(cString: PQcmdStatus(result)) == "COMMIT" else {
            throw StoreError(.other, "PostgreSQL rolled the transaction back")
        }
    }

    func rollback() {
        failure = nil
        guard !isBroken, PQtransactionStatus(handle) != PQTRANS_IDLE else { return }
        do { PQclear(try simple("ROLLBACK")) } catch { isBroken = true }
        failure = nil
    }

    func beginSavepoint() throws {
        failure = nil
        PQclear(try simple("SAVEPOINT one"))
    }

    func releaseSavepoint() throws {
        if let failure { throw failure }
        PQclear(try simple("RELEASE one"))
    }

    func rollbackSavepoint() throws {
        failure = nil
        PQclear(try simple("ROLLBACK TO one; RELEASE one"))
    }

    func maintain(_ body: () throws -> Void) throws {
        failure = nil
        isMaintaining = true
        defer { isMaintaining = false }
        do {
            PQclear(try simple("BEGIN ISOLATION LEVEL SERIALIZABLE"))
            PQclear(try simple("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
            try body()
            try commit()
        } catch {
            let cause = failure ?? error
            rollback()
            throw cause
        }
    }

    func loadUnordered(_ body: () throws -> Void) throws {
        // PostgreSQL checks a key at the end of each statement. Without the right to switch that off: take the keys
        // away and put them back.
        let keys = try rows(
            """
            SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint
            WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY conname
            """
        ).map { (table: try $0.text(0), name: try $0.text(1), definition: try $0.text(2)) }
        for key in keys {
            _ = try run(Statement(trusted: "ALTER TABLE \(key.table) DROP CONSTRAINT \(key.name)"))
        }
        try body()
        for key in keys {
            _ = try run(Statement(trusted: "ALTER TABLE \(key.table) ADD CONSTRAINT \(key.name) \(key.definition)"))
        }
    }

    /// Holds the lock under which one node at a time migrates; waits for it a minute.
    func exclusively(_ body: () throws -> Void) throws {
        // "gapura" as a number: advisory locks have no names. 1 and 0 and not a boolean, as in every statement.
        let lock: Statement = "SELECT CASE WHEN pg_try_advisory_lock(113663211697761) THEN 1 ELSE 0 END"
        failure = nil
        var tries = 0
        while try rows(lock).first?.bool(0) != true {
            tries += 1
            guard tries < 300 else {
                throw StoreError(.busy, "another node has been migrating the database for a minute")
            }
            usleep(200_000)
        }
        defer {
            rollback()
            // The end of the connection frees the lock too, so an error here is nobody's.
            _ = try? rows("SELECT pg_advisory_unlock(113663211697761)")
        }
        try body()
    }

    // MARK: Statements

    func run(_ statement: Statement) throws -> Int {
        let result = try execute(statement)
        defer { PQclear(result) }
        return Int(String(cString: PQcmdTuples(result))) ?? 0
    }

    func rows(_ statement: Statement) throws -> [Row] {
        let result = try execute(statement)
        defer { PQclear(result) }
        return try Self.rows(result)
    }

    func stream(_ statement: Statement, _ body: (Row) throws -> Void) throws {
        cursorCount += 1
        let cursor = "stream\(cursorCount)"
        let declaration = Statement(
            trusted: "DECLARE \(cursor) NO SCROLL CURSOR FOR \(statement.text)", bindings: statement.bindings
        )
        PQclear(try execute(declaration, isCached: false))
        let fetch = Statement(trusted: "FETCH FORWARD 500 FROM \(cursor)")
        while true {
            let result = try execute(fetch, isCached: false)
            let rows: [Row]
            do {
                defer { PQclear(result) }
                rows = try Self.rows(result)
            }
            guard !rows.isEmpty else { break }
            for row in rows { try body(row) }
        }
        PQclear(try execute(Statement(trusted: "CLOSE \(cursor)"), isCached: false))
    }

    func tableNames() throws -> [String] {
        try rows(
            """
            SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()
            ORDER BY tablename::text COLLATE "C"
            """
        )
        .map { try $0.text(0) }
    }

    func columnNames(of table: String) throws -> [String] {
        try rows(
            """
            SELECT column_name::text FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = \(table) ORDER BY ordinal_position
            """
        ).map { try $0.text(0) }
    }

    private func execute(_ statement: Statement, isCached: Bool = true) throws -> OpaquePointer {
        if let failure { throw failure }
        let arguments = try PostgresArguments(statement.bindings)
        guard isCached, !isMaintaining else {
            return try answer {
                arguments.withPointers { types, values in
                    PQsendQueryParams(handle, statement.text, CInt(arguments.count), types, values, nil, nil, 0)
                }
            }
        }
        let name = try prepared(statement, arguments)
        return try answer {
            arguments.withPointers { _, values in
                PQsendQueryPrepared(handle, name, CInt(arguments.count), values, nil, nil, 0)
            }
        }
    }

    /// The name of the prepared statement, prepared now if need be.
    private func prepared(_ statement: Statement, _ arguments: PostgresArguments) throws -> String {
        let key = StatementCache<String>.Key(text: statement.text, types: statement.bindings.map(\.type))
        if case .found(let entry) = cache.take(key) {
            entry.isInUse = false
            return entry.prepared
        }
        statementCount += 1
        let name = "s\(statementCount)"
        PQclear(
            try answer {
                arguments.withPointers { types, _ in
                    PQsendPrepare(handle, name, statement.text, CInt(arguments.count), types)
                }
            }
        )
        let kept = cache.keep(name, for: key)
        kept.entry.isInUse = false
        if let evicted = kept.evicted { PQclear(try simple("DEALLOCATE \(evicted)")) }
        return name
    }

    private func simple(_ text: String) throws -> OpaquePointer {
        try answer { PQsendQuery(handle, text) }
    }

    /// Sends, waits for the last result, and turns a bad one into an error.
    private func answer(_ send: () -> CInt) throws -> OpaquePointer {
        guard !isBroken else { throw StoreError(.unavailable, "PostgreSQL: the connection is broken") }
        let deadline = isMaintaining ? UInt64.max : monotonicNanoseconds() + answerLimit
        guard send() == 1 else { throw lost() }
        while true {
            let left = PQflush(handle)
            guard left >= 0 else { throw lost() }
            guard left > 0 else { break }
            try wait(POLLIN | POLLOUT, until: deadline)
            guard PQconsumeInput(handle) == 1 else { throw lost() }
        }
        var last: OpaquePointer?
        while true {
            while PQisBusy(handle) == 1 {
                do { try wait(POLLIN, until: deadline) } catch {
                    PQclear(last)
                    throw error
                }
                guard PQconsumeInput(handle) == 1 else {
                    PQclear(last)
                    throw lost()
                }
            }
            guard let result = PQgetResult(handle) else { break }
            if let earlier = last, isBad(earlier) {
                PQclear(result)
            } else {
                PQclear(last)
                last = result
            }
        }
        guard let result = last else { throw lost() }
        guard isBad(result) else { return result }
        defer { PQclear(result) }
        let error = StoreError.postgres(
            state: PQresultSQLState(result).map { String(cString: $0) } ?? "",
            message: oneLine(PQresultPrimaryMessage(result) ?? PQresultErrorMessage(result).map { UnsafePointer($0) })
        )
        if PQstatus(handle) != CONNECTION_OK { isBroken = true }
        if error.isStalePlan { isBroken = true }
        failure = error
        throw error
    }

    private func isBad(_ result: OpaquePointer) -> Bool {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: false
        default: true
        }
    }

    private func wait(_ events: CInt, until deadline: UInt64) throws {
        var descriptor = pollfd(fd: PQsocket(handle), events: CShort(events), revents: 0)
        while true {
            var limit: CInt = -1
            if deadline != .max {
                let now = monotonicNanoseconds()
                guard now < deadline else { break }
                limit = CInt(clamping: (deadline - now) / 1_000_000 + 1)
            }
            let ready = poll(&descriptor, 1, limit)
            if ready > 0 { return }
            if ready == 0 { continue }
            guard errno == EINTR else { throw lost() }
        }
        isBroken = true
        let error = StoreError(.unavailable, "PostgreSQL does not answer")
        failure = error
        throw error
    }

    /// The connection is gone.
    private func lost() -> StoreError {
        isBroken = true
        let error = StoreError(.unavailable, "PostgreSQL: \(oneLine(PQerrorMessage(handle)))")
        failure = error
        return error
    }

    private static func rows(_ result: OpaquePointer) throws -> [Row] {
        let (rowCount, columnCount) = (PQntuples(result), PQnfields(result))
        let types = (0..<columnCount).map { PQftype(result, $0) }
        var rows: [Row] = []
        rows.reserveCapacity(Int(rowCount))
        for row in 0..<rowCount {
            var values: [SQLValue] = []
            values.reserveCapacity(Int(columnCount))
            for (column, type) in zip(0..<columnCount, types) {
                values.append(try value(result, row, column, type))
            }
            rows.append(Row(values: values))
        }
        return rows
    }

    private static func value(_ result: OpaquePointer, _ row: CInt, _ column: CInt, _ type: Oid) throws -> SQLValue {
        guard PQgetisnull(result, row, column) == 0, let start = PQgetvalue(result, row, column) else { return .null }
        let length = Int(PQgetlength(result, row, column))
        let text = start.withMemoryRebound(to: UInt8.self, capacity: length) {
            String(validating: UnsafeBufferPointer(start: $0, count: length), as: UTF8.self)
        }
        guard let text else { throw StoreError(.corrupt, "the database holds text that is not UTF-8") }
        switch type {
        case 16: return .integer(text == "t" ? 1 : 0)  // boolean: the result of a comparison
        case 20, 21, 23, 1700:  // bigint, smallint, integer, and the numeric that SUM makes of bigint
            guard let integer = Int64(text) else {
                throw StoreError(.other, "a number of the result is no 64-bit integer")
            }
            return .integer(integer)
        default: return .text(text)
        }
    }
}
