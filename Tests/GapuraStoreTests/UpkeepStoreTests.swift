import GapuraFormats
import Testing

@testable import GapuraStore

/// Removing what has run out.
@Suite("Upkeep: store")
struct UpkeepStoreTests {
    private static let now = Timestamp(seconds: 1_795_566_600)

    @Test("at most so many rows at once, over all tables, until nothing is left", arguments: engines)
    func limit(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        try await store.write { tx in
            for number in 0..<5 {
                _ = try tx.tokens.see(digest: "\(number)", until: Self.now.adding(seconds: -1))
                try tx.tokens.insertRevoked(jti: "\(number)", expiresAt: Self.now.adding(seconds: -1))
            }
            _ = try tx.tokens.see(digest: "muda", until: Self.now)
        }
        var steps: [Int64] = []
        while steps.last != 0 {
            steps.append(
                try await store.write { tx in
                    try tx.upkeep.deleteExpired(at: Self.now, keepingSessionsSince: Self.now, limit: 3)
                })
        }
        #expect(steps == [3, 3, 3, 1, 0])
        #expect(try await store.count("SELECT COUNT(*) FROM seen_tokens") == 1)
        #expect(try await store.count("SELECT COUNT(*) FROM revoked_tokens") == 0)
        await store.close()
    }

    @Test("what has run out is found by an index, and each row by its key")
    func indexed() async throws {
        let store = try await Store.open(.sqliteMemory)
        // A few rows at most.
        let small = ["one_time_links", "load_requests"]
        let scans = try await store.write { tx in
            try UpkeepQueries.rules(at: Self.now, keepingSessionsSince: Self.now).flatMap { rule in
                try tx.rows("EXPLAIN QUERY PLAN \(fragment: rule.deletion(limit: 2000))").map { try $0.text(3) }
                    .filter { $0.hasPrefix("SCAN") && !small.contains("\(rule.table)") }
                    .map { "\(rule.table): \($0)" }
            }
        }
        #expect(scans.isEmpty)
        await store.close()
    }
}
