import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// The hash chain of the audit.
@Suite("Audit chain")
struct AuditTrailTests {
    private let now = Timestamp(seconds: 1_795_566_600)

    private func withChain(_ rows: Int = 20, _ body: @Sendable (Store) async throws -> Void) async throws {
        let store = try await Store.open(.sqliteMemory)
        let now = now
        try await store.write { tx in
            for index in 0..<rows {
                try tx.record(
                    AuditEvent.allCases[index % AuditEvent.allCases.count],
                    by: index.isMultiple(of: 2) ? .system : .account("a-\(index)"),
                    subject: index.isMultiple(of: 3) ? nil : "s-\(index)",
                    clientID: index.isMultiple(of: 5) ? ClientID("web") : nil,
                    detail: ["n": .integer(Int64(index)), "t": "\"\u{e9}\n"], at: now.adding(milliseconds: Int64(index))
                )
            }
        }
        try await body(store)
        await store.close()
    }

    private func firstBreak(_ store: Store) async throws -> Int64? {
        try await store.read { try AuditChain.firstBreak(in: $0) }
    }

    @Test("an untouched chain is whole, an empty one too, and rows count from one without gaps")
    func whole() async throws {
        for rows in [0, 1, 20, 300] {
            try await withChain(rows) { store in
                #expect(try await firstBreak(store) == nil)
                let seqs = try await store.read { tx in
                    try tx.rows("SELECT seq FROM audit_events ORDER BY seq").map { try $0.integer(0) }
                }
                #expect(seqs == Array(1...Int64(max(rows, 1))).filter { $0 <= Int64(rows) })
            }
        }
    }

    @Test(
        "attack 325: any member of any row that is altered is found, at its row",
        arguments: [
            "at = at + 1", "at = at - 86400000", "event = 'session.ended'", "event = event || ' '",
            "actor = 'command:root'", "actor = upper(actor)",
            "subject = 'orang-lain'", "subject = NULL", "client_id = 'lain'", "client_id = NULL", "detail = '{}'",
            "detail = detail || ' '",
            "previous = ''", "previous = hash", "hash = previous", "hash = upper(hash)", "seq = seq + 1000",
        ])
    func altered(change: String) async throws {
        for row in [1, 2, 10, 19, 20] as [Int64] {
            try await withChain { store in
                let before = try await dump(store)
                _ = try await store.write { tx in
                    try tx.run(try statement("UPDATE audit_events SET \(change) WHERE seq = ", row))
                }
                guard try await dump(store) != before else { return }
                let found = try #require(try await firstBreak(store), "\(change) in \(row)")
                #expect(found == row)
            }
        }
    }

    @Test("attack 325: rows deleted, swapped, copied or put in are found; and a cut end against its head")
    func rows() async throws {
        for change: [Statement] in [
            ["DELETE FROM audit_events WHERE seq = 1"], ["DELETE FROM audit_events WHERE seq = 10"],
            ["DELETE FROM audit_events WHERE seq = 20"],
            ["DELETE FROM audit_events WHERE seq > 10"], ["DELETE FROM audit_events"],
            // Two rows in each other's place.
            [
                "UPDATE audit_events SET seq = -1 WHERE seq = 5", "UPDATE audit_events SET seq = 5 WHERE seq = 6",
                "UPDATE audit_events SET seq = 6 WHERE seq = -1",
            ],
            // A gap closed.
            [
                "DELETE FROM audit_events WHERE seq = 10", "UPDATE audit_events SET seq = -seq WHERE seq > 10",
                "UPDATE audit_events SET seq = -seq - 1 WHERE seq < 0",
            ],
            // The end cut off, with a head that says so but has the old hash, or the other way round.
            ["DELETE FROM audit_events WHERE seq = 20", "UPDATE audit_head SET seq = 19"],
            ["UPDATE audit_head SET seq = 21"], ["UPDATE audit_head SET hash = ''"],
            [
                """
                INSERT INTO audit_events
                SELECT 21, at, event, actor, subject, client_id, detail, previous, hash FROM audit_events WHERE seq = 20
                """
            ],
            [
                """
                INSERT INTO audit_events
                SELECT 0, at, event, actor, subject, client_id, detail, previous, hash FROM audit_events WHERE seq = 1
                """
            ],
        ] {
            try await withChain { store in
                try await store.write { tx in for statement in change { try tx.run(statement) } }
                #expect(try await firstBreak(store) != nil, "\(change)")
            }
        }
    }

    @Test("attack 325: a row made again with a hash of its own breaks the row after it")
    func rehashed() async throws {
        try await withChain { store in
            try await store.write { tx in
                var row = try #require(try tx.audit.list(before: 11, event: nil, subject: nil, limit: 1).first)
                row.actor = "system"
                row.detail = "{}"
                row.hash = AuditChain.hash(of: row)
                try tx.run(
                    """
                    UPDATE audit_events SET actor = \(row.actor), detail = \(row.detail), hash = \(row.hash)
                    WHERE seq = \(row.seq)
                    """
                )
            }
            #expect(try await firstBreak(store) == 11)
        }
    }

    @Test("attack 326: an act whose row cannot be written is not done")
    func noRoom() async throws {
        try await withChain(3) { store in
            let now = now
            for damage: Statement in [
                "DELETE FROM audit_head", "UPDATE audit_head SET seq = 0", "ALTER TABLE audit_events RENAME TO away",
            ] {
                await #expect(throws: (any Error).self) {
                    try await store.write { tx in
                        try tx.run(damage)
                        try tx.upkeep.setMeta("act", "done")
                        try tx.record(.setUp, by: .system, at: now)
                    }
                }
                let act = try await store.read { try $0.upkeep.meta("act") }
                #expect(act == nil)
                let broken = try await firstBreak(store)
                #expect(broken == nil)
            }
        }
    }

    @Test("attack 328: rows are ordered by their number, not by a clock that went back")
    func clock() async throws {
        try await withChain(3) { store in
            let early = now.adding(seconds: -3600)
            try await store.write { try $0.record(.setUp, by: .system, at: early) }
            #expect(try await firstBreak(store) == nil)
            let newest = try await store.read {
                try $0.audit.list(before: .max, event: nil, subject: nil, limit: 1).first
            }
            #expect(newest?.seq == 4)
            #expect(newest?.at == early)
        }
    }

    @Test("50 acts at once have 50 rows in one chain")
    func parallel() async throws {
        try await withChain(0) { store in
            let now = now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<50 {
                    group.addTask { try await store.write { try $0.record(.setUp, by: .account("\(index)"), at: now) } }
                }
                try await group.waitForAll()
            }
            #expect(try await firstBreak(store) == nil)
            #expect(try await store.read { try $0.audit.head().seq } == 50)
        }
    }

    @Test("events have names of their own, in the past tense of the catalogue: word.word")
    func catalogue() {
        #expect(Set(AuditEvent.allCases.map(\.rawValue)).count == AuditEvent.allCases.count)
        for event in AuditEvent.allCases {
            #expect(event.rawValue.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x5f || $0 == 0x2e })
            #expect(event.rawValue.utf8.filter { $0 == 0x2e }.count == 1)
        }
    }

    private func dump(_ store: Store) async throws -> [AuditRecord] {
        try await store.read { tx in
            var rows: [AuditRecord] = []
            try tx.audit.each { rows.append($0) }
            return rows
        }
    }

    /// A fixed text of this file with a number at its end.
    private func statement(_ text: String, _ row: Int64) throws -> Statement {
        Statement(stringLiteral: text + String(row))
    }
}
