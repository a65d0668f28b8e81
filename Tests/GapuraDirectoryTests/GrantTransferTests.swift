import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// What a load of personnel data does to grants: shown before, done with it, taken back with it.
@Suite("Grants: personnel loads")
struct GrantTransferTests {
    typealias City = PersonnelTestCity
    private let second = City.now.adding(seconds: 86_400)
    private let third = City.now.adding(seconds: 2 * 86_400)

    /// Gives a role in a unit to the person of a row, by the ids of the sources.
    private func give(_ role: String, to row: [String: String], in unit: String, _ store: Store) async throws {
        let (pnsID, now) = (row["pns_id"] ?? "", City.now)
        try await store.write { tx in
            let application =
                try tx.applications.find(slug: "uji")
                ?? ApplicationRecord(
                    id: .make(now: now), slug: "uji", name: "Uji", state: .aktif, createdAt: now, updatedAt: now)
            if try tx.applications.find(slug: "uji") == nil { try tx.applications.insert(application) }
            let directory = GrantDirectory(tx, by: .system, at: now)
            _ = try directory.addRole(role, description: nil, to: application)
            let person = try #require(try tx.people.find(pnsID: pnsID))
            let account = try #require(try tx.accounts.find(personID: person.id))
            let wish = GrantDirectory.Wish(
                role: QualifiedRole(application.id, role), subject: GrantSubject(.account, account.id.text),
                unitID: try #require(try tx.units.find(sourceID: unit)).id, letterNumber: "1")
            #expect(try directory.give(wish, today: now).isNew)
        }
    }

    private func roles(_ row: [String: String], _ store: Store, at now: Timestamp) async throws -> [String] {
        let pnsID = row["pns_id"] ?? ""
        return try await store.read { tx in
            let person = try #require(try tx.people.find(pnsID: pnsID))
            let account = try #require(try tx.accounts.find(personID: person.id))
            return try GrantPolicy.roles(of: account, in: tx, at: now).map(\.grant.role)
        }
    }

    private func apply(_ city: City, _ run: PersonnelRun, units: Bool = false, at now: Timestamp) async throws
        -> (holdings: AccountHoldings, plan: PersonnelPlan, load: LoadID)
    {
        let plan = try await run.plan(people: city.peopleFile, units: units ? city.unitFile : nil, now: now)
        let holdings = try await run.holdings(plan, now: now)
        guard case .applied(let load) = try await run.apply(plan, by: .command(user: "test"), now: now) else {
            throw StoreError(.other, "not applied")
        }
        return (holdings, plan, load)
    }

    private func ended(_ store: Store) async throws -> [AuditRecord] {
        try await store.read {
            try $0.audit.list(before: .max, event: AuditEvent.grantEnded.rawValue, subject: nil, limit: 100)
        }
    }

    @Test(
        "a transfer ends the old unit's grants in the load that moves the person, the preview lists them, undo brings them back"
    )
    func transfer() async throws {
        let before = City()
        let (store, run) = try await before.loaded()
        // Row 1 works in a section of the first agency, row 5 in one of the second; row 2 stays.
        #expect(before.people[1]["unor_id"] == "A0S0")
        try await give("seksi", to: before.people[1], in: "A0S0", store)
        try await give("dinas", to: before.people[1], in: "A0", store)
        try await give("kota", to: before.people[1], in: "ROOT", store)
        try await give("dinas", to: before.people[2], in: "A0", store)
        var after = before
        after.people[1]["unor_id"] = "A3"
        after.people[7]["nama"] = "Nama Baru"

        let (holdings, plan, load) = try await apply(after, run, at: second)
        #expect(Set(holdings.grants.map(\.role)) == ["seksi", "dinas"])
        let changes = plan.changes(holdings)
        #expect(changes.filter { $0.grants > 0 }.map(\.pnsID) == [before.people[1]["pns_id"]])
        #expect(changes.first { $0.grants > 0 }?.grants == 2)
        #expect(try await roles(before.people[1], store, at: second) == ["kota"])
        #expect(try await roles(before.people[2], store, at: second) == ["dinas"])
        let audit = try await ended(store)
        #expect(audit.count == 2)
        #expect(audit.allSatisfy { $0.detail.contains(load.text) && $0.detail.contains("\"transfer\"") })

        _ = try await PersonnelUndo(store: store, options: City.options)
            .run(load, by: .command(user: "test"), now: third)
        #expect(try await roles(before.people[1], store, at: third) == ["dinas", "kota", "seksi"])
        #expect(try await store.read { try AuditChain.firstBreak(in: $0) } == nil)
        await store.close()
    }

    @Test("who only moves on below the unit keeps the grant, and who comes back later gets nothing back")
    func within() async throws {
        let before = City()
        let (store, run) = try await before.loaded()
        try await give("dinas", to: before.people[1], in: "A0", store)
        var after = before
        after.people[1]["unor_id"] = "A0S2"
        let (holdings, _, _) = try await apply(after, run, at: second)
        #expect(holdings.grants.isEmpty)
        #expect(try await roles(before.people[1], store, at: second) == ["dinas"])
        after.people[1]["unor_id"] = "A2"
        #expect(try await apply(after, run, at: third).holdings.grants.count == 1)
        let fourth = third.adding(seconds: 86_400)
        #expect(try await apply(before, run, at: fourth).holdings.grants.isEmpty)
        #expect(try await roles(before.people[1], store, at: fourth) == [])
        await store.close()
    }

    @Test("a section that goes to another agency takes its people out of the old one's grants; the preview knows")
    func reorganised() async throws {
        let before = City()
        let (store, run) = try await before.loaded()
        try await give("dinas", to: before.people[1], in: "A0", store)
        try await give("seksi", to: before.people[1], in: "A0S0", store)
        var after = before
        let place = try #require(after.units.firstIndex { $0.id == "A0S0" })
        after.units[place].parent = "A4"
        let (holdings, _, _) = try await apply(after, run, units: true, at: second)
        #expect(holdings.grants.map(\.role) == ["dinas"])
        #expect(try await roles(before.people[1], store, at: second) == ["seksi"])
        #expect(try await ended(store).count == 1)
        await store.close()
    }

    @Test("a load that moves nobody asks nothing of grants")
    func nobody() async throws {
        let before = City()
        let (store, run) = try await before.loaded()
        try await give("dinas", to: before.people[1], in: "A0", store)
        var after = before
        after.people[1]["nama"] = "Nama Baru"
        let (holdings, plan, _) = try await apply(after, run, at: second)
        #expect(!plan.mayEndGrants)
        #expect(holdings.grants.isEmpty)
        #expect(try await ended(store).isEmpty)
        await store.close()
    }
}
