import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// A chain whose beginning was left behind.
@Suite("Audit purge")
struct AuditPurgeTests {
    private let now = Timestamp(seconds: 1_795_566_600)

    /// Twenty rows a second apart, exported up to the fifteenth and purged of the first ten.
    private func purged(_ body: (Store) async throws -> Void) async throws {
        let store = try await Store.open(.sqliteMemory)
        let now = now
        try await store.write { tx in
            for index in 0..<20 {
                try tx.record(.codeIssued, by: .system, subject: "s-\(index)", at: now.adding(seconds: Int64(index)))
            }
            let last = try #require(try tx.audit.last(before: now.adding(seconds: 15)))
            #expect(last.seq == 15)
            try tx.audit.setExported(seq: last.seq, hash: last.hash)
            let step = try AuditPurge.step(
                before: now.adding(seconds: 10), by: .system, in: tx, at: now.adding(seconds: 30))
            #expect(step.rows == 10)
            #expect(!step.hasMore)
        }
        try await body(store)
        await store.close()
    }

    private func firstBreak(_ store: Store) async throws -> Int64? {
        try await store.read { try AuditChain.firstBreak(in: $0) }
    }

    @Test("what is left proves itself, goes on, and says in the chain what is gone")
    func whole() async throws {
        try await purged { store in
            #expect(try await firstBreak(store) == nil)
            let now = now
            try await store.write { tx in
                try tx.record(.codeIssued, by: .system, at: now.adding(seconds: 40))
            }
            #expect(try await firstBreak(store) == nil)
            let rows = try await store.read { try $0.audit.list(before: .max, event: nil, subject: nil, limit: 99) }
            #expect(rows.map(\.seq) == Array(11...22).reversed())
            #expect(rows[1].event == "audit.purged")
            #expect(rows[1].detail.contains("\"through\":10"))
        }
    }

    @Test("nothing goes that is not in a file: purging stops where the export ends")
    func exported() async throws {
        try await purged { store in
            let now = now
            let gone = try await store.write { tx in
                try AuditPurge.step(before: now.adding(seconds: 100), by: .system, in: tx, at: now.adding(seconds: 101))
            }
            #expect(gone.rows == 5)
            let again = try await store.write { tx in
                try AuditPurge.step(before: now.adding(seconds: 100), by: .system, in: tx, at: now.adding(seconds: 101))
            }
            #expect(again.rows == 0)
            #expect(try await firstBreak(store) == nil)
            #expect(try await store.read { try $0.audit.checkpoint().purgedSeq } == 15)
        }
    }

    @Test(
        "attack 325: a beginning that was removed by hand, or a checkpoint that was altered, is found",
        arguments: [
            "DELETE FROM audit_events WHERE seq = 11",
            "UPDATE audit_checkpoint SET purged_hash = 'x'",
            "UPDATE audit_checkpoint SET purged_seq = 9",
            "UPDATE audit_checkpoint SET purged_seq = 0, purged_hash = ''",
            // The next rows too, as if the purge had gone further; and the row that says how far it went.
            """
            UPDATE audit_checkpoint SET purged_seq = 12, purged_hash = (SELECT hash FROM audit_events WHERE seq = 12);
            DELETE FROM audit_events WHERE seq <= 12
            """,
            """
            UPDATE audit_checkpoint SET purged_seq = 21, purged_hash = (SELECT hash FROM audit_events WHERE seq = 21);
            DELETE FROM audit_events WHERE seq <= 21
            """,
        ])
    func tampered(_ script: String) async throws {
        try await purged { store in
            try await store.write { tx in
                for statement in script.split(separator: ";") {
                    try tx.run(Statement(stringLiteral: String(statement)))
                }
            }
            #expect(try await firstBreak(store) != nil)
        }
    }

    @Test("attack 328: a row with an earlier time behind a newer one goes with that one, not before it")
    func clockSetBack() async throws {
        let store = try await Store.open(.sqliteMemory)
        let now = now
        let last = try await store.write { tx in
            for seconds in [0, 1, 50, 2, 3, 60] as [Int64] {
                try tx.record(.codeIssued, by: .system, at: now.adding(seconds: seconds))
            }
            return try tx.audit.last(before: now.adding(seconds: 10))?.seq
        }
        #expect(last == 2)
        await store.close()
    }
}
