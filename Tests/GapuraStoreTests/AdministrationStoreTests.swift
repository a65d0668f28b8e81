import GapuraFormats
import Testing

@testable import GapuraStore

/// Migration 9: names that are searched, roles of a subtree, where an account belongs.
@Suite("Administration: schema and store")
struct AdministrationStoreTests {
    private static let now = Timestamp(seconds: 1_795_566_600)

    @Test(
        "from version 1 with rows in it: names are found in lower case, and nobody has a role in a unit",
        arguments: engines)
    func fromFirst(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let location = try newLocation(engine, folder)
        let old = try await Store.open(location, migrations: Array(Migrations.all.prefix(1)))
        let people = ["SITI Aminah", "Émile"].map { name in
            Person(
                id: .make(now: Self.now), pnsID: "P-\(name)", name: name, employeeKind: .pns, createdAt: Self.now,
                updatedAt: Self.now)
        }
        let account = Account(
            id: .make(now: Self.now), personID: people[0].id, sub: UUIDText.version4(), state: .aktif,
            stateBy: .personnel, createdAt: Self.now, updatedAt: Self.now)
        try await old.write { tx in
            for person in people { try FirstSchema.insert(person, tx) }
            try FirstSchema.insert(account, tx)
        }
        await old.close()
        let store = try await Store.open(location)
        let keys = try await store.read { tx in
            try tx.rows("SELECT name_key FROM people ORDER BY name_key").map { try $0.text(0) }
        }
        #expect(keys == people.map { nameKey($0.name) }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        #expect(try await store.read { try $0.accounts.find(account.id) } == account)
        await store.close()
    }

    @Test("an account belongs where its person works, or else where whoever answers for it does", arguments: engines)
    func home(_ engine: Engine) async throws {
        let folder = TemporaryFolder()
        let store = try await Store.open(try newLocation(engine, folder))
        let unitID = UnitID.make(now: Self.now)
        let unit = Unit(
            id: unitID, sourceID: "U1", parentID: nil, agencyID: unitID, name: "Dinas", postName: nil, kind: "OPD",
            echelon: nil, path: "\(unitID.text)/", headPNSID: nil, validFrom: Self.now)
        var person = Person(
            id: .make(now: Self.now), pnsID: "P1", name: "Siti", employeeKind: .pns, createdAt: Self.now,
            updatedAt: Self.now)
        person.unitID = unitID
        let own = Account(
            id: .make(now: Self.now), personID: person.id, sub: UUIDText.version4(), state: .aktif,
            stateBy: .personnel, role: .agencyAdmin, roleUnitID: unitID, createdAt: Self.now, updatedAt: Self.now)
        let sponsored = Account(
            id: .make(now: Self.now), sub: UUIDText.version4(), userName: "vendor", state: .aktif, stateBy: .admin,
            sponsorID: own.id, createdAt: Self.now, updatedAt: Self.now)
        let alone = Account(
            id: .make(now: Self.now), sub: UUIDText.version4(), userName: "sendiri", state: .aktif, stateBy: .admin,
            createdAt: Self.now, updatedAt: Self.now)
        try await store.write { [person] tx in
            try tx.units.insert(unit)
            try tx.people.insert(person)
            try tx.accounts.insert([own, sponsored, alone])
        }
        let paths = try await store.read { tx in
            try [own.id, sponsored.id, alone.id, .make(now: Self.now)].map(tx.accounts.homePath)
        }
        #expect(paths == [unit.path, unit.path, nil, nil])
        #expect(try await store.read { try $0.accounts.find(own.id)?.roleUnitID } == unitID)
        await store.close()
    }
}
