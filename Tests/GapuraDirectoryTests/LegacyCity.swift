import Foundation
import GapuraFormats
import GapuraStore

@testable import GapuraDirectory

/// People with accounts and an old application, and a cheap hasher.
struct LegacyCity: Sendable {
    let store: Store
    let passwords: PasswordHasher
    let application: ApplicationRecord

    static let now = Timestamp(seconds: 1_795_566_600)
    static let header = "username,nip,local_id,scheme,hash,email\n"

    static func with(
        _ nips: [String] = [], on location: DatabaseLocation = .sqliteMemory, _ body: (LegacyCity) async throws -> Void
    ) async throws {
        let store = try await Store.open(location)
        let passwords = try PasswordHasher(
            parameters: Argon2Parameters(memory: 64, passes: 1, lanes: 1), threads: 2, queue: 50)
        let city = LegacyCity(store: store, passwords: passwords, application: try await add("e-absensi", to: store))
        do {
            try await city.add(nips)
            try await body(city)
        } catch {
            passwords.shutdown()
            await store.close()
            throw error
        }
        passwords.shutdown()
        await store.close()
    }

    static func add(_ slug: String, to store: Store) async throws -> ApplicationRecord {
        let application = ApplicationRecord(
            id: .make(now: now), slug: slug, name: slug, state: .aktif, createdAt: now, updatedAt: now)
        try await store.write { try $0.applications.insert(application) }
        return application
    }

    /// People who are known by these numbers, with accounts that have no password.
    func add(_ nips: [String]) async throws {
        let now = Self.now
        try await store.write { tx in
            for nip in nips {
                let person = Person(
                    id: .make(now: now), pnsID: "PNS-\(nip)", name: "Orang Contoh", employeeKind: .pns,
                    email: "surel\(nip.suffix(4))@contoh.invalid", createdAt: now, updatedAt: now)
                try tx.people.insert(person)
                try tx.people.insert(
                    PersonAlias(id: .make(now: now), personID: person.id, kind: .nip, value: nip, validFrom: now))
                try tx.accounts.insert(
                    Account(
                        id: .make(now: now), personID: person.id, sub: UUIDText.version4(), state: .aktif,
                        stateBy: .personnel, createdAt: now, updatedAt: now))
            }
        }
    }

    func account(_ nip: String) async throws -> Account? {
        try await store.read { try $0.accounts.find(nip: nip) }
    }

    func plan(_ rows: String, of other: ApplicationRecord? = nil) async throws -> LegacyPlan {
        try await plan(PersonnelFile(name: "users.csv", bytes: Array((Self.header + rows).utf8)), of: other)
    }

    func plan(_ file: PersonnelFile, of other: ApplicationRecord? = nil) async throws -> LegacyPlan {
        try await load(other).plan(file)
    }

    @discardableResult
    func apply(_ plan: LegacyPlan, of other: ApplicationRecord? = nil, at now: Timestamp = Self.now) async throws -> Int
    {
        try await load(other).apply(plan, lifetime: 180 * 86_400, by: .command(user: "root"), at: now)
    }

    private func load(_ other: ApplicationRecord?) -> LegacyImport {
        LegacyImport(store: store, passwords: passwords, application: (other ?? application).id)
    }

    /// Signs in by NIP and password as the gateway does, without its throttle.
    func signIn(_ nip: String, _ password: String, at now: Timestamp = Self.now) async throws -> Bool {
        let (account, old) = try await store.read { tx in
            let account = try tx.accounts.find(nip: nip)
            return (account, try OldPasswords.read(of: account, in: tx, at: now))
        }
        switch try await passwords.verify(password, against: account?.passwordHash, or: old) {
        case .own(let outcome): return outcome != .wrong
        case .old(let row):
            let hash = try await passwords.hash(password)
            return try await store.write { try AccountDirectory($0, by: .system, at: now).adopt(row, hash: hash) }
                != nil
        }
    }

    func count(_ query: Statement) async throws -> Int64 {
        try await store.read { try $0.first(query)?.integer(0) ?? -1 }
    }

    func events(_ event: AuditEvent) async throws -> [AuditRecord] {
        try await store.read { try $0.audit.list(before: .max, event: event.rawValue, subject: nil, limit: 10_000) }
    }

    /// A file of `Fixtures/legacy`.
    static func fixture(_ name: String, source: String = #filePath) throws -> [UInt8] {
        try PersonnelExample.fixture("legacy/\(name)")
    }
}
