import GapuraFormats

/// Brings a database from the version it has to the last one of the list, one transaction per step.
///
/// Runs on a connection nobody else migrates on. Table `schema_migrations` tells what has been done.
struct Migrator {
    static let table = "schema_migrations"
    private let migrations: [Migration]

    init(_ migrations: [Migration]) {
        self.migrations = migrations.sorted { $0.version < $1.version }
    }

    /// Runs what is missing, up to a version if one is given.
    func run(on connection: any Connection, upTo last: Int = .max) throws {
        for (one, next) in zip(migrations, migrations.dropFirst()) where one.version == next.version {
            throw StoreError(.configuration, "two migrations have version \(one.version)")
        }
        let done = try Self.versions(on: connection)
        try check(done)
        for migration in migrations where done[migration.version] == nil && migration.version <= last {
            do {
                try connection.maintain {
                    try migration.up(Transaction(connection: connection))
                    let (version, name, now) = (migration.version, migration.name, Timestamp.now())
                    _ = try connection.run(
                        "INSERT INTO schema_migrations (version, name, applied_at) VALUES (\(version), \(name), \(now))"
                    )
                }
            } catch let error as StoreError {
                throw StoreError(
                    error.kind, "migration \(migration.version) (\(migration.name)) failed: \(error.message)")
            }
        }
    }

    /// What has been done, by version. Makes the table in an empty database; refuses a database that is not ours.
    private static func versions(on connection: any Connection) throws -> [Int: String] {
        let tables = try connection.tableNames()
        if !tables.contains(table) {
            guard tables.allSatisfy({ $0 == Restoring.mark }) else {
                throw StoreError(.foreign, "the \(connection.engine.rawValue) database holds tables of something else")
            }
            try connection.maintain {
                _ = try connection.run(
                    """
                    CREATE TABLE schema_migrations (
                        version BIGINT NOT NULL PRIMARY KEY,
                        name TEXT NOT NULL,
                        applied_at BIGINT NOT NULL
                    )
                    """
                )
            }
        }
        return try appliedVersions(on: connection)
    }

    /// The rows of `schema_migrations`.
    static func appliedVersions(on connection: any Connection) throws -> [Int: String] {
        var done: [Int: String] = [:]
        for row in try connection.rows("SELECT version, name FROM schema_migrations") {
            done[Int(try row.integer(0))] = try row.text(1)
        }
        return done
    }

    private func check(_ done: [Int: String]) throws {
        let known = Dictionary(migrations.map { ($0.version, $0.name) }) { first, _ in first }
        let newest = migrations.last?.version ?? 0
        if let newer = done.keys.max(), newer > newest {
            throw StoreError(
                .newerSchema,
                "the database has schema \(newer), this program knows \(newest): start the newer program"
            )
        }
        for (version, name) in done.sorted(by: { $0.key < $1.key }) where known[version]?.isExactly(name) != true {
            throw StoreError(
                .newerSchema, "the database has a migration \(version) (\(name)) that this program does not know")
        }
    }
}
