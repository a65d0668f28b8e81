import Foundation
import Testing

@testable import GapuraStore

@Suite struct BackupTests {
    @Test("a backup of either engine goes into either engine", arguments: engines, engines)
    func bothWays(_ from: Engine, _ to: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(from, folder), migrations: testMigrations)
        try await store.write { tx in
            // A child before its parent in the order of keys, text of all kinds, and a changed row of a migration.
            try tx.run("UPDATE units SET name = 'Kota Contoh'")
            try tx.run("INSERT INTO units (id, parent, name) VALUES ('z', 'root', 'Dinas \"Z\"; é e\u{301}')")
            try tx.run("INSERT INTO units (id, parent, name) VALUES ('a', 'z', '')")
            for number in 0..<1_234 {
                let (used, note): (Int64?, String?) = number % 2 == 0 ? (nil, "n\(number)") : (Int64(number), nil)
                try tx.run(
                    "INSERT INTO codes (id, unit, used_at, note) VALUES (\("c\(number)"), 'a', \(used), \(note))")
            }
        }
        let path = folder.path + "/backup.db"
        try await store.backup(to: path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(!FileManager.default.fileExists(atPath: path + "-wal"))

        let target = try newLocation(to, folder)
        try await Store.restore(from: path, into: target, migrations: testMigrations)
        let restored = try await Store.open(target, migrations: testMigrations)
        #expect(try await rows(of: restored) == rows(of: store))
        // The keys are still guarded.
        let error = await storeError {
            try await restored.write { tx in _ = try tx.run("INSERT INTO codes (id, unit) VALUES ('x', 'nobody')") }
        }
        #expect(error?.kind == .constraint(.foreignKey))
        #expect(try await restored.integrityProblems() == [])

        // Neither a backup over a file nor a restore over data.
        await expectFailure { try await store.backup(to: path) }
        await restored.close()
        await store.close()
        await expectFailure(.foreign) { try await Store.restore(from: path, into: target, migrations: testMigrations) }
    }

    @Test("a backup of an earlier schema is brought up to date", arguments: engines)
    func earlier(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/backup.db"
        let old = try await Store.open(try newLocation(engine, folder), migrations: Array(testMigrations.prefix(1)))
        try await old.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('kept')") }
        try await old.backup(to: path)
        await old.close()
        let target = try newLocation(engine, folder)
        try await Store.restore(from: path, into: target, migrations: testMigrations)
        let new = try await Store.open(target, migrations: testMigrations)
        #expect(try await new.count("SELECT COUNT(*) FROM codes") == 1)
        #expect(try await new.count("SELECT COUNT(*) FROM heads") == 1)
        await new.close()
    }

    @Test("what is no backup, or of a newer program, is refused and the target stays empty", arguments: engines)
    func refused(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let target = try newLocation(engine, folder)
        let garbage = folder.path + "/garbage"
        try Data(repeating: 0x41, count: 5_000).write(to: URL(fileURLWithPath: garbage))
        chmod(garbage, 0o600)
        await expectFailure(.foreign) {
            try await Store.restore(from: garbage, into: target, migrations: testMigrations)
        }
        await expectFailure(.configuration) { try await Store.restore(from: folder.path + "/nothing", into: target) }

        let path = folder.path + "/backup.db"
        let store = try await Store.open(.sqliteMemory, migrations: testMigrations)
        try await store.backup(to: path)
        await store.close()
        let early = Array(testMigrations.prefix(1))
        await expectFailure(.newerSchema) { try await Store.restore(from: path, into: target, migrations: early) }
        try await Store.restore(from: path, into: target, migrations: testMigrations)
    }

    @Test("a backup while 200 writes go on is one consistent state", arguments: engines)
    func online(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let folder = TemporaryFolder()
            let path = folder.path + "/backup.db"
            try await withThrowingTaskGroup { group in
                for number in 0..<200 {
                    group.addTask {
                        try await store.write { tx in
                            try tx.run("INSERT INTO codes (id) VALUES (\("c\(number)"))")
                            try tx.run("UPDATE heads SET seq = seq + 1")
                        }
                    }
                }
                group.addTask { try await store.backup(to: path) }
                try await group.waitForAll()
            }
            try await Store.restore(from: path, into: .sqlite(path: folder.database), migrations: testMigrations)
            let copy = try await Store.open(.sqlite(path: folder.database), migrations: testMigrations)
            let codes = try await copy.count("SELECT COUNT(*) FROM codes")
            #expect(try await copy.count("SELECT seq FROM heads") == codes)
            await copy.close()
        }
    }

    private func rows(of store: Store) async throws -> [String] {
        try await store.read { tx in
            var lines: [String] = []
            for table in ["units", "codes", "heads", "schema_migrations"] {
                let columns = try tx.connection.columnNames(of: table).sorted()
                try tx.stream(TableCopy.selection(of: columns, in: table)) { row in
                    lines.append("\(table) \(row.values)".unicodeScalars.map { "\($0.value)" }.joined(separator: " "))
                }
            }
            return lines.sorted()
        }
    }
}
