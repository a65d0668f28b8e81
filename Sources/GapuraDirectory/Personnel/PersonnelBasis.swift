package import GapuraStore

/// As of when people and units were read, to be looked at where they are written: rows that were made of what was read
/// hold everybody as they were, and would write them back, the name of somebody who was forgotten too.
package struct PersonnelBasis: Sendable, Equatable {
    /// What besides a load changes units or people.
    private static let changes = [AuditEvent.unitDraftApplied, .personForgotten]

    let load: LoadID?
    /// The end of the audit.
    let seq: Int64

    init(load: LoadID?, seq: Int64) {
        self.load = load
        self.seq = seq
    }

    /// As of this transaction.
    package init(in tx: Transaction) throws {
        self.init(load: try tx.loads.latest()?.id, seq: try tx.audit.head().seq)
    }

    /// Whether people and units are still as they were.
    package func holds(in tx: Transaction) throws -> Bool {
        guard try tx.loads.latest()?.id == load else { return false }
        return try !Self.changes.contains { try tx.audit.has($0.rawValue, after: seq) }
    }
}
