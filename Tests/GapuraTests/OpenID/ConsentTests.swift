import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import PostgresTesting
import Testing

@testable import Gapura

/// What people allow applications that are not the city's own.
@Suite("Consent")
struct ConsentTests {
    private func withVendor(on engine: Engine = .sqlite, _ body: (City) async throws -> Void) async throws {
        try await withCity(on: engine) { city in
            try await city.addClient(
                "vendor",
                [
                    "client_name": "Vendor", "redirect_uris": [.string(City.redirectURI)], "trusted": false,
                    "scope": "openid profile email asn offline_access",
                    "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none",
                ])
            try await body(city)
        }
    }

    /// What a browser is shown for a request.
    private func page(_ city: City, _ browser: TestBrowser, _ changes: KeyValuePairs<String, String?> = [:])
        async throws -> TestAnswer
    {
        let start = try await city.authorize(city.asking("vendor", changes), in: browser)
        #expect(start.location?.hasPrefix("/izin?alur=") == true, "\(start.location ?? start.text)")
        return try await browser.get(try #require(start.location))
    }

    private func say(_ word: String, _ browser: TestBrowser, on page: TestAnswer, _ more: Pairs = []) async throws
        -> TestAnswer
    {
        let fields = ["csrf", "alur", "dilihat"].map { (name: $0, value: page.field($0) ?? "") }
        let kept = fields.filter { field in !more.contains { $0.name == field.name } }
        return try await browser.post("/izin", kept + more + [("jawaban", word)])
    }

    private func ask(_ city: City, _ browser: TestBrowser, _ changes: KeyValuePairs<String, String?> = [:])
        async throws -> TestAnswer
    { try await city.authorize(city.asking("vendor", changes), in: browser) }

    @Test(
        "a person is asked once, says yes, and the code comes; the city's own applications ask nobody",
        arguments: bothEngines)
    func once(engine: Engine) async throws {
        try await withVendor(on: engine) { city in
            let browser = try await city.signedIn()
            let shown = try await page(city, browser, ["scope": "openid profile"])
            #expect(shown.status == 200)
            #expect(holds(shown.body, "Vendor"))
            #expect(holds(shown.body, "nama dan nama pengguna"))
            #expect(!holds(shown.body, "alamat email"))
            let answer = try await say("izinkan", browser, on: shown)
            #expect(answer.location?.hasPrefix(City.redirectURI) == true)
            #expect(answer.parameter("code") != nil)
            #expect(answer.parameter("state") == "s-1")
            // Remembered per scope: the same and less go through, more is asked for.
            #expect(try await ask(city, browser, ["scope": "openid profile"]).parameter("code") != nil)
            #expect(try await ask(city, browser, ["scope": "openid"]).parameter("code") != nil)
            let more = try await page(city, browser, ["scope": "openid profile email"])
            #expect(holds(more.body, "alamat email"))
            #expect(try await city.authorize(city.asking("web"), in: browser).parameter("code") != nil)
            #expect(try await city.audit(.consentGiven).count == 1)
        }
    }

    @Test("behaviour 14: with prompt=none what was allowed goes through, and what was not is consent_required")
    func silent() async throws {
        try await withVendor { city in
            let browser = try await city.signedIn()
            expectRedirect(try await ask(city, browser, ["prompt": "none"]), "consent_required")
            _ = try await say("izinkan", browser, on: page(city, browser))
            #expect(try await ask(city, browser, ["prompt": "none"]).parameter("code") != nil)
            expectRedirect(
                try await ask(city, browser, ["prompt": "none", "scope": "openid email"]), "consent_required")
            // prompt=consent asks again, and the city's own application has nothing to ask.
            _ = try await page(city, browser, ["prompt": "consent"])
            #expect(
                try await city.authorize(city.asking("web", ["prompt": "consent"]), in: browser).parameter("code")
                    != nil)
        }
    }

