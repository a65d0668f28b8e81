package import GapuraFormats
package import GapuraStore

/// Leaves the beginning of the audit behind, once it is in a file, so that what is left still proves itself.
package enum AuditPurge {
    /// Rows that one transaction removes: everybody else's writes wait for it.
    package static let portion: Int64 = 5000

    /// Removes one portion of what was exported and is older than a moment, and says so in the chain.
    /// - Returns: how many rows went, and whether there may be more.
    package static func step(
        before moment: Timestamp, by actor: Actor, in tx: Transaction, at now: Timestamp
    ) throws -> (rows: Int, hasMore: Bool) {
        guard let last = try tx.audit.last(before: moment) else { return (0, false) }
        let through = min(last.seq, try tx.audit.checkpoint().exportedSeq)
        guard let gone = try tx.audit.purge(upTo: through, limit: portion) else { return (0, false) }
        try tx.record(
            .auditPurged, by: actor,
            detail: ["through": .integer(gone.seq), "hash": .string(gone.hash), "events": .integer(Int64(gone.rows))],
            at: now)
        return (gone.rows, gone.seq < through)
    }

    /// Whether a row is the one that such a purge left.
    static func says(_ record: AuditRecord, _ checkpoint: AuditCheckpoint) -> Bool {
        guard record.event.isExactly(AuditEvent.auditPurged.rawValue),
            let detail = try? StrictJSON.parse(Array(record.detail.utf8)),
            detail["through"]?.integer == checkpoint.purgedSeq
        else { return false }
        return detail["hash"]?.string?.isExactly(checkpoint.purgedHash) == true
    }
}

/// The rows of the audit as lines of a file, each with the hashes that chain it.
package enum AuditLines {
    /// One row as one line of JSON; `detail` is the very text that the hash covers.
    package static func line(_ record: AuditRecord) -> String {
        var json: JSONObject = [
            "seq": .integer(record.seq), "at": .integer(record.at.milliseconds), "event": .string(record.event),
            "actor": .string(record.actor),
        ]
        json["subject"] = record.subject.map(JSONValue.string) ?? .null
        json["client_id"] = record.clientID.map(JSONValue.string) ?? .null
        json["detail"] = .string(record.detail)
        json["previous"] = .string(record.previous)
        json["hash"] = .string(record.hash)
        return JSONValue.object(json).encodedText() + "\n"
    }
}
