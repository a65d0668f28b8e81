import Foundation
import Testing

@testable import GapuraStore

/// `Store.lookUp`, which SQLite does on the calling thread.
@Suite struct LookUpTests {
    @Test("a look-up sees what was committed before it, and nothing else", arguments: engines)
    func seesCommitted(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            for turn in 0..<50 {
                try await store.write {
                    _ = try $0.run("INSERT INTO codes (id, amount) VALUES (\("\(turn)"), \(turn))")
                }
                #expect(
                    try await store.lookUp { try $0.first("SELECT COUNT(*) FROM codes")?.integer(0) } == Int64(turn + 1)
                )
            }
            await #expect(throws: StoreError.self) {
                try await store.write { tx in
                    try tx.run("DELETE FROM codes")
                    try tx.run("no SQL")
                }
            }
            #expect(try await store.lookUp { try $0.first("SELECT COUNT(*) FROM codes")?.integer(0) } == 50)
        }
    }

    @Test("a look-up cannot write, and the next one works", arguments: engines)
    func cannotWrite(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            for _ in 0..<10 {
                await #expect(throws: StoreError.self) {
                    try await store.lookUp { _ = try $0.run("DELETE FROM units") }
                }
                let count = try await store.lookUp { try $0.rows("SELECT id FROM units").count }
                #expect(count == 1)
            }
        }
    }

    @Test("an error of the caller's own comes out as it is", arguments: engines)
    func callersError(_ engine: Engine) async throws {
        struct Refusal: Error {}
        try await withStore(engine) { store in
            await #expect(throws: Refusal.self) { try await store.lookUp { _ in throw Refusal() } }
            let count = try await store.lookUp { try $0.rows("SELECT id FROM units").count }
            #expect(count == 1)
        }
    }

    @Test("more look-ups at once than there are connections are all answered", arguments: engines)
    func manyAtOnce(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            let found = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 {
                    group.addTask { try await store.lookUp { try $0.rows("SELECT id FROM units").count } }
                }
                return try await group.reduce(0, +)
            }
            #expect(found == 200)
        }
    }

    @Test("a closed store looks nothing up", arguments: engines)
    func closed(_ engine: Engine) async throws {
        try await withStore(engine) { store in
            await store.close()
            let error = await #expect(throws: StoreError.self) {
                try await store.lookUp { try $0.rows("SELECT id FROM units").count }
            }
            #expect(error?.kind == .unavailable)
        }
    }
}
