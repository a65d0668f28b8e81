import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTabular
import GapuraTokens

/// A person as a User of SCIM, and a User as a row of personnel data.
struct SCIMUser {
    let base: String
    let calendar: CityCalendar
    /// The ids of our government in personnel data; the first stands in what is answered.
    let governmentIDs: [String]

    /// Of whom works for another government.
    private static let elsewhere = "LAIN"

    // MARK: Out

    /// - Parameter retiresAt: when a retirement waits for them.
    func resource(_ known: ProvisionedPerson, retiresAt: Timestamp?) -> JSONObject {
        let person = known.person
        var name: JSONObject = ["formatted": .string(person.fullName)]
        name["honorificPrefix"] = person.frontTitle.map { .string($0) }
        name["honorificSuffix"] = person.backTitle.map { .string($0) }
        let userName = known.nip ?? person.pnsID ?? person.id.text
        var json: JSONObject = [
            "schemas": .array(
                SCIMResourceType.user.schemas.map { .string($0.id) }), "id": .string(person.id.text),
        ]
        json["externalId"] = known.externalID.map { .string($0) }
        json["userName"] = .string(userName)
        json["displayName"] = .string(person.name)
        json["name"] = .object(name)
        json["title"] = person.postName.map { .string($0) }
        json["userType"] = .string(person.employeeKind.rawValue)
        json["active"] = .bool(known.state?.maySignIn ?? false)
        json["emails"] = person.email.map(Self.work)
        json["phoneNumbers"] = person.phone.map(Self.work)
        json["groups"] = groups(known)
        json[SCIMResourceType.pegawaiID] = .object(own(known, retiresAt))
        json[SCIMResourceType.enterpriseID] = .object(enterprise(known))
        json["meta"] = .object(
            SCIMMeta.make(
                "User", "\(base)/Users/\(person.id.text)", person.createdAt, json, modified: person.updatedAt))
        return json
    }

    private static func work(_ value: String) -> JSONValue {
        [["value": .string(value), "type": "work", "primary": true]]
    }

    private func groups(_ known: ProvisionedPerson) -> JSONValue? {
        guard let unit = known.unit else { return nil }
        var groups = [group(unit, "direct")]
        if let agency = known.agency, agency.id != unit.id { groups.append(group(agency, "indirect")) }
        return .array(groups)
    }

    private func group(_ unit: Unit, _ type: String) -> JSONValue {
        [
            "value": .string(unit.id.text), "$ref": .string("\(base)/Groups/\(unit.id.text)"),
            "display": .string(unit.name), "type": .string(type),
        ]
    }

    private func own(_ known: ProvisionedPerson, _ retiresAt: Timestamp?) -> JSONObject {
        let person = known.person
        var json: JSONObject = [:]
        func put(_ name: String, _ text: String?) { json[name] = text.map { .string($0) } }
        put("pnsId", person.pnsID)
        put("nip", known.nip)
        put("status", person.statusCode)
        put("statusName", person.statusName)
        put("cpnsOrPns", person.employeeKind == .cpns ? "C" : person.employeeKind == .pns ? "P" : nil)
        put("grade", person.grade)
        put("postKind", person.postKind)
        put("postId", person.postID)
        put("postSince", person.postSince.map { String(TimeText.iso8601($0).prefix(10)) })
        put("retiresOn", retiresAt.flatMap { calendar.day(of: $0)?.iso8601 })
        put("unitId", known.unit?.sourceID)
        put("governmentId", person.worksHere ? governmentIDs.first : Self.elsewhere)
        return json
    }

    private func enterprise(_ known: ProvisionedPerson) -> JSONObject {
        var json: JSONObject = [:]
        json["employeeNumber"] = known.nip.map { .string($0) }
        json["department"] = known.unit.map { .string($0.name) }
        json["organization"] = known.agency.map { .string($0.name) }
        return json
    }

    // MARK: In

    /// What a resource that was sent says.
    struct Wish: Sendable {
        let row: [PersonnelColumn: TabularCell]
        let externalID: String?
        let pnsID: String
        let unitSourceID: String?
        let hasNIK: Bool
        /// Where it was said.
        let active: Bool?
    }

