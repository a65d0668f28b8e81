package import GapuraFormats

extension Transaction {
    package var loads: LoadQueries { LoadQueries(tx: self) }
}

/// All SQL about personnel loads.
package struct LoadQueries {
    let tx: Transaction

    private static let columns: Statement =
        "id, file_name, file_digest, units_digest, applied_at, actor, counts, kind, undoes, undone_by, lost"

    package func insert(_ load: Load) throws {
        try tx.run(
            """
            INSERT INTO loads (\(fragment: Self.columns), seq) VALUES (\(load.id), \(load.fileName), \(load.fileDigest),
            \(load.unitsDigest), \(load.appliedAt), \(load.actor), \(load.counts), \(load.kind.rawValue), \(load.undoes),
            \(load.undoneBy), \(load.lost), (SELECT COALESCE(MAX(seq), 0) + 1 FROM loads))
            """
        )
    }

    package func find(_ id: LoadID) throws -> Load? {
        try tx.first("SELECT \(fragment: Self.columns) FROM loads WHERE id = \(id)").map(Self.load)
    }

    /// Newest first.
    /// - Parameter after: goes on behind this one.
    package func list(after: LoadID? = nil, limit: Int64) throws -> [Load] {
        let isBehind: Statement =
            after.map { "seq < (SELECT that.seq FROM loads that WHERE that.id = \($0))" } ?? "1 = 1"
        return try tx.rows(
            """
            SELECT \(fragment: Self.columns) FROM loads WHERE \(fragment: isBehind)
            ORDER BY seq DESC LIMIT \(limit)
            """
        ).map(Self.load)
    }

    package func latest() throws -> Load? {
        try list(limit: 1).first
    }

    /// How many accounts loads of some people took the sign-in from since a moment and since somebody last confirmed
    /// such a number, those aside that were taken back.
    package func lost(since moment: Timestamp) throws -> Int64 {
        try tx.first(
            """
            SELECT COALESCE(SUM(lost), 0) FROM loads WHERE applied_at > \(moment) AND undone_by IS NULL AND lost > 0
            AND seq > (SELECT COALESCE(MAX(seq), 0) FROM loads WHERE applied_at > \(moment) AND lost < 0)
            """
        )?.integer(0) ?? 0
    }

    /// Notes that a load was taken back, or with nil that this was taken back in its turn.
    package func setUndone(_ id: LoadID, by undo: LoadID?) throws {
        try tx.run("UPDATE loads SET undone_by = \(undo) WHERE id = \(id)")
    }

    // MARK: Findings

    package func insert(_ findings: [LoadFinding]) throws {
        try tx.insert(into: "load_findings (load_id, row_number, outcome, reason, pns_id)", findings) { row, finding in
            row.add(finding.loadID)
            row.add(finding.rowNumber)
            row.add(finding.outcome.rawValue)
            row.add(finding.reason)
            row.add(finding.pnsID)
        }
    }

    package func findings(of id: LoadID) throws -> [LoadFinding] {
        try tx.rows(
            "SELECT load_id, row_number, outcome, reason, pns_id FROM load_findings WHERE load_id = \(id) ORDER BY row_number, reason"
        ).map { row in
            LoadFinding(
                loadID: try row.id(0), rowNumber: try row.integer(1), outcome: try row.value(2),
                reason: try row.text(3), pnsID: try row.optionalText(4)
            )
        }
    }

    // MARK: What a load changed

    /// The place behind the last change of a load.
    package func nextChange(of id: LoadID) throws -> Int64 {
        (try tx.first("SELECT MAX(seq) FROM load_changes WHERE load_id = \(id)")?.optionalInteger(0) ?? 0) + 1
    }

    /// - Parameter first: the place of the first of them, see `nextChange`.
    package func insert(_ changes: some Collection<LoadChange>, of id: LoadID, from first: Int64) throws {
        var place = first
        let table: Statement = "load_changes (load_id, seq, entity, entity_id, old_values, new_values)"
        try tx.insert(into: table, Array(changes)) { row, change in
            row.add(id)
            row.add(place)
            row.add(change.entity.rawValue)
            row.add(change.entityID)
            row.add(change.before)
            row.add(change.after)
            place += 1
        }
    }

    /// The newest first, one by one.
    package func eachChange(of id: LoadID, _ body: (LoadChange) throws -> Void) throws {
        try tx.stream(
            "SELECT entity, entity_id, old_values, new_values FROM load_changes WHERE load_id = \(id) ORDER BY seq DESC"
        ) { row in
            try body(
                LoadChange(
                    entity: try row.value(0), entityID: try row.text(1), before: try row.optionalText(2),
                    after: try row.text(3)))
        }
    }

    // MARK: Loads that wait for a second admin

    package func insert(_ request: LoadRequest) throws {
        try tx.run(
            """
            INSERT INTO load_requests (id, file_digest, units_digest, base_load_id, accounts, actor, asked_at)
            VALUES (\(request.id), \(request.fileDigest), \(request.unitsDigest), \(request.baseLoadID), \(request.accounts),
            \(request.actor), \(request.askedAt))
            """
        )
    }

    /// Who asked for a load of these very files since a moment.
    package func requests(fileDigest: String, since moment: Timestamp) throws -> [LoadRequest] {
        try tx.rows(
            """
            SELECT id, file_digest, units_digest, base_load_id, accounts, actor, asked_at FROM load_requests
            WHERE file_digest = \(fileDigest) AND asked_at >= \(moment) ORDER BY asked_at, id
            """
        ).map { row in
            LoadRequest(
                id: try row.id(0), fileDigest: try row.text(1), unitsDigest: try row.optionalText(2),
                baseLoadID: try row.optionalID(3), accounts: try row.integer(4), actor: try row.text(5),
                askedAt: try row.time(6))
        }
    }

    /// Those that were asked for before a moment, or all of a file.
    package func deleteRequests(before moment: Timestamp, fileDigest: String? = nil) throws {
        try tx.run(
            "DELETE FROM load_requests WHERE asked_at < \(moment) OR file_digest = \(fileDigest ?? "")")
    }

    static func load(_ row: Row) throws -> Load {
        Load(
            id: try row.id(0), fileName: try row.text(1), fileDigest: try row.text(2),
            unitsDigest: try row.optionalText(3),
            appliedAt: try row.time(4), actor: try row.text(5), counts: try row.text(6), kind: try row.value(7),
            undoes: try row.optionalID(8), undoneBy: try row.optionalID(9), lost: try row.integer(10)
        )
    }
}
