package import GapuraFormats

/// How far the audit was exported, and how far it was purged.
package struct AuditCheckpoint: Sendable, Equatable {
    /// The last row that is gone and its hash: the first row that is left continues from it.
    package var purgedSeq: Int64
    package var purgedHash: String
    /// The last row that is in a file.
    package var exportedSeq: Int64
    package var exportedHash: String
}

/// Leaving the beginning of the chain behind.
extension AuditQueries {
    package func checkpoint() throws -> AuditCheckpoint {
        guard
            let row = try tx.first(
                "SELECT purged_seq, purged_hash, exported_seq, exported_hash FROM audit_checkpoint WHERE id = 1")
        else { throw StoreError.unreadable("audit_checkpoint") }
        return AuditCheckpoint(
            purgedSeq: try row.integer(0), purgedHash: try row.text(1), exportedSeq: try row.integer(2),
            exportedHash: try row.text(3))
    }

    /// The last row of the beginning of the chain that is older than a moment; nil if there is none.
    ///
    /// By place and not by time: a clock that was set back leaves older rows behind newer ones.
    package func last(before moment: Timestamp) throws -> (seq: Int64, hash: String)? {
        let first = try tx.first("SELECT seq FROM audit_events WHERE at >= \(moment) ORDER BY seq LIMIT 1")?.integer(0)
        return try tx.first(
            "SELECT seq, hash FROM audit_events WHERE seq < \(first ?? .max) ORDER BY seq DESC LIMIT 1"
        ).map { (try $0.integer(0), try $0.text(1)) }
    }

    /// When the oldest row that is left was written.
    package func firstTime() throws -> Timestamp? {
        try tx.first("SELECT at FROM audit_events ORDER BY seq LIMIT 1")?.time(0)
    }

    /// The rows behind one place up to another, oldest first.
    package func list(after from: Int64, upTo seq: Int64) throws -> [AuditRecord] {
        try tx.rows(
            "SELECT \(fragment: Self.columns) FROM audit_events WHERE seq > \(from) AND seq <= \(seq) ORDER BY seq"
        ).map(Self.record)
    }

    /// Every row that somebody did or that is about one of these ids, oldest first.
    package func list(by actor: String, about subjects: [String]) throws -> [AuditRecord] {
        try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM audit_events WHERE actor = \(actor) OR subject IN \(list: subjects) ORDER BY seq
            """
        ).map(Self.record)
    }

    package func setExported(seq: Int64, hash: String) throws {
        try tx.run("UPDATE audit_checkpoint SET exported_seq = \(seq), exported_hash = \(hash) WHERE id = 1")
    }

    /// Removes at most so many rows from the beginning of the chain, none beyond a place.
    /// - Returns: the last row removed, its hash, and how many; nil if there was nothing to remove.
    package func purge(upTo seq: Int64, limit: Int64) throws -> (seq: Int64, hash: String, rows: Int)? {
        let from = try checkpoint().purgedSeq
        let through = min(seq, from.addingReportingOverflow(limit).partialValue)
        guard through > from,
            let row = try tx.first("SELECT seq, hash FROM audit_events WHERE seq = \(through)")
        else { return nil }
        let last = (seq: try row.integer(0), hash: try row.text(1))
        let rows = try tx.run("DELETE FROM audit_events WHERE seq <= \(last.seq)")
        try tx.run("UPDATE audit_checkpoint SET purged_seq = \(last.seq), purged_hash = \(last.hash) WHERE id = 1")
        return (last.seq, last.hash, rows)
    }
}
