import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Who may sign in, and how they get their first password.
enum AccountOperations {
    static let all = [add, show, list, AccountExport.operation, state, email, link, role, endSessions]

    private static let add = Operation(
        "account.add", ["user_name", "name", "email", "role", "sponsor", "ends_at", "link"], .scoped(.accountsAdd)
    ) { arguments, context in
        let userName = try arguments.text("user_name")
        let name = try arguments.text("name")
        let email = try arguments.optionalText("email")
        let role = try arguments.optionalWord("role", AdminRole.self) ?? .none
        let sponsor = try arguments.optionalText("sponsor")
        let (now, actor, settings) = (context.now, context.actor, context.settings)
        let endsAt = try arguments.optionalTime("ends_at", in: settings.timeZone)
        let wantsLink = try arguments.flag("link")
        return try await context.store.write { tx, authority in
            let directory = AccountDirectory(tx, by: actor, at: now)
            if role != .none { try authority.requireMayGive(role, in: nil, tx) }
            let guardian = try sponsor.map { try authority.find($0, in: tx, at: now) }
            // Whom nobody answers for belongs to no unit.
            guard guardian != nil || authority.includesUnplaced else { throw Self.sponsorMissing }
            let (account, isNew) = try directory.add(
                userName: userName, displayName: name, email: email, role: role, sponsor: guardian, endsAt: endsAt)
            var json = try AccountJSON.make(account, tx, at: now)
            json["new"] = .bool(isNew)
            // A further link would kill the first one, which may be on its way already.
            if wantsLink, isNew { try issue(directory, account, settings, into: &json) }
            return .object(json)
        }
    }

    private static let show = Operation(showing: "account.show", ["name"], .scoped(.accountsRead)) {
        arguments, context, tx, authority in
        let account = try authority.account(arguments.text("name"), for: .accountsRead, in: tx, at: context.now)
        var json = try AccountJSON.make(account, tx, at: context.now)
        if let personID = account.personID, let card = try PersonCard.read(personID, in: tx) {
            json["unit"] = .text(card.unit?.name)
            json["agency"] = .text(card.agency?.name)
            json["post"] = .text(card.person.postName)
            json["employee_kind"] = .string(card.person.employeeKind.rawValue)
            json["needs_review"] = .bool(card.person.needsReview)
        }
        json["open_sessions"] = .integer(Int64(try tx.sessions.listOpen(of: account.id).count))
        return json
    }

    private static let list = Operation(
        "account.list", ["state", "role", "unit", "search", "after", "limit", "count"], .scoped(.accountsRead)
    ) { arguments, context in
        var filter = AccountFilter(
            state: try arguments.optionalWord("state"), role: try arguments.optionalWord("role"),
            search: try arguments.optionalText("search"))
        let unit = try arguments.optionalText("unit")
        filter.after = try arguments.optionalID("after")
        let limit = try arguments.optionalInteger("limit", 0...1_000_000) ?? 100
        filter.limit = limit == 0 ? nil : limit + 1
        // Asked of a page of its own: the API counts only where it is wanted.
        let counts = try arguments.optionalFlag("count") ?? true
        let now = context.now
        return try await context.store.read { [filter] tx, authority in
            var filter = filter
            filter.path =
                try unit.map { try UnitLookup.find($0, onlyAgencies: false, tx, within: authority).path }
                ?? authority.path
            var found: [JSONValue] = []
            try tx.accounts.each(filter, at: now) { found.append(.object(AccountJSON.make($0, at: now))) }
            let hasMore = limit > 0 && Int64(found.count) > limit
            if hasMore { found.removeLast() }
            var json: JSONObject = ["accounts": .array(found), "more": .bool(hasMore)]
            if counts { json["matching"] = .integer(try tx.accounts.count(filter, at: now)) }
            return .object(json)
        }
    }

    private static let state = Operation(
        "account.state", ["name", "state", "follow_personnel"], .scoped(.accountsChange)
    ) { arguments, context in
        let name = try arguments.text("name")
        guard let state = try arguments.optionalWord("state", AccountState.self) else {
            throw OperationError(.invalid, "state is missing.", id: "state belum diisi.")
        }
        let followsPersonnel = try arguments.flag("follow_personnel")
        return try await change(name, .accountsChange, context) { directory, account in
            try directory.setState(account, state, followPersonnel: followsPersonnel)
        }
    }

    private static let email = Operation(
        "account.email", ["name", "email", "verified"], .scoped(.accountsChange)
    ) { arguments, context in
        let name = try arguments.text("name")
        let email = try arguments.text("email")
        let isVerified = try arguments.flag("verified")
        return try await change(name, .accountsChange, context) { directory, account in
            try directory.setEmail(account, email, isVerified: isVerified)
        }
    }

