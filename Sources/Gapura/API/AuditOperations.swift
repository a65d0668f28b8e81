import GapuraDirectory
import GapuraFormats
import GapuraStore

/// The record of what was done, and whether it is whole.
enum AuditOperations {
    static let all = [list, verify]

    private static let list = Operation("audit.list", ["event", "subject", "limit", "before"], .needs(.auditRead)) {
        arguments, context in
        let event = try arguments.optionalText("event")
        let subject = try arguments.optionalText("subject")
        let limit = try arguments.optionalInteger("limit", 1...100_000) ?? 50
        let before = try arguments.optionalInteger("before", 1...Int64.max) ?? .max
        return try await context.store.read { tx in
            let records = try tx.audit.list(before: before, event: event, subject: subject, limit: limit + 1)
            return [
                "events": .array(records.prefix(Int(limit)).map { .object(AuditJSON.make($0)) }),
                "more": .bool(Int64(records.count) > limit),
            ]
        }
    }

    private static let verify = Operation("audit.verify", .needs(.auditRead)) { _, context in
        try await context.store.read { tx in
            let broken = try AuditChain.firstBreak(in: tx)
            let head = try tx.audit.head()
            let checkpoint = try tx.audit.checkpoint()
            return [
                "whole": .bool(broken == nil), "events": .integer(head.seq),
                "first_break": broken.map { .integer($0) } ?? .null, "head": .string(head.hash),
                "purged_through": .integer(checkpoint.purgedSeq), "exported_through": .integer(checkpoint.exportedSeq),
            ]
        }
    }
}

/// A row of the audit as operators see it.
enum AuditJSON {
    static func make(_ record: AuditRecord) -> JSONObject {
        [
            "seq": .integer(record.seq), "at": .time(record.at), "event": .string(record.event),
            "actor": .string(record.actor),
            "subject": .text(record.subject), "client_id": .text(record.clientID),
            // Written by ourselves; the text itself is in the chain whatever it says.
            "detail": (try? StrictJSON.parse(Array(record.detail.utf8))) ?? .string(record.detail),
            "hash": .string(record.hash),
        ]
    }
}
