import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// What admins of a unit learn from lists and from refusals.
@Suite("Delegated administration: lists and words")
struct AuthorityListTests {
    private typealias Asker = AuthorityCity.Asker

    /// Those whose role stands for one unit.
    private static let delegated = ["setda", "setda-lain", "hukum", "dinkes"]

    @Test("the state by which accounts are listed is the one that counts at that moment", arguments: bothEngines)
    func states(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let city = admins.city
            func check(_ when: String) async throws {
                let now = city.gateway.clock.now
                let accounts = try await city.gateway.store.read { tx in
                    var all: [Account] = []
                    try tx.accounts.each { all.append($0) }
                    return all
                }
                for state in AccountState.allCases {
                    let wanted = Set(accounts.filter { $0.state(at: now) == state }.map(\.id.text))
                    let list = try await city.operate("account.list", ["state": .string(state.rawValue), "limit": 0])
                    #expect(Set((list["accounts"]?.array ?? []).compactMap { $0["id"]?.string }) == wanted, "\(when)")
                    #expect(list["matching"]?.integer == Int64(wanted.count), "\(when) \(state)")
                }
            }
            try await check("at first")
            // Whoever answers for vendor-hukum may sign in no more.
            _ = try await city.operate("account.state", ["name": "ujang", "state": "ditangguhkan"])
            try await check("without a sponsor")
            city.gateway.clock.advance(seconds: 86_400 * 20 - 1)
            try await check("a second before the end")
            city.gateway.clock.advance(seconds: 1)
            try await check("at the end")
        }
    }

    @Test("attack 190: people without a manager, and closed units, are those within reach", arguments: bothEngines)
    func otherLists(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let (city, now) = (admins.city, admins.city.gateway.clock.now)
            for key in ["setda", "dinkes"] {
                let parent = try #require(city.units[key])
                let id = UnitID.make(now: now)
                let unit = Unit(
                    id: id, sourceID: "UNOR-\(key)-lama", parentID: parent.id, agencyID: parent.id, name: "Lama \(key)",
                    postName: nil, kind: "BIDANG", echelon: nil, path: parent.path + id.text + "/", headPNSID: nil,
                    validFrom: now, validTo: now)
                try await city.gateway.store.write { try $0.units.insert(unit) }
            }
            let whole = try await city.operate("manager.missing", ["limit": 0])
            let everybody = Set((whole["rows"]?.array ?? []).compactMap { $0["pns_id"]?.string })
            #expect(everybody.count > 10)
            for key in Self.delegated {
                let asker = Asker.account(key)
                let wanted = everybody.filter {
                    AuthorityCity.sees(asker, AuthorityCity.places[String($0.dropFirst(4))] ?? nil)
                }
                let missing = try await admins.run("manager.missing", ["limit": 0], as: asker)
                #expect(Set((missing["rows"]?.array ?? []).compactMap { $0["pns_id"]?.string }) == wanted, "\(key)")
                #expect(missing["missing"]?.integer == Int64(wanted.count))
                #expect(missing["people"]?.integer == Int64(wanted.count))
                let closed = try await admins.run("unit.list", ["closed": true], as: asker)
                let names = (closed["units"]?.array ?? []).compactMap { $0["name"]?.string }
                let reach = try #require(AuthorityCity.reaches[key])
                #expect(names == (reach == "hukum" ? [] : ["Lama \(reach)"]), "\(key)")
                #expect(closed["matching"]?.integer == Int64(names.count))
            }
        }
    }

    @Test("attack 190: a manager who works elsewhere is told by name, and by no number", arguments: bothEngines)
    func manager(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            _ = try await admins.city.operate("manager.set", ["person": "PNS-ujang", "manager": "PNS-siti"])
            func manager(as key: String) async throws -> JSONValue? {
                try await admins.run("manager.show", ["person": "PNS-ujang"], as: .account(key))["manager"]
            }
            let seen = try await manager(as: "hukum")
            #expect(seen?["name"]?.string?.isEmpty == false)
            for member in ["nip", "pns_id", "sub"] { #expect(seen?[member]?.isNull == true, "\(member)") }
            #expect(try await manager(as: "bkd")?["nip"]?.string == City.nips["siti"])
        }
    }

    @Test(
        "attack 188: by any name, what is out of reach is answered word for word like what never was",
        arguments: bothEngines)
    func words(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let city = admins.city
            for person in ["ujang", "siti"] {
                _ = try await city.operate(
                    "account.email",
                    ["name": .string(person), "email": .string("\(person)@contoh.invalid"), "verified": true])
            }
            _ = try await city.operate(
                "application.add", ["slug": "e-klinik", "name": "e-Klinik", "agency": "UNOR-dinkes", "state": "aktif"])
            _ = try await city.operate("role.add", ["application": "e-klinik", "name": "dokter"])
            for (key, other) in [("setda", "siti"), ("hukum", "siti"), ("dinkes", "ujang")] {
                let places = key == "dinkes" ? ["setda", "hukum"] : ["dinkes", "puskesmas"]
                let accounts = [try admins.id(other), other, city.nip(other), "\(other)@contoh.invalid"]
                let vendor = key == "dinkes" ? "vendor-hukum" : "vendor-dinkes"
                for name in accounts + [vendor, try admins.id(vendor), "tanpa-siapa", "tanpa-unit"] {
                    try await same(admins, key, name, ["account.show", "account.link", "account.end-sessions"], "name")
                    try await same(admins, key, name, ["grant.show-for"], "name")
                    try await same(admins, key, name, ["account.state"], "name", ["state": "aktif"])
                    try await same(admins, key, name, ["account.role"], "name", ["role": "none"])
                    try await same(admins, key, name, ["grant.list"], "account")
                    try await same(
                        admins, key, name, ["account.add"], "sponsor",
                        ["user_name": "baru", "name": "Baru", "ends_at": "2027-01-01"])
                }
                for unit in places {
                    let known = try #require(city.units[unit])
                    for name in [known.id.text, known.sourceID, known.name] {
                        try await same(
                            admins, key, name,
                            [
                                "unit.show", "unit.history", "account.list", "account.pending", "appointment.list",
                                "account.codes",
                            ],
                            "unit")
                        try await same(admins, key, name, ["unit.list"], "agency")
                        try await same(
                            admins, key, name, ["account.role"], "unit", ["name": .string(key), "role": "agency_admin"])
                    }
                }
                let slug = key == "dinkes" ? "simpeg" : "e-klinik"
                try await same(admins, key, slug, ["application.show"], "slug")
                try await same(admins, key, slug, ["role.list", "grant.list"], "application")
                try await same(
                    admins, key, slug, ["grant.add"], "application",
                    ["role": "dokter", "account": .string(try admins.id(key)), "letter": "1"])
            }
        }
    }

    /// Asks for what is out of reach, and for what there is not, and compares what is said of both.
    private func same(
        _ admins: AuthorityCity, _ key: String, _ text: String, _ operations: [String], _ member: String,
        _ more: JSONObject = [:]
    ) async throws {
        // As long as the other, of the same letters: an id, a number and a name are read in different ways.
        let unreal = String(text.map { $0 == "1" ? "2" : $0 == "a" ? "b" : $0 == "i" ? "o" : $0 })
        for operation in operations {
            var said: [String] = []
            for name in [text, unreal] {
                var arguments = more
                arguments[member] = .string(name)
                do {
                    _ = try await admins.run(operation, arguments, as: .account(key))
                    Issue.record("\(operation) of \(name) as \(key) went through")
                } catch let error as OperationError {
                    #expect(error.code == .notFound, "\(operation) of \(name) as \(key): \(error.message)")
                    said.append((error.message + error.indonesian).replacing(name, with: "…"))
                }
            }
            #expect(said.count == 2 && said.first == said.last, "\(operation) of \(text) as \(key): \(said)")
        }
    }

    @Test("attack 190: a name that units elsewhere have too is told by those within reach")
    func ambiguous() async throws {
        try await withAdmins(on: .sqlite) { admins in
            // Every unit's name has an "a" in it; only one of them is within reach of hukum.
            let shown = try await admins.run("unit.show", ["unit": "a"], as: .account("hukum"))
            #expect(shown["id"]?.string == (try admins.unit("hukum")))
            let error = await #expect(throws: OperationError.self) {
                try await admins.run("unit.show", ["unit": "s"], as: .account("dinkes"))
            }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("Sekretariat") == false)
        }
    }

    @Test("attack 197: no answer of a reading operation holds a NIK, a code, a link or what is stored of them")
    func secrets() async throws {
        try await withAdmins(on: .sqlite) { admins in
            let city = admins.city
            let nik = "3299990101600001"
            try await city.setNIK("ujang", nik)
            let link = try await city.operate("account.link", ["name": "siti"])
            let codes = try await city.operate("account.codes", ["names": [.string(try admins.id("tanpa-unit"))]])
            let printed = try #require(codes["codes"]?.array?.first?["code"]?.string)
            var canaries = [nik, printed, printed.replacing("-", with: ""), "$argon2"] + city.secrets.values
            canaries.append(try #require(link["link"]?.string?.split(separator: "=").last.map(String.init)))
            canaries += try await city.gateway.store.read { tx in
                try tx.rows("SELECT digest FROM one_time_links UNION SELECT digest FROM activation_codes").map {
                    try $0.text(0)
                }
                    + tx.rows("SELECT sealed FROM identity_numbers UNION SELECT lookup FROM identity_numbers").map {
                        try $0.text(0)
                    }
            }
            #expect(canaries.count > 15)
            let given: [JSONObject] =
                [
                    [:], ["name": "ujang"], ["name": "siti"], ["name": .string(try admins.id("tanpa-unit"))],
                    ["slug": "simpeg"], ["application": "simpeg"], ["person": "PNS-ujang"],
                    ["unit": .string(try admins.unit("setda"))], ["limit": 100], ["search": "u"], ["closed": true],
                ] + city.secrets.keys.map { ["client_id": .string($0)] }
            var answered: Set<String> = []
            for operation in Operations.all {
                guard let verb = operation.access.verb,
                    verb.isReading || operation.name.utf8.starts(with: "person.".utf8)
                else { continue }
                for asker in ["super", "auditor"] {
                    for arguments in given {
                        let answer: String
                        do {
                            answer = try await admins.run(operation.name, arguments, as: .account(asker)).encodedText()
                            answered.insert(operation.name)
                        } catch { answer = "\(error)" }
                        for canary in canaries {
                            #expect(answer.utf8.firstRange(of: canary.utf8) == nil, "\(operation.name) as \(asker)")
                        }
                    }
                }
            }
            let reading = Operations.all.filter { $0.access.verb?.isReading == true }.map(\.name)
            // Drafts and loads there are none of here.
            #expect(Set(reading).subtracting(answered) == ["unit.draft-show", "personnel.show"])
        }
    }

    @Test("attack 205: whoever only reads changes nothing by any operation, whatever they say", arguments: bothEngines)
    func readers(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let city = admins.city
            let before = try await everything(city, engine)
            #expect(before.count > 50)
            let given: [JSONObject] = [
                [:], ["name": "ujang"], ["name": "ujang", "state": "nonaktif"], ["name": "ujang", "role": "none"],
                ["name": "ujang", "confirmed": true], ["names": ["ujang"]], ["unit": "UNOR-setda"],
                ["slug": "simpeg", "state": "diarsipkan"], ["application": "simpeg"], ["client_id": "web"],
                ["client_id": "web", "state": "disabled"], ["person": "PNS-ujang"],
                ["person": "PNS-ujang", "manager": "PNS-siti"], ["nik": "3299990101600001"],
                ["application": "simpeg", "role": "penilai", "account": "ujang", "letter": "1"],
            ]
            for operation in Operations.all {
                for arguments in given {
                    for asker in [Asker.account("auditor"), .account("ujang"), .account("pindah"), .client("machine")] {
                        let outcome = try await admins.outcome(operation.name, arguments, as: asker)
                        let isReading = operation.access.verb?.isReading == true && asker == .account("auditor")
                        #expect((outcome != .forbidden) == isReading, "\(operation.name) as \(asker)")
                    }
                }
            }
            #expect(try await everything(city, engine) == before)
        }
    }

    /// Every row of the database.
    private func everything(_ city: City, _ engine: Engine) async throws -> Set<String> {
        try await city.gateway.store.read { tx in
            let tables =
                engine == .sqlite
                ? try tx.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
                : try tx.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
            var found: Set<String> = []
            for table in try tables.map({ try $0.text(0) }) {
                try tx.stream(Statement(stringLiteral: "SELECT * FROM \(table)")) {
                    found.insert("\(table) \($0.values)")
                }
            }
            return found
        }
    }

    @Test(
        "attack 190: a unit of thousands is paged like any other: each account within reach once",
        arguments: bothEngines)
    func crowd(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let (city, now) = (admins.city, admins.city.gateway.clock.now)
            let places = ["setda", "dinkes"].compactMap { city.units[$0]?.id }
            try await city.gateway.store.write { tx in
                let people = (0..<10_100).map { number in
                    Person(
                        id: .make(now: now), pnsID: "PNS-\(number)", name: "Orang \(number)", employeeKind: .pns,
                        statusCode: "01", unitID: places[number % 2], createdAt: now, updatedAt: now)
                }
                try tx.people.insert(people)
                try tx.accounts.insert(
                    people.map { person in
                        Account(
                            id: .make(now: now), personID: person.id, sub: UUIDText.version4(), state: .aktif,
                            stateBy: .personnel, createdAt: now, updatedAt: now)
                    })
                // Lent by somebody of each unit, so that they come last.
                for (key, name) in [("ujang", "akhir-hukum"), ("siti", "akhir-dinkes")] {
                    try tx.accounts.insert(
                        Account(
                            id: .make(now: now), sub: UUIDText.version4(), userName: name, displayName: "V",
                            state: .aktif,
                            stateBy: .admin, sponsorID: city.people[key]?.id, endsAt: now.adding(seconds: 86_400),
                            createdAt: now, updatedAt: now))
                }
            }
            for (key, count) in [("setda", 5050), ("dinkes", 5050), ("hukum", 0)] {
                let asker = Asker.account(key)
                let own = AuthorityCity.places.filter { AuthorityCity.sees(asker, $0.value) }.count
                var found: [String] = []
                var arguments: JSONObject = ["limit": 900]
                while true {
                    let page = try await admins.run("account.list", arguments, as: asker)
                    let ids = (page["accounts"]?.array ?? []).compactMap { $0["id"]?.string }
                    found += ids
                    #expect(page["matching"]?.integer == Int64(count + own + 1), "\(key)")
                    guard page["more"]?.bool == true, let last = ids.last else { break }
                    arguments["after"] = .string(last)
                }
                let path = try #require(AuthorityCity.reaches[key].flatMap { city.units[$0] }).path
                let within = try await city.gateway.store.read { try $0.accounts.ids(under: path) }
                #expect(found.count == Set(found).count, "\(key)")
                #expect(Set(found) == Set(within.map(\.text)), "\(key)")
                #expect(found.count == count + own + 1, "\(key)")
            }
        }
    }

    @Test(
        "printed codes: a unit's admin gets them in the answer, for their own people, and no file is written",
        arguments: bothEngines)
    func codes(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let (city, now) = (admins.city, admins.city.gateway.clock.now)
            for (key, unit) in [("baru-hukum", "hukum"), ("baru-dinkes", "dinkes")] {
                let unitID = try #require(city.units[unit]).id
                try await city.gateway.store.write { tx in
                    let person = Person(
                        id: .make(now: now), pnsID: "PNS-\(key)", name: "Pegawai \(key)", employeeKind: .pns,
                        statusCode: "01", unitID: unitID, createdAt: now, updatedAt: now)
                    try tx.people.insert(person)
                    try tx.accounts.insert(
                        Account(
                            id: .make(now: now), personID: person.id, sub: UUIDText.version4(), userName: key,
                            state: .aktif, stateBy: .personnel, createdAt: now, updatedAt: now))
                }
            }
            let folder = city.gateway.gateway.services.settings.dataFolder
            for file in ["csv", "sheet"] {
                let asked: JSONObject = ["all": true, file: .string("\(folder)/kode")]
                #expect(try await admins.outcome("account.codes", asked, as: .account("setda")) == .forbidden)
            }
            // The whole city is for them what they reach; admins get none.
            for arguments in [["all": true], ["unit": "UNOR-setda"]] as [JSONObject] {
                var again = arguments
                again["again"] = true
                let answer = try await admins.run("account.codes", again, as: .account("setda"))
                #expect((answer["codes"]?.array ?? []).compactMap { $0["sign_in_name"]?.string } == ["baru-hukum"])
            }
            #expect(try await city.latest(.activationCodeIssued) != .null)
        }
    }

    @Test("an admin's acts stand in the audit under their own name", arguments: bothEngines)
    func audit(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            _ = try await admins.run(
                "account.state", ["name": .string(try admins.id("ujang")), "state": "terbatas"], as: .account("hukum"))
            let row = try await admins.city.gateway.store.read {
                try $0.audit.list(before: .max, event: AuditEvent.accountStateChanged.rawValue, subject: nil, limit: 1)
                    .first
            }
            #expect(row?.actor == "account:\(try admins.id("hukum"))")
        }
    }

    @Test("a role in a unit is given to who works there, and doctor names those who left it", arguments: bothEngines)
    func worksThere(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let city = admins.city
            let wish: JSONObject = ["name": "siti", "role": "agency_admin", "unit": "UNOR-setda"]
            #expect(await city.refusal("account.role", wish) == .refused)
            #expect(
                await city.refusal("account.role", ["name": "vendor-dinkes", "role": "helpdesk", "unit": "UNOR-setda"])
                    == .refused)
            _ = try await city.operate("account.role", ["name": "siti", "role": "agency_admin", "unit": "UNOR-dinkes"])
            func roles() async throws -> JSONValue? {
                let checks = try await city.operate("doctor")["checks"]?.array ?? []
                return checks.first { $0["check"] == "roles" }
            }
            #expect(try await roles()?["status"] == "WARN")
            #expect(try await roles()?["message"]?.string?.contains("1 admins") == true)
            _ = try await city.operate("account.role", ["name": .string(try admins.id("pindah")), "role": "none"])
            #expect(try await roles()?["status"] == "OK")
            // A transfer takes the role's effect at once, and coming back gives it again.
            func outcome() async throws -> AuthorityCity.Outcome {
                let context = OperationContext(
                    services: city.gateway.gateway.services, actor: .account(try #require(city.people["siti"]).id.text))
                do {
                    _ = try await Operations.find("account.list").run([:], context)
                    return .allowed
                } catch { return (error as? OperationError)?.code == .forbidden ? .forbidden : .notFound }
            }
            #expect(try await outcome() == .allowed)
            try await city.move("siti", to: "hukum")
            #expect(try await outcome() == .forbidden)
            #expect(try await roles()?["status"] == "WARN")
            try await city.move("siti", to: "dinkes")
            #expect(try await outcome() == .allowed)
        }
    }
}
