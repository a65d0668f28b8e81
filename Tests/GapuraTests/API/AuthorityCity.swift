import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// The small city with an admin of every kind, and accounts of every kind for them to try things on.
///
/// Who may do what to whom is written out here by hand, beside the code that decides it and without it.
struct AuthorityCity {
    let city: City
    let accounts: [String: Account]

    /// Whoever may ask for something: an admin by the key of the account, or a client.
    enum Asker: Hashable, CustomStringConvertible {
        case account(String)
        case client(String)

        var description: String {
            switch self {
            case .account(let key), .client(let key): key
            }
        }
    }

    static let askers: [Asker] =
        [
            "super", "super-tidur", "bkd", "setda", "setda-lain", "hukum", "dinkes", "pindah", "auditor", "meja",
            "meja-setda", "ujang",
        ].map(Asker.account) + [.client("feed"), .client("machine")]

    /// Where each account belongs: the unit of its person, or of whoever answers for it.
    static let places: [String: String?] = [
        "super": "setda", "super-tidur": "setda", "bkd": "setda", "setda": "setda", "setda-lain": "setda",
        "hukum": "hukum", "dinkes": "puskesmas", "pindah": "puskesmas", "auditor": "setda", "meja": "setda",
        "meja-setda": "hukum", "ujang": "hukum", "siti": "puskesmas", "budi": "setda", "rina": "setda",
        "vendor-hukum": "hukum", "vendor-dinkes": "puskesmas", "tanpa-unit": nil, "tanpa-siapa": nil,
    ]

    /// How far an asker sees: a unit with all below it, `*` for the whole city.
    static let reaches: [String: String] = [
        "super": "*", "bkd": "*", "setda": "setda", "setda-lain": "setda", "hukum": "hukum", "dinkes": "dinkes",
        "auditor": "*", "meja": "*", "meja-setda": "setda", "feed": "*",
    ]

    private static let above: [String: Set<String>] = [
        "setda": ["setda"], "hukum": ["hukum", "setda"], "dinkes": ["dinkes"], "puskesmas": ["puskesmas", "dinkes"],
    ]

    static func sees(_ asker: Asker, _ place: String?) -> Bool {
        guard let reach = reaches[asker.description] else { return false }
        if reach == "*" { return true }
        return place.flatMap { above[$0] }?.contains(reach) ?? false
    }

    /// Which admins stand below whom; accounts without a role stand below everybody who sees them.
    static let below: [String: Set<String>] = [
        "super": ["bkd", "setda", "setda-lain", "hukum", "dinkes", "pindah", "auditor", "meja", "meja-setda"],
        "bkd": ["meja", "meja-setda"], "setda": ["hukum", "meja-setda"], "setda-lain": ["hukum", "meja-setda"],
        "meja": ["meja-setda"],
    ]

    static let roles: [String: (AdminRole, String?)] = [
        "super": (.superadmin, nil), "super-tidur": (.superadmin, nil), "bkd": (.personnelAdmin, nil),
        "setda": (.agencyAdmin, "setda"), "setda-lain": (.agencyAdmin, "setda"), "hukum": (.agencyAdmin, "hukum"),
        "dinkes": (.agencyAdmin, "dinkes"), "pindah": (.agencyAdmin, "setda"), "auditor": (.auditor, nil),
        "meja": (.helpdesk, nil), "meja-setda": (.helpdesk, "setda"),
    ]

    static func standsAbove(_ asker: Asker, _ target: String) -> Bool {
        guard asker.description != target else { return false }
        return roles[target] == nil || below[asker.description]?.contains(target) == true
    }

    // MARK: Making it

    static func make(in city: City) async throws -> AuthorityCity {
        let now = city.gateway.clock.now
        let registry = ClientRegistry(city.gateway.gateway.services)
        let feed = try await registry.prepare([
            "client_name": "SIMPEG", "grant_types": ["client_credentials"], "personnel_feed": true,
            "scope": "personnel",
        ])
        let added = try await city.gateway.store.write { tx in
            var accounts = city.people
            for (key, place) in places where accounts[key] == nil {
                accounts[key] = try add(key, place, city, accounts, tx, now)
            }
            if let application = try tx.applications.find(slug: "simpeg") {
                _ = try registry.add(
                    feed, application: application, clientID: "feed", secret: ClientRegistry.makeSecret(), by: .system,
                    in: tx, at: now)
                try tx.grants.insert(
                    ApplicationRole(applicationID: application.id, name: "penilai", description: nil, createdAt: now))
            }
            return accounts
        }
        return AuthorityCity(city: city, accounts: added)
    }

    private static func add(
        _ key: String, _ place: String?, _ city: City, _ known: [String: Account], _ tx: Transaction, _ now: Timestamp
    ) throws -> Account {
        var account = Account(
            id: .make(now: now), sub: UUIDText.version4(), userName: key, displayName: "Orang \(key)",
            state: key == "super-tidur" ? .ditangguhkan : .aktif, stateBy: .admin, createdAt: now, updatedAt: now)
        switch key {
        case "vendor-hukum", "vendor-dinkes":
            account.sponsorID = city.people[key == "vendor-hukum" ? "ujang" : "siti"]?.id
            account.endsAt = now.adding(seconds: 86_400 * 20)
        case "tanpa-siapa": break
        default:
            let person = Person(
                id: .make(now: now), pnsID: "PNS-\(key)", name: "Pegawai \(key)", employeeKind: .pns,
                statusCode: "01", unitID: place.flatMap { city.units[$0]?.id }, createdAt: now, updatedAt: now)
            try tx.people.insert(person)
            account.personID = person.id
            account.stateBy = key == "super-tidur" ? .admin : .personnel
        }
        if let (role, unit) = roles[key] {
            account.role = role
            account.roleUnitID = unit.flatMap { city.units[$0]?.id }
        }
        try tx.accounts.insert(account)
        return account
    }

    // MARK: Trying things

    enum Outcome: Equatable {
        /// Whatever came of it, nobody was in its way.
        case allowed
        case forbidden
        case notFound
    }

    func actor(_ asker: Asker) throws -> Actor {
        switch asker {
        case .account(let key): .account(try #require(accounts[key]).id.text)
        case .client(let id): .client(id)
        }
    }

    func run(_ operation: String, _ arguments: JSONObject, as asker: Asker) async throws -> JSONValue {
        let context = OperationContext(services: city.gateway.gateway.services, actor: try actor(asker))
        return try await Operations.find(operation).run(arguments, context)
    }

    func outcome(_ operation: String, _ arguments: JSONObject, as asker: Asker) async throws -> Outcome {
        do {
            _ = try await run(operation, arguments, as: asker)
            return .allowed
        } catch let error as OperationError {
            switch error.code {
            case .forbidden: return .forbidden
            case .notFound: return .notFound
            case .invalid, .conflict, .refused: return .allowed
            case .unavailable, .failed: throw error
            }
        }
    }

    /// Puts every account back as it was.
    func restore() async throws {
        let accounts = accounts
        try await city.gateway.store.write { tx in
            for account in accounts.values { try tx.accounts.update(account) }
        }
    }

    func id(_ key: String) throws -> String { try #require(accounts[key]).id.text }
    func unit(_ key: String) throws -> String { try #require(city.units[key]).id.text }
}

/// An authority city for one test.
func withAdmins(on engine: Engine, _ body: (AuthorityCity) async throws -> Void) async throws {
    try await withCity(on: engine) { city in try await body(AuthorityCity.make(in: city)) }
}
