import GapuraFormats
import GapuraStore
import GapuraTabular
import Testing

@testable import GapuraDirectory

/// Loads of some people: nothing is said of the others.
@Suite("Personnel: partial loads")
struct PersonnelPartialTests {
    typealias City = PersonnelTestCity
    let second = City.now.adding(seconds: 86_400)
    let third = City.now.adding(seconds: 2 * 86_400)
    let fourth = City.now.adding(seconds: 3 * 86_400)

    /// Only these rows of a city.
    func some(_ city: City, _ indices: [Int]) -> City {
        var part = city
        part.people = indices.map { city.people[$0] }
        return part
    }

    func plan(_ part: City, _ run: PersonnelRun, at now: Timestamp) async throws -> PersonnelPlan {
        try await run.plan(people: part.peopleFile, units: nil, now: now, coverage: .listed)
    }

    @discardableResult
    func load(_ part: City, _ run: PersonnelRun, at now: Timestamp, confirmed: Int? = nil) async throws -> LoadID {
        let outcome = try await run.apply(
            try await plan(part, run, at: now), confirmed: confirmed, by: .command(user: "test"), now: now)
        guard case .applied(let id) = outcome else { throw StoreError(.other, "not applied") }
        return id
    }

    /// A month in which something of everything happens to the first rows.
    func changed(_ city: City) -> City {
        var city = city
        city.changeFirst()
        city.people[8]["tmt_pensiun"] = "01-10-2026"
        city.people[9]["unor_id"] = "TIDAK-ADA"
        city.people[10]["instansi_kerja_id"] = "9999"
        city.people[11]["kedudukan_hukum_id"] = "'444"
        city.people.append(city.person(900))
        return city
    }

