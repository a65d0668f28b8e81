import GapuraFormats
import PostgresTesting
import Testing

@testable import GapuraStore

/// The sign-out ledger.
@Suite("Sign-out ledger: store")
struct LogoutStoreTests {
    private static let now = Timestamp(seconds: 1_795_566_600)
    private static let lease = now.adding(seconds: 60)

    private static func line(dueAt due: Timestamp = now) -> LogoutDelivery {
        LogoutDelivery(
            id: .make(now: now), sessionID: .make(now: now), accountSub: "sub", clientID: ClientID("e-absensi"),
            sid: "sid", uri: "https://a.test/", createdAt: now, nextTryAt: due)
    }

    @Test("50 claims in parallel by two nodes: each line that is due is given to exactly one", arguments: engines)
    func claims(_ engine: Engine) async throws {
        let location: DatabaseLocation =
            engine == .sqlite ? .sqliteMemory : .postgres(url: try PostgresCluster.shared().makeDatabase())
        let first = try await Store.open(location)
        // One process has an SQLite file.
        let second = engine == .sqlite ? first : try await Store.open(location)
        let lines = (0..<60).map { _ in Self.line() }
        let later = Self.line(dueAt: Self.now.adding(milliseconds: 1))
        try await first.write { tx in
            for line in lines + [later] { try tx.logout.insert(line) }
        }
        let claimed = try await withThrowingTaskGroup(of: [LogoutDelivery].self) { group in
            for number in 0..<50 {
                let store = number.isMultiple(of: 2) ? first : second
                group.addTask {
                    try await store.write { try $0.logout.claimDue(at: Self.now, lease: Self.lease, limit: 2) }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        // Two that reach for the same lines at once leave the rest to the next look.
        let rest = try await first.write { try $0.logout.claimDue(at: Self.now, lease: Self.lease, limit: 100) }
        let all = claimed + rest
        #expect(all.map(\.id.text).sorted() == lines.map(\.id.text).sorted())
        #expect(all.allSatisfy { $0.tries == 1 && $0.nextTryAt == Self.lease })
        if engine == .postgres { await second.close() }
        await first.close()
    }

    @Test("on PostgreSQL a claim that waited for another's finds nothing left of it")
    func waiting() async throws {
        let location = DatabaseLocation.postgres(url: try PostgresCluster.shared().makeDatabase())
        let (first, second) = (try await Store.open(location), try await Store.open(location))
        let lines = (0..<5).map { _ in Self.line() }
        try await first.write { tx in
            for line in lines { try tx.logout.insert(line) }
        }
        let (begun, continuation) = AsyncStream.makeStream(of: Void.self)
        async let winner = first.write { tx in
            let claimed = try tx.logout.claimDue(at: Self.now, lease: Self.lease, limit: 9)
            continuation.yield()
            // Commits when the other has found the same lines and waits for them.
            for _ in 0..<200_000 {
                let waiting = try tx.first(
                    "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
                if try waiting?.integer(0) ?? 0 > 0 { return claimed }
            }
            throw StoreError.unreadable("nobody waits")
        }
        for await _ in begun { break }
        let loser = try await second.write { try $0.logout.claimDue(at: Self.now, lease: Self.lease, limit: 9) }
        #expect(try await winner.count == 5)
        #expect(loser.isEmpty)
        await second.close()
        await first.close()
    }

    @Test("whose lease ran out does not write over what the next one did", arguments: engines)
    func late(_ engine: Engine) async throws {
        let location: DatabaseLocation =
            engine == .sqlite ? .sqliteMemory : .postgres(url: try PostgresCluster.shared().makeDatabase())
        let store = try await Store.open(location)
        try await store.write { try $0.logout.insert(Self.line()) }
        func claim(at moment: Timestamp) async throws -> LogoutDelivery {
            let lines = try await store.write {
                try $0.logout.claimDue(at: moment, lease: moment.adding(seconds: 60), limit: 9)
            }
            return try #require(lines.first)
        }
        func finish(_ line: LogoutDelivery, _ state: LogoutDelivery.State) async throws {
            var done = line
            (done.state, done.nextTryAt) = (state, nil)
            let written = done
            try await store.write { try $0.logout.update(written) }
        }
        let slow = try await claim(at: Self.now)
        let next = try await claim(at: Self.lease)
        #expect(next.id == slow.id)
        // While the next one is at it, and when it is done.
        for after in [LogoutDelivery.State.waiting, .answered] {
            try await finish(slow, .failed)
            let line = try #require(try await store.read { try $0.logout.list(limit: 1) }.first)
            #expect(line.state == after)
            #expect(line.tries == 2)
            try await finish(next, .answered)
        }
        await store.close()
    }
}
