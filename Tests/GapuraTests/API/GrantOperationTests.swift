import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

extension City {
    /// Roles of applications, each made if it is not there: `simpeg:penilai`.
    func addRoles(_ names: String...) async throws {
        for name in names {
            let parts = name.split(separator: ":")
            _ = try await operate(
                "role.add", ["application": .string(String(parts[0])), "name": .string(String(parts[1]))])
        }
    }

    /// Gives `simpeg:penilai` or another role; answers the grant.
    @discardableResult
    func give(_ role: String, _ members: JSONObject) async throws -> JSONValue {
        try await operate("grant.add", giving(role, members))
    }

    func giving(_ role: String, _ members: JSONObject) -> JSONObject {
        let parts = role.split(separator: ":").map { JSONValue.string(String($0)) }
        var arguments: JSONObject = ["application": parts[0], "role": parts[1], "letter": "800/1/2026"]
        for member in members.members { arguments[member.key] = member.value }
        return arguments
    }

    /// What `grant show-for` says, as `simpeg:penilai`, without what is withheld.
    func held(_ name: String) async throws -> [String] {
        let roles = try await operate("grant.show-for", ["name": .string(name)])["roles"]?.array ?? []
        return roles.filter { $0["withheld_by"]?.array?.isEmpty == true }
            .map { "\($0["application"]?.string ?? ""):\($0["role"]?.string ?? "")" }
    }

