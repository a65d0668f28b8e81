import Foundation
import GapuraFormats
import PostgresTesting
import Testing

@testable import GapuraStore

/// What a store promises, on both engines.
@Suite struct ConformanceTests {
    @Test("values come back as they went in", arguments: engines)
    func roundTrip(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let id = ID<Unit>.make(now: Timestamp(milliseconds: -1_500_000_000_000))
            let texts = [
                "", "a", "O'Brien; DROP TABLE units --", "$1 ? :a", "\u{1f1ee}\u{1f1e9} Ñandú", "a\r\nb\tc",
                String(repeating: "é", count: 70_000),
            ]
            for text in texts {
                let row = try await store.write { tx in
                    try tx.run("DELETE FROM codes")
                    try tx.run("INSERT INTO codes (id, note, amount) VALUES (\(id), \(text), \(Int64.max))")
                    return try tx.first("SELECT id, note, amount, used_at FROM codes WHERE note = \(text)")
                }
                let found = try #require(row)
                #expect(try found.id(0) == id)
                #expect(try found.text(1).isExactly(text))
                #expect(try found.integer(2) == Int64.max)
                #expect(try found.optionalTime(3) == nil)
            }
            for time in [Int64.min, -1, 0, 1, Int64.max] {
                let moment = Timestamp(milliseconds: time)
                try await store.write { tx in _ = try tx.run("UPDATE codes SET used_at = \(moment)") }
                #expect(try await store.read { try $0.first("SELECT used_at FROM codes")?.time(0) } == moment)
            }
        }
    }

    @Test("a value of another type than asked for is an error", arguments: engines)
    func typeMismatch(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let row = try #require(try await store.read { try $0.first("SELECT name, 5, NULL FROM units") })
            #expect(throws: StoreError.self) { try row.integer(0) }
            #expect(throws: StoreError.self) { try row.text(1) }
            #expect(throws: StoreError.self) { try row.bool(1) }
            #expect(throws: StoreError.self) { try row.text(2) }
            #expect(throws: StoreError.self) { try row.text(3) }
            #expect(throws: StoreError.self) { try row.text(-1) }
            #expect(throws: StoreError.self) { let _: ID<Unit> = try row.id(0) }
            #expect(try row.optionalText(2) == nil)
        }
    }

    @Test("NULL may stand wherever a value may", arguments: engines)
    func null(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let (noText, noNumber): (String?, Int64?) = (nil, nil)
            let row = try await store.write { tx in
                try tx.run("INSERT INTO codes (id, note, amount) VALUES ('n', \(noText), \(noNumber))")
                return try tx.first(
                    "SELECT \(noText) IS NULL, COALESCE(\(noNumber), \(7)), note, amount FROM codes WHERE id = 'n'")
            }
            #expect(row?.values == [.integer(1), .integer(7), .null, .null])
        }
    }

    @Test("lists of none, one and many", arguments: engines)
    func lists(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let many = (0..<900).map { "code \($0)" }
            try await store.write { tx in
                for id in many { try tx.run("INSERT INTO codes (id, amount) VALUES (\(id), \(1))") }
            }
            func count(_ condition: Statement) async throws -> Int64 {
                try await store.count("SELECT COUNT(*) FROM codes WHERE \(fragment: condition)")
            }
            let none: [String] = []
            let noNumbers: [Int64] = []
            #expect(try await count("id IN \(list: none)") == 0)
            #expect(try await count("id NOT IN \(list: none)") == 900)
            #expect(try await count("amount IN \(list: noNumbers)") == 0)
            #expect(try await count("amount NOT IN \(list: noNumbers)") == 900)
            #expect(try await count("id IN \(list: ["code 5"])") == 1)
            #expect(try await count("id IN \(list: many) AND amount = \(1)") == 900)
        }
    }

    @Test("text is bytes: two normal forms are two keys", arguments: engines)
    func normalForms(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
            try await store.write { tx in
                try tx.run("INSERT INTO codes (id) VALUES (\(composed))")
                try tx.run("INSERT INTO codes (id) VALUES (\(decomposed))")
                try tx.run("INSERT INTO codes (id) VALUES ('\u{212a}'), ('K')")
            }
            #expect(try await store.count("SELECT COUNT(*) FROM codes WHERE id = \(composed)") == 1)
            #expect(try await store.count("SELECT COUNT(*) FROM codes WHERE id = 'K'") == 1)
            #expect(try await store.count("SELECT COUNT(*) FROM codes") == 4)
        }
    }

    @Test("a NUL in text is refused and changes nothing", arguments: engines)
    func nul(_ engine: Engine) async throws {
        try await withStore(engine) { (store: Store) async throws in
            let error = await storeError {
                try await store.write { tx in
                    try tx.run("INSERT INTO codes (id) VALUES ('before')")
                    try tx.run("INSERT INTO codes (id) VALUES (\("a\0b"))")
                }
            }
            #expect(error?.kind == .invalidText)
            let reading = await storeError {
                _ = try await store.read { try $0.rows("SELECT 1 FROM codes WHERE id = \("\0")") }
            }
            #expect(reading?.kind == .invalidText)
            #expect(try await store.count("SELECT COUNT(*) FROM codes") == 0)
        }
    }

    @Test("broken constraints have their kinds", arguments: engines)
    func constraints(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let cases: [(Statement, StoreError.Constraint)] = [
                ("INSERT INTO units (id, name) VALUES ('root', 'again')", .unique),
                ("INSERT INTO units (id, parent, name) VALUES ('x', 'nobody', 'x')", .foreignKey),
                ("DELETE FROM units WHERE id = 'root'", .foreignKey),
                ("INSERT INTO units (id) VALUES ('x')", .notNull),
                ("INSERT INTO codes (id, amount) VALUES ('x', -1)", .check),
            ]
            try await store.write { tx in
                _ = try tx.run("INSERT INTO units (id, parent, name) VALUES ('child', 'root', 'Dinas')")
            }
            for (statement, constraint) in cases {
                let error = await storeError { try await store.write { tx in _ = try tx.run(statement) } }
                #expect(error?.kind == .constraint(constraint), "\(statement)")
                #expect(error?.isUniqueViolation == (constraint == .unique))
            }
            #expect(try await store.count("SELECT COUNT(*) FROM units") == 2)
        }
    }

    @Test("rows affected, RETURNING and upsert", arguments: engines)
    func affected(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                #expect(try tx.run("INSERT INTO codes (id) VALUES ('a'), ('b')") == 2)
                #expect(try tx.run("UPDATE codes SET note = 'x'") == 2)
                #expect(try tx.run("UPDATE codes SET note = 'x' WHERE id = 'nobody'") == 0)
                #expect(try tx.run("SELECT 1") <= 1)
                #expect(try tx.run("INSERT INTO codes (id) VALUES ('a') ON CONFLICT (id) DO NOTHING") == 0)
                let upsert: Statement =
                    "INSERT INTO codes (id, note) VALUES ('a', 'y') ON CONFLICT (id) DO UPDATE SET note = excluded.note"
                #expect(try tx.run(upsert) == 1)
                let changed = try tx.rows("UPDATE codes SET amount = 3 RETURNING id")
                #expect(try changed.map { try $0.text(0) }.sorted() == ["a", "b"])
                #expect(try tx.first("UPDATE codes SET amount = 4 RETURNING amount")?.integer(0) == 4)
                #expect(try tx.rows("SELECT id FROM codes WHERE amount = 4").count == 2)
                #expect(try tx.run("DELETE FROM codes") == 2)
            }
        }
    }

    @Test("a recursive query and sums", arguments: engines)
    func recursion(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let (limit, sum) = (100, Int64(5050))
            let statement: Statement = """
                WITH RECURSIVE numbers (n) AS (
                    SELECT CAST(1 AS BIGINT) UNION ALL SELECT n + 1 FROM numbers WHERE n < \(limit)
                )
                SELECT SUM(n), COUNT(*), MAX(n) FROM numbers
                """
            let row = try await store.read { try $0.first(statement) }
            #expect(row?.values == [.integer(sum), .integer(100), .integer(100)])
        }
    }

    @Test("a large result is streamed, and other statements may run meanwhile", arguments: engines)
    func streaming(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                for number in 0..<1_700 {
                    try tx.run("INSERT INTO codes (id, amount) VALUES (\("c\(number)"), \(number))")
                }
            }
            let select: Statement = "SELECT id, amount FROM codes WHERE amount >= \(100) ORDER BY amount"
            let (sum, inner) = try await store.read { tx in
                var (sum, inner): (Int64, Int64) = (0, 0)
                try tx.stream(select) { row in
                    sum += try row.integer(1)
                    if sum % 100 == 0 { inner += try tx.first("SELECT COUNT(*) FROM units")?.integer(0) ?? 0 }
                    if inner == 1 { try tx.stream(select) { _ in inner += 1 } }  // the same text, nested
                }
                return (sum, inner)
            }
            let expected: Int64 = (100..<1_700).reduce(0, +)
            #expect(sum == expected)
            #expect(inner > 1_600)
            let error = await storeError {
                try await store.read { tx in try tx.stream(select) { _ in throw StoreError(.other, "enough") } }
            }
            #expect(error?.message == "enough")
            #expect(try await store.count("SELECT COUNT(*) FROM codes") == 1_700)
        }
    }

    @Test("what the closure throws undoes what it did", arguments: engines)
    func rollback(_ engine: Engine) async throws {
        try await withStore(engine) { (store: Store) async throws in
            await #expect(throws: Refusal.self) {
                try await store.write { tx in
                    try tx.run("INSERT INTO codes (id) VALUES ('a')")
                    throw Refusal()
                }
            }
            #expect(try await store.count("SELECT COUNT(*) FROM codes") == 0)
        }
    }

    @Test("catching the error of a statement does not save the transaction", arguments: engines)
    func caught(_ engine: Engine) async throws {
        try await withStore(engine) { (store: Store) async throws in
            let error = await storeError {
                try await store.write { tx in
                    try tx.run("INSERT INTO codes (id) VALUES ('a')")
                    _ = try? tx.run("INSERT INTO codes (id) VALUES ('a')")
                }
            }
            #expect(error?.isUniqueViolation == true)
            #expect(try await store.count("SELECT COUNT(*) FROM codes") == 0)
            try await store.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('a')") }
        }
    }

    @Test("a read cannot write", arguments: engines)
    func readOnly(_ engine: Engine) async throws {
        try await withStore(engine) { (store: Store) async throws in
            let error = await storeError {
                try await store.read { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('a')") }
            }
            #expect(error?.kind == .readOnly)
            #expect(try await store.count("SELECT COUNT(*) FROM codes") == 0)
        }
    }

    @Test("two statements at once are refused", arguments: engines)
    func twoStatements(_ engine: Engine) async throws {
        try await withStore(engine) { (store: Store) async throws in
            _ = await storeError {
                try await store.write { tx in _ = try tx.run("DELETE FROM codes; DELETE FROM units") }
            }
            #expect(try await store.count("SELECT COUNT(*) FROM units") == 1)
        }
    }

    @Test("a read sees one state from its beginning to its end", arguments: engines)
    func snapshot(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let (started, written) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            async let counts = store.read { tx in
                let before = try tx.first("SELECT COUNT(*) FROM codes")?.integer(0)
                started.signal()
                written.wait()
                return (before, try tx.first("SELECT COUNT(*) FROM codes")?.integer(0))
            }
            await wait(for: started)
            try await store.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('a')") }
            written.signal()
            let (before, after) = try await counts
            #expect(before == 0 && after == 0)
            #expect(try await store.count("SELECT COUNT(*) FROM codes") == 1)
        }
    }

    @Test("of 50 writes at once one fails, and only that one", arguments: engines)
    func isolationInBatch(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let release = DispatchSemaphore(value: 0)
            async let blocker: Void = store.write { _ in release.wait() }
            let failures = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        do {
                            try await store.write { tx in
                                try tx.run("INSERT INTO codes (id) VALUES (\("n\(number)"))")
                                if number == 20 { try tx.run("INSERT INTO units (id, name) VALUES ('root', 'x')") }
                                if number == 30 { throw Refusal() }
                            }
                            return false
                        } catch { return true }
                    }
                }
                group.addTask {
                    try? await Task.sleep(for: .milliseconds(200))
                    release.signal()
                    return false
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            try await blocker
            #expect(failures == 2)
            #expect(try await store.count("SELECT COUNT(*) FROM codes") == 48)
            #expect(try await store.count("SELECT COUNT(*) FROM codes WHERE id IN ('n20', 'n30')") == 0)
        }
    }

    @Test("a single-use value is consumed by exactly one of 50", arguments: engines)
    func consume(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('code')") }
            for _ in 0..<5 {
                try await store.write { tx in _ = try tx.run("UPDATE codes SET used_at = NULL") }
                #expect(try await winners(50) { _ in store } == 1)
            }
        }
    }

    @Test("and over two nodes too")
    func consumeOnTwoNodes() async throws {
        let url = try PostgresCluster.shared().makeDatabase()
        let one = try await Store.open(.postgres(url: url), migrations: testMigrations)
        let two = try await Store.open(.postgres(url: url), migrations: testMigrations)
        try await one.write { tx in _ = try tx.run("INSERT INTO codes (id) VALUES ('code')") }
        for _ in 0..<5 {
            try await one.write { tx in _ = try tx.run("UPDATE codes SET used_at = NULL") }
            #expect(try await winners(50) { $0.isMultiple(of: 2) ? one : two } == 1)
        }
        await one.close()
        await two.close()
    }

    @Test("a counter that everybody raises loses nothing", arguments: engines)
    func counter(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            try await withThrowingTaskGroup { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await store.write { tx in
                            let seq = try tx.first("SELECT seq FROM heads WHERE id = 1")?.integer(0) ?? 0
                            try tx.run("UPDATE heads SET seq = \(seq + 1) WHERE id = 1")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.count("SELECT seq FROM heads") == 200)
        }
    }

    @Test(
        "more than the queue holds is refused as busy, and so is what waited too long", .timeLimit(.minutes(1)),
        arguments: engines)
    func overload(_ engine: Engine) async throws {
        var options = StoreOptions(engine: engine)
        options.queueLimit = 3
        options.writeWaitLimit = .milliseconds(300)
        try await withStore(engine, options: options) { store in
            let (started, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            async let blocker: Void = store.write { _ in
                started.signal()
                release.wait()
            }
            await wait(for: started)
            let errors = await withTaskGroup(of: StoreError?.self) { group in
                for _ in 0..<8 { group.addTask { await storeError { try await store.write { _ in } } } }
                return await group.reduce(into: [StoreError?]()) { $0.append($1) }
            }
            #expect(errors.map(\.?.kind) == Array(repeating: .busy, count: 8))
            #expect(errors.map(\.?.isTemporary) == Array(repeating: true, count: 8))
            #expect(try await store.count("SELECT COUNT(*) FROM units") == 1)  // reads go on
            release.signal()
            try await blocker
            try await store.write { _ in }
        }
    }

    @Test("a closed store says so", arguments: engines)
    func closed(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder), migrations: testMigrations)
        await store.close()
        await store.close()
        await expectFailure(.unavailable) { try await store.write { _ in } }
        await expectFailure(.unavailable) { try await store.read { _ in } }
    }

    private func winners(_ count: Int, _ store: (Int) -> Store) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<count {
                let store = store(number)
                group.addTask {
                    try await store.write {
                        try $0.run("UPDATE codes SET used_at = \(number) WHERE id = 'code' AND used_at IS NULL")
                    }
                }
            }
            return try await group.reduce(0, +)
        }
    }

    private struct Refusal: Error {}
    private enum Unit {}
}

/// Waits without holding one of Swift's few threads for long.
func wait(for semaphore: DispatchSemaphore) async {
    while semaphore.wait(timeout: .now()) != .success {
        try? await Task.sleep(for: .milliseconds(5))
    }
}
