package import GapuraFormats
package import GapuraStore

/// Drafts of the organisation tree: each function is one step inside the caller's transaction and writes its own audit
/// rows.
package struct UnitDraftDirectory {
    private let tx: Transaction
    private let actor: Actor
    private let now: Timestamp

    /// A tenth of the tree may close without further words; a file that broke off would close more.
    static let quietShare = 0.1

    package init(_ tx: Transaction, by actor: Actor, at now: Timestamp) {
        self.tx = tx
        self.actor = actor
        self.now = now
    }

    /// Keeps a draft until its day. The same file for the same day again is the same draft.
    ///
    /// - Parameters:
    ///   - merges: closed units to the units their people go to, by ids of personnel data.
    ///   - confirmed: how many units close, where that is more than a tenth of them.
    package func add(
        _ rows: [UnitDraftRow], fileName: String, fileDigest: String, effectiveAt: Timestamp, merges: [String: String],
        confirmed: Int64?
    ) throws -> (draft: UnitDraft, plan: UnitDraftPlan, isNew: Bool) {
        let plan = try UnitDraftPlan(rows, merges: merges, recordedAt: now, in: tx, at: effectiveAt)
        let known = try tx.unitDrafts.list(limit: 1000).first {
            $0.state != .cancelled && $0.fileDigest.isExactly(fileDigest) && $0.effectiveAt == effectiveAt
        }
        if let known, try tx.unitDrafts.merges(of: known.id) == merges { return (known, plan, false) }
        try check(plan, confirmed)
        let draft = UnitDraft(
            id: .make(now: now), fileName: fileName, fileDigest: fileDigest, effectiveAt: effectiveAt, state: .waiting,
            recordedAt: now, recordedBy: actor.text)
        try tx.unitDrafts.insert(draft, rows, merges: merges)
        var detail = plan.counts
        detail["effective_at"] = .integer(effectiveAt.milliseconds)
        detail["file_digest"] = .string(fileDigest)
        try tx.record(.unitDraftAdded, by: actor, subject: draft.id.text, detail: detail, at: now)
        return (draft, plan, true)
    }

    private func check(_ plan: UnitDraftPlan, _ confirmed: Int64?) throws {
        if let problem = plan.problems.first {
            let rows = plan.problems.prefix(5).map { "\($0.row ?? 0) (\($0.reason.rawValue))" }.joined(separator: ", ")
            throw DirectoryError(
                .invalid,
                "The tree is broken in row \(rows); a draft has to be whole. First reason: \(problem.reason).",
                id: "Susunan unit rusak pada baris \(rows); rancangan harus utuh."
            )
        }
        if let merge = plan.wrongMerges.first {
            throw DirectoryError(
                .invalid, "\(merge) cannot be merged: it must be a unit that closes, into one that goes on.",
                id: "\(merge) tidak dapat digabung: harus unit yang ditutup ke unit yang tetap ada."
            )
        }
        let closed = plan.closed.count
        if Double(closed) > Double(plan.currentUnits) * Self.quietShare, confirmed != Int64(closed) {
            throw DirectoryError(
                .refused,
                "\(closed) of \(plan.currentUnits) units would close; if that is right, add --confirm-closed \(closed).",
                id:
                    "\(closed) dari \(plan.currentUnits) unit akan ditutup; jika memang benar, tambahkan --confirm-closed \(closed)."
            )
        }
    }

    package func get(_ text: String) throws -> UnitDraft {
        if let id = UnitDraftID(text), let draft = try tx.unitDrafts.find(id) { return draft }
        throw DirectoryError(
            .notFound, "There is no such draft; see `gapura unit draft list`.",
            id: "Tidak ada rancangan itu; lihat `gapura unit draft list`."
        )
    }

    package func plan(_ draft: UnitDraft) throws -> UnitDraftPlan {
        try UnitDraftPlan(
            tx.unitDrafts.rows(of: draft.id), merges: tx.unitDrafts.merges(of: draft.id),
            recordedAt: draft.recordedAt, in: tx, at: draft.effectiveAt)
    }

    package func cancel(_ draft: UnitDraft) throws {
        if draft.state == .cancelled { return }
        guard try tx.unitDrafts.decide(draft.id, .cancelled, at: now, by: actor.text) else {
            throw DirectoryError(
                .conflict, "The draft was applied already.", id: "Rancangan itu sudah diterapkan.")
        }
        try tx.record(.unitDraftCancelled, by: actor, subject: draft.id.text, at: now)
    }

    /// Applies a draft whose day has come; false where somebody else did, or it has not.
    package func applyDue(_ id: ID<UnitDraft>) throws -> Bool {
        guard let draft = try tx.unitDrafts.due(at: now).first(where: { $0.id == id }) else { return false }
        return try apply(draft)
    }

    private func apply(_ draft: UnitDraft) throws -> Bool {
        guard try tx.unitDrafts.decide(draft.id, .applied, at: now, by: actor.text) else { return false }
        let plan = try plan(draft)
        let moment = draft.effectiveAt
        let history = UnitHistory(draftID: draft.id, by: actor, at: moment)
        // Parents stand before their children in both lists.
        for unit in plan.units.added { try tx.units.insert(unit) }
        for unit in plan.units.changed { try tx.units.update(unit) }
        var events = history.events(of: plan.units)
        var people = 0
        for closing in plan.closed {
            var unit = closing.unit
            unit.validTo = moment
            try tx.units.update(unit)
            if let successor = closing.successor {
                people += try tx.units.movePeople(from: unit.id, to: successor.id, at: now)
                events.append(history.merged(unit, into: successor.id))
            } else {
                events += history.events(from: closing.unit, to: unit)
            }
        }
        let ended = try tx.units.endAppointments(
            in: plan.closed.map(\.unit.id), validTo: moment, at: now, by: actor.text)
        try tx.units.insert(events)
        let grants = try GrantTransfers.end(load: nil, by: actor, in: tx, at: now)
        var detail = plan.counts
        detail["grants_ended"] = .integer(Int64(grants))
        detail["people_moved"] = .integer(Int64(people))
        detail["appointments_ended"] = .integer(Int64(ended))
        try tx.record(.unitDraftApplied, by: actor, subject: draft.id.text, detail: detail, at: now)
        return true
    }
}

extension PersonnelOrigin {
    /// Reads a list of units as those of a draft, on a thread of its own.
    package func readDraft() async throws -> (rows: [UnitDraftRow], digest: String) {
        try await PersonnelThread.run { stop in
            let (rows, digest) = try readUnits(stop)
            let drafted = rows.map { row in
                UnitDraftRow(
                    row: Int64(row.row), sourceID: row.sourceID, parentID: row.parentID, name: row.name,
                    postName: row.postName, kind: row.kind, echelon: row.echelon, headPNSID: row.headPNSID)
            }
            return (drafted, digest)
        }
    }
}
