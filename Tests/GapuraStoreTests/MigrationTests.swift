import Foundation
import PostgresTesting
import Testing

@testable import GapuraStore

@Suite struct MigrationTests {
    @Test("from empty, and again", arguments: engines)
    func fromEmpty(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        for _ in 0..<3 {
            let store = try await Store.open(location, migrations: testMigrations)
            #expect(try await store.count("SELECT COUNT(*) FROM schema_migrations WHERE applied_at > 0") == 2)
            #expect(try await store.count("SELECT COUNT(*) FROM units") == 1)
            await store.close()
        }
    }

    @Test("from an earlier version with rows in it", arguments: engines)
    func fromEarlier(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let old = try await Store.open(location, migrations: Array(testMigrations.prefix(1)))
        try await old.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('kept')") }
        await old.close()
        let new = try await Store.open(location, migrations: testMigrations)
        #expect(try await new.count("SELECT COUNT(*) FROM codes") == 1)
        #expect(try await new.count("SELECT COUNT(*) FROM heads") == 1)
        await new.close()
    }

    @Test("a newer schema is refused and left alone", arguments: engines)
    func newer(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        await (try Store.open(location, migrations: testMigrations)).close()
        let error = await storeError { _ = try await Store.open(location, migrations: Array(testMigrations.prefix(1))) }
        #expect(error?.kind == .newerSchema)
        #expect(error?.message.contains("schema 2") == true)
        await (try Store.open(location, migrations: testMigrations)).close()
    }

    @Test("a failing migration leaves the version before it", arguments: engines)
    func failing(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let broken = Migration(version: 3, name: "broken") { tx in
            try tx.run("CREATE TABLE third (id TEXT PRIMARY KEY)")
            try tx.run("INSERT INTO units (id, parent, name) VALUES ('x', 'nobody', 'x')")
        }
        let error = await storeError { _ = try await Store.open(location, migrations: testMigrations + [broken]) }
        #expect(error?.message.contains("migration 3 (broken)") == true)
        let mended = Migration(version: 3, name: "mended") { tx in
            _ = try tx.run("CREATE TABLE third (id TEXT PRIMARY KEY)")
        }
        let store = try await Store.open(location, migrations: testMigrations + [mended])
        #expect(try await store.count("SELECT COUNT(*) FROM schema_migrations") == 3)
        #expect(try await store.count("SELECT COUNT(*) FROM units") == 1)
        await store.close()
    }

    @Test("a migration of another name is not ours", arguments: engines)
    func renamed(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        await (try Store.open(location, migrations: testMigrations)).close()
        let other = [testMigrations[0], Migration(version: 2, name: "other") { _ in }]
        await expectFailure(.newerSchema) { _ = try await Store.open(location, migrations: other) }
    }

    @Test("eight nodes that start at once on an empty PostgreSQL migrate it once")
    func together() async throws {
        let url = try PostgresCluster.shared().makeDatabase()
        let stores = try await withThrowingTaskGroup(of: Store.self) { group in
            for _ in 0..<8 { group.addTask { try await Store.open(.postgres(url: url), migrations: testMigrations) } }
            return try await group.reduce(into: [Store]()) { $0.append($1) }
        }
        #expect(try await stores[0].count("SELECT COUNT(*) FROM schema_migrations") == 2)
        #expect(try await stores[7].count("SELECT COUNT(*) FROM units") == 1)
        for store in stores { await store.close() }
    }

    @Test("two processes cannot open one SQLite database; the error names the first")
    func twice() async throws {
        let folder = TemporaryFolder()
        let first = try await Store.open(.sqlite(path: folder.database), migrations: testMigrations)
        let error = await storeError {
            _ = try await Store.open(.sqlite(path: folder.database), migrations: testMigrations)
        }
        #expect(error?.kind == .locked)
        #expect(error?.message.contains("process \(getpid())") == true)
        #expect(DataLock.holder(of: folder.database) == "\(getpid())")
        await first.close()
        #expect(DataLock.holder(of: folder.database) == nil)
        await (try Store.open(.sqlite(path: folder.database), migrations: testMigrations)).close()
    }

    @Test("the product's own schema goes into both engines", arguments: engines)
    func product(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let store = try await Store.open(location)
        #expect(try await store.count("SELECT COUNT(*) FROM schema_migrations") == Int64(Migrations.all.count))
        await store.close()
    }
}
