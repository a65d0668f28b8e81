package import GapuraFormats
package import GapuraStore
import GapuraTokens

extension Transaction {
    /// Writes one audit row in the transaction of the act itself: no audit, no act.
    ///
    /// `detail` holds opaque ids, words of ours and, of refused requests, the network address they came from; never a
    /// name, an NIP, an email address or a secret.
    package func record(
        _ event: AuditEvent, by actor: Actor, subject: String? = nil, clientID: ClientID? = nil,
        detail: JSONObject = JSONObject(),
        at moment: Timestamp
    ) throws {
        let (seq, previous) = try audit.takeNext()
        var record = AuditRecord(
            seq: seq, at: moment, event: event.rawValue, actor: actor.text, subject: subject, clientID: clientID?.text,
            detail: JSONValue.object(detail).encodedText(), previous: previous, hash: ""
        )
        record.hash = AuditChain.hash(of: record)
        try audit.insert(record)
    }
}

/// What one of many audit rows says that are written at once.
package struct AuditEntry: Sendable {
    let event: AuditEvent
    let subject: String?
    /// The JSON object, encoded already.
    let detail: String

    package init(_ event: AuditEvent, subject: String?, detail: JSONObject) {
        self.event = event
        self.subject = subject
        self.detail = JSONValue.object(detail).encodedText()
    }
}

extension Transaction {
    /// Many rows at once, in their order; see `record`.
    package func record(_ entries: some Collection<AuditEntry>, by actor: Actor, at moment: Timestamp) throws {
        guard !entries.isEmpty else { return }
        var (seq, previous) = try audit.takeNext(entries.count)
        var records: [AuditRecord] = []
        records.reserveCapacity(entries.count)
        for entry in entries {
            var record = AuditRecord(
                seq: seq, at: moment, event: entry.event.rawValue, actor: actor.text, subject: entry.subject,
                clientID: nil, detail: entry.detail, previous: previous, hash: ""
            )
            record.hash = AuditChain.hash(of: record)
            previous = record.hash
            seq += 1
            records.append(record)
        }
        try audit.insert(records)
    }
}

/// The hash chain over the audit: a row's hash covers the row and the hash before it.
package enum AuditChain {
    /// SHA-256 over the members of a row as one JSON array, base64url.
    package static func hash(of record: AuditRecord) -> String {
        let members: JSONValue = .array([
            .integer(record.seq), .integer(record.at.milliseconds), .string(record.event), .string(record.actor),
            record.subject.map(JSONValue.string) ?? .null, record.clientID.map(JSONValue.string) ?? .null,
            .string(record.detail),
            .string(record.previous),
        ])
        return Base64URL.encode(SHA256.hash(members.encoded()))
    }

    /// Walks the whole chain, from where it was purged to.
    ///
    /// The place it was purged to counts only if a row that is left says so: whoever removes the beginning of the chain
    /// without leaving that row behind is found out.
    /// - Returns: the place of the first row that does not fit, or nothing if all is whole.
    package static func firstBreak(in tx: Transaction) throws -> Int64? {
        let checkpoint = try tx.audit.checkpoint()
        var expected = checkpoint.purgedSeq + 1
        var previous = checkpoint.purgedHash
        var isPurgeKnown = checkpoint.purgedSeq == 0 && checkpoint.purgedHash.isEmpty
        var broken: Int64?
        try tx.audit.each { record in
            guard broken == nil else { return }
            if record.seq != expected || !record.previous.isExactly(previous)
                || !hash(of: record).isExactly(record.hash)
            {
                broken = expected
            }
            if !isPurgeKnown { isPurgeKnown = AuditPurge.says(record, checkpoint) }
            expected += 1
            previous = record.hash
        }
        if let broken { return broken }
        let head = try tx.audit.head()
        guard head.seq == expected - 1, head.hash.isExactly(previous) else { return expected }
        return isPurgeKnown ? nil : checkpoint.purgedSeq + 1
    }
}
