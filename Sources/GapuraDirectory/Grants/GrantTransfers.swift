package import GapuraFormats
package import GapuraStore

/// What a transfer does to grants: one given to somebody in a unit ends when they no longer work there or below. Grants
/// to a post, a unit or a kind of employment need no ending; whoever stops to fit them stops to hold them.
///
/// A preview reads once and asks `ending`; the load calls `end` after it has written units and people, in the same
/// transaction, and finds the same.
package struct GrantTransfers: Sendable {
    private let bound: [BoundGrant]
    private let paths: [UnitID: String]

    /// Reads the grants that a transfer could end, and the units; two statements, or one where there is none.
    package init(in tx: Transaction, at now: Timestamp) throws {
        bound = try tx.grants.listBoundToUnits(from: now)
        paths =
            bound.isEmpty ? [:] : Dictionary(try tx.units.list().map { ($0.id, $0.path) }) { first, _ in first }
    }

    /// The grants that a load would end.
    /// - Parameters:
    ///   - moved: the unit of each person who gets another one; nil for none.
    ///   - units: those that the load makes or changes, as they will be.
    package func ending(for moved: [PersonID: UnitID?], units: [Unit] = []) -> [BoundGrant] {
        guard !bound.isEmpty else { return [] }
        let changed = Dictionary(units.map { ($0.id, $0.path) }) { first, _ in first }
        return bound.filter { grant in
            guard let unitID = moved[grant.personID] ?? grant.workUnitID else { return true }
            // A unit that has ended is no longer listed, and people may be in it still.
            let path = changed[unitID] ?? paths[unitID] ?? (unitID == grant.workUnitID ? grant.workPath : nil)
            return path.map { !GrantQueries.steps($0).contains(grant.unitID.text) } ?? true
        }
    }

    /// Ends the grants whose holders have left, in one statement for all of them, with an audit row each.
    /// - Returns: how many.
    @discardableResult
    package static func end(load: LoadID?, by actor: Actor, in tx: Transaction, at now: Timestamp) throws -> Int {
        let ended = try tx.grants.endWhereLeft(at: now, by: actor.text, load: load)
        try tx.record(ended.map { entry(.grantEnded, $0, load) }, by: actor, at: now)
        return ended.count
    }

    /// Gives back what a load ended, where the people work in the unit again: part of undoing the load.
    /// - Returns: how many came back, and how many stay ended.
    @discardableResult
    package static func restore(endedBy load: LoadID, by actor: Actor, in tx: Transaction, at now: Timestamp) throws
        -> (restored: Int, left: Int)
    {
        let restored = try tx.grants.restore(endedBy: load)
        try tx.record(restored.map { entry(.grantRestored, $0, load) }, by: actor, at: now)
        return (restored.count, Int(try tx.grants.count(endedBy: load)))
    }

    private static func entry(_ event: AuditEvent, _ grant: RoleGrant, _ load: LoadID?) -> AuditEntry {
        AuditEntry(
            event, subject: grant.id.text,
            detail: [
                "reason": .string(RoleGrant.EndReason.transfer.rawValue), "account": .string(grant.subject.value),
                "application": .string(grant.applicationID.text), "role": .string(grant.role),
                "load": load.map { .string($0.text) } ?? .null,
            ])
    }
}

extension PersonnelPlan {
    /// Whether somebody gets another unit, or a unit another place: only then can grants end.
    var mayEndGrants: Bool {
        !units.changed.isEmpty || steps.contains { $0.kinds.contains(.moved) }
    }

    /// The grants that this load ends.
    func endingGrants(in tx: Transaction, at now: Timestamp) throws -> [BoundGrant] {
        guard mayEndGrants else { return [] }
        let moved = steps.filter { $0.kinds.contains(.moved) }.map { ($0.person.id, $0.person.unitID) }
        return try GrantTransfers(in: tx, at: now)
            .ending(for: Dictionary(moved) { first, _ in first }, units: units.added + units.changed)
    }
}