    /// Reads a resource strictly as far as it is known; what is not known is left aside (RFC 7644 section 3.3).
    /// - Throws: `SCIMProblem` 400.
    func wish(_ resource: JSONObject) throws(SCIMProblem) -> Wish {
        let type = SCIMResourceType.user
        let own = try Self.object(resource.member(SCIMResourceType.pegawaiID), "Pegawai")
        var row: [PersonnelColumn: TabularCell] = [:]
        for attribute in type.schema.attributes {
            let value = resource.member(attribute.name)
            if let column = attribute.column, let text = try Self.text(value, attribute.name) {
                row[column] = .text(text)
            }
            let holder = try attribute.isMany ? Self.first(value, attribute) : Self.part(value, attribute)
            for part in attribute.parts {
                guard let column = part.column, let text = try Self.text(holder.member(part.name), part.name) else {
                    continue
                }
                row[column] = .text(text)
            }
        }
        for attribute in type.extensions.flatMap(\.attributes) {
            guard let column = attribute.column, let text = try Self.text(own.member(attribute.name), attribute.name)
            else { continue }
            row[column] = .text(text)
        }
        let userName = try Self.text(resource.member("userName"), "userName")
        let nip = try Self.text(own.member("nip"), "nip") ?? userName
        guard let pnsID = try Self.text(own.member("pnsId"), "pnsId") else {
            throw SCIMProblem(.invalidValue, "\(SCIMResourceType.pegawaiID): pnsId is missing.")
        }
        guard let nip, userName.map({ $0.isExactly(nip) }) ?? true else {
            throw SCIMProblem(.invalidValue, "userName is the NIP: leave it out, or send both alike.")
        }
        row[.nip] = .text(nip)
        if row[.governmentID] == nil { row[.governmentID] = governmentIDs.first.map { .text($0) } }
        let active = resource.member("active")
        guard active == nil || active?.bool != nil || active?.isNull == true else {
            throw SCIMProblem(.invalidValue, "active is true or false.")
        }
        return Wish(
            row: row, externalID: try Self.externalID(resource), pnsID: pnsID,
            unitSourceID: try Self.text(own.member("unitId"), "unitId"), hasNIK: row[.nik] != nil, active: active?.bool)
    }

    /// A patched resource without the name of a status that it no longer has.
    static func withoutOldStatusName(_ resource: JSONObject, _ before: JSONObject) -> JSONObject {
        let (new, old) = (resource[SCIMResourceType.pegawaiID]?.object, before[SCIMResourceType.pegawaiID]?.object)
        guard let new, new["status"] != old?["status"], new["statusName"] == old?["statusName"] else { return resource }
        return resource.adding(SCIMResourceType.pegawaiID, .object(new.removing("statusName")))
    }

    static func externalID(_ resource: JSONObject) throws(SCIMProblem) -> String? {
        guard let id = try text(resource.member("externalId"), "externalId") else { return nil }
        guard id.utf8.count <= 255 else { throw SCIMProblem(.invalidValue, "externalId has at most 255 bytes.") }
        return id
    }

    /// A text, or nothing: an empty one is none.
    static func text(_ value: JSONValue?, _ name: String) throws(SCIMProblem) -> String? {
        guard let value, !value.isNull else { return nil }
        guard let text = value.string, text.utf8.count <= 1000, !text.utf8.contains(0) else {
            throw SCIMProblem(.invalidValue, "\(name) is a string of at most 1000 bytes.")
        }
        return text.isEmpty ? nil : text
    }

    static func object(_ value: JSONValue?, _ name: String) throws(SCIMProblem) -> JSONObject {
        guard let value, !value.isNull else { return [:] }
        guard let object = value.object else { throw SCIMProblem(.invalidValue, "\(name) is an object.") }
        return object
    }

    private static func part(_ value: JSONValue?, _ attribute: SCIMAttribute) throws(SCIMProblem) -> JSONObject {
        attribute.parts.isEmpty ? [:] : try object(value, attribute.name)
    }

    /// Of several the primary one, or that of work, or the first: personnel data has one.
    private static func first(_ value: JSONValue?, _ attribute: SCIMAttribute) throws(SCIMProblem) -> JSONObject {
        guard attribute.mutability != .readOnly, let value, !value.isNull else { return [:] }
        guard let many = value.array, many.allSatisfy({ $0.object != nil }) else {
            throw SCIMProblem(.invalidValue, "\(attribute.name) is an array of objects.")
        }
        let objects = many.compactMap(\.object)
        return objects.first { $0.member("primary")?.bool == true }
            ?? objects.first { $0.member("type")?.string?.lowercased().isExactly("work") == true } ?? objects.first
            ?? [:]
    }
}

/// `meta` of a resource, with its version: a weak entity tag over what it says (RFC 7644 section 3.14).
enum SCIMMeta {
    static func make(
        _ type: String, _ location: String, _ created: Timestamp, _ resource: JSONObject, modified: Timestamp? = nil
    ) -> JSONObject {
        var meta: JSONObject = ["resourceType": .string(type), "created": .time(created)]
        meta["lastModified"] = modified.map { .time($0) }
        meta["location"] = .string(location)
        meta["version"] = .string(version(of: resource))
        return meta
    }

    static func version(of resource: JSONObject) -> String {
        let digest = SHA256.hash(JSONValue.object(resource.removing("meta")).encoded())
        return "W/\"\(Base64URL.encode(digest.prefix(18)))\""
    }

    /// Whether a condition names a version, weak or not.
    static func isNamed(_ version: String?, in condition: String) -> Bool {
        guard let version else { return false }
        let bare = version.utf8.dropFirst(2)
        return condition.utf8.split(separator: UInt8(ascii: ",")).contains { part in
            let text = part.filter { $0 != 0x20 && $0 != 0x09 }
            return text.elementsEqual("*".utf8) || text.elementsEqual(version.utf8) || text.elementsEqual(bare)
        }
    }
}
