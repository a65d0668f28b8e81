import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// A load taken back: everything as it was, but for what something newer touched.
@Suite("Personnel: undo")
struct PersonnelUndoTests {
    typealias City = PersonnelTestCity
    let second = City.now.adding(seconds: 86_400)
    let third = City.now.adding(seconds: 2 * 86_400)
    let fourth = City.now.adding(seconds: 3 * 86_400)

    func load(
        _ city: City, _ run: PersonnelRun, at now: Timestamp, units: Bool = false, confirmed: Int? = nil
    ) async throws -> LoadID {
        let plan = try await run.plan(people: city.peopleFile, units: units ? city.unitFile : nil, now: now)
        let outcome = try await run.apply(plan, confirmed: confirmed, by: .command(user: "test"), now: now)
        guard case .applied(let id) = outcome else { throw StoreError(.other, "not applied") }
        return id
    }

    func undo(_ store: Store, _ id: LoadID, at now: Timestamp, confirmed: Int? = nil) async throws -> UndoReport {
        try await PersonnelUndo(store: store, options: City.options)
            .run(id, confirmed: confirmed, by: .command(user: "test"), now: now)
    }

    /// A second month in which something of everything happens.
    func changed(_ city: City) -> City {
        var city = city
        city.changeFirst()
        city.people.removeLast()
        city.people.append(city.person(900))
        city.units[1].name = "Dinas Baru"
        city.units.append((id: "A9", parent: "ROOT", name: "Dinas Tambahan"))
        return city
    }

    /// Everything that a load may change, without the moments at which rows were written.
    func picture(_ store: Store) async throws -> [String] {
        try await store.read { tx in
            var lines: [String] = []
            try tx.people.each { person in
                lines.append("\(person.id) \(person.values.map { $0.value.encodedText() })")
                for alias in try tx.people.aliases(of: person.id) where alias.validTo == nil {
                    lines.append("\(person.id) \(alias.kind.rawValue) \(alias.value)")
                }
            }
            try tx.accounts.each { lines.append("\($0.id) \($0.state.rawValue) \($0.stateBy.rawValue)") }
            for unit in try tx.units.list() { lines.append("\(unit.id) \(unit.values.map { $0.value.encodedText() })") }
            try tx.schedule.eachOpen { lines.append("\($0.personID) \($0.kind.rawValue) \($0.state.rawValue)") }
            return lines.sorted()
        }
    }

    @Test(
        "a unit that a list of units leaves out goes along with the unit above it, and back with the undo",
        arguments: [Engine.sqlite, .postgres])
    func leftOutUnits(_ engine: Engine) async throws {
        var city = City()
        let (store, run) = try await city.loaded(on: engine)
        func unit(_ id: String) async throws -> Unit {
            try #require(try await store.read { try $0.units.find(sourceID: id) })
        }
        let (child, top, other) = (try await unit("A1S1"), try await unit("A1"), try await unit("A2"))
        #expect(child.path == top.path + child.id.text + "/" && child.agencyID == top.id)
        // A1 comes below A2, and the list does not have its section any more.
        city.units.removeAll { $0.id == "A1S1" }
        let place = try #require(city.units.firstIndex { $0.id == "A1" })
        city.units[place].parent = "A2"
        let load = try await load(city, run, at: second, units: true)
        let moved = try await unit("A1S1")
        #expect(moved.path == other.path + top.id.text + "/" + child.id.text + "/")
        #expect(moved.agencyID == other.id && moved.parentID == top.id && moved.validTo == nil)
        #expect(try await store.read { try $0.units.list(under: other.path).map(\.id) }.contains(child.id))
        _ = try await undo(store, load, at: third)
        #expect(try await unit("A1S1") == child)
        #expect(try await unit("A1") == top)
        await store.close()
    }