    @Test(
        "of whoever is in it, a partial load says what the file of everybody says, and of nobody else anything",
        arguments: [Engine.sqlite, .postgres])
    func samePlan(_ engine: Engine) async throws {
        let city = City()
        let (store, run) = try await city.loaded(on: engine)
        let changed = changed(city)
        let whole = try await run.plan(people: changed.peopleFile, units: nil, now: second)
        func changes(_ plan: PersonnelPlan, of rows: [[String: String]]) -> [PersonnelChange] {
            let ids = Set(rows.compactMap { $0["pns_id"] })
            return plan.changes(.none).filter { ids.contains($0.pnsID ?? "") }.map { change in
                var change = change
                change.row = nil
                return change
            }
        }
        let indices = [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 300]
        let part = some(changed, indices)
        let plan = try await self.plan(part, run, at: second)
        #expect(changes(plan, of: part.people) == changes(whole, of: part.people))
        #expect(plan.changes(.none).count == 12)
        #expect(plan.vanished == [])
        #expect(plan.counts.missing == 0)
        #expect(plan.counts.unchanged == 1)
        #expect(plan.unknownCodes == whole.unknownCodes)
        // Alone too, whoever does not swap a number.
        for index in [0, 1, 2, 6, 7, 8, 9, 10, 11, 12, 300] {
            let one = some(changed, [index])
            let plan = try await self.plan(one, run, at: second)
            #expect(changes(plan, of: one.people) == changes(whole, of: one.people), "\(index)")
            #expect(
                plan.warnings.map(\.reason)
                    == whole.warnings.filter { $0.pnsID == one.people[0]["pns_id"] }.map(\.reason))
        }
        await store.close()
    }

    @Test(
        "adds, moves and retires without a unit file; nobody is missing, and it is taken back like any load",
        arguments: [Engine.sqlite, .postgres])
    func applied(_ engine: Engine) async throws {
        let city = City()
        let (store, run) = try await city.loaded(on: engine)
        let id = try await load(some(changed(city), [0, 6, 7, 300]), run, at: second)
        #expect(try await City.known(store, city.people[6]).account.state == .nonaktif)
        #expect(try await City.known(store, city.people[7]).account.state == .ditangguhkan)
        #expect(try await City.known(store, city.person(900)).account.state == .aktif)
        let unit = try await City.known(store, city.people[0]).person.unitID
        let (expected, waiting, record) = try await store.read { tx in
            var waiting = 0
            try tx.schedule.eachOpen { _ in waiting += 1 }
            return (try tx.units.find(sourceID: "A5S2")?.id, waiting, try tx.loads.find(id))
        }
        #expect(unit == expected)
        #expect(waiting == 0)
        let counts = try StrictJSON.parse(Array((record?.counts ?? "").utf8))
        #expect(counts["coverage"]?.string == "listed")
        #expect(counts["rows"]?.integer == 4)
        #expect(counts["vanished"]?.integer == 0)
        #expect(record?.unitsDigest == nil)
        #expect(try await store.read { try $0.people.count() } == 301)

        let report = try await PersonnelUndo(store: store, options: City.options)
            .run(id, by: .command(user: "test"), now: third)
        #expect(report.left == [])
        #expect(report.disabled == 1)
        #expect(try await City.known(store, city.people[6]).account.state == .aktif)
        #expect(try await City.known(store, city.people[7]).account.state == .aktif)
        #expect(try await City.known(store, city.people[0]).person.unitID != expected)
        #expect(try await store.read { try AuditChain.firstBreak(in: $0) } == nil)
        await store.close()
    }

    @Test(
        "an absence that waits stays for whoever is not in it, and ends for whoever is",
        arguments: [Engine.sqlite, .postgres])
    func absence(_ engine: Engine) async throws {
        let city = City()
        let (store, run) = try await city.loaded(on: engine)
        var shorter = city
        shorter.people.removeLast(2)
        let plan = try await run.plan(people: shorter.peopleFile, units: nil, now: second)
        #expect(plan.counts.vanished == 2)
        _ = try await run.apply(plan, by: .command(user: "test"), now: second)

        let back = try await self.plan(some(city, [0, 299]), run, at: third)
        #expect(back.counts.returned == 1)
        #expect(back.counts.missing == 0)
        try await load(some(city, [0, 299]), run, at: third)
        let open = try await store.read { tx in
            var open: [PersonID] = []
            try tx.schedule.eachOpen { open.append($0.personID) }
            return open
        }
        #expect(open == [try await City.known(store, city.people[298]).person.id])
        await store.close()
    }

    @Test("what is read of the directory are the people and units of the rows, not the city")
    func cost() async throws {
        let city = City(people: 2000)
        let (store, _) = try await city.loaded()
        let now = second
        let record = try #require(
            try {
                var intake = PersonnelIntake(allowsFixtureYears: true)
                var row = city.people[7]
                // Another person's number: whose it is has to be known.
                row["nip_baru"] = city.people[1]["nip_baru"]
                let file = PersonnelFile(name: "a.csv", bytes: City.csv(City.columns, [row]))
                _ = try file.readPeople(withNIK: false, NeverStops()) { try intake.read($0) }
                return intake.records.first
            }())
        let snapshot = try await store.read { tx in
            try DirectorySnapshot(tx, concerning: [record], unitIDs: nil, now: now)
        }
        #expect(snapshot.people.map(\.person.pnsID) == [city.people[7]["pns_id"]])
        #expect(snapshot.people[0].numbers.count == 1)
        #expect(snapshot.owner(of: record.nip.number) == (try await City.known(store, city.people[1]).person.id))
        #expect(snapshot.units.map(\.sourceID) == [city.people[7]["unor_id"]])
        #expect(snapshot.activeAccounts == 2000)
        await store.close()
    }

    @Test("attack 272: a number of somebody who is not in it is refused, and two who swap theirs must both be in it")
    func foreignNumber() async throws {
        let city = City()
        let (store, run) = try await city.loaded()
        let changed = changed(city)
        let alone = try await plan(some(changed, [3]), run, at: second)
        #expect(alone.rejected.map(\.reason) == [.duplicateNIP])
        #expect(alone.counts.changed == 0)
        let both = try await plan(some(changed, [3, 5]), run, at: second)
        #expect(both.rejected == [])
        #expect(both.counts.renumbered == 2)
        try await load(some(changed, [3, 5]), run, at: second)
        await store.close()
    }

    @Test("attack 275: the same rows again change nothing; a file of everybody with these rows is another load")
    func twice() async throws {
        let city = City(people: 40)
        let (store, run) = try await city.loaded()
        var part = some(city, [0, 1])
        part.people[0]["nama"] = "Nama Baru"
        try await load(part, run, at: second)
        let again = try await plan(part, run, at: third)
        #expect(!again.isRepeated)
        #expect(again.counts.unchanged == 2)
        #expect(again.counts.changed == 0)
        try await load(part, run, at: third)
        // As a file of everybody it is not "done already": 38 people are missing in it.
        let whole = try await run.plan(people: part.peopleFile, units: nil, now: fourth)
        #expect(!whole.isRepeated)
        #expect(whole.stop?.accounts == 38)
        // And of two partial plans made at once, the second is refused.
        let first = try await plan(some(city, [0]), run, at: fourth)
        let late = try await plan(some(city, [1]), run, at: fourth)
        _ = try await run.apply(first, by: .command(user: "test"), now: fourth)
        await #expect(throws: PersonnelRefusal.outdated) {
            try await run.apply(late, by: .command(user: "test"), now: fourth)
        }
        await store.close()
    }

    @Test("attack 274: retiring too many stops as well, with the number to repeat")
    func stop() async throws {
        let city = City(people: 40)
        let (store, run) = try await city.loaded()
        var part = some(city, [0, 1, 2])
        for index in part.people.indices { part.people[index]["kedudukan_hukum_id"] = "'88" }
        let stop = PersonnelPlan.Stop(accounts: 3, activeAccounts: 40)
        await #expect(throws: PersonnelRefusal.mustConfirm(stop)) { try await load(part, run, at: second) }
        #expect(try await City.known(store, city.people[0]).account.state == .aktif)
        try await load(part, run, at: second, confirmed: 3)
        #expect(try await City.known(store, city.people[0]).account.state == .nonaktif)
        await store.close()
    }

    @Test("the last superadmin keeps the account, and what an admin decided stays")
    func superadmin() async throws {
        let city = City(people: 40)
        let (store, run) = try await city.loaded()
        var admin = try await City.known(store, city.people[0]).account
        admin.role = .superadmin
        let other = try await City.known(store, city.people[1]).account
        let second = second
        try await store.write { [admin] tx in
            try tx.accounts.update(admin)
            try AccountDirectory(tx, by: .command(user: "admin"), at: second).setState(other, .ditangguhkan)
        }
        var part = some(city, [0, 1])
        part.people[0]["kedudukan_hukum_id"] = "'88"
        let plan = try await self.plan(part, run, at: third)
        #expect(plan.warnings.map(\.reason) == [.lastSuperadmin])
        try await load(part, run, at: third)
        #expect(try await City.known(store, city.people[0]).account.state == .aktif)
        #expect(try await City.known(store, city.people[1]).account.state == .ditangguhkan)
        await store.close()
    }

    @Test("more rows than a partial load may have are refused before the directory is read; no rows are no people")
    func limits() async throws {
        let rows = (0...PersonnelCoverage.maximumListedRows).map { [PersonnelColumn.pnsID: TabularCell.text("P\($0)")] }
        let (store, run) = try await City(people: 40).loaded()
        let second = second
        func plan(_ rows: [[PersonnelColumn: TabularCell]]) async throws -> PersonnelPlan {
            try await run.plan(
                people: PersonnelRowsOrigin(name: "uji", source: "test", rows: rows), units: nil, now: second,
                coverage: .listed)
        }
        await #expect(throws: PersonnelRefusal.tooManyRows(10_000)) { try await plan(rows) }
        let most = try await plan(rows.dropLast())
        #expect(most.rejected.count == 10_000)
        let none = try await plan([])
        #expect(none.counts == PersonnelPlan.Counts())
        #expect(none.stop == nil)
        await store.close()
    }

    @Test("in a city that never had a unit file it has to be told which government is ours")
    func governmentUnknown() async throws {
        let store = try await Store.open(.sqliteMemory)
        let part = some(City(), [0])
        await #expect(throws: PersonnelRefusal.governmentUnknown) {
            try await self.plan(part, PersonnelRun(store: store, options: City.options), at: second)
        }
        var options = City.options
        options.governmentIDs = ["8811"]
        let plan = try await self.plan(part, PersonnelRun(store: store, options: options), at: second)
        #expect(plan.counts.new == 1)
        #expect(plan.warnings.map(\.reason) == [.unitUnknown])
        await store.close()
    }

    @Test(
        "NIKs of the rows are taken, and one that is somebody else's stays there",
        arguments: [Engine.sqlite, .postgres])
    func identities(_ engine: Engine) async throws {
        let vault = IdentityVault(
            sealing: [UInt8](repeating: 7, count: 31) + [1], finding: [UInt8](repeating: 9, count: 31) + [2])
        let city = City(people: 40)
        let (store, _) = try await city.loaded(on: engine)
        var options = City.options
        options.identities = vault
        let run = PersonnelRun(store: store, options: options)
        var part = some(city, [0, 1])
        part.people[0]["nik"] = "9999990101600001"
        part.people[1]["nik"] = "9999990101600002"
        try await load(part, run, at: second)
        // Somebody who is not in the first load claims the number of somebody who is not in the second one.
        var other = some(city, [2, 3])
        other.people[0]["nik"] = "9999990101600001"
        other.people[1]["nik"] = "9999990101600003"
        try await load(other, run, at: third)
        func owners(_ digits: String) async throws -> [PersonID] {
            let lookup = try vault.lookup(try #require(try NIK.parse(digits)))
            return try await store.read { try $0.identities.find(lookup: lookup).map(\.personID) }
        }
        for (digits, index) in [("9999990101600001", 0), ("9999990101600002", 1), ("9999990101600003", 3)] {
            #expect(try await owners(digits) == [try await City.known(store, city.people[index]).person.id])
        }
        await store.close()
    }

    @Test("rows in memory: only the columns that are wanted, counted from one, with a digest of their own")
    func rows() throws {
        func origin(_ name: String) -> PersonnelRowsOrigin {
            PersonnelRowsOrigin(
                name: "uji", source: "push",
                rows: [[.pnsID: .text("A"), .nik: .text("1")], [.pnsID: .text("B"), .name: .text(name)]])
        }
        func read(_ origin: PersonnelRowsOrigin, withNIK: Bool) throws -> (rows: [PersonnelRow], digest: String) {
            var rows: [PersonnelRow] = []
            let digest = try origin.readPeople(withNIK: withNIK, NeverStops()) { source in
                #expect(source.name == "push")
                try source.read { rows.append($0) }
            }
            return (rows, digest)
        }
        let plain = try read(origin("X"), withNIK: false)
        #expect(plain.rows.map(\.number) == [1, 2])
        #expect(plain.rows.map { $0[.pnsID] } == [.text("A"), .text("B")])
        #expect(plain.rows[0][.nik] == .empty)
        #expect(try read(origin("X"), withNIK: true).rows[0][.nik] == .text("1"))
        #expect(try read(origin("X"), withNIK: false).digest == plain.digest)
        #expect(try read(origin("Y"), withNIK: false).digest != plain.digest)
        #expect(plain.digest.utf8.count == 43)
    }
}

/// Nobody who waits goes.
private struct NeverStops: PersonnelStop {
    func check() throws {}
    func onStop(_ body: @escaping @Sendable () -> Void) {}
}
