import Foundation
import GapuraFormats
import GapuraStore
import Synchronization
import Testing

@testable import GapuraDirectory

@Suite("Personnel: loads")
struct PersonnelLoadTests {
    typealias City = PersonnelTestCity
    let later = City.now.adding(seconds: 86_400)

    func apply(
        _ city: City, _ run: PersonnelRun, units: Bool = false, confirmed: Int? = nil
    ) async throws -> (plan: PersonnelPlan, outcome: PersonnelRun.Outcome) {
        let plan = try await run.plan(people: city.peopleFile, units: units ? city.unitFile : nil, now: later)
        return (plan, try await run.apply(plan, confirmed: confirmed, by: .command(user: "test"), now: later))
    }

    func account(_ store: Store, _ pnsID: String?) async throws -> Account? {
        try await store.read { tx throws in
            guard let person = try tx.people.find(pnsID: pnsID ?? "") else { return nil }
            return try tx.accounts.find(personID: person.id)
        }
    }

    @Test("another city of the same shape loads without a change of code")
    func otherCity() async throws {
        let city = City()
        let (store, run) = try await city.loaded()
        try await store.read { tx throws in
            #expect(try tx.people.count() == 300)
            let units = try tx.units.list()
            #expect(units.count == 25)
            #expect(units.count { $0.agencyID == $0.id } == 6)
            let byID = Dictionary(uniqueKeysWithValues: units.map { ($0.id, $0) })
            for unit in units where unit.parentID != nil {
                let parent = unit.parentID.flatMap { byID[$0] }
                #expect(unit.path == (parent?.path ?? "") + unit.id.text + "/")
            }
        }
        let same = try await run.plan(people: city.peopleFile, units: city.unitFile, now: later)
        #expect(same.counts.unchanged == 300)
        #expect(same.isRepeated)
        await store.close()
    }

    @Test("a second month: moved, renamed, renumbered, swapped numbers, retired, joined, vanished")
    func secondMonth() async throws {
        var city = City()
        let (store, run) = try await city.loaded()
        let subBefore = try await account(store, city.people[3]["pns_id"])?.sub
        city.people[0]["unor_id"] = "A5S2"
        city.people[1]["nama"] = "Nama Baru"
        city.people[2]["nip_baru"] = "189901012001021999"
        (city.people[3]["nip_baru"], city.people[5]["nip_baru"]) = (
            city.people[5]["nip_baru"], city.people[3]["nip_baru"]
        )
        (city.people[3]["tanggal_lahir"], city.people[5]["tanggal_lahir"]) = ("null", "null")
        city.people[6]["kedudukan_hukum_id"] = "'88"
        city.people[7]["kedudukan_hukum_id"] = "'42"
        city.people[8]["kedudukan_hukum_id"] = "1"
        let vanished = city.people.removeLast()
        city.people.append(city.person(900))
        let (plan, outcome) = try await apply(city, run)
        #expect(plan.counts.new == 1)
        #expect(plan.counts.moved == 1)
        #expect(plan.counts.renamed == 1)
        #expect(plan.counts.renumbered == 3)
        #expect(plan.counts.restatused == 2)
        #expect(plan.counts.stateChanges == 1)
        #expect(plan.vanished.map(\.pnsID) == [vanished["pns_id"]])
        #expect(plan.unknownCodes == ["42": 1])
        guard case .applied = outcome else { throw StoreError(.other, "not applied") }

        #expect(try await account(store, city.people[6]["pns_id"])?.state == .nonaktif)
        #expect(try await account(store, city.people[7]["pns_id"])?.state == .aktif)
        #expect(try await account(store, vanished["pns_id"])?.state == .aktif)
        #expect(try await account(store, city.people[3]["pns_id"])?.sub == subBefore)
        let (third, fifth) = (city.people[3]["pns_id"] ?? "", city.people[5]["pns_id"] ?? "")
        let expected = [third, fifth].compactMap { id in
            city.people.first { $0["pns_id"] == id }?["nip_baru"].map { String($0.dropFirst()) }
        }
        try await store.read { tx throws in
            let people = try [third, fifth].compactMap { try tx.people.find(pnsID: $0) }
            #expect(try people.map { try tx.people.currentNIP(of: $0.id) } == expected)
            let aliases = try people.first.map { try tx.people.aliases(of: $0.id) } ?? []
            #expect(aliases.count == 3)
            #expect(aliases.filter { $0.validTo != nil }.count == 1)
            #expect(try tx.audit.list(before: .max, event: "account.state_changed", subject: nil, limit: 10).count == 1)
            #expect(try AuditChain.firstBreak(in: tx) == nil)
        }
        await store.close()
    }

