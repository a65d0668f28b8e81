import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import PostgresTesting
import Testing

@testable import Gapura

/// Devices without a browser: RFC 8628.
@Suite("Devices")
struct DeviceTests {
    private func withDevice(on engine: Engine = .sqlite, _ body: (City) async throws -> Void) async throws {
        try await withCity(on: engine) { city in
            for (id, trusted) in [("layar", true), ("vendor-tv", false)] {
                try await city.addClient(
                    id,
                    [
                        "client_name": "Layar Antrean",
                        "grant_types": [.string(DeviceCodeGrant.name), "refresh_token"],
                        "scope": "openid profile email offline_access", "token_endpoint_auth_method": "none",
                        "trusted": .bool(trusted),
                    ])
            }
            try await body(city)
        }
    }

    private func begin(_ city: City, _ client: String = "layar", _ more: Pairs = [("scope", "openid profile")])
        async throws -> JSONValue
    {
        let answer = try await city.gateway.post("/oauth2/device", [("client_id", client)] + more)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.headers[.cacheControl] == "no-store")
        return try #require(answer.json)
    }

    private func poll(_ city: City, _ device: JSONValue, _ client: String = "layar", _ headers: HTTPFields = [:])
        async throws -> TestAnswer
    {
        let form: Pairs = [
            ("grant_type", DeviceCodeGrant.name), ("device_code", device["device_code"]?.string ?? ""),
            ("client_id", client),
        ]
        return try await city.gateway.post("/oauth2/token", form, headers: headers)
    }

    private func type(_ code: String?, _ browser: TestBrowser) async throws -> TestAnswer {
        let form = try await browser.get("/perangkat")
        return try await browser.post("/perangkat", [("csrf", form.field("csrf") ?? ""), ("kode", code ?? "")])
    }

    private func say(_ word: String, _ browser: TestBrowser, on page: TestAnswer, _ more: Pairs = []) async throws
        -> TestAnswer
    {
        let fields = ["csrf", "kode", "dilihat"].map { (name: $0, value: page.field($0) ?? "") }
        let kept = fields.filter { field in !more.contains { $0.name == field.name } }
        return try await browser.post("/perangkat/jawab", kept + more + [("jawaban", word)])
    }

    @Test(
        "the whole way: a code is shown, typed after a sign-in, allowed, and the device has its tokens",
        arguments: bothEngines)
    func wholeWay(engine: Engine) async throws {
        try await withDevice(on: engine) { city in
            let device = try await begin(city)
            let code = try #require(device["user_code"]?.string)
            #expect(device["verification_uri"]?.string == TestGateway.issuer + "/perangkat")
            #expect(device["verification_uri_complete"]?.string == TestGateway.issuer + "/perangkat?kode=" + code)
            #expect(device["expires_in"] == 600)
            #expect(device["interval"] == 5)
            #expect(entropy(device["device_code"]?.string ?? "") > 96)
            expectTokenError(try await poll(city, device), 400, "authorization_pending")

            let browser = city.gateway.browser()
            let start = try await browser.get("/perangkat?kode=\(code)")
            let signIn = try await browser.get(try #require(start.location))
            let signedIn = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: signIn)
            #expect(signedIn.location == "/perangkat?kode=\(code)")
            let form = try await browser.get(try #require(signedIn.location))
            #expect(holds(form.body, code))
            let asked = try await browser.post(
                "/perangkat",
                [("csrf", form.field("csrf") ?? ""), ("kode", code.lowercased().replacing("-", with: " "))])
            #expect(asked.status == 200)
            #expect(holds(asked.body, "Layar Antrean"))
            #expect(holds(asked.body, "nama dan nama pengguna"))
            let done = try await say("izinkan", browser, on: asked)
            #expect(holds(done.body, "Lanjutkan di perangkat Anda"))

            city.gateway.clock.advance(seconds: 5)
            let tokens = try await poll(city, device)
            #expect(tokens.status == 200, "\(tokens.text)")
            #expect(tokens.json?["scope"] == "openid profile")
            let claims = try city.claims(of: tokens.json?["id_token"]?.string)
            #expect(claims["sub"] == .string(try #require(city.people["ujang"]).sub))
            #expect(claims["aud"] == "layar")
            #expect(try await city.isAlive(tokens.json?["access_token"]?.string))
            #expect(try await city.refresh(tokens.json?["refresh_token"]?.string, "layar").status == 200)
            // Once.
            expectTokenError(try await poll(city, device), 400, "invalid_grant")
            #expect(try await city.audit(.deviceAllowed).count == 1)
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(
                metadata?["device_authorization_endpoint"] == .string(TestGateway.issuer + "/oauth2/device"))
        }
    }

    @Test("of many polls at once one gets the tokens", arguments: bothEngines)
    func race(engine: Engine) async throws {
        try await withDevice(on: engine) { city in
            let device = try await begin(city)
            let browser = try await city.signedIn()
            _ = try await say("izinkan", browser, on: type(device["user_code"]?.string, browser))
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...6 { group.addTask { try await poll(city, device).status } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200, 400, 400, 400, 400, 400])
        }
    }

    @Test(
        "who asks too often is told to slow down, and then more often than before; a denied or old code is said to be so"
    )
    func polling() async throws {
        try await withDevice { city in
            let device = try await begin(city)
            expectTokenError(try await poll(city, device), 400, "authorization_pending")
            city.gateway.clock.advance(seconds: 2)
            expectTokenError(try await poll(city, device), 400, "slow_down")
            city.gateway.clock.advance(seconds: 5)
            expectTokenError(try await poll(city, device), 400, "slow_down")
            city.gateway.clock.advance(seconds: 20)
            expectTokenError(try await poll(city, device), 400, "authorization_pending")

            let browser = try await city.signedIn()
            let denied = try await say("tolak", browser, on: type(device["user_code"]?.string, browser))
            #expect(holds(denied.body, "tidak diizinkan"))
            expectTokenError(try await poll(city, device), 400, "access_denied")

            let old = try await begin(city)
            city.gateway.clock.advance(seconds: 600)
            expectTokenError(try await poll(city, old), 400, "expired_token")
            let again = try await city.signedIn()
            #expect(try await type(old["user_code"]?.string, again).status == 422)
            let now = city.gateway.clock.now.adding(seconds: 1)
            _ = try await city.gateway.store.write { tx in
                try tx.upkeep.deleteExpired(at: now, keepingSessionsSince: now)
            }
            expectTokenError(try await poll(city, old), 400, "invalid_grant")
        }
    }

    @Test("attack 88: another client's device code, an unknown one, and a client that did not register for it")
    func others() async throws {
        try await withDevice { city in
            let device = try await begin(city)
            expectTokenError(try await poll(city, device, "vendor-tv"), 400, "invalid_grant")
            for code in ["", "x", device["user_code"]?.string ?? ""] {
                let answer = try await poll(city, ["device_code": .string(code)])
                expectTokenError(answer, 400, code.isEmpty ? "invalid_request" : "invalid_grant")
            }
            expectTokenError(try await poll(city, device, "native"), 400, "unauthorized_client")
            let other = try await city.gateway.post("/oauth2/device", [("client_id", "native")])
            expectTokenError(other, 400, "unauthorized_client")
            let nobody = try await city.gateway.post("/oauth2/device", [("client_id", "tidak-ada")])
            expectTokenError(nobody, 401, "invalid_client")
            // Attack 8: scopes as everywhere.
            let tte = try await city.gateway.post("/oauth2/device", [("client_id", "layar"), ("scope", "tte")])
            expectTokenError(tte, 400, "invalid_scope")
            #expect(try await city.gateway.send(.get, "/oauth2/device").status == 405)
        }
    }

    @Test("guessing at codes gets slow, for whoever guesses and nobody else")
    func guesses() async throws {
        try await withDevice { city in
            let device = try await begin(city)
            let browser = try await city.signedIn()
            for typed in ["", "x", "AAAA-AAAA", "B0DF-GHJK", String(repeating: "B", count: 100)] {
                #expect(try await type(typed, browser).status == 422)
            }
            for _ in 1...6 { #expect(try await type("BBBB-BBBB", browser).status == 422) }
            let slow = try await type(device["user_code"]?.string, browser)
            #expect(slow.status == 429)
            #expect(holds(slow.body, "role=\"alert\""))
            let other = try await city.signedIn("siti")
            #expect(try await type(device["user_code"]?.string, other).status == 200)
            city.gateway.clock.advance(seconds: 11)
            #expect(try await type(device["user_code"]?.string, browser).status == 200)
        }
    }

    @Test("the form that answers is no way around the slowness, and each guess leaves a trace")
    func answersCount() async throws {
        try await withDevice { city in
            let browser = try await city.signedIn()
            let csrf = try await browser.get("/perangkat").field("csrf") ?? ""
            func guess(_ word: String) async throws -> Int {
                let form: Pairs = [
                    ("csrf", csrf), ("kode", "BCDF-GHJK"), ("jawaban", word), ("dilihat", "openid profile"),
                ]
                return try await browser.post("/perangkat/jawab", form).status
            }
            for number in 1...6 { #expect(try await guess(number % 2 == 0 ? "izinkan" : "tolak") == 422) }
            #expect(try await guess("izinkan") == 429)
            // A right code does not help either, by either form.
            let device = try await begin(city)
            #expect(try await type(device["user_code"]?.string, browser).status == 429)
            let rows = try await city.audit(.requestRefused)
            #expect(rows.contains { $0.detail.contains("wrong_device_code") })
            #expect(rows.contains { $0.detail.contains("too_many_tries") })
            #expect(rows.allSatisfy { !$0.detail.contains("BCDF") })
        }
    }

    @Test("a device that was answered waits no longer, and makes room")
    func room() async throws {
        try await withDevice { city in
            let first = try await begin(city)
            for _ in 1..<50 { _ = try await begin(city) }
            #expect(try await city.gateway.post("/oauth2/device", [("client_id", "layar")]).status == 429)
            let browser = try await city.signedIn()
            let asked = try await type(first["user_code"]?.string, browser)
            _ = try await say("tolak", browser, on: asked)
            #expect(try await city.gateway.post("/oauth2/device", [("client_id", "layar")]).status == 200)
        }
    }

    @Test("what is allowed is what was shown, by who may use the application, from our own form")
    func answers() async throws {
        try await withDevice { city in
            let device = try await begin(city, "vendor-tv")
            let browser = try await city.signedIn()
            let page = try await type(device["user_code"]?.string, browser)
            let forged = try await say("izinkan", browser, on: page, [("dilihat", "openid")])
            #expect(forged.status == 422)
            let stale = try await say("izinkan", browser, on: page, [("csrf", "x")])
            #expect(stale.status == 403)
            expectTokenError(try await poll(city, device, "vendor-tv"), 400, "authorization_pending")
            #expect(try await city.audit(.consentGiven).isEmpty)
            _ = try await say("izinkan", browser, on: page)
            // Somebody else's application: that it was allowed is remembered, and can be taken back.
            #expect(try await city.audit(.consentGiven).count == 1)
            #expect(try await say("izinkan", browser, on: page).status == 422)

            let next = try await begin(city)
            let shown = try await type(next["user_code"]?.string, browser)
            try await city.setState(of: "ujang", .terbatas)
            #expect(try await say("izinkan", browser, on: shown).errorCode == "access_denied")
            city.gateway.clock.advance(seconds: 6)
            expectTokenError(try await poll(city, next), 400, "authorization_pending")
        }
    }

    @Test("attack 19: who was suspended after allowing it gives the device nothing")
    func suspended() async throws {
        try await withDevice { city in
            let device = try await begin(city)
            let browser = try await city.signedIn()
            _ = try await say("izinkan", browser, on: type(device["user_code"]?.string, browser))
            try await city.setState(of: "ujang", .ditangguhkan)
            expectTokenError(try await poll(city, device), 400, "invalid_grant")
        }
    }

    @Test("attack 314: devices that wait are bounded, of a public client by network")
    func bounded() async throws {
        try await withDevice { city in
            let addresses = Array(
                repeating: "203.0.113.7", count: Int(DeviceAuthorizationEndpoint.publicLimit))
            for (address, status) in addresses.map({ ($0, 200) }) + [("203.0.113.9", 429), ("198.51.100.1", 200)] {
                let answer = try await city.gateway.post("/oauth2/device", [("client_id", "layar")], from: address)
                #expect(answer.status == status)
            }
        }
    }

    @Test("a device may bind its tokens to a key")
    func bound() async throws {
        try await withDevice { city in
            let device = try await begin(city)
            let browser = try await city.signedIn()
            _ = try await say("izinkan", browser, on: type(device["user_code"]?.string, browser))
            let key = try SigningKey.generate(.es256)
            let tokens = try await poll(city, device, "layar", City.dpop(city.proof(key)))
            #expect(tokens.json?["token_type"] == "DPoP")
        }
    }
}
