import Foundation
import PostgresTesting
import Testing

@testable import GapuraStore

/// What must happen when the server is not as it should be.
@Suite struct PostgresFaultTests {
    @Test("a server that is not there is one clear line, and not waited for", .timeLimit(.minutes(1)))
    func unreachable() async throws {
        let error = await storeError {
            _ = try await Store.open(.postgres(url: "postgres://gapura@127.0.0.1:1/gapura"))
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("refused") == true)
        #expect(error?.message.contains("\n") == false)
    }

    @Test("a server that accepts and never answers is given up too", .timeLimit(.minutes(1)))
    func silent() async throws {
        let listener = try SilentListener()
        let error = await storeError {
            _ = try await Store.open(.postgres(url: "postgres://gapura:rahasia@127.0.0.1:\(listener.port)/gapura"))
        }
        #expect(error?.kind == .unavailable)
        #expect(error?.message.contains("rahasia") == false)
    }

    @Test("a missing database, a nonsense URL and another encoding are named")
    func wrong() async throws {
        let cluster = try PostgresCluster.shared()
        let missing = await storeError { _ = try await Store.open(.postgres(url: cluster.url(of: "nobody_made_it"))) }
        #expect(missing?.kind == .unavailable)
        #expect(missing?.message.contains("nobody_made_it") == true)
        await expectFailure(.unavailable) { _ = try await Store.open(.postgres(url: "postgres://[")) }
        let url = try cluster.makeDatabase()
        try cluster.query("CREATE DATABASE latin TEMPLATE template0 ENCODING 'SQL_ASCII'", in: url)
        await expectFailure(.configuration) { _ = try await Store.open(.postgres(url: cluster.url(of: "latin"))) }
    }

    @Test("a database that holds something else is left alone")
    func foreign() async throws {
        let cluster = try PostgresCluster.shared()
        let url = try cluster.makeDatabase()
        try cluster.query("CREATE TABLE payroll (id int)", in: url)
        await expectFailure(.foreign) { _ = try await Store.open(.postgres(url: url), migrations: testMigrations) }
        #expect(try cluster.query("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'", in: url).hasPrefix("1"))
    }

    @Test("connections that the server ended are made again, without an error when they were idle")
    func ended() async throws {
        let cluster = try PostgresCluster.shared()
        let url = try cluster.makeDatabase()
        let store = try await Store.open(.postgres(url: url), migrations: testMigrations)
        for _ in 0..<3 {
            for _ in 0..<20 { #expect(try await store.count("SELECT COUNT(*) FROM units") == 1) }
            try await store.write { tx in _ = try tx.run("UPDATE heads SET seq = seq + 1") }
            try end(url)
            try await store.write { tx in _ = try tx.run("UPDATE heads SET seq = seq + 1") }
            for _ in 0..<20 { #expect(try await store.count("SELECT COUNT(*) FROM units") == 1) }
        }
        #expect(try await store.count("SELECT seq FROM heads") == 6)
        await store.close()
    }

    @Test("a connection that ends within a transaction is an error, nothing is half done, and the next one works")
    func endedWithin() async throws {
        let url = try PostgresCluster.shared().makeDatabase()
        let store = try await Store.open(.postgres(url: url), migrations: testMigrations)
        let error = await storeError {
            try await store.write { tx in
                try tx.run("INSERT INTO codes (id) VALUES ('a')")
                try end(url)
                try tx.run("INSERT INTO codes (id) VALUES ('b')")
            }
        }
        #expect(error?.kind == .unavailable)
        #expect(try await store.count("SELECT COUNT(*) FROM codes") == 0)
        try await store.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('a')") }
        await store.close()
    }

    @Test("a serialization failure runs the transaction again")
    func serialization() async throws {
        let cluster = try PostgresCluster.shared()
        let url = try cluster.makeDatabase()
        let store = try await Store.open(.postgres(url: url), migrations: testMigrations)
        let runs = Counter()
        try await store.write { tx in
            let seq = try tx.first("SELECT seq FROM heads")?.integer(0) ?? 0
            // Somebody who does not take turns.
            if runs.next() <= 2 { try cluster.query("UPDATE heads SET seq = seq + 10", in: url) }
            try tx.run("UPDATE heads SET seq = \(seq + 1)")
        }
        #expect(runs.value == 3)
        #expect(try await store.count("SELECT seq FROM heads") == 21)
        let endless = Counter()
        let error = await storeError {
            try await store.write { tx in
                let seq = try tx.first("SELECT seq FROM heads")?.integer(0) ?? 0
                _ = endless.next()
                try cluster.query("UPDATE heads SET seq = seq + 10", in: url)
                try tx.run("UPDATE heads SET seq = \(seq + 1)")
            }
        }
        #expect(error?.kind == .busy)
        #expect(endless.value == 4)
        await store.close()
    }

    @Test("a statement that takes too long is ended, and so is waiting for a lock", .timeLimit(.minutes(1)))
    func slow() async throws {
        let cluster = try PostgresCluster.shared()
        let url = try cluster.makeDatabase()
        var options = StoreOptions(engine: .postgres)
        options.statementLimit = .milliseconds(400)
        let store = try await Store.open(.postgres(url: url), migrations: testMigrations, options: options)
        // Both would outlast the time limit of this test.
        await expectFailure(.busy) { try await store.read { tx in _ = try tx.rows("SELECT pg_sleep(600)::text") } }
        let holder = Thread { _ = try? cluster.query("BEGIN; LOCK TABLE heads; SELECT pg_sleep(600)", in: url) }
        holder.start()
        let locks = "FROM pg_locks WHERE relation = 'heads'::regclass AND mode = 'AccessExclusiveLock' AND granted"
        while try cluster.query("SELECT COUNT(*) \(locks)", in: url).hasPrefix("0") { await Task.yield() }
        await expectFailure(.busy) { try await store.write { tx in _ = try tx.run("UPDATE heads SET seq = 1") } }
        // Waits until the holder is gone.
        try cluster.query("SELECT pg_terminate_backend(pid, 60000) \(locks)", in: url)
        try await store.write { tx in _ = try tx.run("UPDATE heads SET seq = 1") }
        await store.close()
    }

    @Test("more statements than the cache holds, and a plan that another node made stale")
    func preparedStatements() async throws {
        let cluster = try PostgresCluster.shared()
        let url = try cluster.makeDatabase()
        let store = try await Store.open(
            .postgres(url: url), migrations: testMigrations, options: StoreOptions(readers: 1, engine: .postgres))
        try await store.read { tx in
            for count in 1...600 {
                let numbers = Array(repeating: Int64(1), count: count)
                #expect(try tx.rows("SELECT id FROM units WHERE 1 IN \(list: numbers)").count == 1)
            }
            let prepared = try tx.first("SELECT COUNT(*) FROM pg_prepared_statements")?.integer(0) ?? 0
            #expect(prepared <= 257)
        }
        #expect(try await store.read { try $0.first("SELECT * FROM heads") }?.values.count == 2)
        try cluster.query("ALTER TABLE heads ADD COLUMN more bigint", in: url)
        #expect(try await store.read { try $0.first("SELECT * FROM heads") }?.values.count == 3)
        await store.close()
    }

    private func end(_ url: String) throws {
        try PostgresCluster.shared().query(
            """
            SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """,
            in: url
        )
    }
}

private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    func next() -> Int {
        lock.withLock {
            count += 1
            return count
        }
    }

    var value: Int { lock.withLock { count } }
}

/// A port that takes connections and says nothing.
private final class SilentListener {
    let port: UInt16
    private let descriptor: CInt

    init() throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard bound else { throw StoreError(.other, "no port") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
