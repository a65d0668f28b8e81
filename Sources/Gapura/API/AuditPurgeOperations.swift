import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// The beginning of the audit: written to a file, then removed.
enum AuditPurgeOperations {
    static let all = [export, purge]

    private static let export = Operation("audit.export", ["before", "file"], .console) { arguments, context in
        let before = try moment(arguments, context)
        let path = try arguments.text("file")
        let file = try NewFile(path)
        let (store, now, actor) = (context.services.store, context.now, context.actor)
        let (checkpoint, last) = try await store.read { tx in
            (try tx.audit.checkpoint(), try tx.audit.last(before: before))
        }
        guard let last else {
            throw OperationError(
                .notFound, "There is nothing that old in the audit.", id: "Tidak ada catatan audit setua itu.")
        }
        let digest = SHA256Stream()
        var (place, hash) = (checkpoint.purgedSeq, checkpoint.purgedHash)
        while place < last.seq {
            let (from, to) = (place, min(place + AuditPurge.portion, last.seq))
            let records = try await store.read { tx in try tx.audit.list(after: from, upTo: to) }
            var text = ""
            for record in records {
                guard record.seq == place + 1, record.previous.isExactly(hash),
                    AuditChain.hash(of: record).isExactly(record.hash)
                else { break }
                text += AuditLines.line(record)
                (place, hash) = (record.seq, record.hash)
            }
            // What is not whole proves nothing once it is only a file.
            guard place == to else { throw broken(place + 1) }
            var bytes = text
            bytes.withUTF8 { digest.update(UnsafeRawBufferPointer($0)) }
            try file.write(text)
            context.progress(Double(place) / Double(last.seq), "audit")
        }
        try file.finishDurably()
        let (sha256, events) = (Base64URL.encode(digest.finish()), last.seq - checkpoint.purgedSeq)
        try await store.write { tx in
            if try tx.audit.checkpoint().exportedSeq < last.seq {
                try tx.audit.setExported(seq: last.seq, hash: last.hash)
            }
            try tx.record(
                .auditExported, by: actor,
                detail: [
                    "through": .integer(last.seq), "hash": .string(last.hash), "events": .integer(events),
                    "sha256": .string(sha256),
                ], at: now)
        }
        return [
            "file": .string(path), "events": .integer(events), "through": .integer(last.seq),
            "hash": .string(last.hash),
            "sha256": .string(sha256),
        ]
    }

    private static let purge = Operation("audit.purge", ["before", "confirmed"], .console) { arguments, context in
        let before = try moment(arguments, context)
        let isConfirmed = try arguments.flag("confirmed")
        let (store, now, actor) = (context.services.store, context.now, context.actor)
        let (checkpoint, last) = try await store.read { tx in
            (try tx.audit.checkpoint(), try tx.audit.last(before: before))
        }
        guard let last else { return ["events": 0, "through": .integer(checkpoint.purgedSeq), "purged": false] }
        guard checkpoint.exportedSeq >= last.seq else {
            throw OperationError(
                .refused,
                "The audit is in a file up to number \(checkpoint.exportedSeq) only; run `gapura audit export` first.",
                id: "Audit baru diekspor sampai nomor \(checkpoint.exportedSeq); jalankan `gapura audit export` dahulu."
            )
        }
        let result: JSONObject = [
            "events": .integer(last.seq - checkpoint.purgedSeq), "through": .integer(last.seq),
            "purged": .bool(isConfirmed),
        ]
        guard isConfirmed else { return .object(result) }
        var hasMore = true
        while hasMore {
            hasMore = try await store.write { tx in
                try AuditPurge.step(before: before, by: actor, in: tx, at: now).hasMore
            }
        }
        return .object(result)
    }

    /// The beginning of a day of the city, or a moment.
    private static func moment(_ arguments: OperationArguments, _ context: OperationContext) throws -> Timestamp {
        let zone = context.settings.timeZone
        guard let end = try arguments.optionalTime("before", in: zone) else {
            throw OperationError(.invalid, "before is missing.", id: "before belum diisi.")
        }
        let isDay = try arguments.text("before").utf8.count == 10
        let moment = isDay ? end.adding(seconds: -86_400) : end
        guard moment <= context.now else {
            throw OperationError(.invalid, "before lies in the future.", id: "before berada di masa depan.")
        }
        return moment
    }

    private static func broken(_ place: Int64) -> OperationError {
        OperationError(
            .refused,
            "The audit chain is broken at \(place), so that nothing was exported; keep the database and compare it with a backup.",
            id:
                "Rantai audit putus di nomor \(place) sehingga tidak diekspor; simpan basis datanya dan bandingkan dengan cadangan."
        )
    }
}
