import Foundation
import Testing

@testable import GapuraStore

/// A restored database is usable with the last step of the restore or not at all.
@Suite struct RestoreTests {
    private struct Broken: Error {}

    /// A backup with one code in it.
    private func backup(in folder: TemporaryFolder) async throws -> String {
        let path = folder.path + "/backup.db"
        let store = try await Store.open(.sqliteMemory, migrations: testMigrations)
        try await store.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('open')") }
        try await store.backup(to: path)
        await store.close()
        return path
    }

    private func restore(_ path: String, into target: DatabaseLocation) async throws {
        try await Store.restore(from: path, into: target, migrations: testMigrations) { tx in
            _ = try tx.run("UPDATE codes SET used_at = 1")
        }
    }

    @Test("attack 340: if the last step fails, nothing of the backup is there", arguments: engines)
    func failedStep(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let path = try await backup(in: folder)
        let target = try newLocation(engine, folder)
        await #expect(throws: (any Error).self) {
            try await Store.restore(from: path, into: target, migrations: testMigrations) { _ in throw Broken() }
        }
        let empty = try await Store.open(target, migrations: [])
        #expect(try await empty.read { try $0.connection.tableNames() } == ["schema_migrations"])
        await empty.close()
    }

    @Test("attack 340: a restore that ended before its last step opens nowhere, and is begun anew", arguments: engines)
    func interrupted(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let path = try await backup(in: folder)
        let target = try newLocation(engine, folder)
        // As if the process had been killed between the data and the last step.
        let driver = try await Store.openDriver(target, StoreOptions(engine: engine))
        try await driver.exclusively { try Restoring.load(from: path, into: $0, testMigrations) }
        await driver.close()
        await expectFailure(.halfRestored) { _ = try await Store.open(target, migrations: testMigrations) }

        try await restore(path, into: target)
        let store = try await Store.open(target, migrations: testMigrations)
        #expect(try await store.count("SELECT COUNT(*) FROM codes WHERE used_at = 1") == 1)
        #expect(try await store.count("SELECT COUNT(*) FROM codes") == 1)
        await store.close()
    }

    @Test("a refused or failed restore removes the file that it made, and no other")
    func files() async throws {
        let folder = TemporaryFolder()
        let path = try await backup(in: folder)
        let fresh = folder.path + "/fresh.db"
        await #expect(throws: (any Error).self) {
            try await Store.restore(from: path, into: .sqlite(path: fresh), migrations: testMigrations) { _ in
                throw Broken()
            }
        }
        #expect(!FileManager.default.fileExists(atPath: fresh))
        #expect(!FileManager.default.fileExists(atPath: fresh + "-wal"))

        let used = DatabaseLocation.sqlite(path: folder.database)
        try await restore(path, into: used)
        await expectFailure(.foreign) { try await restore(path, into: used) }
        let store = try await Store.open(used, migrations: testMigrations)
        #expect(try await store.count("SELECT COUNT(*) FROM codes") == 1)
        await store.close()
    }
}