    private static let role = Operation("account.role", ["name", "role", "unit"], .scoped(.adminsGive)) {
        arguments, context in
        let name = try arguments.text("name")
        guard let role = try arguments.optionalWord("role", AdminRole.self) else {
            throw OperationError(.invalid, "role is missing.", id: "role belum diisi.")
        }
        let unit = try arguments.optionalText("unit")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx, authority in
            let found = try unit.map { try UnitLookup.find($0, onlyAgencies: false, tx, within: authority) }
            let account = try authority.find(name, in: tx, at: now)
            // One's own role one may lay down or narrow.
            if account.id != authority.accountID { try authority.requireAbove(account, in: tx) }
            try authority.requireMayGive(role, in: found?.id, tx)
            try AccountDirectory(tx, by: actor, at: now).setRole(account, role, in: found)
            return .object(try AccountJSON.make(try tx.accounts.find(account.id) ?? account, tx, at: now))
        }
    }

    private static let link = Operation("account.link", ["name"], .scoped(.accountsReset)) { arguments, context in
        let name = try arguments.text("name")
        let (now, actor, settings) = (context.now, context.actor, context.settings)
        return try await context.store.write { tx, authority in
            let directory = AccountDirectory(tx, by: actor, at: now)
            let account = try authority.account(name, for: .accountsReset, in: tx, at: now)
            var json = try AccountJSON.make(account, tx, at: now)
            try issue(directory, account, settings, into: &json)
            return .object(json)
        }
    }

    private static let endSessions = Operation("account.end-sessions", ["name"], .scoped(.accountsChange)) {
        arguments, context in
        let name = try arguments.text("name")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx, authority in
            let account = try authority.account(name, for: .accountsChange, in: tx, at: now)
            let count = try tx.sessions.listOpen(of: account.id).count
            try SessionEnding.endAll(of: account, reason: .admin, by: actor, in: tx, at: now)
            return ["id": .string(account.id.text), "ended": .integer(Int64(count))]
        }
    }

    // MARK: Steps

    private static var sponsorMissing: OperationError {
        OperationError(
            .invalid, "Name a sponsor of your own units.", id: "Sebutkan penanggung jawab dari unit Anda sendiri.")
    }

    private static func change(
        _ name: String, _ verb: Verb, _ context: OperationContext,
        _ body: @escaping @Sendable (AccountDirectory, Account) throws -> Void
    ) async throws -> JSONValue {
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx, authority in
            let directory = AccountDirectory(tx, by: actor, at: now)
            let account = try authority.account(name, for: verb, in: tx, at: now)
            try body(directory, account)
            return .object(try AccountJSON.make(try tx.accounts.find(account.id) ?? account, tx, at: now))
        }
    }

    /// A first password gets the longer life of a set-up link, another one the shorter of a reset.
    private static func issue(
        _ directory: AccountDirectory, _ account: Account, _ settings: GatewaySettings, into json: inout JSONObject
    ) throws {
        let isFirst = account.passwordHash == nil
        let lifetime = isFirst ? settings.setUpLinkLifetime : settings.resetLinkLifetime
        let secret = try directory.issueLink(for: account, purpose: isFirst ? .setUp : .reset, lifetime: lifetime)
        json["link"] = .string(LinkAddress.make(secret, settings))
        json["link_expires_at"] = .time(directory.now.adding(seconds: lifetime))
    }
}

/// An account as operators see it.
enum AccountJSON {
    static func make(_ account: Account, _ tx: Transaction, at now: Timestamp) throws -> JSONObject {
        let person = try account.personID.flatMap { try tx.people.find($0) }
        return make(
            account, name: person?.fullName ?? account.displayName,
            nip: try account.personID.flatMap { try tx.people.currentNIP(of: $0) },
            roleUnit: try account.roleUnitID.flatMap { try tx.units.find($0)?.name }, at: now)
    }

    /// Of a list, with where somebody works.
    static func make(_ listed: ListedAccount, at now: Timestamp) -> JSONObject {
        make(listed.account, name: listed.name, nip: listed.nip, roleUnit: listed.roleUnit, at: now)
            .adding("unit", .text(listed.unit)).adding("agency", .text(listed.agency))
    }

    private static func make(_ account: Account, name: String?, nip: String?, roleUnit: String?, at now: Timestamp)
        -> JSONObject
    {
        [
            "id": .string(account.id.text), "sub": .string(account.sub), "name": .text(name),
            "user_name": .text(account.userName), "nip": .text(nip), "email": .text(account.email),
            "email_verified": .bool(account.emailVerified),
            "state": .string(account.state(at: now).rawValue), "state_by": .string(account.stateBy.rawValue),
            "role": .string(account.role.rawValue), "role_unit": .text(roleUnit),
            "sponsor": .text(account.sponsorID?.text), "ends_at": .time(account.endsAt),
            "has_password": .bool(account.passwordHash != nil),
            "created_at": .time(account.createdAt),
        ]
    }
}
