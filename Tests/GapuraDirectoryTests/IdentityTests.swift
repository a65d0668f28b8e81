import GapuraFormats
import GapuraStore
import GapuraTabular
import Testing

@testable import GapuraDirectory

/// NIKs: read, sealed, found again, and nowhere in the clear. Their districts (9999) do not exist.
@Suite("NIK")
struct IdentityTests {
    typealias City = PersonnelTestCity
    private let vault = IdentityVault(
        sealing: [UInt8](repeating: 7, count: 31) + [1], finding: [UInt8](repeating: 9, count: 31) + [2])
    private let later = City.now.adding(seconds: 86_400)

    private func problem(_ text: String) -> NIKProblem? {
        #expect(throws: NIKProblem.self) { try NIK.parse(text) }
    }

    @Test(
        "sixteen digits with a possible day and serial are a NIK, however people write them",
        arguments: [
            "3299990101600001", "'3299990101600001", " 3299 9901 0160 0001 ", "329999.010160.0001",
            "329999-010160-0001", "\u{2019}3299990101600001\t",
        ])
    func accepted(_ text: String) throws {
        let nik = try #require(try NIK.parse(text))
        #expect(nik.digits == "3299990101600001")
        #expect(nik.masked == "************0001")
        #expect(nik.isProvinceKnown)
    }

    @Test("a woman's day is 40 more, and the century is open: 29 February 00 and 31 are days")
    func days() throws {
        for text in ["3299994101600001", "3299997112990001", "3299992902000001", "3299996902000001"] {
            #expect(try NIK.parse(text) != nil)
        }
        for text in [
            "3299990001600001", "3299993201600001", "3299994001600001", "3299997201600001", "3299990113600001",
            "3299993002600001", "3299992902010001",
        ] {
            #expect(problem(text) == .unusable)
        }
    }

    @Test(
        "attack 272: what is no NIK is none: lengths, letters, serial 0000, digits of other scripts, hidden characters",
        arguments: [
            "329999010160000", "32999901016000011", "3299990101600000", "0000000101600001", "32999901016O0001",
            "٣٢٩٩٩٩٠١٠١٦٠٠٠٠١", "3299990101600001\u{200b}", "3299\u{a0}990101600001", "=3299990101600001",
        ])
    func refused(_ text: String) { #expect(problem(text) == .unusable) }

    @Test("attack 272: a number that a spreadsheet made of it is refused, as a float and as a number cell")
    func numeric() throws {
        #expect(problem("3.29999E+15") == .numeric)
        #expect(problem("3,29999E+15") == .numeric)
        var identities = PersonnelIdentities()
        for raw in ["3299990101600001", "3.2999901016E+15"] {
            let row = PersonnelRow(number: 2, cells: [.nik: .number(raw: raw)])
            #expect(identities.take(row, "A") == [.nikNumeric])
        }
        #expect(identities.accepted(besides: []).isEmpty)
        #expect(try NIK.parse("null") == nil)
        #expect(try NIK.parse("-") == nil)
    }

    @Test("an unknown province and a flag of SIASN are warnings: the NIK is taken")
    func warnings() {
        var identities = PersonnelIdentities()
        for (nik, flag, reasons) in [
            ("9999990101600001", TabularCell.empty, [PersonnelReason.nikProvinceUnknown]),
            ("3299990101600002", .text("0"), [.nikUnconfirmed]), ("3299990101600003", .bool(false), [.nikUnconfirmed]),
            ("3299990101600004", .text("1"), []),
            ("9999990101600005", .number(raw: "0"), [.nikProvinceUnknown, .nikUnconfirmed]),
        ] {
            let row = PersonnelRow(number: 2, cells: [.nik: .text(nik), .nikIsValid: flag])
            #expect(identities.take(row, nik) == reasons)
        }
        #expect(identities.accepted(besides: []).count == 5)
    }

    @Test("attack 304: a NIK and its keys print as dots, in descriptions, interpolations and dumps")
    func silent() throws {
        let nik = try #require(try NIK.parse("3299990101600001"))
        let identity = PersonnelIdentity(row: 2, pnsID: "A", nik: nik)
        var text = "\(nik) \(String(reflecting: nik)) \(identity) \(vault) \(String(reflecting: vault))"
        dump(identity, to: &text)
        dump(vault, to: &text)
        #expect(!text.contains("0101600001"))
        #expect(!text.contains("7, 7"))
    }

    @Test("a sealed NIK opens for its person with its key only, and two seals of one differ")
    func sealed() throws {
        let nik = try #require(try NIK.parse("3299990101600001"))
        let (person, other) = (PersonID.make(now: City.now), PersonID.make(now: City.now))
        let sealed = try vault.seal(nik, of: person)
        let lookup = try vault.lookup(nik)
        #expect(try vault.seal(nik, of: person) != sealed)
        func row(_ person: PersonID, _ sealed: String) -> SealedIdentity {
            SealedIdentity(personID: person, sealed: sealed, lookup: lookup, changedAt: City.now)
        }
        #expect(vault.open(row(person, sealed)) == nik)
        #expect(vault.open(row(other, sealed)) == nil)
        #expect(vault.open(row(person, String(sealed.dropLast()))) == nil)
        let foreign = IdentityVault(
            sealing: [UInt8](repeating: 8, count: 32), finding: [UInt8](repeating: 8, count: 32))
        #expect(foreign.open(row(person, sealed)) == nil)
        #expect(try foreign.lookup(nik) != lookup)
    }

    // MARK: Loads

    private func city() -> City {
        var city = City(people: 6)
        for index in city.people.indices { city.people[index]["nik"] = "'32999901016000\(10 + index)" }
        return city
    }

    private func run(_ store: Store, takesNIK: Bool = true) -> PersonnelRun {
        var options = City.options
        options.stopShare = 1
        if takesNIK { options.identities = vault }
        return PersonnelRun(store: store, options: options)
    }

    /// Every NIK that is stored, by `pns_id`.
    private func stored(_ store: Store) async throws -> [String: String] {
        let vault = vault
        return try await store.read { tx in
            var found: [String: String] = [:]
            try tx.people.each { person in
                guard let row = try tx.identities.find(person.id) else { return }
                found[person.pnsID ?? ""] = vault.open(row)?.digits ?? "?"
                let nik = try #require(vault.open(row))
                #expect(try tx.identities.find(lookup: vault.lookup(nik)) == [row])
            }
            return found
        }
    }

    /// All text of the database.
    private func dumped(_ store: Store) async throws -> String {
        try await store.read { tx in
            var text = ""
            for table in try tx.rows("SELECT name FROM sqlite_master WHERE type = 'table'").map({ try $0.text(0) }) {
                try tx.stream(Statement(stringLiteral: "SELECT * FROM \(table)")) { text += "\($0.values)\n" }
            }
            return text
        }
    }

    @Test("a load takes the NIK where it is asked to, sealed; in no preview, audit, change or table is it in the clear")
    func loaded() async throws {
        let city = city()
        let store = try await Store.open(.sqliteMemory)
        let plan = try await run(store).plan(people: city.peopleFile, units: city.unitFile, now: City.now)
        var text = plan.findingsCSV() + JSONValue.object(plan.countsJSON).encodedText()
        try plan.changesCSV(.none, day: { "\($0)" }) { text += $0 }
        _ = try await run(store).apply(plan, by: .command(user: "test"), now: City.now)
        #expect(
            try await stored(store)
                == Dictionary(
                    uniqueKeysWithValues: (0..<6).map { (city.people[$0]["pns_id"] ?? "", "32999901016000\(10 + $0)") })
        )
        text += try await dumped(store)
        #expect(text.contains(city.people[0]["nama"] ?? "?"))
        #expect(!text.contains("32999901016000"))
        let rows = try await store.read {
            try $0.audit.list(before: .max, event: "identities.loaded", subject: nil, limit: 9)
        }
        #expect(rows.map(\.detail) == ["{\"people\":6}"])
        await store.close()
    }

