import GapuraDirectory
import GapuraFormats

/// One attribute of a resource (RFC 7643 section 2.2 and 7).
struct SCIMAttribute: Sendable {
    enum Mutability: String, Sendable {
        case readOnly
        case readWrite
        case immutable
        /// Taken and never given back.
        case writeOnly
    }

    enum Kind: String, Sendable {
        case string
        case boolean
        case dateTime
        case reference
        case complex
    }

    let name: String
    let kind: Kind
    let summary: String
    var mutability = Mutability.readWrite
    var isMany = false
    var isRequired = false
    var isUnique = false
    var isCaseExact = true
    var parts: [SCIMAttribute] = []
    /// What it is in personnel data.
    var column: PersonnelColumn?

    init(
        _ name: String, _ kind: Kind, _ summary: String, _ mutability: Mutability = .readWrite, isMany: Bool = false,
        isRequired: Bool = false, isUnique: Bool = false, isCaseExact: Bool = true, column: PersonnelColumn? = nil,
        parts: [SCIMAttribute] = []
    ) {
        self.name = name
        self.kind = kind
        self.summary = summary
        self.mutability = mutability
        self.isMany = isMany
        self.isRequired = isRequired
        self.isUnique = isUnique
        self.isCaseExact = isCaseExact
        self.column = column
        self.parts = parts
    }

    /// Whether this is the attribute of a name; without case.
    func isNamed(_ name: String) -> Bool { self.name.lowercased().isExactly(name.lowercased()) }

    var json: JSONValue {
        var json: JSONObject = [
            "name": .string(name), "type": .string(kind.rawValue), "multiValued": .bool(isMany),
            "description": .string(summary), "required": .bool(isRequired),
            "mutability": .string(mutability.rawValue),
            "returned": .string(mutability == .writeOnly ? "never" : name.isExactly("id") ? "always" : "default"),
        ]
        if kind == .string {
            json["caseExact"] = .bool(isCaseExact)
            json["uniqueness"] = .string(isUnique ? "server" : "none")
        }
        if kind == .reference { json["referenceTypes"] = ["User", "Group"] }
        if !parts.isEmpty { json["subAttributes"] = .array(parts.map(\.json)) }
        return .object(json)
    }
}

/// A schema (RFC 7643 section 7).
struct SCIMSchema: Sendable {
    let id: String
    let name: String
    let summary: String
    let attributes: [SCIMAttribute]

    func json(base: String) -> JSONObject {
        [
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": .string(id), "name": .string(name),
            "description": .string(summary), "attributes": .array(attributes.map(\.json)),
            "meta": ["resourceType": "Schema", "location": .string("\(base)/Schemas/\(id)")],
        ]
    }
}

/// A kind of resource (RFC 7643 section 6): its own schema and those that extend it.
struct SCIMResourceType: Sendable {
    let name: String
    let endpoint: String
    let schema: SCIMSchema
    let extensions: [SCIMSchema]
    /// Of these one has to be there.
    let requiredExtension: String?

    /// What every resource has (RFC 7643 section 3.1).
    static let common: [SCIMAttribute] = [
        SCIMAttribute("id", .string, "Of the gateway.", .readOnly, isUnique: true),
        SCIMAttribute("externalId", .string, "Of whoever delivers it."),
        SCIMAttribute("schemas", .string, "Schemas of the resource.", .readOnly, isMany: true),
        SCIMAttribute(
            "meta", .complex, "About the resource.", .readOnly,
            parts: ["resourceType", "created", "lastModified", "location", "version"].map {
                SCIMAttribute($0, .string, "", .readOnly)
            }),
    ]

    var schemas: [SCIMSchema] { [schema] + extensions }

    func json(base: String) -> JSONObject {
        [
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": .string(name),
            "name": .string(name), "endpoint": .string(endpoint), "description": .string(schema.summary),
            "schema": .string(schema.id),
            "schemaExtensions": .array(
                extensions.map {
                    ["schema": .string($0.id), "required": .bool(requiredExtension?.isExactly($0.id) == true)]
                }),
            "meta": ["resourceType": "ResourceType", "location": .string("\(base)/ResourceTypes/\(name)")],
        ]
    }