    @Test("a sign-in on the way comes first, and keeps its request and its session")
    func afterSignIn() async throws {
        try await withVendor { city in
            let browser = city.gateway.browser()
            let start = try await ask(city, browser, ["nonce": "n-3"])
            let form = try await browser.get(try #require(start.location))
            let signedIn = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: form)
            #expect(signedIn.location?.hasPrefix("/izin?alur=") == true)
            let shown = try await browser.get(try #require(signedIn.location))
            let answer = try await say("izinkan", browser, on: shown)
            let tokens = try await city.token(city.redeeming(try #require(answer.parameter("code"))), "vendor").json
            #expect(try city.claims(of: tokens?["id_token"]?.string)["nonce"] == "n-3")
            // A second click on the same page: the request was answered.
            #expect(try await say("izinkan", browser, on: shown).errorCode == "flow_lost")
        }
    }

    @Test("scopes without data and resources are on the page, and allowed only as they were shown")
    func powers() async throws {
        try await withCity { city in
            let api = "https://api.contoh.go.id/surat"
            try await city.addClient(
                "api",
                [
                    "client_name": "API", "grant_types": ["client_credentials"], "resource_server": true,
                    "audience": [.string(api)],
                ])
            try await city.addClient(
                "vendor",
                [
                    "client_name": "Vendor", "redirect_uris": [.string(City.redirectURI)], "trusted": false,
                    "scope": "openid surat.tulis admin", "administration": true, "token_endpoint_auth_method": "none",
                ])
            let browser = try await city.signedIn()
            let plain = try await page(city, browser, ["scope": "openid"])
            #expect(!holds(plain.body, "surat.tulis") && !holds(plain.body, api))
            let first = try await say("izinkan", browser, on: plain)
            // What was not authorized with it is not to be had at the token endpoint either.
            let code = try #require(first.parameter("code"))
            let token = try await city.token(city.redeeming(code) + [("resource", api)], "vendor")
            expectTokenError(token, 400, "invalid_target")

            let asked = try await page(city, browser, ["scope": "openid surat.tulis admin", "resource": api])
            for text in ["wewenang surat.tulis atas nama Anda", "wewenang Anda sebagai admin", api] {
                #expect(holds(asked.body, text), "\(text)")
            }
            let more = try #require(try await say("izinkan", browser, on: asked).parameter("code"))
            let claims = try city.claims(
                of: try await city.token(city.redeeming(more), "vendor").json?["access_token"]?.string)
            #expect(claims["aud"] == .string(api))
            let account = try await browser.get("/akun")
            #expect(holds(account.body, "wewenang surat.tulis atas nama Anda"))
            #expect(holds(account.body, api))
        }
    }

    @Test("RFC 8252: where any program may listen the person is asked each time, also for the city's own application")
    func native() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            func ask(_ uri: String, _ prompt: String? = nil) async throws -> TestAnswer {
                try await city.authorize(
                    city.asking("native", ["redirect_uri": uri, "prompt": prompt]), in: browser)
            }
            for uri in ["http://127.0.0.1:51004/cb", "id.go.contoh.simpeg:/cb"] {
                for _ in 1...2 {
                    let start = try await ask(uri)
                    #expect(start.location?.hasPrefix("/izin?alur=") == true, "\(start.location ?? start.text)")
                    let page = try await browser.get(try #require(start.location))
                    let answer = try await say("izinkan", browser, on: page)
                    #expect(answer.location?.hasPrefix(uri) == true)
                    #expect(answer.parameter("code") != nil)
                }
                #expect(try await ask(uri, "none").parameter("error") == "consent_required")
            }
            // Of an https address the domain is the proof.
            #expect(try await ask(City.redirectURI).parameter("code") != nil)
            #expect(try await city.audit(.consentGiven).isEmpty)
        }
    }

    @Test("max_age that runs out while the person reads brings the sign-in, and then the page again")
    func tooOld() async throws {
        try await withVendor { city in
            let browser = try await city.signedIn()
            city.gateway.clock.advance(seconds: 40)
            let shown = try await page(city, browser, ["max_age": "60"])
            city.gateway.clock.advance(seconds: 30)
            let again = try await say("izinkan", browser, on: shown)
            #expect(again.location?.hasPrefix("/masuk?alur=") == true, "\(again.location ?? again.text)")
            let form = try await browser.get(try #require(again.location))
            let signedIn = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: form)
            #expect(signedIn.location?.hasPrefix("/izin?alur=") == true)
            let page = try await browser.get(try #require(signedIn.location))
            #expect(try await say("izinkan", browser, on: page).parameter("code") != nil)
        }
    }

    @Test("tokens end with the consent that they came from, and are taken back after it ran out too")
    func ends() async throws {
        try await withCity(configure: { $0.consentLifetime = 7200 }) { city in
            try await city.addClient(
                "vendor",
                [
                    "client_name": "Vendor", "redirect_uris": [.string(City.redirectURI)], "trusted": false,
                    "scope": "openid offline_access", "grant_types": ["authorization_code", "refresh_token"],
                ])
            let browser = try await city.signedIn()
            let scope: KeyValuePairs<String, String?> = ["scope": "openid offline_access"]
            _ = try await say("izinkan", browser, on: page(city, browser, scope))
            city.gateway.clock.advance(seconds: 3600)
            // Remembered, and no longer than it was.
            let code = try #require(try await ask(city, browser, scope).parameter("code"))
            let secret = try await city.operate("client.secret", ["client_id": "vendor"])["client_secret"]?.string
            let header: HTTPFields = [.authorization: basicHeader("vendor", secret ?? "")]
            let tokens = try await city.gateway.post("/oauth2/token", city.redeeming(code), headers: header).json
            func refresh() async throws -> Int {
                let form: Pairs = [
                    ("grant_type", "refresh_token"), ("refresh_token", tokens?["refresh_token"]?.string ?? ""),
                ]
                return try await city.gateway.post("/oauth2/token", form, headers: header).status
            }
            city.gateway.clock.advance(seconds: 3500)
            #expect(try await refresh() == 200)
            city.gateway.clock.advance(seconds: 101)
            #expect(try await refresh() == 400)
            let id = try #require(city.people["ujang"]).id.text
            let taken = try await city.operate("consent.revoke", ["name": .string(id), "client_id": "vendor"])
            #expect(taken["revoked"] == true)
        }
    }

    @Test("no is the answer to that request: going back and allowing it gives no second one")
    func deniedOnce() async throws {
        try await withVendor { city in
            let browser = try await city.signedIn()
            let shown = try await page(city, browser)
            expectRedirect(try await say("tolak", browser, on: shown), "access_denied")
            #expect(try await say("izinkan", browser, on: shown).errorCode == "flow_lost")
            let rows = try await city.audit(.consentDenied)
            #expect(rows.count == 1)
            #expect(rows.first?.subject == city.people["ujang"]?.id.text)
        }
    }

    @Test("no is access_denied, and nothing is remembered")
    func denied() async throws {
        try await withVendor { city in
            let browser = try await city.signedIn()
            for word in ["tolak", "", "IZINKAN"] {
                expectRedirect(try await say(word, browser, on: page(city, browser)), "access_denied")
            }
            _ = try await page(city, browser)
            #expect(try await city.audit(.consentGiven).isEmpty)
        }
    }

    @Test("what is sent is what was shown: anything else than the page's own list is asked for again")
    func shown() async throws {
        try await withVendor { city in
            let browser = try await city.signedIn()
            for other in ["openid", "openid profile email", "", "profile openid"] {
                let shown = try await page(city, browser, ["scope": "openid profile"])
                let answer = try await say("izinkan", browser, on: shown, [("dilihat", other)])
                #expect(answer.location?.hasPrefix("/izin?alur=") == true, "\(answer.location ?? answer.text)")
            }
            // Claims that are asked for by name are on the page too.
            let named = try await page(
                city, browser, ["scope": "openid", "claims": #"{"userinfo":{"nip":null},"id_token":{"email":null}}"#])
            #expect(holds(named.body, "NIP, unit kerja"))
            #expect(holds(named.body, "alamat email"))
            let answer = try await say("izinkan", browser, on: named)
            #expect(answer.parameter("code") != nil)
            expectRedirect(
                try await ask(city, browser, ["scope": "openid asn", "prompt": "none"]), "consent_required")
        }
    }

    @Test("attack 17: the page belongs to the browser that began, and its form to this page")
    func otherBrowser() async throws {
        try await withVendor { city in
            let browser = try await city.signedIn()
            let start = try await ask(city, browser)
            let shown = try await browser.get(try #require(start.location))
            let other = try await city.signedIn("siti")
            expectLocal400(try await other.get(try #require(start.location)), code: "flow_lost")
            let stale = try await say("izinkan", browser, on: shown, [("csrf", "x")])
            #expect(stale.status == 403)
            #expect(stale.field("csrf") != nil)
            // Whoever is not signed in any more signs in first.
            browser.setCookie("__Host-gapura-session", nil)
            let again = try await browser.get(try #require(start.location))
            #expect(again.location?.hasPrefix("/masuk?alur=") == true)
        }
    }

    @Test("attack 20: who may not use the application is told so, and asked nothing")
    func noAccess() async throws {
        try await withVendor { city in
            try await city.setState(of: "ujang", .terbatas)
            let browser = try await city.signedIn()
            #expect(try await ask(city, browser).errorCode == "access_denied")
        }
    }

    @Test(
        "a consent ends by itself, on the account page, and by an admin; its tokens end with it", arguments: bothEngines
    )
    func revoked(engine: Engine) async throws {
        try await withVendor(on: engine) { city in
            let browser = try await city.signedIn()
            func allow() async throws -> JSONValue {
                let answer = try await say("izinkan", browser, on: page(city, browser, ["scope": "openid profile"]))
                let code = try #require(answer.parameter("code"))
                return try #require(try await city.token(city.redeeming(code), "vendor").json)
            }
            let first = try await allow()
            let account = try await browser.get("/akun")
            #expect(holds(account.body, "Aplikasi yang Anda izinkan"))
            let taken = try await browser.post(
                "/akun/izin/cabut", [("csrf", account.field("csrf") ?? ""), ("client_id", "vendor")])
            #expect(taken.location == "/akun")
            #expect(try await city.isAlive(first["access_token"]?.string) == false)
            expectTokenError(
                try await city.refresh(first["refresh_token"]?.string, "vendor"), 400, "invalid_grant")

            let second = try await allow()
            let context = OperationContext(services: city.gateway.gateway.services, actor: .command(user: "root"))
            let name: JSONValue = .string(City.nips["ujang"] ?? "")
            let listed = try await Operations.find("consent.list").run(["name": name], context)
            #expect(listed["consents"]?.array?.first?["items"] == ["openid", "profile"])
            for expected in [true, false] {
                let revoked = try await Operations.find("consent.revoke").run(
                    ["name": name, "client_id": "vendor"], context)
                #expect(revoked["revoked"] == .bool(expected))
            }
            #expect(try await city.isAlive(second["access_token"]?.string) == false)
            #expect(try await city.audit(.consentRevoked).count == 2)

            _ = try await allow()
            city.gateway.clock.advance(seconds: 180 * 86_400 + 1)
            let later = try await city.signedIn()
            _ = try await page(city, later, ["scope": "openid profile"])
            let now = city.gateway.clock.now
            try await city.gateway.store.write { tx in
                _ = try tx.upkeep.deleteExpired(at: now, keepingSessionsSince: now)
                #expect(try tx.rows("SELECT 1 FROM consents").isEmpty)
            }
        }
    }

    @Test("a client that stops to be the city's own asks from then on")
    func noLongerTrusted() async throws {
        try await withVendor { city in
            let browser = try await city.signedIn()
            let registry = ClientRegistry(city.gateway.gateway.services)
            let now = city.gateway.clock.now
            let record = try #require(try await city.gateway.store.read { try $0.clients.find(ClientID("web")) })
            var json = try #require(try StrictJSON.parse(Array(record.settings.utf8)).object)
            json["trusted"] = false
            let metadata = try await registry.prepare(json)
            try await city.gateway.store.write { tx in
                _ = try registry.update(record.id, metadata, secret: "", by: .system, in: tx, at: now)
            }
            let start = try await city.authorize(city.asking("web"), in: browser)
            #expect(start.location?.hasPrefix("/izin?alur=") == true)
        }
    }
}
