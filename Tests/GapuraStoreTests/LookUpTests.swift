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

    @Test("a look-up runs on the calling thread, and where all connections for that are taken on a reader's")
    func allTaken() async throws {
        var options = StoreOptions()
        options.lookups = 2
        try await withStore(.sqlite, options: options) { store in
            let release = DispatchSemaphore(value: 0)
            let (taken, taking) = AsyncStream.makeStream(of: Bool.self)
            let executor = OwnThreads()
            let holders = (0..<2).map { _ in
                Task(executorPreference: executor) {
                    try await store.lookUp { tx in
                        taking.yield(OwnThreads.isOne)
                        release.wait()
                        return try tx.rows("SELECT id FROM units").count
                    }
                }
            }
            var areOwn: [Bool] = []
            for await isOwn in taken.prefix(2) { areOwn.append(isOwn) }
            #expect(areOwn == [true, true])
            let further = Task(executorPreference: executor) {
                try await store.lookUp { tx in (try tx.rows("SELECT id FROM units").count, OwnThreads.isOne) }
            }
            let result = await further.result
            for _ in holders { release.signal() }
            let (count, isOwn) = try result.get()
            #expect(count == 1)
            #expect(!isOwn)
            for holder in holders { #expect(try await holder.value == 1) }
            let free = Task(executorPreference: executor) { try await store.lookUp { _ in OwnThreads.isOne } }
            #expect(try await free.value)
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

/// A thread for each step of a task, so that a test may hold one up without holding up others.
private final class OwnThreads: TaskExecutor {
    private static let key = "gapura.own"

    /// Whether this runs on one of them.
    static var isOne: Bool { Thread.current.threadDictionary[key] != nil }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        Thread.detachNewThread {
            Thread.current.threadDictionary[Self.key] = true
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }
}
