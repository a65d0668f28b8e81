import GapuraDirectory
import GapuraFormats
import GapuraStore

/// A unit as a Group of SCIM, and a Group as a row of the organisation tree.
struct SCIMGroup {
    /// More are not listed; `groups` of each User says where they are.
    static let maximumMembers: Int64 = 10_000

    let base: String

    /// - Parameter members: nil where they were not read; then there is no version, which would be another one.
    func resource(_ known: ProvisionedUnit, members: [(id: PersonID, name: String)]?) -> JSONObject {
        let unit = known.unit
        var own: JSONObject = ["sourceId": .string(unit.sourceID)]
        own["parent"] = unit.parentID.map { .string($0.text) }
        own["kind"] = unit.kind.map { .string($0) }
        own["echelon"] = unit.echelon.map { .string($0) }
        own["post"] = unit.postName.map { .string($0) }
        own["headPnsId"] = unit.headPNSID.map { .string($0) }
        var json: JSONObject = [
            "schemas": .array(SCIMResourceType.group.schemas.map { .string($0.id) }), "id": .string(unit.id.text),
        ]
        json["externalId"] = known.externalID.map { .string($0) }
        json["displayName"] = .string(unit.name)
        if let members, !members.isEmpty {
            json["members"] = .array(
                members.map { member in
                    [
                        "value": .string(member.id.text), "$ref": .string("\(base)/Users/\(member.id.text)"),
                        "display": .string(member.name), "type": "User",
                    ]
                })
        }
        json[SCIMResourceType.unitID] = .object(own)
        var meta = SCIMMeta.make("Group", "\(base)/Groups/\(unit.id.text)", unit.validFrom, json)
        if members == nil { meta["version"] = nil }
        json["meta"] = .object(meta)
        return json
    }

    /// What a resource that was sent says.
    struct Wish: Sendable {
        let sourceID: String
        let externalID: String?
        let name: String
        /// The id of a Group.
        let parent: String?
        let kind: String?
        let echelon: String?
        let post: String?
        let head: String?
        let members: [String]

        /// Who is in another wish for this unit and not in this one.
        /// - Throws: `SCIMProblem` if the other one leaves somebody out, or is of another unit.
        func added(by other: Wish) throws(SCIMProblem) -> [String] {
            guard sourceID.isExactly(other.sourceID) else {
                throw SCIMProblem(.mutability, "sourceId cannot change: another one is another unit.")
            }
            let (before, after) = (Set(members.map(ExactText.init)), Set(other.members.map(ExactText.init)))
            if let gone = before.subtracting(after).first {
                throw SCIMProblem(
                    .mutability,
                    "Nobody is in no unit: add \(gone.text) to another Group, or give them a status that ends.")
            }
            return other.members.filter { !before.contains(ExactText($0)) }
        }

        func isSameUnit(as other: Wish) -> Bool {
            externalID == other.externalID && name == other.name && parent == other.parent && kind == other.kind
                && echelon == other.echelon && post == other.post && head == other.head
        }
    }

    /// - Throws: `SCIMProblem` 400.
    static func wish(_ resource: JSONObject) throws(SCIMProblem) -> Wish {
        let own = try SCIMUser.object(resource.member(SCIMResourceType.unitID), "Unit")
        func text(_ name: String) throws(SCIMProblem) -> String? { try SCIMUser.text(own.member(name), name) }
        guard let name = try SCIMUser.text(resource.member("displayName"), "displayName") else {
            throw SCIMProblem(.invalidValue, "displayName is missing.")
        }
        guard let sourceID = try text("sourceId") else {
            throw SCIMProblem(.invalidValue, "\(SCIMResourceType.unitID): sourceId is missing.")
        }
        var members: [String] = []
        if let given = resource.member("members"), !given.isNull {
            guard let list = given.array, list.count <= maximumMembers else {
                throw SCIMProblem(.invalidValue, "members is an array of at most \(maximumMembers) objects.")
            }
            var known: Set<ExactText> = []
            for item in list {
                guard let id = item.object?.member("value")?.string else {
                    throw SCIMProblem(.invalidValue, "members: value is the id of a User.")
                }
                if known.insert(ExactText(id)).inserted { members.append(id) }
            }
        }
        return Wish(
            sourceID: sourceID, externalID: try SCIMUser.externalID(resource), name: name, parent: try text("parent"),
            kind: try text("kind"), echelon: try text("echelon"), post: try text("post"), head: try text("headPnsId"),
            members: members)
    }

    /// All units as rows, with one that is new or another than it was.
    /// - Throws: `SCIMProblem` 400.
    static func tree(_ units: [Unit], with wish: Wish) throws(SCIMProblem) -> [UnitRow] {
        let sources = Dictionary(units.map { ($0.id, $0.sourceID) }) { first, _ in first }
        let known = units.first { $0.sourceID.isExactly(wish.sourceID) }
        var parent: String?
        if let id = wish.parent {
            guard let found = UnitID(id).flatMap({ sources[$0] }) else {
                throw SCIMProblem(.invalidValue, "parent: there is no Group of that id.")
            }
            parent = found
        } else if known?.parentID != nil || known == nil {
            throw SCIMProblem(.invalidValue, "\(SCIMResourceType.unitID): parent is the id of the Group above.")
        }
        var rows: [UnitRow] = []
        for (index, unit) in units.enumerated() where !unit.sourceID.isExactly(wish.sourceID) {
            rows.append(
                UnitRow(
                    row: index + 1, sourceID: unit.sourceID, governmentID: nil,
                    parentID: unit.parentID.flatMap { sources[$0] }, name: unit.name, postName: unit.postName,
                    kind: unit.kind, echelon: unit.echelon, headPNSID: unit.headPNSID))
        }
        rows.append(
            UnitRow(
                row: units.count + 1, sourceID: wish.sourceID, governmentID: nil, parentID: parent,
                name: wish.name, postName: wish.post, kind: wish.kind, echelon: wish.echelon, headPNSID: wish.head))
        return rows
    }
}
