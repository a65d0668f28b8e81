import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// What acts on a day of its own: people who stay away, and retirements with a date.
@Suite("Personnel: days to come")
struct PersonnelScheduleTests {
    typealias City = PersonnelTestCity
    /// Monday 21 September 2026, 20:13 in Jakarta.
    let now = City.now
    static let day: Int64 = 86_400

    func at(_ days: Int64) -> Timestamp { now.adding(seconds: days * Self.day) }

    func load(_ city: City, _ run: PersonnelRun, at now: Timestamp) async throws -> PersonnelPlan {
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: now)
        guard case .applied = try await run.apply(plan, by: .command(user: "test"), now: now) else {
            throw StoreError(.other, "not applied")
        }
        return plan
    }

    func act(_ store: Store, at now: Timestamp) async throws -> PersonnelSchedule.Outcome {
        try await PersonnelSchedule(store: store, binDays: 90).act(at: now)
    }

    func account(_ store: Store, _ row: [String: String]) async throws -> Account {
        let id = row["pns_id"] ?? ""
        return try #require(
            try await store.read { tx in
                try tx.people.find(pnsID: id).flatMap { try tx.accounts.find(personID: $0.id) }
            })
    }

    func binned(_ store: Store, at moment: Timestamp) async throws -> Int {
        try await store.read { tx in try tx.bin.list(at: moment, limit: 1000).count }
    }

    // MARK: Missing people

    @Test(
        "who is missing is suspended when the grace is over, counted from the first file; never deleted",
        arguments: [Engine.sqlite, .postgres])
    func grace(_ engine: Engine) async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded(on: engine)
        let gone = city.people.removeLast()
        let first = try await load(city, run, at: at(1))
        #expect(first.vanished.map(\.pnsID) == [gone["pns_id"]])
        #expect(first.changes(.none).map(\.kinds) == [[.vanished]])
        #expect(first.changes(.none).first?.stateAfter == .ditangguhkan)
        #expect(first.changes(.none).first?.effective == at(15))
        let account = try await account(store, gone)
        try await store.write { [now] in try $0.sessions.insert(.test(of: account, at: now)) }
        // A second file without them does not begin the grace anew.
        city.people[0]["nama"] = "Nama Baru"
        let second = try await load(city, run, at: at(10))
        #expect(second.vanished == [])
        #expect(second.counts.missing == 1)
        #expect(try await act(store, at: at(15).adding(milliseconds: -1)) == .init())
        #expect(try await self.account(store, gone).state == .aktif)
        #expect(try await act(store, at: at(15)) == .init(decided: 1, accounts: 1))
        #expect(try await self.account(store, gone).state == .ditangguhkan)
        #expect(try await act(store, at: at(16)) == .init())
        try await store.read { [self] tx throws in
            #expect(try tx.sessions.listOpen(of: account.id) == [])
            let bin = try tx.bin.list(at: at(16), limit: 9)
            #expect(bin.map(\.entry.reason) == [.vanished])
            #expect(bin.map(\.entry.until) == [at(105)])
            let events = try tx.audit.list(before: .max, event: nil, subject: account.id.text, limit: 9).map(\.event)
            #expect(events == ["personnel.acted", "session.ended", "account.state_changed", "account.added"])
            #expect(try AuditChain.firstBreak(in: tx) == nil)
        }
        await store.close()
    }

    @Test(
        "who comes back is back at once, in the grace or after it, and as before where the code does not say",
        arguments: [Engine.sqlite, .postgres])
    func returned(_ engine: Engine) async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded(on: engine)
        // A code that leaves an account as it is.
        city.people[38]["kedudukan_hukum_id"] = "'09"
        _ = try await load(city, run, at: at(1))
        let whole = city
        city.people.removeLast(2)
        _ = try await run.apply(
            run.plan(people: city.peopleFile, units: nil, now: at(2)), confirmed: nil, by: .system, now: at(2))
        _ = try await act(store, at: at(16))
        let (kept, coded) = (whole.people[38], whole.people[39])
        #expect(try await account(store, kept).state == .ditangguhkan)
        let plan = try await load(whole, run, at: at(17))
        #expect(plan.counts.returned == 2)
        #expect(plan.changes(.none).map(\.kinds) == [[.returned], [.returned]])
        #expect(try await account(store, kept).state == .aktif)
        #expect(try await account(store, coded).state == .aktif)
        #expect(try await binned(store, at: at(17)) == 0)

        // In the grace: nothing was taken yet, and nothing happens when it would have been over.
        _ = try await load(city, run, at: at(18))
        _ = try await load(whole, run, at: at(20))
        #expect(try await act(store, at: at(60)) == .init())
        #expect(try await account(store, coded).state == .aktif)
        await store.close()
    }

    @Test("who is suspended between the preview of their return and its writing is not left so: the load is refused")
    func meanwhile() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        let whole = city
        let gone = city.people.removeLast()
        _ = try await load(city, run, at: at(1))
        let moment = at(16)
        let plan = try await run.plan(people: whole.peopleFile, units: nil, now: moment)
        #expect(try await act(store, at: moment) == .init(decided: 1, accounts: 1))
        await #expect(throws: PersonnelRefusal.outdated) { try await run.apply(plan, by: .system, now: moment) }
        _ = try await load(whole, run, at: moment)
        #expect(try await account(store, gone).state == .aktif)
        await store.close()
    }

    @Test("an admin's word stands against an absence, and a closed account is not opened to be suspended")
    func untouched() async throws {
        var city = City(people: 60)
        let (store, run) = try await city.loaded()
        let (admin, retired) = (city.people[58], city.people[59])
        city.people[59]["kedudukan_hukum_id"] = "'88"
        _ = try await load(city, run, at: at(1))
        let account = try await account(store, admin)
        try await store.write { [now] tx in
            try AccountDirectory(tx, by: .system, at: now).setState(account, .terbatas)
        }
        city.people.removeLast(2)
        _ = try await load(city, run, at: at(2))
        #expect(try await act(store, at: at(16)) == .init(decided: 2, accounts: 0))
        #expect(try await self.account(store, admin).state == .terbatas)
        #expect(try await self.account(store, retired).state == .nonaktif)
        await store.close()
    }

    @Test("a retirement and an absence that are due at once leave the account retired, not suspended")
    func both() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        city.people[39]["tmt_pensiun"] = "01-10-2026"
        _ = try await load(city, run, at: at(1))
        let gone = city.people.removeLast()
        _ = try await load(city, run, at: at(2))
        #expect(try await account(store, gone).state == .aktif)
        #expect(try await act(store, at: at(20)) == .init(decided: 2, accounts: 1))
        #expect(try await account(store, gone).state == .nonaktif)
        await store.close()
    }

    @Test("undo of the load in which somebody was missing gives back what the absence took since")
    func undo() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        let gone = city.people.removeLast()
        _ = try await load(city, run, at: at(1))
        let id = try #require(try await store.read { try $0.loads.latest()?.id })
        _ = try await act(store, at: at(15))
        #expect(try await account(store, gone).state == .ditangguhkan)
        let report = try await PersonnelUndo(store: store, options: City.options)
            .run(id, by: .command(user: "test"), now: at(20))
        #expect(report.left == [])
        #expect(report.accounts == 1)
        #expect(try await account(store, gone).state == .aktif)
        #expect(try await act(store, at: at(40)) == .init())
        await store.close()
    }

    // MARK: Retirements with a date

    /// A city whose second person retires on a day, by the date alone or by the code as well.
    private func retiring(_ day: String, code: String = "'01") -> City {
        var city = City(people: 40)
        city.people[1]["tmt_pensiun"] = day
        city.people[1]["kedudukan_hukum_id"] = code
        return city
    }

    @Test(
        "a retirement on the first of next month acts at 00:00 city time of that day by itself",
        arguments: ["'01", "'88"])
    func future(_ code: String) async throws {
        let city = retiring("01-10-2026", code: code)
        let (store, run) = try await City(people: 40).loaded()
        let account = try await account(store, city.people[1])
        try await store.write { [now] in try $0.sessions.insert(.test(of: account, at: now)) }
        let plan = try await load(city, run, at: at(1))
        let change = try #require(plan.changes(.none).first)
        #expect(change.kinds == [.scheduled])
        #expect((change.stateBefore, change.stateAfter) == (.aktif, .nonaktif))
        #expect(City.options.calendar.day(of: try #require(change.effective))?.iso8601 == "2026-10-01")
        // 1 October 00:00 in Jakarta.
        let midnight = Timestamp(seconds: 1_790_787_600)
        #expect(try await act(store, at: midnight.adding(milliseconds: -1)) == .init())
        #expect(try await self.account(store, city.people[1]).state == .aktif)
        #expect(try await act(store, at: midnight) == .init(decided: 1, accounts: 1))
        #expect(try await self.account(store, city.people[1]).state == .nonaktif)
        #expect(try await store.read { try $0.sessions.listOpen(of: account.id) } == [])
        let acted = try await store.read {
            try $0.audit.list(before: .max, event: "personnel.acted", subject: account.id.text, limit: 2)
        }
        #expect(acted.first?.detail.contains("\"kind\":\"retired\"") == true)
        #expect(acted.first?.detail.contains("\"valid_from\":\(midnight.milliseconds)") == true)
        // The next file says the same, or lags behind: nobody is let in again.
        var later = city
        later.people[5]["nama"] = "Nama Baru"
        #expect(try await load(later, run, at: midnight.adding(seconds: 86_400)).stateChanges.isEmpty)
        #expect(try await self.account(store, city.people[1]).state == .nonaktif)
        // A later decree, or none any more, does let them in.
        later.people[1]["tmt_pensiun"] = "null"
        later.people[1]["kedudukan_hukum_id"] = "'01"
        _ = try await load(later, run, at: midnight.adding(seconds: 2 * 86_400))
        #expect(try await self.account(store, city.people[1]).state == .aktif)
        await store.close()
    }

    @Test("a decree that was put off or withdrawn before its day acts on the new day, or never")
    func putOff() async throws {
        let (store, run) = try await City(people: 40).loaded()
        _ = try await load(retiring("01-10-2026"), run, at: at(1))
        _ = try await load(retiring("01-11-2026"), run, at: at(2))
        #expect(try await act(store, at: Timestamp(seconds: 1_790_787_600)) == .init())
        let plan = try await load(City(people: 40), run, at: at(12))
        #expect(plan.changes(.none).map(\.kinds) == [[.updated]])
        #expect(try await act(store, at: at(90)) == .init())
        #expect(try await account(store, retiring("").people[1]).state == .aktif)
        await store.close()
    }

    @Test("a decree entered late acts at once, and is noted with its own date")
    func late() async throws {
        let city = retiring("01-08-2026", code: "'88")
        let (store, run) = try await City(people: 40).loaded()
        let plan = try await load(city, run, at: at(1))
        #expect(plan.changes(.none).map(\.kinds) == [[.retired]])
        let account = try await account(store, city.people[1])
        #expect(account.state == .nonaktif)
        let noted = try await store.read { try $0.schedule.list(of: try #require(account.personID)) }
        #expect(noted.map(\.state) == [.done])
        // 1 August 00:00 in Jakarta.
        #expect(noted.map(\.validFrom) == [Timestamp(seconds: 1_785_517_200)])
        #expect(noted.map(\.stateBefore) == [.aktif])
        await store.close()
    }

    @Test("without a date the code acts at once; a date that cannot be meant is said and not waited for")
    func strange() async throws {
        let (store, run) = try await City(people: 40).loaded()
        #expect(
            try await load(retiring("null", code: "'88"), run, at: at(1)).changes(.none).map(\.kinds) == [[.retired]])
        let far = try await run.plan(people: retiring("01-10-2062", code: "'88").peopleFile, units: nil, now: at(2))
        #expect(far.warnings == [])
        await store.close()

        let (other, otherRun) = try await City(people: 40).loaded()
        let typo = try await load(retiring("01-10-2062", code: "'88"), otherRun, at: at(1))
        #expect(typo.warnings.map(\.reason) == [.retirementDateFar])
        #expect(try await account(other, retiring("").people[1]).state == .nonaktif)
        await other.close()

        // What the retirement age computes is not a decree, and a day long past is not one that acts.
        let (third, thirdRun) = try await City(people: 40).loaded()
        let computed = try await thirdRun.plan(people: retiring("01-10-2041").peopleFile, units: nil, now: at(1))
        #expect(computed.changes(.none) == [])
        let past = try await load(retiring("01-10-2020"), thirdRun, at: at(1))
        #expect(past.warnings.map(\.reason) == [.retirementDatePast])
        #expect(try await account(third, retiring("").people[1]).state == .aktif)
        await third.close()
    }

    @Test("those who will retire count towards the stop as if they retired today")
    func stop() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        for index in 0..<3 { city.people[index]["tmt_pensiun"] = "01-10-2026" }
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: at(1))
        #expect(plan.stop == PersonnelPlan.Stop(accounts: 3, activeAccounts: 40))
        await store.close()
    }
}
