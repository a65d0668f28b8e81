import Foundation
import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// What a load would do, person by person, as it is shown before anything happens.
@Suite("Personnel: preview")
struct PersonnelPreviewTests {
    typealias City = PersonnelTestCity
    let later = City.now.adding(seconds: 86_400)

    /// A month in which something of every kind happens, and the city before it.
    static func month() -> (before: City, after: City) {
        var before = City()
        before.people[8]["kedudukan_hukum_id"] = "'88"
        before.people[9]["kedudukan_hukum_id"] = "'51"
        var after = before
        after.people[0]["unor_id"] = "A5S2"
        after.people[1]["nama"] = "=cmd|' /C calc'!A0"
        after.people[2]["nip_baru"] = "189901012001021999"
        after.people[2]["tanggal_lahir"] = "null"
        after.people[3]["kedudukan_hukum_id"] = "'88"
        after.people[4]["kedudukan_hukum_id"] = "'04"
        after.people[5]["kedudukan_hukum_id"] = "'20"
        after.people[6]["instansi_kerja_id"] = "9999"
        after.people[7]["tmt_pensiun"] = "01-10-2026"
        after.people[8]["kedudukan_hukum_id"] = "'01"
        after.people[9]["kedudukan_hukum_id"] = "'01"
        after.people[10]["nomor_hp"] = "'0000"
        after.people[11]["nip_baru"] = "1234"
        after.people.removeLast()
        after.people.append(City(people: 0).person(900))
        return (before, after)
    }

    func planned() async throws -> (store: Store, plan: PersonnelPlan, holdings: AccountHoldings) {
        let (before, after) = Self.month()
        let (store, run) = try await before.loaded()
        // Sessions and tokens of somebody who retires, of somebody who only moves, and of one who ended theirs.
        let now = City.now
        for (index, digest) in [(3, "a"), (3, "b"), (0, "c"), (4, "d")] {
            let id = before.people[index]["pns_id"] ?? ""
            try await store.write { tx in
                let person = try #require(try tx.people.find(pnsID: id))
                let account = try #require(try tx.accounts.find(personID: person.id))
                let session = Session.test(of: account, at: now, digest: digest)
                try tx.sessions.insert(session)
                if digest == "d" { _ = try tx.sessions.end(session.id, reason: "signed_out", at: now) }
            }
        }
        let plan = try await run.plan(people: after.peopleFile, units: nil, now: later)
        return (store, plan, try await run.holdings(plan, now: later))
    }