    /// Puts a person into another unit, as a load would, and nothing else.
    func move(_ person: String, to unit: String) async throws {
        let (id, unitID) = (try #require(people[person]?.personID), try #require(units[unit]).id)
        try await gateway.store.write { tx in
            guard var person = try tx.people.find(id) else { throw CityError(text: "nobody") }
            person.unitID = unitID
            try tx.people.update(person)
        }
    }
}

/// Roles and grants as operators manage them, on both engines.
@Suite("Operations: grants")
struct GrantOperationTests {
    @Test(
        "a grant reaches an account, a post, a unit with what is below it, a kind of employment, and nobody else",
        arguments: bothEngines)
    func subjects(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let reached: [(member: JSONObject, people: Set<String>)] = [
                (["account": .string(City.nips["ujang"] ?? "")], ["ujang"]), (["post": "JAB-siti"], ["siti"]),
                (["unit": "UNOR-setda"], ["ujang", "budi", "rina"]), (["unit": "UNOR-hukum"], ["ujang"]),
                (["unit": "UNOR-kota"], ["ujang", "siti", "budi", "rina"]),
                (["kind": "PNS"], ["ujang", "budi", "rina"]),
                (["kind": "PPPK", "in_unit": "UNOR-dinkes"], ["siti"]),
                (["kind": "PPPK", "in_unit": "UNOR-setda"], []),
                (["post": "JAB-ujang", "in_unit": "UNOR-setda"], ["ujang"]),
                (["post": "JAB-ujang", "in_unit": "UNOR-dinkes"], []), (["kind": "NON_ASN"], ["vendor"]),
            ]
            _ = try await city.operate("account.add", ["user_name": "vendor", "name": "V", "role": "superadmin"])
            for (place, step) in reached.enumerated() {
                let role = "simpeg:peran\(place)"
                try await city.addRoles(role)
                try await city.give(role, step.member)
                for person in ["ujang", "siti", "budi", "rina", "vendor"] {
                    #expect(
                        try await city.held(person).contains(role) == step.people.contains(person),
                        "\(step.member.encodedText()) \(person)")
                }
            }
        }
    }

    @Test(
        "a grant counts from the first moment of its first day in the city to the last of its last",
        arguments: bothEngines)
    func dates(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRoles("simpeg:penilai")
            try await city.give("simpeg:penilai", ["account": "ujang", "from": "2026-11-27", "until": "2026-11-28"])
            let clock = city.gateway.clock
            func go(to text: String) throws {
                let moment = try #require(TimeText.parse(text, in: "Asia/Jakarta"))
                clock.advance(seconds: moment.seconds - clock.now.seconds)
            }
            #expect(try await city.held("ujang") == [])
            try go(to: "2026-11-26T16:59:59Z")
            #expect(try await city.held("ujang") == [])
            try go(to: "2026-11-26T17:00:00Z")
            #expect(try await city.held("ujang") == ["simpeg:penilai"])
            try go(to: "2026-11-28T16:59:59Z")
            #expect(try await city.held("ujang") == ["simpeg:penilai"])
            try go(to: "2026-11-28T17:00:00Z")
            #expect(try await city.held("ujang") == [])
            for (day, count) in [("2026-11-26", 0), ("2026-11-27", 1), ("2026-11-28", 1), ("2026-11-29", 0)] {
                let list = try await city.operate("grant.list", ["on": .string(day)])
                #expect(list["grants"]?.array?.count == count, "\(day)")
            }
            let all = try await city.operate("grant.list", ["account": "ujang", "application": "simpeg"])
            #expect(all["grants"]?.array?.first?["from"] == "2026-11-27")
            #expect(all["grants"]?.array?.first?["until"] == "2026-11-28")
        }
    }

    @Test("an application that is not active gives nothing, and one that is archived or refused gets no grants")
    func applicationState() async throws {
        try await withCity { city in
            try await city.addRoles("simpeg:penilai")
            try await city.give("simpeg:penilai", ["account": "ujang"])
            for state in ApplicationState.allCases {
                _ = try await city.operate(
                    "application.state", ["slug": "simpeg", "state": .string(state.rawValue)])
                #expect(try await city.held("ujang") == (state == .aktif ? ["simpeg:penilai"] : []), "\(state)")
                let isClosed = [.ditolak, .diarsipkan].contains(state)
                let again = city.giving("simpeg:penilai", ["account": "siti", "letter": .string(state.rawValue)])
                if isClosed {
                    #expect(await city.refusal("grant.add", again) == .refused)
                } else {
                    _ = try await city.operate("grant.add", again)
                }
            }
        }
    }

    @Test("giving and ending twice is once, and the audit knows both without names", arguments: bothEngines)
    func idempotent(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRoles("simpeg:penilai")
            let members: JSONObject = ["account": .string(City.nips["ujang"] ?? ""), "until": "2026-12-31"]
            let first = try await city.give("simpeg:penilai", members)
            let count = try await city.auditCount()
            #expect(first["new"] == true)
            // Also on a later day: without --from it began on the first one.
            city.gateway.clock.advance(seconds: 86_400)
            let again = try await city.give("simpeg:penilai", members)
            #expect(again["new"] == false)
            #expect(again["id"] == first["id"])
            #expect(try await city.auditCount() == count)
            let audit = try await city.latest(.grantGiven)
            #expect(audit["role"] == "penilai")
            #expect(audit["subject"]?.string == city.people["ujang"]?.id.text)
            #expect(!audit.encodedText().contains("Ujang"))
            #expect(!audit.encodedText().contains(City.nips["ujang"] ?? "-"))

            let id = try #require(first["id"])
            #expect(try await city.operate("grant.end", ["id": id, "on": "2026-12-01"])["changed"] == true)
            #expect(try await city.operate("grant.end", ["id": id, "on": "2026-12-01"])["changed"] == false)
            #expect(try await city.held("ujang") == ["simpeg:penilai"])
            #expect(await city.refusal("grant.end", ["id": id, "on": "2026-12-02"]) == .conflict)
            let ended = try await city.operate("grant.end", ["id": id])
            #expect(ended["changed"] == true)
            #expect(ended["end_reason"] == "ended")
            #expect(try await city.held("ujang") == [])
            let rows = try await city.auditCount()
            #expect(try await city.operate("grant.end", ["id": id])["changed"] == false)
            #expect(try await city.auditCount() == rows)
            #expect(try await city.latest(.grantEnded)["reason"] == "ended")
            #expect(await city.refusal("grant.end", ["id": .string(UUIDText.version4())]) == .notFound)
            #expect(await city.refusal("grant.end", ["id": "1"]) == .invalid)

            let role: JSONObject = ["application": "simpeg", "name": "penilai"]
            #expect(try await city.operate("role.add", role)["new"] == false)
        }
    }

    @Test("what makes no sense is refused")
    func refusals() async throws {
        try await withCity { city in
            try await city.addRoles("simpeg:penilai")
            let wrong: [(JSONObject, OperationError.Code)] = [
                (["account": "tidak.ada"], .notFound), (["post": "JAB-tidak-ada"], .notFound),
                (["unit": "UNOR-tidak-ada"], .notFound), (["kind": "pns"], .invalid), ([:], .invalid),
                (["account": "ujang", "kind": "PNS"], .invalid), (["account": "ujang", "letter": "a\u{7}"], .invalid),
                (["account": "ujang", "from": "2026-12-02", "until": "2026-12-01"], .invalid),
                (["account": "ujang", "until": "2026-11-24"], .invalid),
                (["account": "ujang", "from": "besok"], .invalid),
                (["account": "ujang", "from": "2026-02-30"], .invalid),
                (["account": "ujang", "in_unit": "UNOR-dinkes"], .refused),
                (["unit": "UNOR-setda", "in_unit": "UNOR-hukum"], .invalid),
                (["account": "ujang", "nama": "x"], .invalid),
            ]
            let count = try await city.auditCount()
            for (members, code) in wrong {
                #expect(
                    await city.refusal("grant.add", city.giving("simpeg:penilai", members)) == code,
                    "\(members.encodedText())")
            }
            #expect(await city.refusal("grant.add", city.giving("simpeg:lain", ["account": "ujang"])) == .notFound)
            #expect(await city.refusal("grant.add", city.giving("tiada:penilai", ["account": "ujang"])) == .notFound)
            for name in ["", "a b", "a:b", "é", "a\u{0}", String(repeating: "a", count: 65)] {
                #expect(
                    await city.refusal("role.add", ["application": "simpeg", "name": .string(name)]) == .invalid,
                    "\(name)")
            }
            #expect(try await city.auditCount() == count)
            #expect(try await city.count("SELECT COUNT(*) FROM grants") == 0)
        }
    }

    // MARK: Separation of duties

    @Test(
        "a grant that would bring two duties together for anybody is refused whole, and says for how many",
        arguments: bothEngines)
    func separation(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRoles("simpeg:bendahara", "tertutup:verifikator")
            let pair: JSONObject = ["first": "simpeg:bendahara", "second": "tertutup:verifikator"]
            #expect(try await city.operate("role.exclude", pair)["new"] == true)
            #expect(
                try await city.operate(
                    "role.exclude", ["first": "tertutup:verifikator", "second": "simpeg:bendahara"])["new"]
                    == false)
            #expect(
                try await city.operate("role.list", ["application": "tertutup"])["roles"]?.array?.first?["excludes"]
                    == ["simpeg:bendahara"])
            // All of the Sekretariat: ujang, budi, rina.
            let given = try await city.give("tertutup:verifikator", ["unit": "UNOR-setda"])
            let audits = try await city.auditCount()
            for (members, people) in [
                (["account": "ujang"], 1), (["post": "JAB-budi"], 1), (["kind": "PNS"], 3), (["unit": "UNOR-kota"], 3),
                (["unit": "UNOR-hukum"], 1), (["kind": "PNS", "in_unit": "UNOR-hukum"], 1),
            ] as [(JSONObject, Int)] {
                let error = await #expect(throws: OperationError.self) {
                    try await city.give("simpeg:bendahara", members)
                }
                #expect(error?.code == .conflict)
                #expect(error?.message.contains("tertutup:verifikator") == true)
                #expect(error?.message.contains("which \(people) of") == true, "\(error?.message ?? "")")
                let named = ["ujang", "budi", "rina"].count { name in
                    city.people[name].map { error?.message.contains($0.id.text) == true } ?? false
                }
                #expect(named == people)
            }
            #expect(try await city.auditCount() == audits)
            #expect(try await city.count("SELECT COUNT(*) FROM grants") == 1)
            // Those whom it does not reach may have it, and so may the others once that one has ended.
            try await city.give("simpeg:bendahara", ["kind": "PPPK"])
            #expect(try await city.held("siti") == ["simpeg:bendahara"])
            let id = try #require(given["id"])
            _ = try await city.operate("grant.end", ["id": id, "on": "2026-11-30"])
            #expect(
                await city.refusal(
                    "grant.add", city.giving("simpeg:bendahara", ["account": "ujang", "from": "2026-11-30"]))
                    == .conflict)
            try await city.give("simpeg:bendahara", ["account": "ujang", "from": "2026-12-01"])
            // And now the other way round in time.
            #expect(
                await city.refusal(
                    "grant.add", city.giving("tertutup:verifikator", ["account": "ujang", "until": "2026-12-01"]))
                    == .conflict)
            try await city.give("tertutup:verifikator", ["account": "ujang", "until": "2026-11-30", "letter": "lain"])
        }
    }

    @Test("a pair that somebody holds already is not excluded, and the refusal names them", arguments: bothEngines)
    func violated(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRoles("simpeg:bendahara", "simpeg:verifikator")
            try await city.give("simpeg:bendahara", ["kind": "PNS"])
            let own = try await city.give("simpeg:verifikator", ["account": "ujang", "from": "2027-01-01"])
            let pair: JSONObject = ["first": "simpeg:verifikator", "second": "simpeg:bendahara"]
            let error = await #expect(throws: OperationError.self) { try await city.operate("role.exclude", pair) }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains(city.people["ujang"]?.id.text ?? "-") == true)
            #expect(error?.message.hasPrefix("1 person holds") == true)
            #expect(try await city.count("SELECT COUNT(*) FROM exclusions") == 0)
            _ = try await city.operate("grant.end", ["id": try #require(own["id"])])
            #expect(try await city.operate("role.exclude", pair)["new"] == true)
            #expect(
                await city.refusal("role.exclude", ["first": "simpeg:bendahara", "second": "simpeg:bendahara"])
                    == .invalid)
            #expect(
                await city.refusal("role.exclude", ["first": "bendahara", "second": "simpeg:bendahara"]) == .invalid)
            #expect(
                await city.refusal("role.exclude", ["first": "simpeg:lain", "second": "simpeg:bendahara"]) == .notFound)
        }
    }

    @Test("where a transfer brings two duties together, both are withheld until one has ended", arguments: bothEngines)
    func withheld(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRoles("simpeg:bendahara", "tertutup:verifikator", "simpeg:pegawai")
            _ = try await city.operate(
                "role.exclude", ["first": "simpeg:bendahara", "second": "tertutup:verifikator"])
            let own = try await city.give("simpeg:bendahara", ["account": "ujang"])
            try await city.give("tertutup:verifikator", ["unit": "UNOR-dinkes"])
            try await city.give("simpeg:pegawai", ["kind": "PNS"])
            #expect(try await city.held("ujang") == ["simpeg:bendahara", "simpeg:pegawai"])
            try await city.move("ujang", to: "puskesmas")
            #expect(try await city.held("ujang") == ["simpeg:pegawai"])
            let shown = try await city.operate("grant.show-for", ["name": "ujang"])["roles"]?.array
            #expect(shown?.count == 3)
            #expect(
                shown?.first { $0["role"] == "bendahara" }?["withheld_by"] == ["tertutup:verifikator"])
            let exclusions = try await city.operate("role.exclusions")["exclusions"]
            #expect(exclusions?.array?.first?["people"] == 1)
            #expect(
                exclusions?.array?.first?["conflicts"]?.array?.first?["account"]?.string
                    == city.people["ujang"]?.id.text)
            _ = try await city.operate("grant.end", ["id": try #require(own["id"])])
            #expect(try await city.held("ujang") == ["simpeg:pegawai", "tertutup:verifikator"])
        }
    }

    // MARK: Posts

    @Test("who stands in at a post has what the post has, for as long as that lasts", arguments: bothEngines)
    func acting(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRoles("simpeg:penilai", "simpeg:setempat", "simpeg:jauh", "simpeg:lawan")
            try await city.give("simpeg:penilai", ["post": "JAB-ujang"])
            try await city.give("simpeg:setempat", ["post": "JAB-ujang", "in_unit": "UNOR-setda"])
            try await city.give("simpeg:jauh", ["post": "JAB-ujang", "in_unit": "UNOR-dinkes"])
            #expect(try await city.held("siti") == [])
            let now = city.gateway.clock.now
            let (person, unit) = (try #require(city.people["siti"]?.personID), try #require(city.units["hukum"]).id)
            // Many agencies have a post of the same name: whoever stands in at another's has nothing of this one.
            let elsewhere = try #require(city.units["dinkes"]).id
            try await city.gateway.store.write { tx in
                try tx.appointments.insert([
                    Appointment(
                        id: .make(now: now), personID: person, unitID: elsewhere, kind: .plt,
                        postName: "ANALIS  Ujang Ma'ruf", letterNumber: "3", validFrom: now,
                        validTo: now.adding(seconds: 3600), recordedAt: now, recordedBy: "system")
                ])
            }
            #expect(try await city.held("siti") == [])
            try await city.gateway.store.write { tx in
                try tx.appointments.insert([
                    Appointment(
                        id: .make(now: now), personID: person, unitID: unit, kind: .plt,
                        postName: "ANALIS  Ujang Ma'ruf", letterNumber: "2", validFrom: now.adding(seconds: 60),
                        validTo: now.adding(seconds: 120), recordedAt: now, recordedBy: "system")
                ])
            }
            #expect(try await city.held("siti") == [])
            // What she will hold then is looked at now.
            _ = try await city.operate("role.exclude", ["first": "simpeg:penilai", "second": "simpeg:lawan"])
            #expect(await city.refusal("grant.add", city.giving("simpeg:lawan", ["account": "siti"])) == .conflict)
            try await city.give("simpeg:lawan", ["account": "siti", "from": "2026-11-26"])
            city.gateway.clock.advance(seconds: 60)
            #expect(try await city.held("siti") == ["simpeg:penilai", "simpeg:setempat"])
            #expect(try await city.held("ujang") == ["simpeg:penilai", "simpeg:setempat"])
            city.gateway.clock.advance(seconds: 60)
            #expect(try await city.held("siti") == [])
        }
    }

    // MARK: Transfers

    @Test("a transfer ends what was given in the old unit, and the preview finds the same", arguments: bothEngines)
    func transfer(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addRoles("simpeg:setda", "simpeg:hukum", "simpeg:bebas", "simpeg:kota")
            try await city.give("simpeg:setda", ["account": "ujang", "in_unit": "UNOR-setda", "until": "2027-12-31"])
            let planned = try await city.give("simpeg:hukum", ["account": "ujang", "in_unit": "UNOR-hukum"])
            _ = try await city.operate("grant.end", ["id": try #require(planned["id"]), "on": "2026-12-31"])
            try await city.give("simpeg:bebas", ["account": "ujang"])
            try await city.give("simpeg:kota", ["account": "ujang", "in_unit": "UNOR-kota"])
            try await city.give("simpeg:setda", ["account": "budi", "in_unit": "UNOR-setda"])
            let store = city.gateway.store
            let now = city.gateway.clock.now
            let ujang = try #require(city.people["ujang"]?.personID)
            let units = city.units.mapValues(\.id)

            func preview(_ unit: UnitID?) async throws -> [String] {
                try await store.read { tx in
                    try GrantTransfers(in: tx, at: now).ending(for: [ujang: unit]).map(\.role).sorted()
                }
            }
            #expect(try await preview(units["puskesmas"]) == ["hukum", "setda"])
            #expect(try await preview(units["setda"]) == ["hukum"])
            #expect(try await preview(nil) == ["hukum", "kota", "setda"])
            #expect(try await store.read { try GrantTransfers(in: $0, at: now).ending(for: [:]).isEmpty })

            let load = LoadID.make(now: now)
            try await city.move("ujang", to: "puskesmas")
            // Before anything is ended they count no more.
            #expect(try await city.held("ujang") == ["simpeg:bebas", "simpeg:kota"])
            let ended = try await store.write { tx in
                try GrantTransfers.end(load: load, by: .system, in: tx, at: now)
            }
            #expect(ended == 2)
            #expect(try await city.audit(.grantEnded).count == 3)
            let audit = try await city.latest(.grantEnded)
            #expect(audit["reason"] == "transfer")
            #expect(audit["load"]?.string == load.text)
            #expect(try await store.write { try GrantTransfers.end(load: load, by: .system, in: $0, at: now) } == 0)

            // What an admin ends after the load stays ended, whatever is undone.
            let kept = try await store.read { try $0.grants.list(application: nil, account: nil, at: nil, limit: 50) }
            let ended2 = try #require(kept.first { $0.grant.role == "hukum" }).grant.id
            try await store.write { tx in
                let result = try GrantDirectory(tx, by: .system, at: now).end(ended2)
                #expect(result.isChanged && result.grant.endReason == .ended)
                #expect(try tx.grants.count(endedBy: load) == 1)
                // As the load left it, for what follows.
                try tx.run("UPDATE grants SET end_load_id = \(load), end_reason = 'transfer' WHERE id = \(ended2)")
            }

            // Coming back brings nothing back; undoing the load does, planned ends and all.
            try await city.move("ujang", to: "hukum")
            #expect(try await city.held("ujang") == ["simpeg:bebas", "simpeg:kota"])
            try await city.move("ujang", to: "setda")
            var undone = try await store.write {
                try GrantTransfers.restore(endedBy: load, by: .system, in: $0, at: now)
            }
            #expect(undone == (1, 1))
            #expect(try await city.held("ujang") == ["simpeg:bebas", "simpeg:kota", "simpeg:setda"])
            try await city.move("ujang", to: "hukum")
            undone = try await store.write { try GrantTransfers.restore(endedBy: load, by: .system, in: $0, at: now) }
            #expect(undone == (1, 0))
            #expect(try await city.held("ujang") == ["simpeg:bebas", "simpeg:hukum", "simpeg:kota", "simpeg:setda"])
            let list = try await city.operate("grant.list", ["account": "ujang"])["grants"]?.array
            #expect(list?.first { $0["role"] == "hukum" }?["until"] == "2026-12-31")
            #expect(list?.first { $0["role"] == "setda" }?["until"] == "2027-12-31")
            #expect(try await city.audit(.grantRestored).count == 2)
        }
    }
}
