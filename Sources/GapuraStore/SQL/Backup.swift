import GRDB

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A backup is one SQLite file, whichever engine it was taken from, and goes into an empty database of either.
extension Store {
    /// Copies one consistent state into a new file of mode 0600 while the store goes on working. An existing file is
    /// an error.
    package func backup(to path: String) async throws {
        let migrations = migrations
        do {
            try await driver.read { transaction in
                let source = transaction.connection
                try SQLiteFile.create(path)
                do {
                    let file = try DatabaseQueue(path: path)
                    try file.writeWithoutTransaction { database in
                        if let source = source as? SQLiteConnection {
                            try source.database.backup(to: database)
                        } else {
                            let target = try SQLiteConnection(database)
                            defer { target.finish() }
                            try TableCopy.run(from: source, to: target, migrations)
                        }
                        // One file and no WAL beside it.
                        try database.execute(sql: "PRAGMA journal_mode = DELETE")
                    }
                    try file.close()
                } catch {
                    for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
                    throw error
                }
                SQLiteFile.syncFolder(of: path)
            }
        } catch {
            throw StoreError.opening(error)
        }
    }

    /// Fills an empty database from a backup, brings its schema up to date, and runs a last step, in whose transaction
    /// the database becomes usable. If anything fails, the database is empty again; if the process ends on the way,
    /// `open` refuses what is there and the next restore begins anew.
    /// - Parameter finish: what has to be done to restored data before anybody may use them.
    package static func restore<Value: Sendable>(
        from path: String,
        into location: DatabaseLocation,
        migrations: [Migration] = Migrations.all,
        options: StoreOptions? = nil,
        finish: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try SQLiteFile.checkBackup(path)
        let isNew = !location.exists
        let driver = try await openDriver(location, options ?? StoreOptions(engine: location.engine))
        do {
            try await driver.exclusively { try Restoring.requireRoom(in: $0, location) }
        } catch {
            await driver.close()
            throw StoreError.opening(error)
        }
        do {
            let value = try await driver.exclusively { target in
                try Restoring.requireRoom(in: target, location)
                do {
                    try Restoring.load(from: path, into: target, migrations)
                    return try Restoring.finish(target, finish)
                } catch {
                    try TableCopy.dropAll(target)
                    throw error
                }
            }
            await driver.close()
            return value
        } catch {
            // What this restore made is empty and must not pass for a new city. The lock is still held.
            if isNew { location.removeFiles() }
            await driver.close()
            throw StoreError.opening(error)
        }
    }

    /// As above, with nothing to be done at the end.
    package static func restore(
        from path: String,
        into location: DatabaseLocation,
        migrations: [Migration] = Migrations.all,
        options: StoreOptions? = nil
    ) async throws {
        try await restore(from: path, into: location, migrations: migrations, options: options) { _ in }
    }

    /// Every row of every table in one consistent state, table by table in the order of their names.
    package func exportTables(
        _ body: @escaping @Sendable (_ table: String, _ columns: [String], _ row: Row) throws -> Void
    ) async throws {
        try await driver.read { transaction in
            for table in try transaction.connection.tableNames() {
                let columns = try transaction.connection.columnNames(of: table)
                try transaction.stream(TableCopy.selection(of: columns, in: table)) { try body(table, columns, $0) }
            }
        }
    }

    /// What the engine finds wrong with its own file; empty if nothing. Reads everything. PostgreSQL has `pg_amcheck`
    /// for it.
    package func integrityProblems() async throws -> [String] {
        guard engine == .sqlite else { return [] }
        return try await driver.read { transaction in
            let found = try transaction.rows("PRAGMA integrity_check").map { try $0.text(0) }.filter { $0 != "ok" }
            let broken = try transaction.rows("PRAGMA foreign_key_check").map {
                "a broken foreign key in table \(try $0.text(0))"
            }
            return found + broken
        }
    }
}

/// The steps of a restore, and the mark that a database bears while it is under way.
///
/// Several transactions make a restore, since the data come in at the schema of the backup. A table of its own is the
/// mark: it is there before anything else and goes in the transaction of the last step.
enum Restoring {
    static let mark = "restore_pending"

    static func requireFinished(_ connection: any Connection) throws {
        guard try connection.tableNames().contains(mark) else { return }
        throw StoreError(.halfRestored, "a restore into this database was interrupted; restore again")
    }

    /// Only an empty database, or what an interrupted restore left behind.
    static func requireRoom(in target: any Connection, _ location: DatabaseLocation) throws {
        let tables = try target.tableNames()
        guard tables.isEmpty || tables.contains(mark) else {
            throw StoreError(.foreign, "a backup goes into an empty database; \(location) is not empty")
        }
    }

