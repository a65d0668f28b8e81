import GapuraFormats
import Testing

@testable import GapuraStore

/// Migration 4, on a database that has lived, and what its indexes are for.
@Suite("Grants: schema")
struct GrantMigrationTests {
    private static let now = Timestamp(seconds: 1_795_566_600)

    /// A unit, a person with a post in it, an account and an application, as version 1 kept them.
    private static func fill(_ tx: Transaction) throws -> (account: Account, application: ApplicationRecord) {
        let unitID = UnitID.make(now: now)
        try tx.run(
            """
            INSERT INTO units (id, source_id, name, path, valid_from) VALUES (\(unitID), 'U1', 'Bagian Hukum', \(unitID.text + "/"), \(now))
            """
        )
        let personID = PersonID.make(now: now)
        try tx.run(
            """
            INSERT INTO people (id, pns_id, name, employee_kind, post_id, post_name, unit_id, works_here, needs_review, created_at, updated_at)
            VALUES (\(personID), 'P1', 'Ujang', 'PNS', 'J1', 'Kepala Bagian', \(unitID), 1, 0, \(now), \(now))
            """
        )
        let account = Account(
            id: .make(now: now), personID: personID, sub: UUIDText.version4(), state: .aktif, stateBy: .personnel,
            createdAt: now, updatedAt: now)
        try tx.run(
            """
            INSERT INTO accounts (id, person_id, sub, email_verified, state, state_by, role, created_at, updated_at)
            VALUES (\(account.id), \(personID), \(account.sub), 0, 'aktif', 'personnel', 'none', \(now), \(now))
            """
        )
        let application = ApplicationRecord(
            id: .make(now: now), slug: "simpeg", name: "SIMPEG", state: .aktif, createdAt: now, updatedAt: now)
        try tx.applications.insert(application)
        return (account, application)
    }

    @Test("from version 1 with rows in it: what was there stays, and takes grants", arguments: engines)
    func fromFirst(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let old = try await Store.open(location, migrations: Array(Migrations.all.prefix(1)))
        let (account, application) = try await old.write { try Self.fill($0) }
        await old.close()
        let store = try await Store.open(location)
        #expect(try await store.count("SELECT COUNT(*) FROM people") == 1)
        #expect(try await store.count("SELECT COUNT(*) FROM schema_migrations WHERE version = 4") == 1)
        let held = try await store.write { tx in
            for (name, subject) in [
                ("akun", GrantSubject(.account, account.id.text)), ("jabatan", GrantSubject(.post, "J1")),
                ("jenis", GrantSubject(.kind, "PNS")), ("lain", GrantSubject(.kind, "PPPK")),
            ] {
                try tx.grants.insert(
                    ApplicationRole(
                        applicationID: application.id, name: name, description: nil, createdAt: Self.now))
                try tx.grants.insert(
                    RoleGrant(
                        id: .make(now: Self.now), applicationID: application.id, role: name, subject: subject,
                        validFrom: Self.now, letterNumber: "1", givenBy: "system", givenAt: Self.now))
            }
            return try tx.grants.roles(of: tx.grants.holder(account, at: Self.now), at: Self.now).map(\.grant.role)
        }
        #expect(held == ["akun", "jabatan", "jenis"])
        await store.close()
    }

    @Test("a grant of a role that the application does not have is no row", arguments: engines)
    func foreignKey(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let application = try await store.write { try Self.fill($0).application }
        await expectFailure(.constraint(.foreignKey)) {
            try await store.write { tx in
                try tx.grants.insert(
                    RoleGrant(
                        id: .make(now: Self.now), applicationID: application.id, role: "tidak-ada",
                        subject: GrantSubject(.kind, "PNS"), validFrom: Self.now, letterNumber: "1",
                        givenBy: "system", givenAt: Self.now))
            }
        }
        await store.close()
    }

    @Test("what one person holds is looked up by the index of subjects")
    func indexed() async throws {
        let store = try await Store.open(.sqliteMemory)
        let plan = try await store.write { tx in
            let (account, application) = try Self.fill(tx)
            try tx.grants.insert(
                ApplicationRole(applicationID: application.id, name: "a", description: nil, createdAt: Self.now))
            var holder = try tx.grants.holder(account, at: Self.now)
            holder.appointed = [.init(postKey: "kepala dinas", unitIDs: holder.unitIDs)]
            return try tx.rows("EXPLAIN QUERY PLAN \(fragment: GrantQueries.held(by: holder, at: Self.now))")
                .map { try $0.text(3) }
        }
        #expect(plan.contains { $0.contains("grants USING INDEX grants_subject") }, "\(plan)")
        #expect(plan.contains { $0.contains("grants USING INDEX grants_post_key") }, "\(plan)")
        #expect(!plan.contains { $0.contains("SCAN grants") }, "\(plan)")
        await store.close()
    }
}
