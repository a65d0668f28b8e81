package import GapuraFormats

package typealias UnitDraftID = ID<UnitDraft>

/// A reorganisation that waits for its day: the whole tree as it will be.
package struct UnitDraft: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        case waiting
        case applied
        case cancelled
    }

    package var id: UnitDraftID
    package var fileName: String
    /// SHA-256 of the file, base64url.
    package var fileDigest: String
    package var effectiveAt: Timestamp
    package var state: State
    package var recordedAt: Timestamp
    package var recordedBy: String
    /// When it was applied or cancelled, and by whom.
    package var decidedAt: Timestamp?
    package var decidedBy: String?

    package init(
        id: UnitDraftID, fileName: String, fileDigest: String, effectiveAt: Timestamp, state: State,
        recordedAt: Timestamp, recordedBy: String, decidedAt: Timestamp? = nil, decidedBy: String? = nil
    ) {
        self.id = id
        self.fileName = fileName
        self.fileDigest = fileDigest
        self.effectiveAt = effectiveAt
        self.state = state
        self.recordedAt = recordedAt
        self.recordedBy = recordedBy
        self.decidedAt = decidedAt
        self.decidedBy = decidedBy
    }
}

/// A unit of a draft, by the ids of personnel data.
package struct UnitDraftRow: Sendable, Equatable {
    package var row: Int64
    package var sourceID: String?
    package var parentID: String?
    package var name: String?
    package var postName: String?
    package var kind: String?
    package var echelon: String?
    package var headPNSID: String?

    package init(
        row: Int64, sourceID: String?, parentID: String?, name: String?, postName: String?, kind: String?,
        echelon: String?, headPNSID: String?
    ) {
        self.row = row
        self.sourceID = sourceID
        self.parentID = parentID
        self.name = name
        self.postName = postName
        self.kind = kind
        self.echelon = echelon
        self.headPNSID = headPNSID
    }
}

extension Transaction {
    package var unitDrafts: UnitDraftQueries { UnitDraftQueries(tx: self) }
}

/// All SQL about drafts of the organisation tree.
package struct UnitDraftQueries {
    let tx: Transaction

    private static let columns: Statement =
        "id, file_name, file_digest, effective_at, state, recorded_at, recorded_by, decided_at, decided_by"

    package func find(_ id: UnitDraftID) throws -> UnitDraft? {
        try tx.first("SELECT \(fragment: Self.columns) FROM unit_drafts WHERE id = \(id)").map(Self.draft)
    }

    /// The latest first.
    package func list(limit: Int64) throws -> [UnitDraft] {
        try tx.rows(
            "SELECT \(fragment: Self.columns) FROM unit_drafts ORDER BY effective_at DESC, id DESC LIMIT \(limit)"
        ).map(Self.draft)
    }

    /// What waits and whose day has come, the earliest first.
    package func due(at now: Timestamp) throws -> [UnitDraft] {
        try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM unit_drafts WHERE state = 'waiting' AND effective_at <= \(now)
            ORDER BY effective_at, id
            """
        ).map(Self.draft)
    }

    package func insert(_ draft: UnitDraft, _ rows: [UnitDraftRow], merges: [String: String]) throws {
        try tx.run(
            """
            INSERT INTO unit_drafts (\(fragment: Self.columns)) VALUES (\(draft.id), \(draft.fileName), \(draft.fileDigest),
            \(draft.effectiveAt), \(draft.state.rawValue), \(draft.recordedAt), \(draft.recordedBy), \(draft.decidedAt), \(draft.decidedBy))
            """)
        let table: Statement =
            "unit_draft_rows (draft_id, row_number, source_id, parent_id, name, post_name, kind, echelon, head_pns_id)"
        try tx.insert(into: table, rows) { values, row in
            values.add(draft.id)
            values.add(row.row)
            values.add(row.sourceID)
            values.add(row.parentID)
            values.add(row.name)
            values.add(row.postName)
            values.add(row.kind)
            values.add(row.echelon)
            values.add(row.headPNSID)
        }
        try tx.insert(
            into: "unit_draft_merges (draft_id, source_id, into_id)", merges.sorted { $0.key < $1.key }
        ) { values, merge in
            values.add(draft.id)
            values.add(merge.key)
            values.add(merge.value)
        }
    }

    package func rows(of id: UnitDraftID) throws -> [UnitDraftRow] {
        try tx.rows(
            """
            SELECT row_number, source_id, parent_id, name, post_name, kind, echelon, head_pns_id FROM unit_draft_rows
            WHERE draft_id = \(id) ORDER BY row_number
            """
        ).map { row in
            UnitDraftRow(
                row: try row.integer(0), sourceID: try row.optionalText(1), parentID: try row.optionalText(2),
                name: try row.optionalText(3), postName: try row.optionalText(4), kind: try row.optionalText(5),
                echelon: try row.optionalText(6), headPNSID: try row.optionalText(7))
        }
    }

    /// Which closed unit's people go where, by the ids of personnel data.
    package func merges(of id: UnitDraftID) throws -> [String: String] {
        try Dictionary(
            tx.rows("SELECT source_id, into_id FROM unit_draft_merges WHERE draft_id = \(id)")
                .map { (try $0.text(0), try $0.text(1)) }
        ) { first, _ in first }
    }

    /// Decides a draft that waits.
    /// - Returns: whether it did: somebody else may have been first.
    package func decide(
        _ id: UnitDraftID, _ state: UnitDraft.State, at now: Timestamp, by actor: String
    ) throws -> Bool {
        try tx.run(
            """
            UPDATE unit_drafts SET state = \(state.rawValue), decided_at = \(now), decided_by = \(actor)
            WHERE id = \(id) AND state = 'waiting'
            """
        ) == 1
    }

    private static func draft(_ row: Row) throws -> UnitDraft {
        UnitDraft(
            id: try row.id(0), fileName: try row.text(1), fileDigest: try row.text(2), effectiveAt: try row.time(3),
            state: try row.value(4), recordedAt: try row.time(5), recordedBy: try row.text(6),
            decidedAt: try row.optionalTime(7), decidedBy: try row.optionalText(8))
    }
}