    @Test("by default the NIK is dropped while the file is read")
    func dropped() async throws {
        let city = city()
        let store = try await Store.open(.sqliteMemory)
        let plan = try await run(store, takesNIK: false).plan(
            people: city.peopleFile, units: city.unitFile, now: City.now)
        #expect(plan.identities.isEmpty)
        #expect(plan.warnings.isEmpty)
        _ = try await run(store, takesNIK: false).apply(plan, by: .command(user: "test"), now: City.now)
        #expect(try await stored(store).isEmpty)
        await store.close()
    }

    @Test("a later load writes only what is new or another one; nobody else's number, and no shared one")
    func later() async throws {
        var city = city()
        let store = try await Store.open(.sqliteMemory)
        var plan = try await run(store).plan(people: city.peopleFile, units: city.unitFile, now: City.now)
        _ = try await run(store).apply(plan, by: .command(user: "test"), now: City.now)
        let before = try await stored(store)
        func id(_ index: Int) -> String { city.people[index]["pns_id"] ?? "" }
        city.people[0]["nik"] = "'3299990101600099"
        city.people[1]["nik"] = "null"
        city.people[2]["nik"] = "'12"
        // 3 claims what 4 keeps; 5 is one of two with a number of nobody's.
        city.people[3]["nik"] = city.people[4]["nik"]
        city.people[5]["nik"] = "'3299990101600098"
        var twin = city.person(40)
        twin["nik"] = "'3299990101600098"
        city.people.append(twin)
        plan = try await run(store).plan(people: city.peopleFile, units: nil, now: later)
        #expect(plan.warnings.filter { $0.reason == .nikUnusable }.map(\.row) == [4])
        #expect(Set(plan.warnings.filter { $0.reason == .nikShared }.map(\.row)) == [5, 6, 7, 8])
        _ = try await run(store).apply(plan, by: .command(user: "test"), now: later)
        var wanted = before
        wanted[id(0)] = "3299990101600099"
        #expect(try await stored(store) == wanted)

        // In a third file 3 has the number of 4, who is not in it with another one: it stays where it was.
        city.people[3]["nik"] = "'32999901016000" + "14"
        city.people[4]["nik"] = "null"
        plan = try await run(store).plan(people: city.peopleFile, units: nil, now: later.adding(seconds: 60))
        _ = try await run(store).apply(plan, by: .command(user: "test"), now: later.adding(seconds: 60))
        #expect(try await stored(store) == wanted)
        let rows = try await store.read {
            try $0.audit.list(before: .max, event: "identities.loaded", subject: nil, limit: 9)
        }
        #expect(rows.map(\.detail) == ["{\"people\":1}", "{\"people\":6}"])
        await store.close()
    }
}