    /// The extension whose members stand under a key of the resource.
    func extensionNamed(_ urn: String) -> SCIMSchema? {
        extensions.first { $0.id.lowercased().isExactly(urn.lowercased()) }
    }

    /// An attribute by its name, and the key of the extension that it stands under.
    func find(_ name: SCIMAttributeName) -> (attribute: SCIMAttribute, extension: String?)? {
        guard let urn = name.schema else {
            return (schema.attributes + Self.common).first { $0.isNamed(name.name) }.map { ($0, nil) }
        }
        if schema.id.lowercased().isExactly(urn.lowercased()) {
            return (schema.attributes + Self.common).first { $0.isNamed(name.name) }.map { ($0, nil) }
        }
        guard let own = extensionNamed(urn) else { return nil }
        return own.attributes.first { $0.isNamed(name.name) }.map { ($0, own.id) }
    }
}

// MARK: The schemas

extension SCIMResourceType {
    static let all = [user, group]

    static let enterpriseID = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    static let pegawaiID = "urn:gapura:scim:schemas:1.0:Pegawai"
    static let unitID = "urn:gapura:scim:schemas:1.0:Unit"

    private static func value(_ column: PersonnelColumn?, _ summary: String) -> [SCIMAttribute] {
        [
            SCIMAttribute("value", .string, summary, column: column),
            SCIMAttribute("type", .string, "work.", .readOnly),
            SCIMAttribute("primary", .boolean, "true.", .readOnly),
        ]
    }

