import Foundation
import Testing

@testable import GapuraStore

/// What must happen when the disk or the file is not as it should be.
@Suite struct SQLiteFaultTests {
    private let folder = TemporaryFolder()

    private func open(_ path: String? = nil, _ options: StoreOptions? = nil) async throws -> Store {
        try await Store.open(.sqlite(path: path ?? folder.database), migrations: testMigrations, options: options)
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("the settings that keep data safe are on")
    func settings() async throws {
        let store = try await open()
        let writer = try await store.driver.exclusively { connection in
            try ["synchronous", "foreign_keys", "wal_autocheckpoint", "journal_size_limit", "query_only"].map { name in
                try connection.rows(Statement(trusted: "PRAGMA \(name)")).first?.integer(0)
            }
        }
        #expect(writer == [2, 1, 1000, 67_108_864, 0])
        let reader = try await store.read { tx in
            #expect(try tx.first("PRAGMA journal_mode")?.text(0) == "wal")
            return try tx.first("PRAGMA query_only")?.integer(0)
        }
        #expect(reader == 1)
        for suffix in ["", "-wal", "-shm", ".lock"] { #expect(try mode(folder.database + suffix) == 0o600) }
        await store.close()
        #expect(!FileManager.default.fileExists(atPath: folder.database + "-wal"))
    }

    @Test("a missing folder is made with mode 0700; one whose parent is missing too is an error")
    func missingFolder() async throws {
        let store = try await open(folder.path + "/data/gapura.db")
        #expect(try mode(folder.path + "/data") == 0o700)
        await store.close()
        let error = await storeError { _ = try await open(folder.path + "/a/b/gapura.db") }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("/a/b") == true)
    }

    @Test("a folder that others may write to, and a file that others may read, are refused")
    func openRights() async throws {
        mkdir(folder.path + "/open", 0o777)
        chmod(folder.path + "/open", 0o777)
        let error = await storeError { _ = try await open(folder.path + "/open/gapura.db") }
        #expect(error?.kind == .configuration)
        #expect(error?.message.contains("chmod 700") == true)
        await (try open()).close()
        chmod(folder.database, 0o644)
        let failure = await storeError { _ = try await open() }
        #expect(failure?.message.contains("chmod 600") == true)
    }

    @Test(
        "what is no database of ours is refused and stays byte for byte",
        arguments: ["garbage", "empty", "short", "zeroed", "other", "folder"])
    func foreign(_ kind: String) async throws {
        let path = folder.database
        switch kind {
        case "garbage": _ = FileManager.default.createFile(atPath: path, contents: Data(repeating: 0x5a, count: 10_000))
        case "empty": _ = FileManager.default.createFile(atPath: path, contents: Data())
        case "folder": mkdir(path, 0o700)
        case "other":
            let other = folder.path + "/other.db"
            try SQLiteFile.create(other)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: other))
            bytes.replaceSubrange(68..<72, with: [0, 0, 0, 0])
            _ = FileManager.default.createFile(atPath: path, contents: bytes)
        default:
            await (try open()).close()
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            if kind == "short" {
                bytes = bytes.prefix(60)
            } else {
                bytes.replaceSubrange(0..<100, with: Data(count: 100))
            }
            try bytes.write(to: URL(fileURLWithPath: path))
        }
        chmod(path, kind == "folder" ? 0o700 : 0o600)
        let before = try? Data(contentsOf: URL(fileURLWithPath: path))
        let error = await storeError { _ = try await open() }
        #expect(error?.kind == .foreign)
        #expect(error?.message.hasPrefix(path) == true)
        #expect((try? Data(contentsOf: URL(fileURLWithPath: path))) == before)
    }

    @Test("a database cut off or damaged inside is refused or read right, and never traps", arguments: 0..<40)
    func damaged(_ seed: Int) async throws {
        let store = try await open()
        try await store.write { tx in
            for number in 0..<300 {
                try tx.run("INSERT INTO codes (id, note) VALUES (\("c\(number)"), \("note \(number)"))")
            }
        }
        await store.close()
        let url = URL(fileURLWithPath: folder.database)
        var bytes = try Data(contentsOf: url)
        if seed.isMultiple(of: 4) {
            bytes = bytes.prefix(bytes.count * (seed + 4) / 48)
        } else {
            bytes[(bytes.count - 1) * seed / 40 | 72] ^= 0xff
        }
        try bytes.write(to: url)
        chmod(folder.database, 0o600)
        do {
            let damaged = try await open()
            do {
                _ = try await damaged.read { tx in try tx.rows("SELECT id, note FROM codes ORDER BY note").count }
                _ = try await damaged.integrityProblems()
            } catch let error as StoreError {
                #expect([.corrupt, .unavailable, .other].contains(error.kind))
            }
            await damaged.close()
        } catch let error as StoreError {
            #expect([.corrupt, .foreign, .unavailable, .other, .newerSchema].contains(error.kind), "\(error)")
        }
    }

    @Test("a lost database beside its WAL is not replaced by an empty one")
    func orphanedLog() async throws {
        _ = FileManager.default.createFile(atPath: folder.database + "-wal", contents: Data(count: 100))
        let error = await storeError { _ = try await open() }
        #expect(error?.kind == .corrupt)
        #expect(!FileManager.default.fileExists(atPath: folder.database))
    }

    @Test("a database removed or replaced under the running program stops it within seconds", arguments: [true, false])
    func replaced(_ byAnother: Bool) async throws {
        let store = try await open()
        rename(folder.database, folder.path + "/moved")
        if byAnother { try SQLiteFile.create(folder.database) }
        var error: StoreError?
        for _ in 0..<100 where error == nil {
            try await Task.sleep(for: .milliseconds(50))
            do { try await store.write { _ in } } catch let thrown as StoreError { error = thrown }
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("removed or replaced") == true)
        await store.close()
        #expect(FileManager.default.fileExists(atPath: folder.database) == byAnother)
    }

    @Test("a full database fails what does not fit, keeps what was there, and goes on")
    func full() async throws {
        var options = StoreOptions()
        options.maximumPages = 60
        let store = try await open(nil, options)
        try await fillAndGoOn(store)
        await store.close()
    }

    @Test("a full disk does the same")
    func fullDisk() async throws {
        try await withSmallDisk { disk, _ in
            let store = try await open(disk + "/gapura.db")
            try await fillAndGoOn(store) {
                // The WAL needs room as well: take away what fills the rest.
                unlink(disk + "/ballast")
            }
            await store.close()
        }
    }

    private func fillAndGoOn(_ store: Store, _ makeRoom: () -> Void = {}) async throws {
        let text = String(repeating: "x", count: 20_000)
        try await store.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('kept')") }
        var (written, error): (Int64, StoreError?) = (0, nil)
        for number in 0..<2_000 where error == nil {
            do {
                try await store.write { tx in
                    _ = try tx.run("INSERT INTO codes (id, note) VALUES (\("n\(number)"), \(text))")
                }
                written += 1
            } catch let thrown as StoreError { error = thrown }
        }
        #expect(error?.kind == .full)
        #expect(error?.isTemporary == true)
        #expect(written > 0)
        #expect(try await store.count("SELECT COUNT(*) FROM codes") == written + 1)
        // Of many at once those that fit may go through, and each caller learns what became of its own.
        let done = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let note = number.isMultiple(of: 2) ? text : ""
                    return
                        (try? await store.write { tx in
                            try tx.run("INSERT INTO codes (id, note) VALUES (\("m\(number)"), \(note))")
                        }) != nil
                }
            }
            return await group.reduce(into: Int64(0)) { $0 += $1 ? 1 : 0 }
        }
        #expect(try await store.count("SELECT COUNT(*) FROM codes WHERE id LIKE 'm%'") == done)
        makeRoom()
        try await store.write { tx in _ = try tx.run("DELETE FROM codes WHERE id LIKE 'n%'") }
        try await store.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('after')") }
        #expect(try await store.count("SELECT COUNT(*) FROM codes WHERE id IN ('kept', 'after')") == 2)
        #expect(try await store.integrityProblems() == [])
    }

    @Test("a read-only disk is named as such")
    func readOnlyDisk() async throws {
        try await withSmallDisk { disk, remount in
            await (try open(disk + "/gapura.db")).close()
            try remount("remount,ro")
            let error = await storeError { _ = try await open(disk + "/gapura.db") }
            #expect(error?.kind == .readOnly)
            try remount("remount,rw")
            await (try open(disk + "/gapura.db")).close()
        }
    }

    /// A disk of four megabytes, nearly half of it taken. Needs root, as CI has.
    private func withSmallDisk(_ body: (String, (String) throws -> Void) async throws -> Void) async throws {
        let disk = folder.path + "/disk"
        mkdir(disk, 0o700)
        try mount(["-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs", disk])
        _ = FileManager.default.createFile(atPath: disk + "/ballast", contents: Data(repeating: 1, count: 1_800_000))
        do { try await body(disk) { try mount(["-o", $0, disk]) } } catch {
            try unmount(disk)
            throw error
        }
        try unmount(disk)
    }

    private func mount(_ arguments: [String]) throws { try run("mount", arguments) }
    private func unmount(_ disk: String) throws { try run("umount", ["-l", disk]) }

    private func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw StoreError(.other, "\(program) \(arguments)") }
    }
}
