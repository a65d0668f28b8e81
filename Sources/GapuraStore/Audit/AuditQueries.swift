package import GapuraFormats

extension Transaction {
    package var audit: AuditQueries { AuditQueries(tx: self) }
}

/// All SQL about `audit_events`.
package struct AuditQueries {
    let tx: Transaction

    static let columns: Statement = "seq, at, event, actor, subject, client_id, detail, previous, hash"

    /// Takes the next place in the chain; nobody else gets one until this transaction ends.
    package func takeNext() throws -> (seq: Int64, previous: String) {
        guard let row = try tx.first("UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash") else {
            throw StoreError.unreadable("audit_head")
        }
        return (try row.integer(0), try row.text(1))
    }

    /// Takes so many places at once.
    /// - Returns: the first of them, and the hash before it.
    package func takeNext(_ count: Int) throws -> (seq: Int64, previous: String) {
        let count = Int64(count)
        guard let row = try tx.first("UPDATE audit_head SET seq = seq + \(count) WHERE id = 1 RETURNING seq, hash")
        else {
            throw StoreError.unreadable("audit_head")
        }
        return (try row.integer(0) - count + 1, try row.text(1))
    }

    /// Rows that follow each other in the chain, and are its end from now on.
    package func insert(_ records: [AuditRecord]) throws {
        guard let last = records.last else { return }
        try tx.insert(into: "audit_events (\(fragment: Self.columns))", records) { row, record in
            row.add(record.seq)
            row.add(record.at)
            row.add(record.event)
            row.add(record.actor)
            row.add(record.subject)
            row.add(record.clientID)
            row.add(record.detail)
            row.add(record.previous)
            row.add(record.hash)
        }
        try tx.run("UPDATE audit_head SET hash = \(last.hash) WHERE id = 1")
    }

    package func insert(_ record: AuditRecord) throws {
        try tx.run(
            """
            INSERT INTO audit_events (\(fragment: Self.columns)) VALUES (\(record.seq), \(record.at), \(record.event), \(record.actor),
            \(record.subject), \(record.clientID), \(record.detail), \(record.previous), \(record.hash))
            """
        )
        try tx.run("UPDATE audit_head SET hash = \(record.hash) WHERE id = 1")
    }

    /// The newest rows before a place in the chain, newest first.
    package func list(before seq: Int64, event: String?, subject: String?, limit: Int64) throws -> [AuditRecord] {
        try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM audit_events WHERE seq < \(seq) AND (\(event ?? "") = '' OR event = \(event ?? ""))
            AND (\(subject ?? "") = '' OR subject = \(subject ?? "")) ORDER BY seq DESC LIMIT \(limit)
            """
        ).map(Self.record)
    }

    /// Every row, oldest first.
    package func each(_ body: (AuditRecord) throws -> Void) throws {
        try tx.stream("SELECT \(fragment: Self.columns) FROM audit_events ORDER BY seq") { try body(Self.record($0)) }
    }

    /// The end of the chain: its last place and hash.
    package func head() throws -> (seq: Int64, hash: String) {
        guard let row = try tx.first("SELECT seq, hash FROM audit_head WHERE id = 1") else {
            throw StoreError.unreadable("audit_head")
        }
        return (try row.integer(0), try row.text(1))
    }

    /// Whether such a row stands behind a place in the chain.
    package func has(_ event: String, after seq: Int64) throws -> Bool {
        try tx.first("SELECT seq FROM audit_events WHERE seq > \(seq) AND event = \(event) LIMIT 1") != nil
    }

    /// When the newest row was written.
    package func lastTime() throws -> Timestamp? {
        try tx.first("SELECT at FROM audit_events ORDER BY seq DESC LIMIT 1")?.time(0)
    }

    static func record(_ row: Row) throws -> AuditRecord {
        AuditRecord(
            seq: try row.integer(0), at: try row.time(1), event: try row.text(2), actor: try row.text(3),
            subject: try row.optionalText(4),
            clientID: try row.optionalText(5), detail: try row.text(6), previous: try row.text(7), hash: try row.text(8)
        )
    }
}