    static func load(from path: String, into target: any Connection, _ migrations: [Migration]) throws {
        try TableCopy.dropAll(target)
        try target.maintain { _ = try target.run("CREATE TABLE restore_pending (since BIGINT)") }
        var configuration = Configuration()
        configuration.readonly = true
        let file = try DatabaseQueue(path: path, configuration: configuration)
        try file.unsafeRead { database in
            let source = try SQLiteConnection(database)
            defer { source.finish() }
            try source.beginReading()
            try TableCopy.run(from: source, to: target, migrations)
        }
        try Migrator(migrations).run(on: target)
    }

    static func finish<Value>(_ target: any Connection, _ body: (Transaction) throws -> Value) throws -> Value {
        var value: Value?
        try target.maintain {
            value = try body(Transaction(connection: target))
            _ = try target.run("DROP TABLE restore_pending")
        }
        guard let value else { throw StoreError(.other, "the last step of a restore did not run") }
        return value
    }
}

extension DatabaseLocation {
    fileprivate var exists: Bool {
        guard case .sqlite(let path) = self else { return true }
        return access(path, F_OK) == 0
    }

    fileprivate func removeFiles() {
        guard case .sqlite(let path) = self else { return }
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
    }
}

/// Copies all rows between two databases of the same schema, of whichever engines.
enum TableCopy {
    static func run(from source: any Connection, to target: any Connection, _ migrations: [Migration]) throws {
        let tables = try source.tableNames()
        guard tables.contains(Migrator.table) else {
            throw StoreError(.foreign, "there is no database of Gapura in the backup")
        }
        let done = try Migrator.appliedVersions(on: source)
        let known = Set(migrations.map(\.version))
        if let newer = done.keys.filter({ !known.contains($0) }).max() {
            throw StoreError(.newerSchema, "the backup has schema \(newer), which this program does not know")
        }
        try Migrator(migrations).run(on: target, upTo: done.keys.max() ?? 0)
        guard try target.tableNames().filter({ $0 != Restoring.mark }) == tables else {
            throw StoreError(.corrupt, "the tables of the backup are not those of its schema \(done.keys.max() ?? 0)")
        }
        try target.maintain {
            try target.loadUnordered {
                for table in tables {
                    // A migration may have put rows in.
                    _ = try target.run(Statement(trusted: "DELETE FROM \(quoted(table))"))
                }
                for table in tables { try copy(table, from: source, to: target) }
            }
        }
    }

    static func dropAll(_ target: any Connection) throws {
        try target.maintain {
            let cascade = target.engine == .postgres ? " CASCADE" : ""
            for table in try target.tableNames() {
                _ = try target.run(Statement(trusted: "DROP TABLE \(quoted(table))\(cascade)"))
            }
        }
    }

    static func selection(of columns: [String], in table: String) -> Statement {
        Statement(trusted: "SELECT \(columns.map(quoted).joined(separator: ", ")) FROM \(quoted(table))")
    }

    private static func copy(_ table: String, from source: any Connection, to target: any Connection) throws {
        let columns = try source.columnNames(of: table)
        guard Set(columns) == Set(try target.columnNames(of: table)) else {
            throw StoreError(.corrupt, "table \(table) of the backup has other columns than its schema")
        }
        let head = "INSERT INTO \(quoted(table)) (\(columns.map(quoted).joined(separator: ", "))) VALUES "
        let limit = max(1, 400 / max(1, columns.count))
        var waiting: [Row] = []
        func flush() throws {
            guard !waiting.isEmpty else { return }
            var number = 0
            let rows = waiting.map { row in
                "("
                    + row.values.map { _ in
                        number += 1
                        return "$\(number)"
                    }.joined(separator: ", ") + ")"
            }
            let bindings = waiting.flatMap { $0.values.map(Statement.Binding.init) }
            _ = try target.run(Statement(trusted: head + rows.joined(separator: ", "), bindings: bindings))
            waiting.removeAll(keepingCapacity: true)
        }
        try source.stream(selection(of: columns, in: table)) { row in
            waiting.append(row)
            if waiting.count == limit { try flush() }
        }
        try flush()
    }

    private static func quoted(_ name: String) -> String {
        "\"" + name.replacing("\"", with: "\"\"") + "\""
    }
}

extension Statement.Binding {
    fileprivate init(_ value: SQLValue) {
        self.value = value
        type =
            switch value {
            case .null: .unspecified
            case .integer: .integer
            case .text: .text
            }
    }
}