    @Test("where two admins have to agree on a number, they have to on that of an undo too")
    func secondAdmin() async throws {
        let first = City(people: 40)
        let (store, run) = try await first.loaded()
        var more = first
        for index in 100..<120 { more.people.append(more.person(index)) }
        let load = try await load(more, run, at: second)
        var options = City.options
        options.needsSecondAdmin = true
        let undo = PersonnelUndo(store: store, options: options)
        let stop = try #require(try await undo.preview(load, now: third).stop)
        func ask(_ number: Int?, _ user: String) async throws -> UndoReport {
            try await undo.run(load, confirmed: number, by: .command(user: user), now: third)
        }
        for _ in 1...2 {
            await #expect(throws: UndoRefusal.needsSecondAdmin(stop)) { try await ask(stop.accounts, "siti@a") }
        }
        // The same person on another host is the same person, and another number is another question.
        await #expect(throws: UndoRefusal.needsSecondAdmin(stop)) { try await ask(stop.accounts, "siti@b") }
        await #expect(throws: UndoRefusal.needsSecondAdmin(stop)) { try await ask(stop.accounts + 1, "budi@a") }
        #expect(try await store.read { try $0.loads.find(load)?.undoneBy } == nil)
        #expect(try await ask(stop.accounts, "budi@a").undo != nil)
        let record = try await store.read {
            try $0.audit.list(before: .max, event: "personnel.undone", subject: nil, limit: 1).first
        }
        #expect(record?.actor == "command:budi@a" && record?.detail.contains("command:siti@a") == true)
        await store.close()
    }

    @Test("what is kept of old loads goes in portions, and a load of which a part is gone is not taken back")
    func pruned() async throws {
        let city = City(people: 40)
        let (store, run) = try await city.loaded()
        let load = try await load(changed(city), run, at: second, confirmed: 3)
        let rows = try await store.read { try $0.first("SELECT COUNT(*) FROM load_changes")?.integer(0) ?? 0 }
        func purge(_ moment: Timestamp, _ limit: Int64) async throws -> Int {
            try await store.write { try $0.upkeep.deleteLoadDetails(before: moment, limit: limit) }
        }
        #expect(try await purge(City.now, 50) == 0)
        // All of the first load and one row of the second.
        let ofFirst = try await store.read { tx in
            try tx.first("SELECT COUNT(*) FROM load_changes WHERE load_id <> \(load)")?.integer(0) ?? 0
        }
        #expect(ofFirst > 10 && rows > ofFirst)
        #expect(try await purge(third, ofFirst + 1) == Int(ofFirst + 1))
        await #expect(throws: UndoRefusal.notKept) { try await undo(store, load, at: third) }
        var steps = 0
        while try await purge(third, 20) == 20 { steps += 1 }
        #expect(steps >= Int((rows - ofFirst - 1) / 20) - 1)
        #expect(try await store.read { try $0.first("SELECT COUNT(*) FROM load_changes")?.integer(0) } == 0)
        #expect(try await store.read { try $0.loads.list(limit: 9).count } == 2)
        await #expect(throws: UndoRefusal.notKept) { try await undo(store, load, at: third) }
        await store.close()
    }

