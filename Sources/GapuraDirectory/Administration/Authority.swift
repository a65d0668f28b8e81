package import GapuraFormats
package import GapuraStore

/// What somebody may do now, and how far it reaches. It is read from the database in the very transaction that it
/// decides about (attack 199); whoever holds one can do nothing with it beyond what it says.
///
/// What is out of reach is as unknown as what never was: `not_found`, by lists and counts too. What is within reach and
/// not allowed is `forbidden`.
package struct Authority: Sendable, Equatable {
    /// How far the verbs reach.
    package enum Reach: Sendable, Equatable {
        case everything
        /// A unit and all below it; the path is that unit's.
        case subtree(UnitID, path: String)
        case nothing
    }

    package let actor: Actor
    package let verbs: Set<Verb>
    package let reach: Reach
    /// The account of an admin; nothing for the console and for machines.
    package let accountID: AccountID?

    init(actor: Actor, verbs: Set<Verb>, reach: Reach, accountID: AccountID? = nil) {
        self.actor = actor
        self.verbs = verbs
        self.reach = reach
        self.accountID = accountID
    }

    // MARK: Reading

    /// What an actor may do at a moment: everything for whoever sits at the server, what the role says for an admin who
    /// may sign in, the feed for a client that is marked for it, and nothing for everybody else.
    package static func read(of actor: Actor, in tx: Transaction, at now: Timestamp) throws -> Authority {
        switch actor {
        case .command, .system:
            return Authority(actor: actor, verbs: Set(Verb.allCases), reach: .everything)
        case .client(let id):
            let isFeed = try tx.clients.findUsable(ClientID(id)).map(isFeed) ?? false
            return isFeed
                ? Authority(actor: actor, verbs: feedVerbs, reach: .everything)
                : Authority(actor: actor, verbs: [], reach: .nothing)
        case .account(let id):
            guard let account = try AccountID(id).flatMap({ try tx.accounts.find($0) }) else {
                return Authority(actor: actor, verbs: [], reach: .nothing)
            }
            return try of(account, as: actor, in: tx, at: now)
        }
    }

    /// What an account may do; nothing unless it is `aktif`. A role in a unit reaches nothing once that unit is closed,
    /// or whoever has the role works elsewhere.
    package static func of(_ account: Account, as actor: Actor? = nil, in tx: Transaction, at now: Timestamp) throws
        -> Authority
    {
        let actor = actor ?? .account(account.id.text)
        guard account.state(at: now) == .aktif else {
            return Authority(actor: actor, verbs: [], reach: .nothing, accountID: account.id)
        }
        let authority = try held(account.role, account.roleUnitID, by: actor, account.id, in: tx)
        // Whoever moved away lost the post that the role came with (a transfer ends what belongs to the old unit).
        guard case .subtree(_, let top) = authority.reach else { return authority }
        let home = try tx.accounts.homePath(of: account.id)
        guard home?.utf8.starts(with: top.utf8) == true else {
            return Authority(actor: actor, verbs: authority.verbs, reach: .nothing, accountID: account.id)
        }
        return authority
    }

    /// What a role gives, whatever the state of who has it.
    private static func held(
        _ role: AdminRole, _ unitID: UnitID?, by actor: Actor, _ accountID: AccountID?, in tx: Transaction
    ) throws -> Authority {
        let verbs = role.verbs
        guard !verbs.isEmpty else { return Authority(actor: actor, verbs: [], reach: .nothing, accountID: accountID) }
        guard let unitID else {
            // A role that must be limited and is not reaches nothing: better useless than boundless.
            let reach: Reach = role.limit == .always ? .nothing : .everything
            return Authority(actor: actor, verbs: verbs, reach: reach, accountID: accountID)
        }
        guard let unit = try tx.units.find(unitID), unit.validTo == nil else {
            return Authority(actor: actor, verbs: verbs, reach: .nothing, accountID: accountID)
        }
        return Authority(
            actor: actor, verbs: verbs, reach: .subtree(unit.id, path: unit.path), accountID: accountID)
    }

    /// What a personnel application may do by itself.
    package static let feedVerbs: Set<Verb> = [.loadsRead, .loadsRun, .peopleRead, .unitsRead]

    /// Whether a client is registered as a feed of personnel data. The record is our own writing.
    private static func isFeed(_ record: ClientRecord) -> Bool {
        let settings = try? StrictJSON.parse(Array(record.settings.utf8)).object
        return settings?["personnel_feed"]?.bool ?? false
    }

    // MARK: Asking

    package func holds(_ verb: Verb) -> Bool { verbs.contains(verb) && reach != .nothing }

    /// - Throws: `DirectoryError` `forbidden`.
    package func require(_ verb: Verb) throws {
        guard holds(verb) else { throw Self.forbidden }
    }

    /// Whether a unit is within reach, by its path.
    package func includes(path: String) -> Bool {
        switch reach {
        case .everything: true
        case .subtree(_, let top): path.utf8.starts(with: top.utf8)
        case .nothing: false
        }
    }

    /// Whether whatever stands in no unit is within reach.
    package var includesUnplaced: Bool { reach == .everything }

    /// The path below which lists have to stay; nil for the whole city. Ask `holds` first: of who reaches nothing this
    /// is a path that no unit has.
    package var path: String? {
        switch reach {
        case .everything: nil
        case .subtree(_, let path): path
        case .nothing: "-/"
        }
    }

    /// Whether everything that another authority allows is allowed here too.
    package func covers(_ other: Authority) -> Bool {
        guard !other.verbs.isEmpty, other.reach != .nothing else { return true }
        guard other.verbs.isSubset(of: verbs) else { return false }
        switch other.reach {
        case .everything: return reach == .everything
        case .subtree(_, let path): return includes(path: path)
        case .nothing: return true
        }
    }

    // MARK: Accounts

    /// The account of a name.
    /// - Throws: `DirectoryError` `not_found` if nobody has that name or whoever has it is out of reach.
    package func find(_ name: String, in tx: Transaction, at now: Timestamp) throws -> Account {
        let account = try AccountDirectory(tx, by: actor, at: now).get(name)
        guard try reaches(account, in: tx) else { throw Self.unknownAccount }
        return account
    }

    /// The account of a name, for a verb.
    /// - Throws: `DirectoryError`: as `find`; `forbidden` if the verb is not held, or would act on an admin who is not
    ///   below this one (attack 196).
    package func account(_ name: String, for verb: Verb, in tx: Transaction, at now: Timestamp) throws -> Account {
        try require(verb)
        let account = try find(name, in: tx, at: now)
        if !verb.isReading { try requireAbove(account, in: tx) }
        return account
    }

    /// Whether an account is within reach: that of a person by their unit, one without a person by who answers for it.
    package func reaches(_ account: Account, in tx: Transaction) throws -> Bool {
        switch reach {
        case .everything: return true
        case .nothing: return false
        case .subtree:
            guard let path = try tx.accounts.homePath(of: account.id) else { return false }
            return includes(path: path)
        }
    }

    /// Refuses to act on an admin who may do as much as this one, or something that this one may not. Nobody acts on
    /// themselves through a verb either: what one may do to oneself has pages of its own.
    package func requireAbove(_ account: Account, in tx: Transaction) throws {
        if case .command = actor { return }
        if case .system = actor { return }
        let theirs = try Self.held(
            account.role, account.roleUnitID, by: .account(account.id.text), account.id, in: tx)
        guard account.id != accountID, covers(theirs), !theirs.covers(self) else {
            throw DirectoryError(
                .forbidden,
                "That account is an admin who is not below you; ask a superadmin, or whoever runs the server.",
                id: "Akun itu milik admin yang tidak berada di bawah Anda; mintalah superadmin atau pengelola server."
            )
        }
    }

    /// Refuses to give a role that allows more than this authority does, in its reach (attack 193).
    package func requireMayGive(_ role: AdminRole, in unitID: UnitID?, _ tx: Transaction) throws {
        try require(.adminsGive)
        let given = try Self.held(role, unitID, by: actor, nil, in: tx)
        guard covers(given) else {
            throw DirectoryError(
                .forbidden, "Nobody gives more than they hold, nor beyond their own units.",
                id: "Tidak seorang pun dapat memberi lebih dari yang dimilikinya, atau di luar unitnya sendiri."
            )
        }
    }

    // MARK: Units

    /// Whether a unit is within reach, by its key.
    package func includes(_ unitID: UnitID, in tx: Transaction) throws -> Bool {
        reach == .everything ? true : try tx.units.find(unitID).map { includes(path: $0.path) } ?? false
    }

    /// A person who was found.
    /// - Throws: `DirectoryError` `not_found`, in the words for nobody, if they are out of reach.
    package func person(_ person: Person, in tx: Transaction) throws -> Person {
        guard try reaches(person, in: tx) else { throw Self.unknownPerson }
        return person
    }

    /// Whether a person works within reach.
    package func reaches(_ person: Person, in tx: Transaction) throws -> Bool {
        try person.unitID.map { try includes($0, in: tx) } ?? includesUnplaced
    }

    // MARK: Words

    /// The very words for nobody.
    package static var unknownPerson: DirectoryError {
        DirectoryError(
            .notFound, "Nobody in the personnel data has that NIP, pns_id or user name.",
            id: "Tidak ada pegawai dengan NIP, pns_id, atau nama pengguna tersebut."
        )
    }

    package static var forbidden: DirectoryError {
        DirectoryError(
            .forbidden, "Your role in administration does not allow this.",
            id: "Peran Anda dalam administrasi tidak mengizinkan hal ini."
        )
    }

    /// The very words for an account that never was.
    package static var unknownAccount: DirectoryError {
        DirectoryError(
            .notFound, "No account is known by that NIP, user name, email or id.",
            id: "Tidak ada akun dengan NIP, nama pengguna, surel, atau id tersebut."
        )
    }

    package static var unknownUnit: DirectoryError {
        DirectoryError(
            .notFound, "There is no unit of that name or id.", id: "Tidak ada unit dengan nama atau id tersebut.")
    }
}
