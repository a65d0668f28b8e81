import GapuraFormats

extension Transaction {
    package var loads: LoadQueries { LoadQueries(tx: self) }
}

/// All SQL about personnel loads.
package struct LoadQueries {
    let tx: Transaction

    private static let columns: Statement = "id, file_name, file_digest, units_digest, applied_at, actor, counts"

    package func insert(_ load: Load) throws {
        try tx.run(
            """
            INSERT INTO loads (\(fragment: Self.columns)) VALUES (\(load.id), \(load.fileName), \(load.fileDigest), \(load.unitsDigest),
            \(load.appliedAt), \(load.actor), \(load.counts))
            """
        )
    }

    package func insert(_ findings: [LoadFinding]) throws {
        try tx.insert(into: "load_findings (load_id, row_number, outcome, reason, pns_id)", findings) { row, finding in
            row.add(finding.loadID)
            row.add(finding.rowNumber)
            row.add(finding.outcome.rawValue)
            row.add(finding.reason)
            row.add(finding.pnsID)
        }
    }

    /// Newest first.
    package func list(limit: Int64) throws -> [Load] {
        try tx.rows("SELECT \(fragment: Self.columns) FROM loads ORDER BY applied_at DESC, id DESC LIMIT \(limit)").map(
            Self.load)
    }

    package func latest() throws -> Load? {
        try list(limit: 1).first
    }

    package func findings(of id: LoadID) throws -> [LoadFinding] {
        try tx.rows(
            "SELECT load_id, row_number, outcome, reason, pns_id FROM load_findings WHERE load_id = \(id) ORDER BY row_number, reason"
        ).map { row in
            guard let outcome = LoadFinding.Outcome(rawValue: try row.text(2)) else {
                throw StoreError.unreadable("load_findings.outcome")
            }
            return LoadFinding(
                loadID: try row.id(0), rowNumber: try row.integer(1), outcome: outcome, reason: try row.text(3),
                pnsID: try row.optionalText(4)
            )
        }
    }

    static func load(_ row: Row) throws -> Load {
        Load(
            id: try row.id(0), fileName: try row.text(1), fileDigest: try row.text(2),
            unitsDigest: try row.optionalText(3),
            appliedAt: try row.time(4), actor: try row.text(5), counts: try row.text(6)
        )
    }
}
