package import GapuraFormats
package import GapuraStore

/// The rules about roles and grants: what may be given to whom, and which two nobody may hold together. Every function
/// is one step inside the caller's transaction and writes its own audit row.
package struct GrantDirectory {
    package let tx: Transaction
    package let actor: Actor
    package let now: Timestamp

    package init(_ tx: Transaction, by actor: Actor, at now: Timestamp) {
        self.tx = tx
        self.actor = actor
        self.now = now
    }

    /// How many people a refusal names.
    private static let named = 5

    // MARK: Roles

    /// Adds a role to an application. The same call again answers the same role.
    package func addRole(_ name: String, description: String?, to application: ApplicationRecord) throws
        -> (role: ApplicationRole, isNew: Bool)
    {
        let bytes = name.utf8
        guard (1...64).contains(bytes.count),
            bytes.allSatisfy({ byte in
                (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte)
                    || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains(byte)
            })
        else {
            throw DirectoryError(
                .invalid, "A role has 1 to 64 characters a-z, A-Z, 0-9, '_', '-' and '.', such as penilai.",
                id: "Peran terdiri dari 1 sampai 64 karakter a-z, A-Z, 0-9, '_', '-', dan '.', misalnya penilai."
            )
        }
        let qualified = QualifiedRole(application.id, name)
        if let known = try tx.grants.findRole(qualified) {
            guard description == nil || description == known.description else {
                throw DirectoryError(
                    .conflict, "The application has a role \(name) with another description.",
                    id: "Aplikasi itu sudah memiliki peran \(name) dengan keterangan lain."
                )
            }
            return (known, false)
        }
        let role = ApplicationRole(
            applicationID: application.id, name: name, description: description, createdAt: now)
        try tx.grants.insert(role)
        try tx.record(
            .roleAdded, by: actor, subject: application.id.text, detail: ["role": .string(name)], at: now)
        return (role, true)
    }

    /// - Throws: `DirectoryError` if the application has no such role.
    package func role(_ name: String, of application: ApplicationRecord) throws -> QualifiedRole {
        let role = QualifiedRole(application.id, name)
        guard try tx.grants.findRole(role) != nil else {
            throw DirectoryError(
                .notFound,
                "The application \(application.slug) has no role \(name); see 'gapura role list \(application.slug)'.",
                id:
                    "Aplikasi \(application.slug) tidak memiliki peran \(name); lihat 'gapura role list \(application.slug)'."
            )
        }
        return role
    }

    // MARK: Separation of duties

    /// Says that nobody may hold both roles. Refused, with whom it concerns, while somebody does.
    /// - Returns: whether it was not said before.
    package func exclude(_ one: QualifiedRole, _ other: QualifiedRole) throws -> Bool {
        guard one != other else {
            throw DirectoryError(
                .invalid, "A role cannot exclude itself.", id: "Peran tidak dapat mengecualikan dirinya sendiri.")
        }
        guard try !tx.grants.excluded(by: one).contains(other) else { return false }
        let conflicts = try tx.grants.conflicts(one, other, from: now, limit: Self.named)
        guard conflicts.people == 0 else {
            let (count, ids) = (conflicts.people, try ids(conflicts))
            let hold = count == 1 ? "1 person holds" : "\(count) people hold"
            throw DirectoryError(
                .conflict,
                "\(hold) both roles, today or by grants that are given already: \(ids). End one of the two for each, then say it again.",
                id:
                    "\(count) orang memegang kedua peran, hari ini atau menurut pemberian yang sudah dicatat: \(ids). Akhiri salah satunya, lalu ulangi."
            )
        }
        try tx.grants.insert(Exclusion(first: one, second: other, createdAt: now, createdBy: actor.text))
        try tx.record(
            .rolesExcluded, by: actor, subject: one.applicationID.text,
            detail: [
                "role": .string(one.name), "other_application": .string(other.applicationID.text),
                "other_role": .string(other.name),
            ], at: now
        )
        return true
    }

    /// The first few people by their account ids, for a sentence.
    private func ids(_ conflicts: RoleConflicts) throws -> String {
        var ids: [String] = []
        for conflict in conflicts.first where !ids.contains(conflict.accountID.text) {
            ids.append(conflict.accountID.text)
        }
        return ids.joined(separator: ", ") + (conflicts.people > ids.count ? ", …" : "")
    }

    // MARK: Grants

    /// What is given, before it has an id.
    package struct Wish: Sendable {
        package var role: QualifiedRole
        package var subject: GrantSubject
        package var unitID: UnitID?
        /// Nil for today.
        package var validFrom: Timestamp?
        package var validTo: Timestamp?
        package var letterNumber: String

        package init(
            role: QualifiedRole, subject: GrantSubject, unitID: UnitID? = nil, validFrom: Timestamp? = nil,
            validTo: Timestamp? = nil, letterNumber: String
        ) {
            self.role = role
            self.subject = subject
            self.unitID = unitID
            self.validFrom = validFrom
            self.validTo = validTo
            self.letterNumber = letterNumber
        }
    }

    /// Gives a role. The same call again answers the same grant.
    ///
    /// Whomever the grant reaches, now or later, must not hold a role that this one excludes; else nothing is given and
    /// the refusal names how many they are and the first of them.
    /// - Parameter today: the beginning of this day in the city.
    package func give(_ wish: Wish, today: Timestamp) throws -> (grant: RoleGrant, isNew: Bool) {
        try check(wish, today)
        let known = try tx.grants.list(of: wish.role, to: wish.subject).first { grant in
            grant.unitID == wish.unitID && grant.validTo == wish.validTo
                && grant.letterNumber.isExactly(wish.letterNumber)
                && wish.validFrom.map { $0 == grant.validFrom } ?? true
        }
        if let known { return (known, false) }
        let post = try post(wish.subject)
        let grant = RoleGrant(
            id: .make(now: now), applicationID: wish.role.applicationID, role: wish.role.name, subject: wish.subject,
            postKey: post.map { spacedNameKey($0.name) }, postUnitID: post?.unitID, unitID: wish.unitID,
            validFrom: wish.validFrom ?? today,
            validTo: wish.validTo,
            letterNumber: wish.letterNumber, givenBy: actor.text, givenAt: now
        )
        try tx.grants.insert(grant)
        try refuseConflicts(grant)
        try tx.record(
            .grantGiven, by: actor, subject: grant.id.text,
            detail: [
                "application": .string(grant.applicationID.text), "role": .string(grant.role),
                "kind": .string(grant.subject.kind.rawValue), "subject": .string(grant.subject.value),
                "unit": grant.unitID.map { .string($0.text) } ?? .null,
                "valid_from": .integer(grant.validFrom.milliseconds),
                "valid_to": grant.validTo.map { .integer($0.milliseconds) } ?? .null,
            ], at: now
        )
        return (grant, true)
    }

    private func check(_ wish: Wish, _ today: Timestamp) throws {
        let letter = wish.letterNumber
        guard !letter.isEmpty, letter.utf8.count <= 200,
            letter.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
        else {
            throw DirectoryError(
                .invalid, "The letter's number is missing, longer than 200 bytes, or has control characters.",
                id: "Nomor surat kosong, lebih dari 200 bita, atau tidak sah."
            )
        }
        if let end = wish.validTo, end <= wish.validFrom ?? today {
            throw DirectoryError(
                .invalid, "The grant would end before it begins.", id: "Pemberian berakhir sebelum dimulai.")
        }
        guard let unitID = wish.unitID else { return }
        switch wish.subject.kind {
        case .unit:
            throw DirectoryError(
                .invalid, "A grant to a unit is for that unit already; leave out the other one.",
                id: "Pemberian kepada unit sudah berlaku untuk unit itu; jangan sebut unit lain."
            )
        case .account:
            let account = try AccountID(wish.subject.value).flatMap { try tx.accounts.find($0) }
            let holder = try account.map { try tx.grants.holder($0, at: now) }
            guard holder?.unitIDs.contains(unitID.text) == true else {
                throw DirectoryError(
                    .refused, "That account's person does not work in the unit, so the grant would end at once.",
                    id: "Pemilik akun tidak bekerja di unit itu, sehingga pemberian langsung berakhir."
                )
            }
        case .post, .kind: break
        }
    }

    /// The name and the unit by which whoever stands in at a post is found.
    /// - Throws: `DirectoryError` if nobody ever had that post.
    private func post(_ subject: GrantSubject) throws -> (name: String, unitID: UnitID?)? {
        guard subject.kind == .post else { return nil }
        guard let post = try tx.grants.post(subject.value) else {
            throw DirectoryError(
                .notFound, "Nobody in personnel data has a post with the id \(subject.value).",
                id: "Tidak ada jabatan dengan id \(subject.value) dalam data kepegawaian."
            )
        }
        return post
    }

    private func refuseConflicts(_ grant: RoleGrant) throws {
        let role = QualifiedRole(grant.applicationID, grant.role)
        guard try !tx.grants.excluded(by: role).isEmpty else { return }
        let conflicts = try tx.grants.conflicts(of: grant, from: now, limit: Self.named)
        guard let first = conflicts.first.first else { return }
        let slug = try tx.applications.find(first.otherRole.applicationID)?.slug ?? first.otherRole.applicationID.text
        let (count, ids, other) = (conflicts.people, try ids(conflicts), "\(slug):\(first.otherRole.name)")
        throw DirectoryError(
            .conflict,
            "The role excludes \(other), which \(count) of the people it would reach hold: \(ids). Nothing was given.",
            id:
                "Peran ini mengecualikan \(other), yang dipegang \(count) orang penerimanya: \(ids). Tidak ada yang diberikan."
        )
    }

    /// Ends a grant. Ending it again changes nothing.
    /// - Parameter moment: from when on it does not count; now if nil.
    /// - Returns: the grant as it is then, and whether this changed it.
    package func end(_ id: GrantID, at moment: Timestamp? = nil) throws -> (grant: RoleGrant, isChanged: Bool) {
        guard let grant = try tx.grants.find(id) else {
            throw Authority.unknownGrant
        }
        let end = moment ?? now
        // What a load ended by a transfer is ended for good now: an undo of the load gives it back no more.
        if let ended = grant.endedAt, grant.endReason == .transfer, ended <= now {
            return (try endForGood(grant, at: ended), true)
        }
        if let ended = grant.endedAt {
            if ended == end || (moment == nil && ended <= now) { return (grant, false) }
            guard end < ended else {
                throw DirectoryError(
                    .conflict, "The grant ends earlier already; what has ended is given anew, not prolonged.",
                    id: "Pemberian itu sudah berakhir lebih awal; beri lagi, jangan diperpanjang."
                )
            }
        }
        if let validTo = grant.validTo, validTo <= end { return (grant, false) }
        return (try endForGood(grant, at: end), true)
    }

    private func endForGood(_ grant: RoleGrant, at end: Timestamp) throws -> RoleGrant {
        var grant = grant
        try tx.grants.end(grant.id, at: end, by: actor.text, .ended)
        grant.endedAt = end
        grant.endedBy = actor.text
        grant.endReason = .ended
        try tx.record(
            .grantEnded, by: actor, subject: grant.id.text,
            detail: [
                "reason": .string(RoleGrant.EndReason.ended.rawValue),
                "application": .string(grant.applicationID.text), "role": .string(grant.role),
                "ends_at": .integer(end.milliseconds),
            ], at: now
        )
        return grant
    }
}
