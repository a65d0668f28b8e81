import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// What a load leaves behind besides its data: the audit, superadmins, a database that others use meanwhile.
@Suite("Personnel: writing")
struct PersonnelWritingTests {
    typealias City = PersonnelTestCity
    let later = City.now.adding(seconds: 86_400)

    private func events(_ store: Store, after seq: Int64 = 0) async throws -> [AuditRecord] {
        try await store.read { tx in
            #expect(try AuditChain.firstBreak(in: tx) == nil)
            return try tx.audit.list(before: .max, event: nil, subject: nil, limit: 10_000).reversed()
                .filter { $0.seq > seq }
        }
    }

    private func account(_ store: Store, _ person: [String: String]) async throws -> Account {
        let id = person["pns_id"] ?? ""
        return try #require(
            try await store.read { tx in
                try tx.people.find(pnsID: id).flatMap { try tx.accounts.find(personID: $0.id) }
            })
    }

    // MARK: Audit

    @Test("each changed number, changed state and new account has its own audit row, with opaque ids only")
    func rows() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        let seq = try await store.read { try $0.audit.head().seq }
        let (renumbered, retired) = (
            try await account(store, city.people[0]), try await account(store, city.people[1])
        )
        city.people[0]["nip_baru"] = "189901012001021999"
        city.people[0]["tanggal_lahir"] = "null"
        city.people[1]["kedudukan_hukum_id"] = "'88"
        city.people[2]["nama"] = "Nama Baru"
        city.people.append(city.person(900))
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        guard case .applied(let load) = try await run.apply(plan, by: .command(user: "test"), now: later) else {
            throw StoreError(.other, "not applied")
        }
        let added = try await account(store, city.person(900))
        let events = try await events(store, after: seq)
        #expect(
            events.map(\.event) == [
                "account.added", "person.renumbered", "account.state_changed", "personnel.loaded",
            ])
        #expect(events.map(\.subject) == [added.id.text, renumbered.id.text, retired.id.text, load.text])
        for event in events.dropLast() { #expect(event.detail.contains(load.text)) }
        #expect(events[2].detail.contains("\"before\":\"aktif\",\"after\":\"nonaktif\""))
        #expect(events[0].detail.contains("\"state\":\"aktif\""))
        for event in events {
            for secret in ["189901012001021999", "Nama Baru", city.person(900)["pns_id"] ?? ""] {
                #expect(!event.detail.contains(secret))
            }
        }
        await store.close()
    }

    @Test("a thousand new accounts have rows of their own; of a city's first load there is the summary alone")
    func manyNew() async throws {
        for (people, rows) in [(1000, 1000), (1001, 0)] {
            let (store, _) = try await City(people: people).loaded()
            let events = try await events(store)
            #expect(events.count { $0.event == "account.added" } == rows)
            #expect(events.last?.event == "personnel.loaded")
            #expect(events.last?.detail.contains("\"accounts_added\":\(people)") == true)
            await store.close()
        }
    }

    // MARK: The last superadmin

    /// A city in which some people are superadmins by role and personnel data decides their state.
    private func loaded(_ city: City, superadmins: [Int]) async throws -> (store: Store, run: PersonnelRun) {
        let (store, run) = try await city.loaded()
        for index in superadmins {
            var account = try await account(store, city.people[index])
            account.role = .superadmin
            try await store.write { [account] in try $0.accounts.update(account) }
        }
        return (store, run)
    }

    @Test("the last superadmin keeps the account whatever the file says, and the plan reports it; the others do not")
    func lastSuperadmin() async throws {
        var city = City(people: 40)
        let (store, run) = try await loaded(city, superadmins: [0, 1])
        city.people[0]["kedudukan_hukum_id"] = "'88"
        city.people[1]["kedudukan_hukum_id"] = "'03"
        city.people[2]["kedudukan_hukum_id"] = "'88"
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        #expect(plan.warnings.map(\.reason) == [.lastSuperadmin])
        #expect(plan.counts.stateChanges == 2)
        #expect(plan.stateChanges == [.init(from: .aktif, to: .nonaktif): 2])
        _ = try await run.apply(plan, confirmed: plan.stop?.accounts, by: .system, now: later)
        let states = [
            try await account(store, city.people[0]).state, try await account(store, city.people[1]).state,
            try await account(store, city.people[2]).state,
        ]
        #expect(states == [.nonaktif, .aktif, .nonaktif])
        // The same file with another superadmin beside: nothing is kept any more.
        try await store.write { tx in
            _ = try AccountDirectory(tx, by: .system, at: City.now)
                .add(
                    userName: "admin.kota", displayName: "Admin", email: nil, role: .superadmin, sponsor: nil,
                    endsAt: nil)
        }
        city.people[3]["nama"] = "Nama Baru"
        let next = try await run.plan(people: city.peopleFile, units: nil, now: later)
        #expect(next.warnings.isEmpty)
        #expect(next.stateChanges == [.init(from: .aktif, to: .terbatas): 1])
        await store.close()
    }

    @Test("who became the last superadmin after the plan was made keeps the account; the record of the load says so")
    func lastSuperadminMeanwhile() async throws {
        var city = City(people: 40)
        let (store, run) = try await loaded(city, superadmins: [0, 1])
        let (first, second) = (try await account(store, city.people[0]), try await account(store, city.people[1]))
        city.people[0]["kedudukan_hukum_id"] = "'88"
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        #expect(plan.warnings.isEmpty)
        let later = later
        try await store.write { try $0.accounts.updateState(second.id, .nonaktif, by: .admin, at: later) }
        guard case .applied(let load) = try await run.apply(plan, by: .system, now: later) else {
            throw StoreError(.other, "not applied")
        }
        #expect(try await store.read { try $0.accounts.find(first.id)?.state } == .aktif)
        let findings = try await store.read { try $0.loads.findings(of: load) }
        #expect(findings.map(\.reason) == ["last_superadmin"])
        #expect(findings.map(\.rowNumber) == [2])
        await store.close()
    }

    // MARK: Meanwhile

    @Test("attack 271: sign-ins go on while a load of 6,000 people is written: they wait, and none is told busy")
    func signInsMeanwhile() async throws {
        let city = City(people: 6000)
        let (store, later) = (try await Store.open(.sqliteMemory), later)
        let run = PersonnelRun(store: store, options: City.options)
        let plan = try await run.plan(people: city.peopleFile, units: city.unitFile, now: later)
        let (moments, moment) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup { group in
            group.addTask {
                defer { moment.finish() }
                _ = try await run.apply(plan, by: .system, now: later) { done in if done < 1 { moment.yield() } }
            }
            // Each step of the load that is told brings people who sign in at that moment.
            var asked = 0
            for await _ in moments {
                asked += 1
                group.addTask {
                    // What a sign-in writes: a row of the chain, beside some of its own; and what it reads.
                    try await store.write { tx in try tx.record(.signInFailed, by: .system, at: later) }
                    _ = try await store.read { try $0.people.find(pnsID: "x") }
                }
            }
            try await group.waitForAll()
            #expect(asked > 0)
        }
        let (count, broken) = try await store.read { tx in (try tx.people.count(), try AuditChain.firstBreak(in: tx)) }
        #expect(count == 6000)
        #expect(broken == nil)
        await store.close()
    }
}