    @Test("every kind is told for the right person, with the account before and after")
    func kinds() async throws {
        let (store, plan, holdings) = try await planned()
        let ids = Self.month().after.people.map { $0["pns_id"] ?? "" }
        let changes = plan.changes(holdings)
        func kinds(_ index: Int) -> [PersonnelChange.Kind] { changes.first { $0.pnsID == ids[index] }?.kinds ?? [] }
        #expect(
            (0...11).map(kinds) == [
                [.moved], [.renamed], [.renumbered], [.retired], [.suspended], [.restricted], [.waiting], [.scheduled],
                [.returned], [.activated], [.updated], [.rejected],
            ])
        #expect(changes.map(\.row) == changes.map(\.row).sorted { ($0 ?? .max) < ($1 ?? .max) })
        #expect(changes.suffix(2).map(\.kinds) == [[.new], [.vanished]])
        let counts = Dictionary(uniqueKeysWithValues: plan.kindCounts.map { ($0.kind, $0.people) })
        #expect(counts.count == PersonnelChange.Kind.allCases.count)
        #expect(Set(counts.values) == [1])
        await store.close()
    }

    @Test("sessions and tokens that end are counted, those of who only moves are not")
    func sessions() async throws {
        let (store, plan, holdings) = try await planned()
        let ids = Self.month().after.people.map { $0["pns_id"] ?? "" }
        let changes = plan.changes(holdings)
        #expect(changes.filter { $0.sessions > 0 }.map(\.pnsID) == [ids[3]])
        #expect(changes.first { $0.pnsID == ids[3] }?.sessions == 2)
        // Those who lose something stand in front where only some are shown.
        let first = plan.foremost(3, holdings)
        #expect(first.count == 3)
        #expect(first.first?.pnsID == ids[3])
        #expect(first.dropFirst().allSatisfy { $0.stateBefore?.maySignIn == true && $0.stateAfter?.maySignIn == false })
        await store.close()
    }

    @Test("the list of changes as a file is the one that was agreed on: no formula runs, no NIP becomes a number")
    func golden() async throws {
        let (store, plan, holdings) = try await planned()
        var text = ""
        plan.changesCSV(holdings, day: { City.options.calendar.day(of: $0)?.iso8601 ?? "" }) { text += $0 }
        let expected = try PersonnelExample.fixture("perubahan.csv")
        #expect(text == String(decoding: expected, as: UTF8.self))
        #expect(!text.contains(";="))
        await store.close()
    }

    @Test("attack 272: rows that say what is known are refused like any other where another row contradicts them")
    func settledDuplicates() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        // A second row of one person, and a newcomer with the number of another; the first rows are as they were.
        var twin = city.people[3]
        twin["nip_baru"] = "189901012001021999"
        twin["tanggal_lahir"] = "null"
        var thief = city.person(900)
        thief["nip_baru"] = city.people[5]["nip_baru"]
        thief["tanggal_lahir"] = "null"
        thief["jenis_kelamin"] = "null"
        city.people += [twin, thief]
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        #expect(plan.rejected.map(\.row) == [5, 7, 42, 43])
        #expect(plan.rejected.map(\.reason) == [.duplicatePNSID, .duplicateNIP, .duplicatePNSID, .duplicateNIP])
        #expect(plan.rejected.map(\.pnsID) == [3, 5, 40, 41].map { city.people[$0]["pns_id"] })
        #expect(plan.counts.unchanged == 38)
        #expect(plan.counts.accepted == 38)
        #expect(plan.vanished == [])
        await store.close()
    }

    // MARK: Two admins

    private func asked(
        _ store: Store, _ plan: PersonnelPlan, by user: String, confirmed: Int?, at now: Timestamp
    ) async throws -> PersonnelRun.Outcome {
        var options = City.options
        options.needsSecondAdmin = true
        return try await PersonnelRun(store: store, options: options)
            .apply(plan, confirmed: confirmed, by: .command(user: user), now: now)
    }

    @Test(
        "attack 274: where two admins are asked for, who asked cannot confirm, from no other host either",
        arguments: [Engine.sqlite, .postgres])
    func twoAdmins(_ engine: Engine) async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded(on: engine)
        city.people.removeLast(10)
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        let stop = PersonnelPlan.Stop(accounts: 10, activeAccounts: 40)
        let later = later
        // Neither the number at once, nor asking twice, nor another machine makes one person two.
        for (user, number) in [("siti@a", 10), ("siti@a", 10), ("siti@b", 10), ("siti@a", nil)] {
            await #expect(throws: PersonnelRefusal.needsSecondAdmin(stop)) {
                try await asked(store, plan, by: user, confirmed: number, at: later)
            }
        }
        try await store.read { tx throws in
            #expect(try tx.audit.list(before: .max, event: "personnel.asked", subject: nil, limit: 9).count == 1)
            #expect(try tx.loads.list(limit: 9).count == 1)
        }
        // The second admin needs the number, too.
        await #expect(throws: PersonnelRefusal.needsSecondAdmin(stop)) {
            try await asked(store, plan, by: "budi@a", confirmed: 9, at: later)
        }
        guard case .applied = try await asked(store, plan, by: "budi@a", confirmed: 10, at: later) else {
            throw StoreError(.other, "not applied")
        }
        let loaded = try await store.read {
            try $0.audit.list(before: .max, event: "personnel.loaded", subject: nil, limit: 1).first
        }
        #expect(loaded?.actor == "command:budi@a")
        #expect(loaded?.detail.contains("\"asked_by\":\"command:siti@a\"") == true)
        await store.close()
    }

    @Test("attack 274: what was asked for two days ago, or before another load, is asked for anew")
    func askedLongAgo() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        var other = city
        city.people.removeLast(10)
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        let stop = PersonnelPlan.Stop(accounts: 10, activeAccounts: 40)
        let (later, muchLater) = (later, later.adding(seconds: 2 * 86_400 + 1))
        await #expect(throws: PersonnelRefusal.needsSecondAdmin(stop)) {
            try await asked(store, plan, by: "siti@a", confirmed: nil, at: later)
        }
        await #expect(throws: PersonnelRefusal.needsSecondAdmin(stop)) {
            try await asked(store, plan, by: "budi@a", confirmed: 10, at: muchLater)
        }
        other.people[0]["nama"] = "Nama Baru"
        _ = try await run.apply(
            run.plan(people: other.peopleFile, units: nil, now: later), by: .system, now: later)
        let again = try await run.plan(people: city.peopleFile, units: nil, now: muchLater)
        await #expect(throws: PersonnelRefusal.needsSecondAdmin(stop)) {
            try await asked(store, again, by: "siti@a", confirmed: 10, at: muchLater)
        }
        await store.close()
    }
}
