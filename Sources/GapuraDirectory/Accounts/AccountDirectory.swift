package import GapuraFormats
package import GapuraStore
import GapuraTokens

/// The rules about accounts: who gets one, what changes its state, how a first password comes to it. Every function is
/// one step inside the caller's transaction and writes its own audit row.
package struct AccountDirectory {
    package let tx: Transaction
    package let actor: Actor
    package let now: Timestamp

    package init(_ tx: Transaction, by actor: Actor, at now: Timestamp) {
        self.tx = tx
        self.actor = actor
        self.now = now
    }

    // MARK: Finding

    /// The account behind what somebody typed or an operator wrote: NIP (spaces and dots tolerated), verified email, or
    /// user name.
    package func find(named name: String) throws -> Account? {
        switch SignInName(name) {
        case .nip(let digits): return try tx.accounts.find(nip: digits)
        case .email(let email): return try tx.accounts.find(verifiedEmail: email)
        case .userName(let userName): return try tx.accounts.find(userName: userName)
        case nil: return nil
        }
    }

    /// As `find(named:)`, also by account id.
    /// - Throws: `DirectoryError` if there is none.
    package func get(_ name: String) throws -> Account {
        if let id = AccountID(name), let account = try tx.accounts.find(id) { return account }
        if let account = try find(named: name) { return account }
        throw Authority.unknownAccount
    }

    // MARK: Changing

    /// Adds an account without a person: an admin, contract staff, a vendor's engineer. The same call again answers the
    /// same account.
    ///
    /// Who is no superadmin has a sponsor among those who may use applications, and an end date (design decision 11).
    package func add(
        userName: String, displayName: String, email: String?, role: AdminRole, sponsor: Account? = nil,
        endsAt: Timestamp?
    ) throws -> (account: Account, isNew: Bool) {
        try check(userName: userName, displayName: displayName, email: email)
        try check(role, in: nil)
        if let known = try tx.accounts.find(userName: userName) {
            guard known.role == role, known.displayName == displayName, known.email == email, known.endsAt == endsAt,
                known.sponsorID == sponsor?.id
            else {
                throw DirectoryError(
                    .conflict,
                    "The user name \(userName) belongs to an account with other details; choose another, or change that one.",
                    id: "Nama pengguna \(userName) sudah dipakai akun dengan rincian lain."
                )
            }
            return (known, false)
        }
        guard role == .superadmin || (sponsor != nil && endsAt != nil) else {
            throw DirectoryError(
                .invalid, "An account without a NIP needs a sponsor and an end date, unless it is a superadmin's.",
                id: "Akun tanpa NIP memerlukan penanggung jawab dan tanggal akhir, kecuali akun superadmin."
            )
        }
        if let sponsor {
            try check(sponsor: sponsor)
            if let endsAt { try check(end: endsAt, sponsor: sponsor) }
        }
        var account = Account(
            id: .make(now: now), sub: UUIDText.version4(), userName: nameKey(userName), displayName: displayName,
            email: email, state: .aktif, stateBy: .admin, role: role, sponsorID: sponsor?.id, endsAt: endsAt,
            createdAt: now, updatedAt: now
        )
        account.sponsor = sponsor.map { Account.Sponsor(state: $0.state, endsAt: $0.endsAt) }
        try tx.accounts.insert(account)
        try tx.record(
            .accountAdded, by: actor, subject: account.id.text,
            detail: [
                "role": .string(role.rawValue), "sponsor": sponsor.map { .string($0.id.text) } ?? .null,
                "ends_at": endsAt.map { .integer($0.milliseconds) } ?? .null,
            ], at: now
        )
        return (account, true)
    }

    private func check(userName: String, displayName: String, email: String?) throws {
        guard SignInName.isUserName(userName) else {
            throw DirectoryError(
                .invalid,
                "A user name has 3 to 64 characters a-z, 0-9, '.', '-' or '_', begins with a letter, and is not all digits.",
                id: "Nama pengguna terdiri dari 3 sampai 64 karakter a-z, 0-9, '.', '-' atau '_' dan diawali huruf."
            )
        }
        guard !displayName.isEmpty, displayName.utf8.count <= 200,
            !displayName.unicodeScalars.contains(where: { $0.value < 0x20 })
        else {
            throw DirectoryError(
                .invalid, "The name is missing, too long, or has control characters.",
                id: "Nama kosong, terlalu panjang, atau tidak sah.")
        }
        if let email { try check(email: email) }
    }

    private func check(email: String) throws {
        guard SignInName.isEmail(email) else {
            throw DirectoryError(
                .invalid,
                "An email address has one @, a host with a dot behind it, and no spaces or letters beyond ASCII.",
                id:
                    "Alamat surel memuat satu @, nama host bertitik di belakangnya, tanpa spasi atau huruf selain ASCII."
            )
        }
    }

    /// Sets the email address. Verified, its owner signs in with it, and nobody else may have it verified.
    /// - Parameter isVerified: whether somebody made sure that the address is the owner's.
    package func setEmail(_ account: Account, _ email: String, isVerified: Bool) throws {
        try check(email: email)
        if isVerified, try tx.accounts.isVerified(email: email, besides: account.id) {
            throw DirectoryError(
                .conflict, "Another account signs in with that address; take it away from that one first.",
                id: "Alamat itu dipakai akun lain untuk masuk; lepaskan dahulu dari akun tersebut."
            )
        }
        var members: [JSONValue] = []
        if account.email?.isExactly(email) != true { members.append("email") }
        if account.emailVerified != isVerified { members.append("email_verified") }
        guard !members.isEmpty else { return }
        var changed = account
        changed.email = email
        changed.emailVerified = isVerified
        changed.updatedAt = now
        try tx.accounts.update(changed)
        try tx.record(
            .accountUpdated, by: actor, subject: account.id.text,
            detail: ["changed": .array(members), "email_verified": .bool(isVerified)], at: now)
    }

    /// Sets the state by an admin's word, which a feed does not overrule until `followPersonnel`. Sessions end with the
    /// right to sign in.
    package func setState(_ account: Account, _ state: AccountState, followPersonnel: Bool = false) throws {
        let source: StateSource = followPersonnel ? .personnel : .admin
        guard account.state != state || account.stateBy != source else { return }
        if state != .aktif { try refuseLastSuperadmin(account) }
        try tx.accounts.updateState(account.id, state, by: source, at: now)
        try tx.record(
            .accountStateChanged, by: actor, subject: account.id.text,
            detail: [
                "before": .string(account.state.rawValue), "after": .string(state.rawValue),
                "by": .string(source.rawValue),
            ], at: now
        )
        if !state.mayUseApplications {
            try SessionEnding.endAll(of: account, reason: .accountState, by: actor, in: tx, at: now)
        }
    }

    /// Sets what an account may administer, and in which unit with all below it.
    /// - Parameter unit: nil for the whole city.
    package func setRole(_ account: Account, _ role: AdminRole, in unit: Unit? = nil) throws {
        try check(role, in: unit)
        guard account.role != role || account.roleUnitID != unit?.id else { return }
        if let unit { try check(account, worksIn: unit) }
        if role != .superadmin { try refuseLastSuperadmin(account) }
        var changed = account
        changed.role = role
        changed.roleUnitID = unit?.id
        changed.updatedAt = now
        try tx.accounts.update(changed)
        try tx.record(
            .accountRoleChanged, by: actor, subject: account.id.text,
            detail: [
                "before": .string(account.role.rawValue), "after": .string(role.rawValue),
                "unit_before": account.roleUnitID.map { .string($0.text) } ?? .null,
                "unit_after": unit.map { .string($0.id.text) } ?? .null,
            ], at: now
        )
    }

    private func check(_ role: AdminRole, in unit: Unit?) throws {
        switch (role.limit, unit) {
        case (.always, nil):
            throw DirectoryError(
                .invalid, "An \(role.rawValue) administers one unit with all below it; say which.",
                id: "\(role.rawValue) mengurus satu unit beserta bawahannya; sebutkan unitnya."
            )
        case (.never, .some):
            throw DirectoryError(
                .invalid, "The role \(role.rawValue) is for the whole city; leave out the unit.",
                id: "Peran \(role.rawValue) berlaku untuk seluruh kota; jangan sebut unit."
            )
        case (_, let unit?) where unit.validTo != nil:
            throw DirectoryError(
                .invalid, "That unit was closed; name one of today.",
                id: "Unit itu sudah ditutup; sebutkan unit yang ada."
            )
        default: break
        }
    }

    /// The role would count for nothing (`Authority.of`).
    private func check(_ account: Account, worksIn unit: Unit) throws {
        guard try tx.accounts.homePath(of: account.id)?.utf8.starts(with: unit.path.utf8) != true else { return }
        throw DirectoryError(
            .refused, "Only somebody who works in that unit or below it can administer it; a transfer ends that.",
            id: "Hanya yang bekerja di unit itu atau bawahannya yang dapat mengurusnya; mutasi mengakhirinya."
        )
    }

    /// Whether an account is a superadmin's and no other superadmin may sign in and administer now: one who is
    /// suspended, past the end date or `terbatas` does not count.
    package func isLastSuperadmin(_ account: Account) throws -> Bool {
        guard account.role == .superadmin else { return false }
        return try !tx.accounts.list(role: .superadmin).contains { other in
            other.id != account.id && other.state(at: now) == .aktif
        }
    }

    private func refuseLastSuperadmin(_ account: Account) throws {
        guard try isLastSuperadmin(account) else { return }
        throw DirectoryError(
            .refused, "This is the last superadmin who can sign in; make another one first.",
            id: "Ini superadmin terakhir yang dapat masuk; angkat superadmin lain dahulu."
        )
    }

    /// Makes a one-time link's secret; earlier links of the account are dead from now on, and so is a printed code
    /// unless the link comes from that one.
    /// - Parameter lifetime: seconds.
    /// - Returns: the secret that goes into the link, which is stored nowhere.
    package func issueLink(for account: Account, purpose: OneTimeLink.Purpose, lifetime: Int64) throws -> String {
        let state = account.state(at: now)
        guard state.maySignIn else {
            throw DirectoryError(
                .refused, "The account is \(state.rawValue); make it aktif before it gets a link.",
                id: "Akun berstatus \(state.rawValue); aktifkan dahulu sebelum membuat tautan."
            )
        }
        let secret = SecureRandom.text(32)
        try tx.signIn.consumeLinks(of: account.id, at: now)
        if purpose != .activation { _ = try tx.activation.consume(account.id, at: now) }
        try tx.signIn.insert(
            OneTimeLink(
                digest: StoredSecret.digest(secret, of: .oneTimeLink), accountID: account.id, purpose: purpose,
                createdAt: now,
                expiresAt: now.adding(seconds: lifetime)
            )
        )
        try tx.record(
            .linkIssued, by: actor, subject: account.id.text, detail: ["purpose": .string(purpose.rawValue)], at: now)
        return secret
    }

    /// Stores a new password's hash for whoever holds the link, spends the link, and ends what was signed in before.
    /// - Returns: the account, or nothing if the link is unknown, used, too old, or the account may not sign in.
    package func setPassword(hash: String, linkDigest: String) throws -> Account? {
        guard let link = try tx.signIn.findLink(digest: linkDigest), let account = try tx.accounts.find(link.accountID),
            account.state(at: now).maySignIn, try tx.signIn.consumeLink(digest: linkDigest, at: now)
        else { return nil }
        // The code that a link came from is spent with it, once; any other is worthless from now on.
        let isCodeSpent = try tx.activation.consume(account.id, at: now)
        if link.purpose == .activation, !isCodeSpent { return nil }
        try tx.signIn.consumeLinks(of: account.id, at: now)
        try tx.accounts.updatePassword(account.id, hash: hash, at: now)
        try tx.legacy.deletePasswords(of: account.id)
        try tx.record(
            .passwordSet, by: actor, subject: account.id.text, detail: ["purpose": .string(link.purpose.rawValue)],
            at: now)
        try SessionEnding.endAll(of: account, reason: .passwordChanged, by: actor, in: tx, at: now)
        return account
    }
}
