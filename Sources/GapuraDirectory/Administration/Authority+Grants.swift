package import GapuraFormats
package import GapuraStore

/// What an admin of a subtree may do with the roles of applications: give what their own units answer for, or what they
/// hold themselves, to their own people (attack 193).
extension Authority {
    /// - Throws: `DirectoryError`: `forbidden` for a role that is not theirs to give, for everybody of a kind of
    ///   employment, and for themselves.
    package func requireMayGrant(
        _ role: QualifiedRole, of application: ApplicationRecord, to subject: GrantSubject, in unitID: UnitID?,
        _ tx: Transaction, at now: Timestamp
    ) throws {
        try require(.grantsChange)
        guard reach != .everything else { return }
        let isOwners = try application.ownerUnitID.map { try includes($0, in: tx) } ?? false
        guard try isOwners || holdsRole(role, tx, at: now) else {
            throw DirectoryError(
                .forbidden,
                "You give roles of the applications of your own units, and roles that you hold; this one is neither.",
                id: "Anda hanya dapat memberi peran pada aplikasi milik unit Anda, atau peran yang Anda pegang sendiri."
            )
        }
        try requireReaches(subject, unitID, tx)
    }

    /// Nobody gives themselves anything, by a unit or a post either: to be asked after a grant was written, in the same
    /// transaction.
    /// - Parameter before: whether they held the role before.
    package func refuseSelfGrant(
        _ role: QualifiedRole, heldBefore before: Bool, _ tx: Transaction, at moment: Timestamp
    )
        throws
    {
        guard reach != .everything, !before, try holdsRole(role, tx, at: moment) else { return }
        throw DirectoryError(
            .forbidden, "The grant would reach you; nobody gives a role to themselves. Ask another admin.",
            id:
                "Pemberian ini akan mengenai Anda sendiri; peran tidak dapat diberikan kepada diri sendiri. Mintalah admin lain."
        )
    }

    /// Whether the admin holds any role in an application.
    package func holdsRole(in applicationID: ApplicationID, _ tx: Transaction, at moment: Timestamp) throws -> Bool {
        try heldRoles(tx, at: moment).contains { $0.applicationID == applicationID }
    }

    /// Whether the admin holds a role at a moment.
    package func holdsRole(_ role: QualifiedRole, _ tx: Transaction, at moment: Timestamp) throws -> Bool {
        try heldRoles(tx, at: moment).contains(role)
    }

    private func heldRoles(_ tx: Transaction, at moment: Timestamp) throws -> [QualifiedRole] {
        guard let accountID, let account = try tx.accounts.find(accountID) else { return [] }
        return try GrantPolicy.roles(of: account, in: tx, at: moment).map(\.qualifiedRole)
    }

    /// Whether a grant may be ended.
    /// - Throws: `DirectoryError`: `not_found` if it is out of reach, `forbidden` as for giving it.
    package func requireMayEnd(_ grant: RoleGrant, _ tx: Transaction, at now: Timestamp) throws {
        try require(.grantsChange)
        guard reach != .everything else { return }
        guard try reaches(grant.subject, grant.unitID, tx) else { throw Self.unknownGrant }
        guard let application = try tx.applications.find(grant.applicationID) else { throw Self.unknownGrant }
        let role = QualifiedRole(grant.applicationID, grant.role)
        try requireMayGrant(role, of: application, to: grant.subject, in: grant.unitID, tx, at: now)
    }

    private func requireReaches(_ subject: GrantSubject, _ unitID: UnitID?, _ tx: Transaction) throws {
        if let unitID, try !includes(unitID, in: tx) { throw Self.unknownUnit }
        guard try reaches(subject, unitID, tx) else {
            throw DirectoryError(
                .forbidden,
                "You give roles to accounts and units of your own, and to posts within a unit of yours (in_unit).",
                id: "Anda memberi peran kepada akun dan unit Anda sendiri, serta jabatan di dalam unit Anda (in_unit)."
            )
        }
    }

    /// A post is the same wherever somebody has it: only the unit of the grant says where it counts.
    private func reaches(_ subject: GrantSubject, _ unitID: UnitID?, _ tx: Transaction) throws -> Bool {
        switch subject.kind {
        case .account:
            guard let account = try AccountID(subject.value).flatMap({ try tx.accounts.find($0) }) else { return false }
            return try reaches(account, in: tx)
        case .unit: return try UnitID(subject.value).map { try includes($0, in: tx) } ?? false
        case .post: return try unitID.map { try includes($0, in: tx) } ?? false
        case .kind: return false
        }
    }

    /// The very words for a grant that never was.
    package static var unknownGrant: DirectoryError {
        DirectoryError(
            .notFound, "There is no grant with that id; see 'gapura grant list'.",
            id: "Tidak ada pemberian dengan id itu; lihat 'gapura grant list'."
        )
    }
}