    /// A person of the personnel agency. What may be written are columns of personnel data; they go through a load.
    static let user = SCIMResourceType(
        name: "User", endpoint: "/Users",
        schema: SCIMSchema(
            id: "urn:ietf:params:scim:schemas:core:2.0:User", name: "User", summary: "A person in personnel data",
            attributes: [
                SCIMAttribute(
                    "userName", .string, "The NIP or NI PPPK of today.", isRequired: true, isUnique: true,
                    isCaseExact: false),
                SCIMAttribute(
                    "displayName", .string, "The name without titles.", isRequired: true, isCaseExact: false,
                    column: .name),
                SCIMAttribute(
                    "name", .complex, "The name with its titles.",
                    parts: [
                        SCIMAttribute("formatted", .string, "With titles.", .readOnly),
                        SCIMAttribute("honorificPrefix", .string, "Titles before the name.", column: .frontTitle),
                        SCIMAttribute("honorificSuffix", .string, "Titles behind the name.", column: .backTitle),
                    ]),
                SCIMAttribute("title", .string, "The post.", column: .postName),
                SCIMAttribute(
                    "userType", .string, "PNS, CPNS, PPPK, PPPK_PW or NON_ASN; follows the status.", .readOnly),
                SCIMAttribute("active", .boolean, "Whether they can sign in; follows the status.", .readOnly),
                SCIMAttribute(
                    "emails", .complex, "The official address.", isMany: true, parts: value(.email, "The address.")),
                SCIMAttribute(
                    "phoneNumbers", .complex, "The telephone.", isMany: true, parts: value(.phone, "The number.")),
                SCIMAttribute(
                    "groups", .complex, "The unit they work in (direct) and its agency (indirect).", .readOnly,
                    isMany: true,
                    parts: [
                        SCIMAttribute("value", .string, "The id of the unit.", .readOnly),
                        SCIMAttribute("$ref", .reference, "Where it is.", .readOnly),
                        SCIMAttribute("display", .string, "Its name.", .readOnly),
                        SCIMAttribute("type", .string, "direct or indirect.", .readOnly),
                    ]),
            ]),
        extensions: [
            SCIMSchema(
                id: pegawaiID, name: "Pegawai", summary: "What personnel data says of a civil servant",
                attributes: [
                    SCIMAttribute(
                        "pnsId", .string, "SIASN's id of the person.", .immutable, isRequired: true, isUnique: true,
                        column: .pnsID),
                    SCIMAttribute(
                        "nip", .string, "NIP or NI PPPK, 18 digits.", isRequired: true, isUnique: true, column: .nip),
                    SCIMAttribute(
                        "status", .string, "kedudukan_hukum_id; decides about the account.", isRequired: true,
                        column: .statusCode),
                    SCIMAttribute("statusName", .string, "kedudukan_hukum_nama.", column: .statusName),
                    SCIMAttribute("cpnsOrPns", .string, "C or P.", column: .cpnsOrPNS),
                    SCIMAttribute("grade", .string, "gol_akhir_nama.", column: .grade),
                    SCIMAttribute("postKind", .string, "jenis_jabatan_id.", column: .postKind),
                    SCIMAttribute("postId", .string, "jabatan_id.", column: .postID),
                    SCIMAttribute("postSince", .string, "tmt_jabatan, 2026-12-31.", column: .postSince),
                    SCIMAttribute("retiresOn", .string, "tmt_pensiun, while it waits.", column: .retiresOn),
                    SCIMAttribute("unitId", .string, "unor_id.", column: .unitID),
                    SCIMAttribute(
                        "governmentId", .string, "instansi_kerja_id; ours if it is not said.", column: .governmentID),
                    SCIMAttribute(
                        "birthDate", .string, "Compared with the NIP and not kept.", .writeOnly, column: .birthDate),
                    SCIMAttribute(
                        "sex", .string, "M or F; compared with the NIP and not kept.", .writeOnly, column: .sex),
                    SCIMAttribute(
                        "nik", .string, "Kept under a key where the city wants it.", .writeOnly, column: .nik),
                    SCIMAttribute(
                        "nikIsValid", .string, "Whether Dukcapil confirmed it.", .writeOnly, column: .nikIsValid),
                ]),
            SCIMSchema(
                id: enterpriseID, name: "EnterpriseUser", summary: "The same as others call it",
                attributes: [
                    SCIMAttribute("employeeNumber", .string, "The NIP.", .readOnly),
                    SCIMAttribute("department", .string, "The unit's name.", .readOnly),
                    SCIMAttribute("organization", .string, "The agency's name.", .readOnly),
                ]),
        ], requiredExtension: pegawaiID)

    /// A unit of the organisation tree.
    static let group = SCIMResourceType(
        name: "Group", endpoint: "/Groups",
        schema: SCIMSchema(
            id: "urn:ietf:params:scim:schemas:core:2.0:Group", name: "Group", summary: "A unit of the city",
            attributes: [
                SCIMAttribute("displayName", .string, "Its name.", isRequired: true),
                SCIMAttribute(
                    "members", .complex, "Who works in the unit itself; whoever is added leaves the unit before.",
                    isMany: true,
                    parts: [
                        SCIMAttribute("value", .string, "The id of a User.", .immutable),
                        SCIMAttribute("$ref", .reference, "Where it is.", .readOnly),
                        SCIMAttribute("display", .string, "The name.", .readOnly),
                        SCIMAttribute("type", .string, "User.", .readOnly),
                    ]),
            ]),
        extensions: [
            SCIMSchema(
                id: unitID, name: "Unit", summary: "What personnel data says of a unit",
                attributes: [
                    SCIMAttribute("sourceId", .string, "unor_id.", .immutable, isRequired: true, isUnique: true),
                    SCIMAttribute("parent", .string, "The id of the Group above it.", isRequired: true),
                    SCIMAttribute("kind", .string, "OPD, BAGIAN …"),
                    SCIMAttribute("echelon", .string, "eselon_id."),
                    SCIMAttribute("post", .string, "What its head is called."),
                    SCIMAttribute("headPnsId", .string, "SIASN's id of its head."),
                ])
        ], requiredExtension: unitID)
}