    @Test(
        "people, numbers, swapped ones too, states, units and absences go back; newcomers are closed, never deleted",
        arguments: [Engine.sqlite, .postgres])
    func everything(_ engine: Engine) async throws {
        let city = City()
        let (store, run) = try await city.loaded(on: engine)
        let before = try await picture(store)
        let id = try await load(changed(city), run, at: second, units: true)
        #expect(try await picture(store) != before)
        let preview = try await PersonnelUndo(store: store, options: City.options).preview(id, now: third)
        let report = try await undo(store, id, at: third)
        #expect(report.left == [])
        #expect(report.undo != nil)
        #expect(preview.countsJSON.members.map(\.value) == report.countsJSON.members.map(\.value))
        #expect(report.people == 4)
        #expect(report.numbers == 3)
        #expect(report.accounts == 3)
        #expect(report.disabled == 1)
        #expect(report.units == 2)
        #expect(report.scheduled == 1)

        let newcomer = try await City.known(store, city.person(900))
        #expect(newcomer.account.state == .nonaktif)
        #expect(newcomer.account.stateBy == .personnel)
        #expect(newcomer.nip == nil)
        let mine = [newcomer.person.id.text, newcomer.account.id.text]
        #expect(try await picture(store).filter { line in !mine.contains { line.hasPrefix($0) } } == before)
        let third = third
        try await store.read { tx throws in
            let bin = try tx.bin.list(at: third, limit: 10)
            #expect(bin.map(\.entry.accountID) == [newcomer.account.id])
            #expect(bin.map(\.entry.until) == [third.adding(seconds: 90 * 86_400)])
            let loads = try tx.loads.list(limit: 10)
            #expect(loads.map(\.kind) == [.undo, .load, .load])
            #expect(loads[0].undoes == id)
            #expect(loads[1].undoneBy == loads[0].id)
            #expect(try tx.audit.list(before: .max, event: "personnel.undone", subject: nil, limit: 9).count == 1)
            #expect(
                try tx.audit.list(before: .max, event: "account.state_changed", subject: nil, limit: 9)
                    .filter { $0.at == third }.count == 3)
            #expect(try AuditChain.firstBreak(in: tx) == nil)
        }
        await store.close()
    }

    @Test(
        "an undo is taken back like any load, and everything stands as after the load",
        arguments: [Engine.sqlite, .postgres])
    func undone(_ engine: Engine) async throws {
        let city = City()
        let (store, run) = try await city.loaded(on: engine)
        let id = try await load(changed(city), run, at: second, units: true)
        let after = try await picture(store)
        let first = try await undo(store, id, at: third)
        let again = try await undo(store, try #require(first.undo), at: fourth)
        #expect(again.left == [])
        #expect(try await picture(store) == after)
        let load = try await store.read { try $0.loads.find(id) }
        #expect(load?.undoneBy == nil)
        await store.close()
    }

    @Test(
        "what a later load, an admin or a new owner touched stays, and the report says which and why",
        arguments: [Engine.sqlite, .postgres])
    func newer(_ engine: Engine) async throws {
        var city = changed(City())
        let (store, run) = try await City().loaded(on: engine)
        let id = try await load(city, run, at: second, units: true)
        // A later load moves one on, renames another's unit, gives a freed number away and brings somebody back.
        city.people[0]["unor_id"] = "A4S1"
        city.people[0]["nama"] = "Lain Lagi"
        city.people[6]["kedudukan_hukum_id"] = "'01"
        city.units[1].name = "Dinas Ketiga"
        let former = City().people[2]["nip_baru"]
        var owner = city.person(901)
        owner["nip_baru"] = former
        owner["tanggal_lahir"] = "null"
        owner["jenis_kelamin"] = "null"
        city.people.append(owner)
        _ = try await load(city, run, at: third, units: true)
        let seventh = try await City.known(store, city.people[7])
        let fourth = fourth
        try await store.write { tx in
            try AccountDirectory(tx, by: .command(user: "admin"), at: fourth).setState(seventh.account, .aktif)
        }

        let report = try await undo(store, id, at: fourth)
        let left = Set(report.left.map { "\($0.entity.rawValue) \($0.reason.rawValue) \($0.pnsID ?? $0.name ?? "")" })
        let ids = city.people.map { $0["pns_id"] ?? "" }
        #expect(
            left == [
                "person changed_since \(ids[0])", "account changed_since \(ids[6])", "account changed_since \(ids[7])",
                "alias number_taken \(ids[2])", "unit changed_since Dinas Ketiga", "person changed_since \(ids[6])",
            ])
        #expect(report.left.first { $0.pnsID == ids[0] }?.columns == ["unit_id"])
        #expect(try await City.known(store, city.people[0]).person.name == "Lain Lagi")
        #expect(try await City.known(store, city.people[6]).account.state == .aktif)
        #expect(try await City.known(store, city.people[7]).account.state == .aktif)
        #expect(try await City.known(store, owner).nip == former.map { String($0.dropFirst()) })
        // What nothing touched went back all the same.
        #expect(try await City.known(store, city.people[1]).person.name == "Orang 1")
        let findings = try await store.read { tx in try tx.loads.findings(of: try #require(report.undo)) }
        #expect(findings.count == report.left.count)
        #expect(Set(findings.map(\.outcome)) == [.left])
        await store.close()
    }

    @Test("nobody goes back to a unit that was closed since, and the unit they stay in is not closed under them")
    func closedUnit() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        city.units.append((id: "A9", parent: "ROOT", name: "Dinas Tambahan"))
        city.people[1]["unor_id"] = "A9"
        city.people[1]["nama"] = "Nama Baru"
        let id = try await load(city, run, at: second, units: true)
        let second = second
        let present = try await store.write { tx in
            var former = try #require(try tx.units.find(sourceID: "A0S0"))
            former.validTo = second
            try tx.units.update(former)
            return try tx.units.find(sourceID: "A9")?.id
        }
        let report = try await undo(store, id, at: third)
        #expect(report.left.map(\.reason) == [.unitClosed, .unitInUse])
        #expect(report.left.first?.columns == ["unit_id"])
        #expect(report.left.first?.pnsID == city.people[1]["pns_id"])
        let person = try await City.known(store, city.people[1]).person
        #expect(person.unitID == present)
        #expect(person.name == "Orang 1")
        #expect(try await store.read { try $0.units.find(sourceID: "A9")?.validTo } == nil)
        await store.close()
    }

    @Test("a load is taken back once; an unknown one is refused; a first load asks for its number")
    func refused() async throws {
        let city = City(people: 40)
        let (store, run) = try await city.loaded()
        let first = try #require(try await store.read { try $0.loads.latest()?.id })
        var other = city
        other.people[0]["nama"] = "Nama Baru"
        let id = try await load(other, run, at: second)
        let undone = try await undo(store, id, at: third)
        await #expect(throws: UndoRefusal.undoneAlready(by: try #require(undone.undo))) {
            try await undo(store, id, at: fourth)
        }
        await #expect(throws: UndoRefusal.unknown) { try await undo(store, .make(now: third), at: fourth) }
        // Nobody takes a whole city's accounts by a slip.
        let stop = PersonnelPlan.Stop(accounts: 40, activeAccounts: 40)
        await #expect(throws: UndoRefusal.mustConfirm(stop)) { try await undo(store, first, at: fourth) }
        #expect(try await City.known(store, city.people[1]).account.state == .aktif)
        let report = try await undo(store, first, at: fourth, confirmed: 40)
        #expect(report.disabled == 40)
        // One name went back in between: that is no reason to leave the account.
        #expect(report.left == [])
        #expect(try await store.read { try $0.people.count() } == 40)
        // The right file brings them back, with the accounts they had.
        let before = try await City.known(store, city.people[1])
        _ = try await load(city, run, at: fourth.adding(seconds: 60), units: true)
        let after = try await City.known(store, city.people[1])
        #expect(after.account.state == .aktif)
        #expect(after.account.sub == before.account.sub)
        #expect(after.nip == city.people[1]["nip_baru"].map { String($0.dropFirst()) })
        let moment = fourth
        let binned = try await store.read { tx in try tx.bin.list(at: moment, limit: 100).count }
        #expect(binned == 0)
        await store.close()
    }

    @Test("an undo that closes an account ends its sessions, in the same transaction")
    func sessions() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        city.people.append(city.person(900))
        let id = try await load(city, run, at: second)
        let newcomer = try await City.known(store, city.person(900)).account
        let second = second
        try await store.write { tx in try tx.sessions.insert(.test(of: newcomer, at: second)) }
        _ = try await undo(store, id, at: third)
        #expect(try await store.read { try $0.sessions.listOpen(of: newcomer.id) } == [])
        await store.close()
    }

    @Test("the last superadmin keeps the account, whatever is taken back")
    func lastSuperadmin() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        city.people.append(city.person(900))
        let id = try await load(city, run, at: second)
        var newcomer = try await City.known(store, city.person(900)).account
        newcomer.role = .superadmin
        try await store.write { [newcomer] in try $0.accounts.update(newcomer) }
        let report = try await undo(store, id, at: third)
        #expect(report.left.map(\.reason) == [.lastSuperadmin])
        #expect(try await City.known(store, city.person(900)).account.state == .aktif)
        await store.close()
    }

    @Test("a load of a version that kept nothing is refused, and one that changed nothing is not")
    func notKept() async throws {
        let city = City(people: 40)
        let (store, run) = try await city.loaded()
        let second = second
        let old = LoadID.make(now: second)
        try await store.write { tx in
            try tx.loads.insert(
                Load(
                    id: old, fileName: "lama.xlsx", fileDigest: "x", unitsDigest: nil, appliedAt: second, actor: "a",
                    counts: #"{"new":3}"#))
        }
        await #expect(throws: UndoRefusal.notKept) { try await undo(store, old, at: third) }
        let same = try await load(city, run, at: third)
        #expect(try await undo(store, same, at: fourth).people == 0)
        await store.close()
    }
}

extension Session {
    /// A live session of somebody.
    static func test(of account: Account, at now: Timestamp, digest: String = "digest") -> Session {
        Session(
            id: .make(now: now), digest: digest, accountID: account.id, authTime: now, amr: "pwd", acr: "1",
            userAgent: nil, address: nil, createdAt: now, lastSeenAt: now, idleEndsAt: now.adding(seconds: 9_000_000),
            endsAt: now.adding(seconds: 9_000_000))
    }
}
