import GapuraDirectory
import GapuraFormats
import GapuraStore

/// Turns scopes into claims about a person (design.md section 2, OpenID Connect Core section 5.4). A claim without a
/// value is left out.
struct ClaimSource: Sendable {
    private let timeZone: String

    init(_ settings: GatewaySettings) {
        timeZone = settings.timeZone
    }

    /// Claims of userinfo, `sub` first.
    func claims(for account: Account, scope: String, in tx: Transaction) throws -> JSONObject {
        var claims: JSONObject = ["sub": .string(account.sub)]
        let needsPerson = scope.holds(.profile) || scope.holds(.email) || scope.holds(.phone) || scope.holds(.asn)
        let card = try needsPerson ? account.personID.flatMap { try PersonCard.read($0, in: tx) } : nil
        if scope.holds(.profile) { addProfile(&claims, account, card) }
        if scope.holds(.email), let email = account.email ?? card?.person.email {
            claims["email"] = .string(email)
            claims["email_verified"] = .bool(account.email != nil && account.emailVerified)
        }
        if scope.holds(.phone), let phone = card?.person.phone {
            claims["phone_number"] = .string(phone)
            claims["phone_number_verified"] = false
        }
        if scope.holds(.asn) { addEmployment(&claims, card) }
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
}
