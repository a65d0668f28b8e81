import GapuraFormats
import Testing

@testable import GapuraStore

/// Migration 5 on a database that has lived, and its queries on both engines.
@Suite("Old accounts: store")
struct LegacyStoreTests {
    private static let now = Timestamp(seconds: 1_795_566_600)

    /// An application with a client, and two accounts, as version 1 kept them.
    private static func fill(_ tx: Transaction) throws -> (application: ApplicationID, accounts: [AccountID]) {
        let application = ApplicationRecord(
            id: .make(now: now), slug: "simpeg", name: "SIMPEG", state: .aktif, createdAt: now, updatedAt: now)
        try tx.applications.insert(application)
        try tx.run(
            """
            INSERT INTO clients (id, application_id, state, settings, created_at, updated_at)
            VALUES ('web', \(application.id), 'active', '{}', \(now), \(now))
            """)
        let accounts = [AccountID.make(now: now), AccountID.make(now: now)]
        for id in accounts {
            try tx.run(
                """
                INSERT INTO accounts (id, sub, email_verified, state, state_by, role, created_at, updated_at)
                VALUES (\(id), \(UUIDText.version4()), 0, 'aktif', 'personnel', 'none', \(now), \(now))
                """)
        }
        return (application.id, accounts)
    }

    private static func local(_ id: String, _ application: ApplicationID, _ account: AccountID?) -> LegacyAccount {
        LegacyAccount(
            applicationID: application, localID: id, userName: "u\(id)", nip: nil, email: nil, accountID: account,
            matchedBy: account == nil ? nil : .nip, state: account == nil ? .queued : .matched, reason: nil,
            fileDigest: "d", importedAt: now)
    }

    private static func password(
        _ id: String, _ application: ApplicationID, _ account: AccountID?, cost: Int64 = 0, work: Int64 = 0,
        at moment: Timestamp = now
    ) -> LegacyPassword {
        LegacyPassword(
            applicationID: application, localID: id, accountID: account, scheme: "md5", parameter: "",
            hash: "hash \(id)", cost: cost, work: work, importedAt: moment, expiresAt: moment.adding(seconds: 60))
    }

    @Test("from version 1 with rows in it: what was there stays, and takes old accounts", arguments: engines)
    func fromFirst(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let old = try await Store.open(location, migrations: Array(Migrations.all.prefix(1)))
        let (application, accounts) = try await old.write { try Self.fill($0) }
        await old.close()
        let store = try await Store.open(location)
        #expect(try await store.count("SELECT COUNT(*) FROM accounts") == 2)
        #expect(
            try await store.count("SELECT COUNT(*) FROM schema_migrations WHERE version = 5 AND name = 'legacy'") == 1)
        try await store.write { tx in
            try tx.legacy.put([Self.local("1", application, accounts[0]), Self.local("2", application, nil)])
            try tx.legacy.put([Self.local("1", application, accounts[0])])
            try tx.legacy.insert([Self.password("1", application, accounts[0])])
        }
        let (found, client, other, queue, counts) = try await store.read { tx in
            (
                try tx.legacy.find("1", of: application), try tx.legacy.localID(of: accounts[0], for: ClientID("web")),
                try tx.legacy.localID(of: accounts[1], for: ClientID("web")),
                try tx.legacy.listQueue(of: nil, limit: 10).map(\.localID), try tx.legacy.counts()
            )
        }
        #expect(found == Self.local("1", application, accounts[0]))
        #expect(client == "1" && other == nil && queue == ["2"])
        #expect(
            counts == [
                LegacyCount(applicationID: application, state: .matched, accounts: 1, passwords: 1),
                LegacyCount(applicationID: application, state: .queued, accounts: 1, passwords: 0),
            ])
        await store.close()
    }

    @Test("attack 332: one account has one local id in an application, whoever says otherwise", arguments: engines)
    func oneLocalID(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let (application, accounts) = try await store.write { try Self.fill($0) }
        try await store.write { try $0.legacy.put([Self.local("1", application, accounts[0])]) }
        await expectFailure(.constraint(.unique)) {
            try await store.write { try $0.legacy.put([Self.local("2", application, accounts[0])]) }
        }
        #expect(try await store.count("SELECT COUNT(*) FROM legacy_accounts") == 1)
        await store.close()
    }

    @Test("the newest passwords come first, the heaviest is everybody's, and one is spent once", arguments: engines)
    func passwords(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let (application, accounts) = try await store.write { try Self.fill($0) }
        #expect(try await store.read { try $0.legacy.heaviest() == nil })
        let later = Self.now.adding(seconds: 5)
        let other = try await store.write { tx in
            let other = ApplicationRecord(
                id: .make(now: Self.now), slug: "lain", name: "L", state: .aktif, createdAt: Self.now,
                updatedAt: Self.now)
            try tx.applications.insert(other)
            try tx.legacy.put([
                Self.local("1", application, accounts[0]), Self.local("2", application, accounts[1]),
                Self.local("9", other.id, accounts[0]),
            ])
            try tx.legacy.insert([
                Self.password("1", application, accounts[0], cost: 5),
                Self.password("2", application, accounts[1], cost: 10, work: 7),
                Self.password("9", other.id, accounts[0], at: later),
            ])
            return other.id
        }
        let (heaviest, newest, none) = try await store.read { tx in
            (
                try tx.legacy.heaviest().map { [$0.cost, $0.work] },
                try tx.legacy.passwords(of: accounts[0], at: later, limit: 2).map(\.localID),
                try tx.legacy.passwords(of: accounts[0], at: later.adding(seconds: 60), limit: 2)
            )
        }
        #expect(heaviest == [10, 7] && newest == ["9", "1"] && none.isEmpty)
        let spent = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await store.write {
                        try $0.legacy.consume(Self.password("1", application, nil), of: accounts[0], at: later)
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(spent == 1)
        #expect(try await store.count("SELECT COUNT(*) FROM legacy_accounts WHERE used_at IS NOT NULL") == 1)
        let (foreign, late) = try await store.write { tx in
            (
                try tx.legacy.consume(Self.password("2", application, nil), of: accounts[0], at: later),
                try tx.legacy.consume(
                    Self.password("2", application, nil), of: accounts[1], at: later.adding(seconds: 60))
            )
        }
        #expect(!foreign && !late)
        try await store.write { tx in
            try tx.legacy.deletePasswords(["2", "3"], of: application)
            #expect(try tx.legacy.deletePasswords(of: other) == 1)
        }
        #expect(try await store.count("SELECT COUNT(*) FROM legacy_passwords") == 0)
        await store.close()
    }
}
