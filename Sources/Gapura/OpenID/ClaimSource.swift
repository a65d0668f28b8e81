import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Turns scopes into claims about a person (design.md section 2, OpenID Connect Core section 5.4). A claim without a
/// value is left out.
struct ClaimSource: Sendable {
    private let timeZone: String
    private let calendar: CityCalendar
    private let identities: IdentityVault
    private let subjects: Subjects

    init(_ services: Services) {
        timeZone = services.settings.timeZone
        calendar = CityCalendar(timeZone: services.settings.timeZone)
        identities = services.secrets.identities
        subjects = Subjects(services)
    }

    /// Claims of userinfo, `sub` first.
    /// - Parameters:
    ///   - named: claims that were asked for by name; those that no scope of the client opens any more are left out.
    ///   - client: who is told; it learns the roles of its own application only.
    func claims(
        for account: Account, scope: String, named: [String], client: Client, in tx: Transaction, at now: Timestamp
    ) throws -> JSONObject {
        guard !named.isEmpty else { return try claims(for: account, scope: scope, client: client, in: tx, at: now) }
        var told = try claims(named: named, for: account, client: client, in: tx, at: now)
        for (name, value) in try claims(for: account, scope: scope, client: client, in: tx, at: now).members {
            told[name] = value
        }
        return told
    }

    /// What was asked for by name, and nothing else.
    func claims(
        named: [String], for account: Account, client: Client, in tx: Transaction, at now: Timestamp
    ) throws -> JSONObject {
        guard !named.isEmpty else { return JSONObject() }
        let registered = client.metadata.scopes
        let scopes = Scope.allCases.filter { scope in
            registered.contains { $0.isExactly(scope.rawValue) }
                && scope.claimNames.contains { name in named.contains { $0.isExactly(name) } }
        }
        let scope = scopes.map(\.rawValue).joined(separator: " ")
        let all = try claims(for: account, scope: scope, client: client, in: tx, at: now)
        return JSONObject(
            all.members.filter { member in named.contains { $0.isExactly(member.key) } }.map { ($0.key, $0.value) })
    }

    private func claims(
        for account: Account, scope: String, client: Client, in tx: Transaction, at now: Timestamp
    ) throws -> JSONObject {
        var claims: JSONObject = ["sub": .string(subjects.sub(account.sub, for: client))]
        let needsPerson = scope.holds(.profile) || scope.holds(.email) || scope.holds(.phone) || scope.holds(.asn)
        let card = try needsPerson ? account.personID.flatMap { try PersonCard.read($0, in: tx) } : nil
        if scope.holds(.profile) {
            addProfile(&claims, account, card)
            // By which this application alone finds the rows that it has about the person.
            claims["local_id"] = try tx.legacy.localID(of: account.id, for: client.id).map(JSONValue.string)
        }
        if scope.holds(.email), let email = account.email ?? card?.person.email {
            claims["email"] = .string(email)
            claims["email_verified"] = .bool(account.email != nil && account.emailVerified)
        }
        if scope.holds(.phone), let phone = card?.person.phone {
            claims["phone_number"] = .string(phone)
            claims["phone_number_verified"] = false
        }
        if scope.holds(.asn) {
            addEmployment(&claims, card)
            if let card { try addStanding(&claims, card, client, tx, now) }
        }
        if scope.holds(.roles) {
            // An empty array says that there is none; without the scope nothing is said.
            let names = try GrantPolicy.roleNames(of: account, in: client.id, in: tx, at: now)
            claims["roles"] = .array(names.map(JSONValue.string))
        }
        // Whether it is still one for electronic signatures, whatever its token says.
        if scope.holds(.tte), client.metadata.isTTE, let personID = account.personID {
            // One that does not open is left out: `gapura doctor` says that the keys are others.
            claims["nik"] = try tx.identities.find(personID).flatMap { identities.open($0) }.map { .string($0.digits) }
        }
        return claims
    }

    private func addProfile(_ claims: inout JSONObject, _ account: Account, _ card: PersonCard?) {
        let name = card?.person.fullName ?? account.displayName
        claims["name"] = name.map(JSONValue.string)
        claims["preferred_username"] = (account.userName ?? card?.nip).map(JSONValue.string)
        claims["zoneinfo"] = .string(timeZone)
        claims["locale"] = "id-ID"
        claims["updated_at"] = .integer(max(account.updatedAt, card?.person.updatedAt ?? account.updatedAt).seconds)
    }

    private func addEmployment(_ claims: inout JSONObject, _ card: PersonCard?) {
        guard let card else {
            claims["employee_kind"] = .string(EmployeeKind.nonASN.rawValue)
            return
        }
        claims["nip"] = card.nip.map(JSONValue.string)
        claims["employee_kind"] = .string(card.person.employeeKind.rawValue)
        if let unit = card.unit {
            claims["unor"] = .object([
                "id": .string(unit.sourceID), "name": .string(unit.name),
                "path": .string(card.unitNames.joined(separator: " / ")),
            ])
        }
        if let agency = card.agency {
            claims["opd"] = .object(["id": .string(agency.sourceID), "name": .string(agency.name)])
        }
        if let name = card.person.postName {
            var post: JSONObject = ["name": .string(name)]
            post["id"] = card.person.postID.map(JSONValue.string)
            post["kind"] = card.person.postKind.map(JSONValue.string)
            if let unit = card.unit, let pnsID = card.person.pnsID, unit.headPNSID?.isExactly(pnsID) == true {
                post["eselon"] = unit.echelon.map(JSONValue.string)
            }
            claims["position"] = .object(post)
        }
    }

    /// What holds today and not yesterday or tomorrow: posts beside one's own, and the manager.
    private func addStanding(
        _ claims: inout JSONObject, _ card: PersonCard, _ client: Client, _ tx: Transaction, _ now: Timestamp
    ) throws {
        let standing = try OrganisationStanding.read(card.person.id, unitPath: card.unit?.path, in: tx, at: now)
        if !standing.acting.isEmpty { claims["acting"] = .array(standing.acting.map { .object(acting($0)) }) }
        claims["manager_sub"] = standing.manager.map { .string(subjects.sub($0.sub, for: client)) }
    }

    /// First and last day are days of the city.
    private func acting(_ held: HeldAppointment) -> JSONObject {
        let appointment = held.appointment
        var post: JSONObject = ["name": .string(appointment.postName)]
        if held.isHead { post["eselon"] = held.unitEchelon.map(JSONValue.string) }
        var json: JSONObject = [
            "kind": .string(appointment.kind.rawValue), "position": .object(post),
            "unor": ["id": .string(held.unitSourceID), "name": .string(held.unitName)],
        ]
        json["start"] = calendar.day(of: appointment.validFrom).map { .string($0.iso8601) }
        json["end"] = appointment.validTo.flatMap { calendar.lastDay(before: $0) }.map { .string($0.iso8601) }
        json["order_number"] = .string(appointment.letterNumber)
        return json
    }
}
