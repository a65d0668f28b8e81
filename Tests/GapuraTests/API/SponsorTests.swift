import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import Testing

@testable import Gapura

/// Accounts without a person: they last no longer than who answers for them.
@Suite("Sponsored accounts")
struct SponsorTests {
    /// A vendor's engineer with a password, for whom Siti answers until the last day of 2026.
    private func addVendor(_ city: City, sponsor: String? = nil, until: String = "2026-12-31") async throws {
        _ = try await city.operate(
            "account.add",
            [
                "user_name": "vendor", "name": "Budi (PT Contoh)",
                "sponsor": .string(sponsor ?? city.nip("siti")), "ends_at": .string(until),
            ])
        let hash = try await city.passwords.hash(City.password)
        try await city.run("UPDATE accounts SET password_hash = \(hash) WHERE user_name = 'vendor'")
    }

    private func go(_ city: City, to text: String) throws {
        let moment = try #require(TimeText.parse(text, in: "Asia/Jakarta"))
        city.gateway.clock.advance(seconds: moment.seconds - city.gateway.clock.now.seconds)
    }

    /// Personnel data says that Siti retires on the first day of a month.
    private func retire(_ city: City, at moment: Timestamp) async throws {
        let (person, now) = (try #require(city.people["siti"]?.personID), city.gateway.clock.now)
        try await city.gateway.store.write { tx in
            let load = Load(
                id: .make(now: now), fileName: "a.csv", fileDigest: "x", unitsDigest: nil, appliedAt: now,
                actor: "system", counts: "{}")
            try tx.loads.insert(load)
            try tx.schedule.put([
                ScheduledChange(
                    id: .make(now: now), personID: person, kind: .retired, loadID: load.id, validFrom: moment,
                    dueAt: moment)
            ])
        }
    }

    @Test(
        "from the moment a sponsor may not sign in, neither may the account: sign-in, session, code, token, refresh",
        arguments: bothEngines)
    func dependent(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await addVendor(city)
            let browser = city.gateway.browser()
            #expect(try await browser.signIn("vendor", City.password).location == "/portal")
            let tokens = try await city.tokens("web", for: "vendor", scope: "openid offline_access", in: browser)
            let access = tokens["access_token"]?.string
            #expect(try await city.isAlive(access))
            for state in [AccountState.ditangguhkan, .nonaktif, .menunggu] {
                try await city.setState(of: "siti", state)
                #expect(try await !city.isIn(browser))
                #expect(try await !city.isAlive(access))
                expectTokenError(try await city.refresh(tokens["refresh_token"]?.string), 400, "invalid_grant")
                let other = city.gateway.browser(from: "203.0.113.\(state.rawValue.utf8.count)")
                #expect(try await other.signIn("vendor", City.password).status == 403)
                await #expect(throws: DirectoryError.self) {
                    try await city.gateway.store.write { [now = city.gateway.clock.now] tx in
                        let account = try #require(try tx.accounts.find(userName: "vendor"))
                        _ = try AccountDirectory(tx, by: .system, at: now)
                            .issueLink(for: account, purpose: .reset, lifetime: 60)
                    }
                }
                try await city.setState(of: "siti", .aktif)
                // Back as before: nothing was changed about the account itself.
                #expect(try await city.isIn(browser))
                #expect(try await city.isAlive(access))
            }
            #expect(try await city.operate("account.show", ["name": "vendor"])["state"] == "aktif")
        }
    }

    @Test(
        "the job signs out who ended or lost the sponsor, tells applications, and finds nothing the second time",
        arguments: bothEngines)
    func job(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await addVendor(city, until: "2026-11-26")
            let browser = city.gateway.browser()
            _ = try await city.signedIn("ujang")
            #expect(try await browser.signIn("vendor", City.password).location == "/portal")
            let tokens = try await city.tokens("web", for: "vendor", scope: "openid offline_access", in: browser)
            let services = city.gateway.gateway.services
            let job = AccountEndJob(
                store: services.store, doorbell: LogoutDoorbell(), clock: services.clock, logger: services.logger)
            await job.look()
            #expect(try await city.isIn(browser))
            try await city.setState(of: "siti", .ditangguhkan)
            await job.look()
            try await city.setState(of: "siti", .aktif)
            #expect(try await !city.isIn(browser))
            expectTokenError(try await city.refresh(tokens["refresh_token"]?.string), 400, "invalid_grant")
            let ended = try await city.audit(.sessionEnded)
            #expect(ended.count == 1)
            #expect(ended.first?.actor == "system")
            #expect(ended.first?.detail.contains("account_state") == true)
            // The end date too, and it is the day's last moment in the city.
            #expect(try await browser.signIn("vendor", City.password).location == "/portal")
            try go(city, to: "2026-11-26T16:59:59Z")
            await job.look()
            #expect(try await city.audit(.sessionEnded).count == 1)
            try go(city, to: "2026-11-26T17:00:00Z")
            await job.look()
            #expect(try await city.audit(.sessionEnded).count == 2)
            let count = try await city.auditCount()
            await job.look()
            #expect(try await city.auditCount() == count)
            // Nobody else's.
            #expect(try await city.count("SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL") == 1)
        }
    }

    @Test(
        "the end is never beyond the sponsor's own: the account's end, or a retirement that is known",
        arguments: bothEngines)
    func limits(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let siti = JSONValue.string(city.nip("siti"))
            func adding(_ until: String, _ sponsor: JSONValue) -> JSONObject {
                ["user_name": "vendor", "name": "Budi", "sponsor": sponsor, "ends_at": .string(until)]
            }
            #expect(await city.refusal("account.add", adding("2026-11-24", siti)) == .invalid)
            // 00:00 on 1 January 2027 in Jakarta.
            try await retire(city, at: Timestamp(seconds: 1_798_736_400))
            let refusal = await #expect(throws: OperationError.self) {
                try await city.operate("account.add", adding("2027-01-01", siti))
            }
            #expect(refusal?.code == .refused)
            #expect(refusal?.indonesian.contains("2026-12-31") == true)
            _ = try await city.operate("account.add", adding("2026-12-31", siti))
            #expect(
                await city.refusal("account.extend", ["name": "vendor", "until": "2027-01-01"]) == .refused)
            // An admin's account with an end.
            _ = try await city.operate(
                "account.add",
                ["user_name": "admin.proyek", "name": "Admin", "role": "superadmin", "ends_at": "2027-03-31"])
            let extended: JSONObject = ["name": "vendor", "until": "2027-04-01", "sponsor": "admin.proyek"]
            #expect(await city.refusal("account.extend", extended) == .refused)
            var good = extended
            good["until"] = "2027-03-31"
            #expect(try await city.operate("account.extend", good)["ends_at"]?.string == "2027-03-31T17:00:00.000Z")
            // Whoever has a sponsor is none.
            #expect(
                await city.refusal(
                    "account.add",
                    [
                        "user_name": "vendor.lain", "name": "Lain", "sponsor": "vendor", "ends_at": "2026-12-01",
                    ]) == .refused)
        }
    }

    @Test(
        "extending is audited once, may come after the end, and is for accounts without a person only",
        arguments: bothEngines)
    func extend(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await addVendor(city, until: "2026-11-30")
            try go(city, to: "2026-12-05T00:00:00Z")
            #expect(try await city.gateway.browser().signIn("vendor", City.password).status == 403)
            #expect(await city.refusal("account.extend", ["name": "vendor", "until": "2026-12-04"]) == .invalid)
            let arguments: JSONObject = ["name": "vendor", "until": "2027-06-30"]
            #expect(try await city.operate("account.extend", arguments)["ends_at"] == "2027-06-30T17:00:00.000Z")
            #expect(try await city.gateway.browser().signIn("vendor", City.password).location == "/portal")
            let count = try await city.auditCount()
            _ = try await city.operate("account.extend", arguments)
            #expect(try await city.auditCount() == count)
            let audit = try await city.latest(.accountExtended)
            #expect(audit["ends_before"]?.integer == 1_796_058_000_000)
            #expect(audit["ends_after"]?.integer == 1_814_374_800_000)
            #expect(audit["sponsor_after"]?.string == city.people["siti"]?.id.text)
            for name in ["ujang", "siti"] {
                #expect(
                    await city.refusal("account.extend", ["name": .string(name), "until": "2027-06-30"]) == .refused)
            }
            // Nobody is extended under a sponsor who is gone; another one may take over.
            try await city.setState(of: "siti", .nonaktif)
            #expect(await city.refusal("account.extend", ["name": "vendor", "until": "2027-07-31"]) == .refused)
            let takenOver: JSONObject = [
                "name": "vendor", "until": "2027-07-31", "sponsor": .string(city.nip("ujang")),
            ]
            #expect(try await city.operate("account.extend", takenOver)["state"] == "aktif")
        }
    }

    @Test(
        "who ends soon is listed with the reason: the own end, the sponsor's, a retirement, a sponsor who left",
        arguments: bothEngines)
    func ending(_ engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await addVendor(city, until: "2026-12-31")
            func list(_ days: Int64? = nil) async throws -> [JSONValue] {
                try await city.operate("account.ending", days.map { ["days": .integer($0)] } ?? [:])["accounts"]?.array
                    ?? []
            }
            #expect(try await list().isEmpty)
            var found = try await list(37)
            #expect(found.map { $0["user_name"] } == ["vendor"])
            #expect(found.first?["reason"] == "own_end")
            #expect(found.first?["last_day"] == "2026-12-31")
            #expect(found.first?["days"] == 37)
            #expect(found.first?["sponsor"] == "Siti <b>Aminah</b>")
            #expect(found.first?["sponsor_nip"]?.string == city.nip("siti"))
            #expect(try await list(36).isEmpty)
            try await retire(city, at: Timestamp(seconds: 1_796_058_000))
            found = try await list()
            #expect(found.first?["reason"] == "sponsor_retires")
            #expect(found.first?["last_day"] == "2026-11-30")
            let siti = try #require(city.people["siti"]).id
            let end = city.gateway.clock.now.adding(seconds: 86_400)
            try await city.run("UPDATE accounts SET ends_at = \(end) WHERE id = \(siti)")
            found = try await list(1)
            #expect(found.map { $0["reason"] } == ["sponsor_ends"])
            try await city.run("UPDATE accounts SET ends_at = NULL WHERE id = \(siti)")
            try await city.setState(of: "siti", .ditangguhkan)
            found = try await list(0)
            #expect(found.map { $0["reason"] } == ["sponsor_lost"])
            try go(city, to: "2026-12-31T17:00:00Z")
            #expect(try await list().isEmpty)
        }
    }

    @Test("the portal warns in the last 14 days, names who answers for the account, and says nothing before")
    func warning() async throws {
        try await withCity { city in
            try await addVendor(city)
            let browser = city.gateway.browser()
            func page() async throws -> String {
                #expect(try await browser.signIn("vendor", City.password).location == "/portal")
                return try await browser.get("/portal").text
            }
            try go(city, to: "2026-12-17T16:59:59Z")
            #expect(try await !page().contains("id=\"ending\""))
            let warned = city.gateway.browser()
            try go(city, to: "2026-12-17T17:00:00Z")
            #expect(try await warned.signIn("vendor", City.password).location == "/portal")
            let text = try await warned.get("/portal").text
            #expect(text.contains("Akun Anda dapat dipakai sampai 31 Desember 2026 23.59 WIB"))
            #expect(text.contains("Siti &lt;b&gt;Aminah&lt;/b&gt;"))
            // Sooner with the sponsor's own end.
            let siti = try #require(city.people["siti"]).id
            try await city.run(
                "UPDATE accounts SET ends_at = \(city.gateway.clock.now.adding(seconds: 86_400)) WHERE id = \(siti)")
            #expect(try await warned.get("/portal").text.contains("18 Desember 2026 23.59 WIB"))
            #expect(try await !city.signedIn("ujang").get("/portal").text.contains("id=\"ending\""))
        }
    }
}
