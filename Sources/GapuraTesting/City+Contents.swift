import Gapura
import GapuraDirectory
import GapuraFormats
import GapuraStore

extension City {
    static func addUnits(_ tx: Transaction, _ now: Timestamp) throws -> [String: Unit] {
        var units: [String: Unit] = [:]
        func add(_ key: String, _ name: String, _ kind: String, under parent: String?, isAgency: Bool) throws {
            let id = UnitID.make(now: now)
            let above = parent.flatMap { units[$0] }
            let unit = Unit(
                id: id, sourceID: "UNOR-\(key)", parentID: above?.id, agencyID: isAgency ? id : above?.agencyID,
                name: name,
                postName: "Kepala \(name)", kind: kind, echelon: "31", path: (above?.path ?? "") + id.text + "/",
                headPNSID: nil, validFrom: now
            )
            try tx.units.insert(unit)
            units[key] = unit
        }
        try add("kota", "Pemerintah Kota Nusa Contoh", "INSTANSI", under: nil, isAgency: false)
        try add("setda", "Sekretariat Daerah", "OPD", under: "kota", isAgency: true)
        try add("hukum", "Bagian Hukum", "BAGIAN", under: "setda", isAgency: false)
        try add("dinkes", "Dinas Kesehatan", "OPD", under: "kota", isAgency: true)
        try add("puskesmas", "Puskesmas Melati", "UPTD", under: "dinkes", isAgency: false)
        return units
    }

    static func addPeople(
        _ tx: Transaction, _ units: [String: Unit], _ hash: String, _ now: Timestamp
    ) throws -> [String: Account] {
        var accounts: [String: Account] = [:]
        func add(_ key: String, _ name: String, _ kind: EmployeeKind, _ unit: String, _ state: AccountState) throws {
            let person = Person(
                id: .make(now: now), pnsID: "PNS-\(key)", name: name, backTitle: key == "ujang" ? "S.H." : nil,
                employeeKind: kind,
                statusCode: "01", statusName: "Aktif", grade: "III/c", postKind: "4", postID: "JAB-\(key)",
                postName: "Analis \(name)",
                unitID: units[unit]?.id, email: "\(key)@contoh.invalid", phone: "000012345678", createdAt: now,
                updatedAt: now
            )
            try tx.people.insert(person)
            try tx.people.insert(
                PersonAlias(
                    id: .make(now: now), personID: person.id, kind: kind == .pppk ? .niPPPK : .nip,
                    value: nips[key] ?? "", validFrom: now
                )
            )
            let account = Account(
                id: .make(now: now), personID: person.id, sub: UUIDText.version4(), userName: key, state: state,
                stateBy: .personnel,
                passwordHash: hash, passwordChangedAt: now, createdAt: now, updatedAt: now
            )
            try tx.accounts.insert(account)
            accounts[key] = account
        }
        try add("ujang", "Ujang Ma'ruf", .pns, "hukum", .aktif)
        try add("siti", "Siti <b>Aminah</b>", .pppk, "puskesmas", .aktif)
        try add("budi", "Budi Santoso", .pns, "setda", .terbatas)
        try add("rina", "Rina Wati", .pns, "setda", .ditangguhkan)
        return accounts
    }

    static let clients: [(id: String, application: String, metadata: JSONObject)] = {
        func metadata(_ name: String, _ more: JSONObject = [:]) -> JSONObject {
            var json: JSONObject = [
                "client_name": .string(name),
                "redirect_uris": [.string(redirectURI), "https://simpeg.contoh.go.id/cb?dummy1=lorem"],
                "post_logout_redirect_uris": [.string(postLogoutURI)],
                "scope": "openid profile email phone asn offline_access simpeg.read",
                "grant_types": ["authorization_code", "refresh_token"],
            ]
            for member in more.members { json[member.key] = member.value }
            return json
        }
        return [
            ("web", "simpeg", metadata("SIMPEG")),
            ("plain", "simpeg", metadata("SIMPEG lama", ["require_pkce": false])),
            ("post", "simpeg", metadata("SIMPEG post", ["token_endpoint_auth_method": "client_secret_post"])),
            (
                "native", "simpeg",
                metadata(
                    "SIMPEG ponsel",
                    [
                        "application_type": "native",
                        "redirect_uris": [.string(redirectURI), "http://127.0.0.1/cb", "id.go.contoh.simpeg:/cb"],
                    ]
                )
            ),
            ("hs", "simpeg", metadata("e-surat", ["id_token_signed_response_alg": "HS256"])),
            ("es", "simpeg", metadata("e-kinerja", ["id_token_signed_response_alg": "ES256"])),
            ("opaque", "simpeg", metadata("Buram", ["access_token_format": "opaque"])),
            (
                "machine", "simpeg",
                ["client_name": "Mesin", "grant_types": ["client_credentials"], "scope": "simpeg.read simpeg.write"]
            ),
            (
                "resource", "simpeg",
                ["client_name": "API", "grant_types": ["client_credentials"], "resource_server": true]
            ),
            ("aimed", "simpeg", metadata("Berpenerima", ["audience": ["resource"]])),
            ("closed", "tertutup", metadata("Khusus Dinkes")),
            ("disabled", "simpeg", metadata("Dimatikan")),
            ("dormant", "tidur", metadata("Belum aktif")),
        ]
    }()

    static func addClients(
        _ clients: [(id: String, application: String, metadata: ClientMetadata)], _ registry: ClientRegistry,
        _ units: [String: Unit],
        _ tx: Transaction, _ now: Timestamp
    ) throws -> [String: String] {
        var applications: [String: ApplicationRecord] = [:]
        for (slug, state) in [("simpeg", ApplicationState.aktif), ("tertutup", .aktif), ("tidur", .disetujui)] {
            let application = ApplicationRecord(
                id: .make(now: now), slug: slug, name: slug.uppercased(), url: "https://\(slug).contoh.go.id/",
                ownerUnitID: units["setda"]?.id,
                contact: "diskominfo@contoh.invalid", state: state, createdAt: now, updatedAt: now
            )
            try tx.applications.insert(application)
            applications[slug] = application
        }
        if let closed = applications["tertutup"], let agency = units["dinkes"] {
            try tx.applications.replaceRules(of: closed.id, with: [AccessRule(kind: .agency, value: agency.id.text)])
        }
        var secrets: [String: String] = [:]
        for client in clients {
            guard let application = applications[client.application] else { continue }
            let made = try registry.add(
                client.metadata, application: application, clientID: client.id, secret: ClientRegistry.makeSecret(),
                by: .system, in: tx, at: now
            )
            secrets[client.id] = made.secret
        }
        try registry.setState(ClientID("disabled"), .disabled, by: .system, in: tx, at: now)
        return secrets
    }
}
