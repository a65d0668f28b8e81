/// The database. One store per process; a struct, so that it is handed on freely.
///
/// A transaction is a synchronous closure: nothing awaits inside it (no hashing, no HTTP, no clock: pass `now` in),
/// and it may run again.
package struct Store: Sendable {
    package let engine: Engine
    let driver: any Driver
    /// What a backup needs to make the same schema elsewhere.
    let migrations: [Migration]

    /// Opens the database, makes it if nothing is there yet, and brings its schema up to date under a lock.
    package static func open(
        _ location: DatabaseLocation,
        migrations: [Migration] = Migrations.all,
        options: StoreOptions? = nil
    ) async throws -> Store {
        let driver = try await openDriver(location, options ?? StoreOptions(engine: location.engine))
        let store = Store(engine: location.engine, driver: driver, migrations: migrations)
        do {
            try await store.driver.exclusively { connection in
                try Restoring.requireFinished(connection)
                try Migrator(migrations).run(on: connection)
            }
        } catch {
            await store.close()
            throw error
        }
        return store
    }

    /// Reads one consistent state of the database. Writing in it is an error.
    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await driver.read(body)
    }

    /// Like `read`, for finding a few rows by their keys and nothing that takes longer: SQLite does it on the calling
    /// thread, which costs less than waking another.
    package func lookUp<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await driver.lookUp(body)
    }

    /// Changes the database: all of it or, when the closure or the commit fails, nothing. Returns after the commit is
    /// on disk.
    /// The closure may run again after a serialization failure.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await driver.write(body)
    }

    /// Finishes what is under way and closes all connections. Whatever comes later fails with `unavailable`.
    package func close() async {
        await driver.close()
    }

    static func openDriver(_ location: DatabaseLocation, _ options: StoreOptions) async throws -> any Driver {
        switch location {
        case .sqlite(let path): try await SQLiteDriver.open(path: path, options)
        case .sqliteMemory: try await SQLiteDriver.openTemporary(options)
        case .postgres(let url): try await PostgresDriver.open(url: url, options)
        }
    }
}

/// How much at once, and how long at most.
package struct StoreOptions: Sendable {
    /// Connections for reading: threads that wait for the disk or the server. One more writes.
    package var readers: Int
    /// Connections for look-ups on the calling thread, which SQLite has: by default one a core, at most four.
    package var lookups: Int?
    /// How many transactions may wait for a connection; more fail with `busy`, as do those that waited too long.
    package var queueLimit = 1000
    package var readWaitLimit: Duration = .seconds(2)
    package var writeWaitLimit: Duration = .seconds(5)
    /// One statement on PostgreSQL; waiting for a lock on SQLite.
    package var statementLimit: Duration = .seconds(5)
    package var connectLimit: Duration = .seconds(3)
    /// How many writes may share one commit.
    package var batchLimit = 128
    /// SQLite's `max_page_count`, so that a test can have a full disk.
    package var maximumPages: Int?

    /// - Parameter readers: by default 4, and 7 on PostgreSQL, where a reader also waits for the network.
    package init(readers: Int? = nil, engine: Engine = .sqlite) {
        self.readers = readers ?? (engine == .sqlite ? 4 : 7)
    }
}