    @Test("sessions of an account that stops being active end in the same transaction")
    func sessions() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        let account = try #require(try await account(store, city.people[0]["pns_id"]))
        let (now, later) = (City.now, later)
        try await store.write { tx in
            try tx.sessions.insert(
                Session(
                    id: .make(now: now), digest: "digest", accountID: account.id, authTime: now, amr: "pwd", acr: "1",
                    userAgent: nil,
                    address: nil, createdAt: now, lastSeenAt: now, idleEndsAt: later.adding(seconds: 9),
                    endsAt: later.adding(seconds: 9)))
        }
        city.people[0]["kedudukan_hukum_id"] = "'04"
        _ = try await apply(city, run)
        try await store.read { tx throws in
            #expect(try tx.sessions.listOpen(of: account.id).isEmpty)
            #expect(try tx.accounts.find(account.id)?.state == .ditangguhkan)
        }
        await store.close()
    }

    @Test("attack 274: a file that broke off stops before it changes anything, until its number is repeated")
    func truncated() async throws {
        var city = City()
        let (store, run) = try await city.loaded()
        city.people.removeLast(200)
        city.people[0]["nama"] = "Must Not Arrive"
        let (people, later) = (city.peopleFile, later)
        let plan = try await run.plan(people: people, units: nil, now: later)
        #expect(plan.stop == PersonnelPlan.Stop(accounts: 200, activeAccounts: 300))
        for wrong in [nil, 0, 199, 201] {
            await #expect(throws: PersonnelRefusal.mustConfirm(.init(accounts: 200, activeAccounts: 300))) {
                try await run.apply(plan, confirmed: wrong, by: .system, now: later)
            }
        }
        try await store.read { tx throws in
            #expect(try tx.loads.list(limit: 10).count == 1)
            var names: Set<String> = []
            try tx.people.each { names.insert($0.name) }
            #expect(!names.contains("Must Not Arrive"))
        }
        guard case .applied = try await run.apply(plan, confirmed: 200, by: .system, now: later) else {
            throw StoreError(.other, "not applied")
        }
        try await store.read { tx throws in
            #expect(try tx.people.count() == 300)
            var states: Set<AccountState> = []
            try tx.accounts.each { states.insert($0.state) }
            #expect(states == [.aktif])
        }
        await store.close()
    }

    @Test("attack 274: retiring too many stops as well; exactly the share does not")
    func retired() async throws {
        var city = City()
        let (store, run) = try await city.loaded()
        for index in 0..<15 { city.people[index]["kedudukan_hukum_id"] = "'88" }
        #expect(try await run.plan(people: city.peopleFile, units: nil, now: later).stop == nil)
        city.people[15]["kedudukan_hukum_id"] = "'88"
        #expect(try await run.plan(people: city.peopleFile, units: nil, now: later).stop?.accounts == 16)
        await store.close()
    }

    @Test("attack 275: the same file twice does nothing; of two plans made at once the second is refused")
    func twice() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        #expect(try await apply(city, run, units: true).outcome == .alreadyApplied)
        #expect(try await apply(city, run).outcome == .alreadyApplied)
        city.people[0]["nama"] = "Satu"
        let (first, later) = (try await run.plan(people: city.peopleFile, units: nil, now: later), later)
        city.people[0]["nama"] = "Dua"
        let second = try await run.plan(people: city.peopleFile, units: nil, now: later)
        _ = try await run.apply(first, by: .system, now: later)
        await #expect(throws: PersonnelRefusal.outdated) { try await run.apply(second, by: .system, now: later) }
        await store.close()
    }

    @Test("a plan is refused where a draft changed the tree since it was made, and a new one keeps what the draft did")
    func draftMeanwhile() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        let later = later
        city.people[0]["nama"] = "Nama Baru"
        let stale = try await run.plan(people: city.peopleFile, units: nil, now: later)
        city.units[1].name = "Dinas Baru"
        let (rows, digest) = try await city.unitFile.readDraft()
        let applied = try await store.write { tx in
            let drafts = UnitDraftDirectory(tx, by: .system, at: later)
            _ = try drafts.add(
                rows, fileName: "unor.csv", fileDigest: digest, effectiveAt: later, merges: [:], confirmed: nil)
            return try tx.unitDrafts.due(at: later).count { try drafts.applyDue($0.id) }
        }
        #expect(applied == 1)
        await #expect(throws: PersonnelRefusal.outdated) { try await run.apply(stale, by: .system, now: later) }
        #expect(try await store.read { try $0.loads.list(limit: 9).count } == 1)
        guard case .applied = try await apply(city, run).outcome else {
            Issue.record("not applied")
            return
        }
        #expect(try await store.read { try $0.units.find(sourceID: "A0")?.name } == "Dinas Baru")
        await store.close()
    }

    @Test("a plan is refused where somebody was forgotten since it was made: their name does not come back")
    func forgottenMeanwhile() async throws {
        var city = City(people: 40)
        city.people[1]["instansi_kerja_id"] = "OTHER"
        let (store, run) = try await city.loaded()
        let later = later
        let pnsID = city.people[1]["pns_id"] ?? ""
        let id = try #require(try await store.read { try $0.people.find(pnsID: pnsID)?.id })
        city.people[1]["nama"] = "Nama Baru"
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        try await store.write { tx in
            let erasure = PersonErasure(tx, by: .system, at: later)
            try erasure.forget(erasure.subject(id.text))
        }
        await #expect(throws: PersonnelRefusal.outdated) { try await run.apply(plan, by: .system, now: later) }
        #expect(try await store.read { try $0.people.find(id)?.name } == PersonErasure.placeholder)
        await store.close()
    }

    @Test("attack 272: a number that the directory knows as another person's is refused, never merged")
    func foreignNumber() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        let owner = city.people[1]
        // A newcomer claims the number of somebody who is in the file with the same number, then of somebody who is not
        // in the file at all.
        city.people[0]["pns_id"] = "F00D"
        #expect(
            try await run.plan(people: city.peopleFile, units: nil, now: later).rejected.map(\.reason) == [
                .duplicateNIP
            ])
        city = City(people: 40)
        city.people[0]["nip_baru"] = owner["nip_baru"]
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        #expect(plan.rejected.map(\.reason) == [.duplicateNIP, .duplicateNIP])
        // Both are still in the file: nobody vanished.
        #expect(plan.vanished.isEmpty)
        await store.close()
    }

    @Test("attack 272: refusing one row refuses the next, three thousand times, in one pass", .timeLimit(.minutes(1)))
    func foreignNumbers() async throws {
        // Everybody claims the number of the next, who has another one in the file; only the last one's owner is not in
        // it any more.
        var city = City(people: 3001)
        let (store, run) = try await city.loaded()
        let numbers = city.people.map { $0["nip_baru"] ?? "" }
        city.people.removeLast()
        for index in city.people.indices {
            city.people[index]["nip_baru"] = numbers[index + 1]
            city.people[index]["tanggal_lahir"] = "null"
            city.people[index]["jenis_kelamin"] = "null"
        }
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        #expect(plan.counts.accepted == 0)
        #expect(plan.rejected.map(\.row) == Array(2...3001))
        #expect(Set(plan.rejected.map(\.reason)) == [.duplicateNIP])
        // With the last one back, in the file under a new number, nobody is refused.
        var last = city.person(3000)
        last["nip_baru"] = numbers[0]
        last["tanggal_lahir"] = "null"
        last["jenis_kelamin"] = "null"
        city.people.append(last)
        let whole = try await run.plan(people: city.peopleFile, units: nil, now: later)
        #expect(whole.rejected.isEmpty)
        #expect(whole.counts.renumbered == 3001)
        await store.close()
    }

    @Test("attack 272: a pns_id that occurs twice, and an id or NIP that Excel made a number")
    func damaged() async throws {
        var city = City(people: 40)
        city.people[3]["pns_id"] = city.people[2]["pns_id"]
        city.people[4]["nip_baru"] = "1,98E+17"
        city.people[5]["nama"] = "null"
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let plan = try await run.plan(people: city.peopleFile, units: city.unitFile, now: later)
        #expect(plan.rejected.map(\.row) == [4, 5, 6, 7])
        #expect(plan.rejected.map(\.reason) == [.duplicatePNSID, .duplicatePNSID, .numericIdentifier, .nameMissing])
        await store.close()
    }

    @Test("attack 277: markup in names is kept as text; formulas are kept, and harmless in the list that leaves")
    func hostileText() async throws {
        var city = City(people: 40)
        city.people[0]["nama"] = "<script>alert(1)</script>"
        city.people[1]["jabatan_nama"] = "=cmd|' /C calc'!A0"
        city.people[2]["email_gov"] = "a\u{200b}b@uji.invalid"
        city.people[3]["nip_baru"] = "189607\u{200b}111918111001"
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let plan = try await run.plan(people: city.peopleFile, units: city.unitFile, now: later)
        #expect(plan.rejected.map(\.reason) == [.invisibleCharacter])
        #expect(plan.warnings.map(\.reason) == [.formulaText, .emailUnusable])
        _ = try await run.apply(plan, by: .system, now: later)
        let id = city.people[0]["pns_id"] ?? ""
        #expect(try await store.read { try $0.people.find(pnsID: id)?.name } == "<script>alert(1)</script>")
        #expect(plan.findingsCSV().contains("ditolak;invisible_character;"))
        await store.close()
    }

    @Test("attack 331: quotes, comment signs and wildcards are data")
    func injection() async throws {
        var city = City(people: 40)
        city.people[0]["nama"] = "Robert'); DROP TABLE people;--"
        city.people[1]["jabatan_nama"] = "%_\\' OR 1=1"
        city.units[1].name = "Dinas\"; DELETE FROM units; --"
        let (store, _) = try await city.loaded()
        let id = city.people[0]["pns_id"] ?? ""
        try await store.read { tx throws in
            #expect(try tx.people.find(pnsID: id)?.name == "Robert'); DROP TABLE people;--")
            #expect(try tx.people.count() == 40)
            #expect(try tx.units.find(sourceID: "A0")?.name == "Dinas\"; DELETE FROM units; --")
        }
        await store.close()
    }

    @Test("an admin's word is not overruled by a file; a new plan sees what changed meanwhile")
    func adminDecides() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        let account = try #require(try await account(store, city.people[0]["pns_id"]))
        let later = later
        city.people[0]["kedudukan_hukum_id"] = "'88"
        let plan = try await run.plan(people: city.peopleFile, units: nil, now: later)
        #expect(plan.counts.stateChanges == 1)
        try await store.write { try $0.accounts.updateState(account.id, .ditangguhkan, by: .admin, at: later) }
        _ = try await run.apply(plan, by: .system, now: later)
        #expect(try await store.read { try $0.accounts.find(account.id)?.state } == .ditangguhkan)
        await store.close()
    }

    @Test("who works for another government is known and may not sign in")
    func worksElsewhere() async throws {
        var city = City(people: 40)
        city.people[0]["instansi_kerja_id"] = "9999"
        let (store, run) = try await city.loaded()
        #expect(try await account(store, city.people[0]["pns_id"])?.state == .menunggu)
        city.people[0]["instansi_kerja_id"] = city.government
        city.people[1]["instansi_kerja_id"] = "null"
        let (plan, _) = try await apply(city, run)
        #expect(plan.warnings.map(\.reason) == [.worksElsewhere])
        #expect(try await account(store, city.people[0]["pns_id"])?.state == .aktif)
        #expect(try await account(store, city.people[1]["pns_id"])?.state == .menunggu)
        await store.close()
    }

    @Test("without a unit file, a first load has to be told which government is ours")
    func governmentUnknown() async throws {
        let city = City(people: 40)
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let (people, later) = (city.peopleFile, later)
        await #expect(throws: PersonnelRefusal.governmentUnknown) {
            try await run.plan(people: people, units: nil, now: later)
        }
        var options = City.options
        options.governmentIDs = [city.government]
        let plan = try await PersonnelRun(store: store, options: options).plan(people: people, units: nil, now: later)
        #expect(plan.warnings.map(\.reason) == Array(repeating: .unitUnknown, count: 40))
        await store.close()
    }

    @Test("people born 18xx are refused where test data is not allowed")
    func fixtureYears() async throws {
        let city = City(people: 40)
        let store = try await Store.open(.sqliteMemory)
        let plan = try await PersonnelRun(store: store, options: PersonnelOptions())
            .plan(people: city.peopleFile, units: city.unitFile, now: later)
        #expect(PersonnelPlan.count(plan.rejected).map(\.reason) == [.nipBirthDate])
        #expect(plan.counts.accepted == 0)
        await store.close()
    }

    @Test("a header without a needed column, or with one twice, names it")
    func header() async throws {
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let city = City(people: 1)
        let later = later
        let lacking = PersonnelFile(
            name: "x.csv", bytes: City.csv(City.columns.filter { !["unor_id", "nip_baru"].contains($0) }, city.people))
        await #expect(throws: PersonnelSourceError.missingColumns(["nip_baru", "unor_id"])) {
            try await run.plan(people: lacking, units: city.unitFile, now: later)
        }
        let twice = PersonnelFile(name: "x.csv", bytes: City.csv(City.columns + ["NIP BARU"], city.people))
        await #expect(throws: PersonnelSourceError.repeatedColumn("nip_baru")) {
            try await run.plan(people: twice, units: city.unitFile, now: later)
        }
        let wrong = PersonnelFile(name: "x.xlsx", bytes: Array("PK\u{3}\u{4} not a zip".utf8))
        await #expect(throws: PersonnelSourceError.self) { try await run.plan(people: wrong, units: nil, now: later) }
        await store.close()
    }

    // MARK: Units

    @Test("units: cycles, missing parents, duplicates and endless depth are reported, and the rest is taken")
    func unitTree() {
        func row(_ number: Int, _ id: String?, _ parent: String?, name: String? = "U") -> UnitRow {
            UnitRow(row: number, sourceID: id, governmentID: "1", parentID: parent, name: name)
        }
        var rows = [
            row(2, "child", "root"), row(3, "root", nil), row(4, "a", "b"), row(5, "b", "a"), row(6, "below", "a"),
            row(7, "self", "self"),
            row(8, "orphan", "nowhere"), row(9, "under", "orphan"), row(10, "twin", "root"), row(11, "twin", "root"),
            row(12, nil, "root"),
            row(13, "nameless", "root", name: nil),
        ]
        for depth in 0..<100 { rows.append(row(14 + depth, "d\(depth)", depth == 0 ? "root" : "d\(depth - 1)")) }
        let tree = UnitTree(rows)
        #expect(tree.nodes.prefix(2).map(\.sourceID) == ["root", "child"])
        #expect(tree.nodes.count == 2 + 31)
        let reasons = Dictionary(tree.findings.map { ($0.reason, 1) }, uniquingKeysWith: +)
        #expect(reasons == [.cycle: 4, .parentMissing: 2, .duplicate: 2, .idMissing: 1, .nameMissing: 1, .tooDeep: 69])
    }

    @Test("units: renamed, moved with their subtree, vanished ones kept")
    func unitChanges() async throws {
        var city = City(people: 40)
        let (store, run) = try await city.loaded()
        city.units[1].name = "Dinas Baru"
        city.units.removeAll { $0.id == "A5S2" }
        // A whole agency moves below another.
        city.units = city.units.map { $0.id == "A4" ? ($0.id, "A3", $0.name) : $0 }
        let (plan, _) = try await apply(city, run, units: true)
        #expect(plan.units.renamed == 1)
        #expect(plan.units.changed.count == 1 + 4)
        #expect(plan.units.findings == [UnitFinding(row: nil, sourceID: "A5S2", reason: .vanished)])
        try await store.read { tx throws in
            let section = try #require(try tx.units.find(sourceID: "A4S0"))
            let agency = try #require(try tx.units.find(sourceID: "A3"))
            #expect(section.agencyID == agency.id)
            #expect(section.path.hasPrefix(agency.path))
            #expect(try tx.units.find(sourceID: "A5S2") != nil)
        }
        await store.close()
    }

    @Test("attack 334: nothing is left of a load that failed half way")
    func failure() async throws {
        let city = City()
        // Room for the empty tables and a little more, however many there are.
        let empty = try await Store.open(.sqliteMemory)
        let pages = try await empty.read { try $0.first("PRAGMA page_count")?.integer(0) }
        await empty.close()
        var options = StoreOptions()
        options.maximumPages = Int(try #require(pages)) + 8
        let store = try await Store.open(.sqliteMemory, options: options)
        let run = PersonnelRun(store: store, options: City.options)
        let plan = try await run.plan(people: city.peopleFile, units: city.unitFile, now: later)
        let later = later
        await #expect(throws: StoreError.self) { try await run.apply(plan, by: .system, now: later) }
        try await store.read { tx throws in
            #expect(try tx.people.count() == 0)
            #expect(try tx.units.list().isEmpty)
            #expect(try tx.audit.list(before: .max, event: nil, subject: nil, limit: 1).isEmpty)
        }
        await store.close()
    }

    @Test("progress goes up and ends at one")
    func progress() async throws {
        let seen = Mutex<[Double]>([])
        let city = City()
        let store = try await Store.open(.sqliteMemory)
        let run = PersonnelRun(store: store, options: City.options)
        let plan = try await run.plan(people: city.peopleFile, units: city.unitFile, now: later)
        _ = try await run.apply(plan, by: .system, now: later) { share in seen.withLock { $0.append(share) } }
        let shares = seen.withLock { $0 }
        #expect(shares == shares.sorted())
        #expect(shares.last == 1)
        await store.close()
    }
}
