import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// Ways to more than one was given.
@Suite("Delegated administration: attacks")
struct AuthorityAttackTests {
    private func code(_ admins: AuthorityCity, _ operation: String, _ arguments: JSONObject, as key: String) async
        -> OperationError.Code?
    {
        do {
            _ = try await admins.run(operation, arguments, as: .account(key))
            return nil
        } catch {
            return (error as? OperationError)?.code
        }
    }

    @Test("attack 193: nobody gives a role beyond their own, to themselves or to a crony", arguments: bothEngines)
    func giving(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let (setda, hukum, dinkes) = (try admins.unit("setda"), try admins.unit("hukum"), try admins.unit("dinkes"))
            func give(_ role: String, _ unit: String?, to target: String, as key: String) async throws -> OperationError
                .Code?
            {
                var arguments: JSONObject = ["name": .string(try admins.id(target)), "role": .string(role)]
                arguments["unit"] = unit.map(JSONValue.string)
                let code = await code(admins, "account.role", arguments, as: key)
                if code == nil { try await admins.restore() }
                return code
            }
            for role in ["superadmin", "personnel_admin", "auditor"] {
                #expect(try await give(role, nil, to: "ujang", as: "setda") == .forbidden)
                #expect(try await give(role, nil, to: "setda", as: "setda") == .forbidden)
                #expect(try await give(role, nil, to: "ujang", as: "bkd") == .forbidden)
            }
            #expect(try await give("helpdesk", nil, to: "ujang", as: "setda") == .forbidden)
            #expect(try await give("helpdesk", setda, to: "ujang", as: "setda") == nil)
            #expect(try await give("agency_admin", setda, to: "ujang", as: "setda") == nil)
            #expect(try await give("agency_admin", hukum, to: "ujang", as: "setda") == nil)
            #expect(try await give("agency_admin", setda, to: "ujang", as: "hukum") == .notFound)
            #expect(try await give("agency_admin", dinkes, to: "ujang", as: "setda") == .notFound)
            // An agency's admin needs an agency, and a superadmin has none.
            #expect(try await give("agency_admin", nil, to: "ujang", as: "super") == .invalid)
            #expect(try await give("superadmin", setda, to: "ujang", as: "super") == .invalid)
            #expect(try await give("agency_admin", dinkes, to: "siti", as: "super") == nil)
            // Widening one's own is giving too.
            #expect(try await give("agency_admin", setda, to: "hukum", as: "hukum") == .notFound)
            #expect(try await give("none", nil, to: "hukum", as: "hukum") == nil)
            // A new account with a higher role.
            let new: JSONObject = [
                "user_name": "kroni", "name": "Kroni", "role": "superadmin", "sponsor": .string(try admins.id("ujang")),
                "ends_at": "2027-01-01",
            ]
            #expect(await code(admins, "account.add", new, as: "setda") == .forbidden)
            let orphan: JSONObject = ["user_name": "kroni", "name": "Kroni"]
            #expect(await code(admins, "account.add", orphan, as: "setda") == .invalid)
            let elsewhere: JSONObject = [
                "user_name": "kroni", "name": "Kroni", "sponsor": .string(try admins.id("siti")),
                "ends_at": "2027-01-01",
            ]
            #expect(await code(admins, "account.add", elsewhere, as: "setda") == .notFound)
        }
    }

    @Test("attack 193: a role of an application reaches its giver by no way round", arguments: bothEngines)
    func selfGrant(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            func grant(_ more: JSONObject, as key: String) async throws -> OperationError.Code? {
                var arguments: JSONObject = ["application": "simpeg", "role": "penilai", "letter": "SK-1"]
                for (name, value) in more.members { arguments[name] = value }
                return await code(admins, "grant.add", arguments, as: key)
            }
            #expect(try await grant(["account": .string(try admins.id("setda"))], as: "setda") == .forbidden)
            // By the unit one works in.
            #expect(try await grant(["unit": .string(try admins.unit("setda"))], as: "setda") == .forbidden)
            #expect(try await grant(["unit": .string(try admins.unit("hukum"))], as: "setda") == nil)
            #expect(try await grant(["kind": "PNS"], as: "setda") == .forbidden)
            // A post is one all over the city.
            #expect(try await grant(["post": "JAB-ujang"], as: "setda") == .forbidden)
            #expect(
                try await grant(["post": "JAB-ujang", "in_unit": .string(try admins.unit("hukum"))], as: "setda") == nil
            )
            #expect(
                try await grant(["post": "JAB-siti", "in_unit": .string(try admins.unit("dinkes"))], as: "setda")
                    == .notFound)
            // Of another agency's application.
            #expect(try await grant(["account": .string(try admins.id("siti"))], as: "dinkes") == .notFound)
            // Who holds the role may pass it on to their own people.
            _ = try await admins.city.operate(
                "grant.add",
                [
                    "application": "simpeg", "role": "penilai", "account": .string(try admins.id("dinkes")),
                    "letter": "SK-2",
                ])
            #expect(try await grant(["account": .string(try admins.id("siti"))], as: "dinkes") == nil)
        }
    }

    @Test(
        "attack 194: an admin's units follow the tree, and whoever moved away reaches nothing", arguments: bothEngines)
    func moved(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let (dinkes, hukum) = (try #require(admins.city.units["dinkes"]), try #require(admins.city.units["hukum"]))
            #expect(
                await code(admins, "account.show", ["name": .string(try admins.id("ujang"))], as: "dinkes") == .notFound
            )
            // Bagian Hukum comes under Dinas Kesehatan: only the tree decides, and no right of the dinas moved it there.
            var moved = hukum
            moved.parentID = dinkes.id
            moved.agencyID = dinkes.id
            moved.path = dinkes.path + hukum.id.text + "/"
            try await admins.city.gateway.store.write { [moved] tx in try tx.units.update(moved) }
            #expect(await code(admins, "account.show", ["name": .string(try admins.id("ujang"))], as: "dinkes") == nil)
            #expect(
                await code(admins, "account.show", ["name": .string(try admins.id("ujang"))], as: "setda") == .notFound)
            // A closed unit is nobody's.
            var closed = dinkes
            closed.validTo = admins.city.gateway.clock.now
            try await admins.city.gateway.store.write { [closed] tx in try tx.units.update(closed) }
            #expect(await code(admins, "account.list", [:], as: "dinkes") == .forbidden)
            // The admin of the Sekretariat works in a puskesmas by now.
            #expect(await code(admins, "account.list", [:], as: "pindah") == .forbidden)
        }
    }

    @Test(
        "attack 194: nobody hands an account to a sponsor beyond reach, nor takes one from there",
        arguments: bothEngines)
    func sponsors(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            func extend(_ name: String, to sponsor: String, as key: String) async throws -> OperationError.Code? {
                await code(
                    admins, "account.extend",
                    [
                        "name": .string(try admins.id(name)), "until": "2026-12-10",
                        "sponsor": .string(try admins.id(sponsor)),
                    ], as: key)
            }
            #expect(try await extend("vendor-hukum", to: "siti", as: "setda") == .notFound)
            #expect(try await extend("vendor-dinkes", to: "ujang", as: "setda") == .notFound)
            #expect(try await extend("vendor-hukum", to: "auditor", as: "hukum") == .notFound)
            #expect(try await extend("vendor-hukum", to: "auditor", as: "setda") == nil)
            // It went along with who answers for it.
            let shown: JSONObject = ["name": .string(try admins.id("vendor-hukum"))]
            #expect(await code(admins, "account.show", shown, as: "hukum") == .notFound)
            #expect(await code(admins, "account.show", shown, as: "setda") == nil)
        }
    }

    @Test(
        "attack 199: a role that is taken away counts no more at the next act, and neither does a suspended admin's",
        arguments: bothEngines)
    func takenAway(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            #expect(await code(admins, "account.list", [:], as: "setda") == nil)
            _ = try await admins.city.operate(
                "account.role", ["name": .string(try admins.id("setda")), "role": "none"])
            #expect(await code(admins, "account.list", [:], as: "setda") == .forbidden)
            for state in ["terbatas", "ditangguhkan", "menunggu", "nonaktif"] {
                _ = try await admins.city.operate(
                    "account.state", ["name": .string(try admins.id("bkd")), "state": .string(state)])
                #expect(await code(admins, "account.list", [:], as: "bkd") == .forbidden, "\(state)")
            }
            _ = try await admins.city.operate("client.state", ["client_id": "feed", "state": "disabled"])
            #expect(try await admins.outcome("unit.list", [:], as: .client("feed")) == .forbidden)
        }
    }

    @Test("attack 200: the last superadmin stays one", arguments: bothEngines)
    func last(_ engine: Engine) async throws {
        try await withAdmins(on: engine) { admins in
            let own: JSONObject = ["name": .string(try admins.id("super")), "role": "none"]
            #expect(await code(admins, "account.role", own, as: "super") == .refused)
            _ = try await admins.city.operate(
                "account.role", ["name": .string(try admins.id("ujang")), "role": "superadmin"])
            #expect(await code(admins, "account.role", own, as: "super") == nil)
        }
    }

    @Test("attack 197: no answer of a reading operation holds a secret")
    func secrets() async throws {
        try await withAdmins(on: .sqlite) { admins in
            let city = admins.city
            let link = try await city.operate("account.link", ["name": .string(try admins.id("budi"))])
            let secret = try #require(link["link"]?.string?.split(separator: "=").last.map(String.init))
            let hash = try #require(city.people["ujang"]?.passwordHash)
            let canaries = [secret, hash] + city.secrets.values
            let names: [JSONObject] = [
                [:], ["name": .string(try admins.id("budi"))], ["slug": "simpeg"], ["application": "simpeg"],
                ["client_id": "web"], ["unit": .string(try admins.unit("setda"))], ["person": "PNS-ujang"],
            ]
            var answers = 0
            for operation in Operations.all {
                for arguments in names {
                    guard let verb = operation.access.verb, verb.isReading || verb == .peopleDisclose,
                        let answer = try? await admins.run(operation.name, arguments, as: .account("super"))
                    else { continue }
                    answers += 1
                    let text = answer.encodedText()
                    for canary in canaries {
                        #expect(text.utf8.firstRange(of: canary.utf8) == nil, "\(operation.name)")
                    }
                }
            }
            #expect(answers > 20)
        }
    }
}
