import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Who may sign in, and how they get their first password.
enum AccountOperations {
    static let all = [add, show, list, state, email, link, role, endSessions]

    private static let add = Operation(
        "account.add", ["user_name", "name", "email", "role", "sponsor", "ends_at", "link"], .needs(.accountsAdd)
    ) { arguments, context in
        let userName = try arguments.text("user_name")
        let name = try arguments.text("name")
        let email = try arguments.optionalText("email")
        let role = try arguments.optionalWord("role", AdminRole.self) ?? .none
        let sponsor = try arguments.optionalText("sponsor")
        let (now, actor, settings) = (context.now, context.actor, context.settings)
        let endsAt = try arguments.optionalTime("ends_at", in: settings.timeZone)
        let wantsLink = try arguments.flag("link")
        return try await context.store.write { tx in
            let directory = AccountDirectory(tx, by: actor, at: now)
            let (account, isNew) = try directory.add(
                userName: userName, displayName: name, email: email, role: role, sponsor: sponsor.map(directory.get),
                endsAt: endsAt
            )
            var json = try AccountJSON.make(account, tx, at: now)
            json["new"] = .bool(isNew)
            // A further link would kill the first one, which may be on its way already.
            if wantsLink, isNew { try issue(directory, account, settings, into: &json) }
            return .object(json)
        }
    }

    private static let show = Operation("account.show", ["name"], .needs(.accountsRead)) { arguments, context in
        let name = try arguments.text("name")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.read { tx in
            let account = try AccountDirectory(tx, by: actor, at: now).get(name)
            var json = try AccountJSON.make(account, tx, at: now)
            if let personID = account.personID, let card = try PersonCard.read(personID, in: tx) {
                json["unit"] = .text(card.unit?.name)
                json["agency"] = .text(card.agency?.name)
                json["post"] = .text(card.person.postName)
                json["employee_kind"] = .string(card.person.employeeKind.rawValue)
                json["needs_review"] = .bool(card.person.needsReview)
            }
            json["open_sessions"] = .integer(Int64(try tx.sessions.listOpen(of: account.id).count))
            return .object(json)
        }
    }

    private static let list = Operation("account.list", ["state", "role", "search", "limit"], .needs(.accountsRead)) { arguments, context in
        let state = try arguments.optionalWord("state", AccountState.self)
        let role = try arguments.optionalWord("role", AdminRole.self)
        let search = try arguments.optionalText("search").map(nameKey)
        let limit = try arguments.optionalInteger("limit", 0...1_000_000) ?? 100
        let now = context.now
        return try await context.store.read { tx in
            var found: [JSONValue] = []
            var matching: Int64 = 0
            try tx.accounts.each { account in
                if let state, account.state(at: now) != state { return }
                if let role, account.role != role { return }
                let isShown = limit == 0 || Int64(found.count) < limit
                guard search != nil || isShown else {
                    matching += 1
                    return
                }
                let json = try AccountJSON.make(account, tx, at: now)
                if let search, !AccountJSON.matches(json, search) { return }
                matching += 1
                if isShown { found.append(.object(json)) }
            }
            return ["accounts": .array(found), "matching": .integer(matching)]
        }
    }

    private static let state = Operation("account.state", ["name", "state", "follow_personnel"], .needs(.accountsChange)) { arguments, context in
        let name = try arguments.text("name")
        guard let state = try arguments.optionalWord("state", AccountState.self) else {
            throw OperationError(.invalid, "state is missing.", id: "state belum diisi.")
        }
        let followsPersonnel = try arguments.flag("follow_personnel")
        return try await change(name, context) { directory, account in
            try directory.setState(account, state, followPersonnel: followsPersonnel)
        }
    }

    private static let email = Operation("account.email", ["name", "email", "verified"], .needs(.accountsChange)) { arguments, context in
        let name = try arguments.text("name")
        let email = try arguments.text("email")
        let isVerified = try arguments.flag("verified")
        return try await change(name, context) { directory, account in
            try directory.setEmail(account, email, isVerified: isVerified)
        }
    }

    private static let role = Operation("account.role", ["name", "role", "unit"], .needs(.adminsGive)) { arguments, context in
        let name = try arguments.text("name")
        guard let role = try arguments.optionalWord("role", AdminRole.self) else {
            throw OperationError(.invalid, "role is missing.", id: "role belum diisi.")
        }
        let unit = try arguments.optionalText("unit")
        return try await change(name, context) { directory, account in
            let found = try unit.map { try UnitLookup.find($0, onlyAgencies: false, directory.tx) }
            try directory.setRole(account, role, in: found)
        }
    }

    private static let link = Operation("account.link", ["name"], .needs(.accountsReset)) { arguments, context in
        let name = try arguments.text("name")
        let (now, actor, settings) = (context.now, context.actor, context.settings)
        return try await context.store.write { tx in
            let directory = AccountDirectory(tx, by: actor, at: now)
            let account = try directory.get(name)
            var json = try AccountJSON.make(account, tx, at: now)
            try issue(directory, account, settings, into: &json)
            return .object(json)
        }
    }

    private static let endSessions = Operation("account.end-sessions", ["name"], .needs(.accountsChange)) { arguments, context in
        let name = try arguments.text("name")
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let account = try AccountDirectory(tx, by: actor, at: now).get(name)
            let count = try tx.sessions.listOpen(of: account.id).count
            try SessionEnding.endAll(of: account, reason: .admin, by: actor, in: tx, at: now)
            return ["id": .string(account.id.text), "ended": .integer(Int64(count))]
        }
    }

    // MARK: Steps

    private static func change(
        _ name: String, _ context: OperationContext,
        _ body: @escaping @Sendable (AccountDirectory, Account) throws -> Void
    ) async throws -> JSONValue {
        let (now, actor) = (context.now, context.actor)
        return try await context.store.write { tx in
            let directory = AccountDirectory(tx, by: actor, at: now)
            let account = try directory.get(name)
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
        let nip = try account.personID.flatMap { try tx.people.currentNIP(of: $0) }
        return [
            "id": .string(account.id.text), "sub": .string(account.sub),
            "name": .text(person?.fullName ?? account.displayName),
            "user_name": .text(account.userName), "nip": .text(nip), "email": .text(account.email),
            "email_verified": .bool(account.emailVerified),
            "state": .string(account.state(at: now).rawValue), "state_by": .string(account.stateBy.rawValue),
            "role": .string(account.role.rawValue),
            "role_unit": .text(try account.roleUnitID.flatMap { try tx.units.find($0)?.name }), "sponsor": .text(account.sponsorID?.text),
            "ends_at": .time(account.endsAt),
            "has_password": .bool(account.passwordHash != nil),
            "created_at": .time(account.createdAt),
        ]
    }

    /// Whether a folded text stands in a name, or begins the NIP.
    static func matches(_ json: JSONObject, _ search: String) -> Bool {
        if let nip = json["nip"]?.string, nip.utf8.starts(with: search.utf8) { return true }
        return ["name", "user_name", "email"].contains { member in
            json[member]?.string.map { nameKey($0).utf8.firstRange(of: search.utf8) != nil } ?? false
        }
    }
}
