import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Pushed authorization requests (RFC 9126), and what FAPI 2.0 makes of them.
@Suite("Pushed requests")
struct PushedRequestTests {
    @Test("behaviour 72: 201 with a handle of 256 random bits and a number of seconds; no other method")
    func answer() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let answer = try await city.push(city.asking(client.id) + client.assertion(city))
            #expect(answer.status == 201)
            #expect(answer.headers[.cacheControl] == "no-store")
            #expect(answer.headers[.contentType] == "application/json")
            #expect(answer.json?["expires_in"] == 90)
            let handle = try #require(answer.json?["request_uri"]?.string)
            #expect(handle.hasPrefix("urn:ietf:params:oauth:request_uri:"))
            #expect(entropy(String(handle.dropFirst("urn:ietf:params:oauth:request_uri:".count))) > 96)
            for method in [HTTPRequest.Method.get, .put, .delete] {
                #expect(try await city.gateway.send(method, "/oauth2/par").status == 405)
            }
        }
    }

    /// The whole way of a strict client.
    @Test(
        "behaviour 72, behaviour 76: pushed, opened, signed in, redeemed with a proof; iss is in the answer",
        arguments: bothEngines)
    func wholeWay(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let client = try await city.addStrictClient()
            let key = try SigningKey.generate(.es256)
            let proof = try city.proof(key, "POST", "/oauth2/par")
            let handle = try await city.pushed(client, ["nonce": "n-1"], proof: proof)
            let browser = city.gateway.browser()
            let start = try await city.authorize(city.bringing(handle, client.id), in: browser)
            let page = try await browser.get(try #require(start.location))
            let answer = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page)
            #expect(answer.parameter("iss") == TestGateway.issuer)
            #expect(answer.parameter("state") == "s-1")
            let code = try #require(answer.parameter("code"))
            let form = try city.redeeming(code) + client.assertion(city)
            let tokens = try await city.gateway.post("/oauth2/token", form, headers: City.dpop(city.proof(key)))
            #expect(tokens.status == 200, "\(tokens.text)")
            #expect(tokens.json?["token_type"] == "DPoP")
            #expect(try city.header(of: tokens.json?["id_token"]?.string)["alg"] == "PS256")
            #expect(try city.claims(of: tokens.json?["id_token"]?.string)["nonce"] == "n-1")
        }
    }

    @Test(
        "behaviour 72, attack 14: opened twice before the sign-in it works once, and never after that",
        arguments: bothEngines)
    func once(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let client = try await city.addStrictClient()
            let handle = try await city.pushed(client)
            let browsers = [city.gateway.browser(), city.gateway.browser()]
            var pages: [TestAnswer] = []
            for browser in browsers {
                let start = try await city.authorize(city.bringing(handle, client.id), in: browser)
                pages.append(try await browser.get(try #require(start.location)))
            }
            // The sign-in may take longer than the handle lives.
            city.gateway.clock.advance(seconds: 100)
            let first = try await browsers[1].signIn(City.nips["ujang"] ?? "", City.password, on: pages[1])
            #expect(first.parameter("code") != nil)
            let second = try await browsers[0].signIn(City.nips["ujang"] ?? "", City.password, on: pages[0])
            expectLocal400(second, code: "invalid_request_uri")
            let again = try await city.authorize(city.bringing(handle, client.id), in: browsers[1])
            expectLocal400(again, code: "invalid_request_uri")
        }
    }

    @Test("behaviour 72: of many who bring one handle at once, one gets a code", arguments: bothEngines)
    func race(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let client = try await city.addStrictClient()
            let handle = try await city.pushed(client)
            let browser = try await city.signedIn()
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 1...6 {
                    group.addTask { try await city.authorize(city.bringing(handle, client.id), in: browser) }
                }
                return try await group.reduce(into: [TestAnswer]()) { $0.append($1) }
            }
            #expect(answers.filter { $0.parameter("code") != nil }.count == 1)
            #expect(answers.filter { $0.errorCode == "invalid_request_uri" }.count == 5)
        }
    }

    @Test("attack 14: an unknown, expired or another client's handle is our own page, whatever stands beside it")
    func unusable() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let other = try await city.addStrictClient("lain")
            let browser = try await city.signedIn()
            let handle = try await city.pushed(client)
            for (uri, id) in [
                (handle, other.id), (handle + "x", client.id), (String(handle.dropLast()), client.id),
                ("urn:ietf:params:oauth:request_uri:", client.id),
                (
                    handle.uppercased().replacing(
                        "URN:IETF:PARAMS:OAUTH:REQUEST_URI", with: "urn:ietf:params:oauth:request_uri"), client.id
                ),
            ] {
                let beside = city.asking(id, ["client_id": nil]) + city.bringing(uri, id)
                expectLocal400(try await city.authorize(beside, in: browser), code: "invalid_request_uri")
            }
            city.gateway.clock.advance(seconds: 90)
            expectLocal400(
                try await city.authorize(city.bringing(handle, client.id), in: browser), code: "invalid_request_uri")
        }
    }

    @Test("behaviour 72: what stands beside a handle is not looked at")
    func beside() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let browser = try await city.signedIn()
            let handle = try await city.pushed(client)
            let more: Pairs = [
                ("state", "lain"), ("redirect_uri", "https://evil.example/"), ("scope", "tte"), ("prompt", "login"),
            ]
            let answer = try await city.authorize(city.bringing(handle, client.id) + more, in: browser)
            #expect(answer.location?.hasPrefix(City.redirectURI) == true)
            #expect(answer.parameter("state") == "s-1")
            #expect(answer.parameter("code") != nil)
        }
    }

    @Test("behaviour 72: refused is what names another request, or comes without being pushed")
    func refused() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let handle = try await city.pushed(client)
            let named = city.asking(client.id, ["request_uri": handle])
            expectTokenError(try await city.push(named + client.assertion(city)), 400, "invalid_request")
            let object = try client.object(city, ["request_uri": .string(handle)])
            let inside = try [("client_id", client.id), ("request", object)] + client.assertion(city)
            expectTokenError(try await city.push(inside), 400, "invalid_request_object")
            expectRedirect(try await city.authorize(city.asking(client.id)), "invalid_request")
            // A client that may do without pushes if it likes.
            let web = try await city.push(city.asking("web"), headers: [.authorization: city.basic("web")])
            let browser = try await city.signedIn()
            let uri = try #require(web.json?["request_uri"]?.string)
            #expect(try await city.authorize(city.bringing(uri, "web"), in: browser).parameter("code") != nil)
        }
    }

    @Test("a pushed request is judged when it is pushed, as JSON")
    func judged() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let wrong: [(KeyValuePairs<String, String?>, String)] = [
                (["redirect_uri": "https://evil.example/"], "invalid_request"),
                (["redirect_uri": nil], "invalid_request"),
                (["response_type": "token"], "unsupported_response_type"), (["response_type": nil], "invalid_request"),
                (["scope": "tte"], "invalid_scope"), (["nonce": "a\u{0}"], "invalid_request"),
                (["client_id": "web"], "invalid_client"), (["max_age": "x"], "invalid_request"),
                (["registration": "{}"], "registration_not_supported"), (["claims": "x"], "invalid_request"),
            ]
            for (changes, error) in wrong {
                let answer = try await city.push(city.asking(client.id, changes) + client.assertion(city))
                #expect(answer.json?["error"]?.string == error, "\(changes): \(answer.text)")
                #expect(answer.status == (error == "invalid_client" ? 401 : 400))
                #expect(isPlain(answer.json?["error_description"]?.string))
            }
        }
    }

    @Test("behaviour 73: S256 from the push on; plain is refused, and so is a wrong or missing verifier")
    func pkce() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            for changes in [
                ["code_challenge": nil, "code_challenge_method": nil], ["code_challenge_method": "plain"],
                ["code_challenge_method": nil],
            ] as [KeyValuePairs<String, String?>] {
                let answer = try await city.push(city.asking(client.id, changes) + client.assertion(city))
                expectTokenError(answer, 400, "invalid_request")
            }
            let key = try SigningKey.generate(.es256)
            let browser = try await city.signedIn()
            for verifier in [nil, String(repeating: "x", count: 43)] {
                let handle = try await city.pushed(client)
                let code = try #require(
                    try await city.authorize(city.bringing(handle, client.id), in: browser).parameter("code"))
                let form = try city.redeeming(code, ["code_verifier": verifier]) + client.assertion(city)
                let answer = try await city.gateway.post(
                    "/oauth2/token", form, headers: City.dpop(city.proof(key)))
                expectTokenError(answer, 400, "invalid_grant")
            }
        }
    }

    @Test("behaviour 74: a code is good for 60 s and for its own client")
    func codeLifetime() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let other = try await city.addStrictClient("lain")
            let key = try SigningKey.generate(.es256)
            let browser = try await city.signedIn()
            func fresh() async throws -> String {
                let handle = try await city.pushed(client)
                return try #require(
                    try await city.authorize(city.bringing(handle, client.id), in: browser).parameter("code"))
            }
            func redeem(_ code: String, _ client: SigningClient) async throws -> TestAnswer {
                try await city.gateway.post(
                    "/oauth2/token", city.redeeming(code) + client.assertion(city),
                    headers: City.dpop(city.proof(key)))
            }
            let late = try await fresh()
            city.gateway.clock.advance(seconds: 62)
            expectTokenError(try await redeem(late, client), 400, "invalid_grant")
            let stolen = try await fresh()
            expectTokenError(try await redeem(stolen, other), 400, "invalid_grant")
            #expect(try await redeem(stolen, client).status == 200)
        }
    }

    @Test("behaviour 77: the proof of the push binds the code; a dpop_jkt beside it has to be the same key")
    func boundPush() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let (key, other) = (try SigningKey.generate(.es256), try SigningKey.generate(.es256))
            let jkt = try other.verificationKey.thumbprint()
            let mismatch = try await city.push(
                city.asking(client.id, ["dpop_jkt": jkt]) + client.assertion(city),
                headers: City.dpop(city.proof(key, "POST", "/oauth2/par")))
            expectTokenError(mismatch, 400, "invalid_dpop_proof")
            let browser = try await city.signedIn()
            let handle = try await city.pushed(client, proof: city.proof(key, "POST", "/oauth2/par"))
            let code = try #require(
                try await city.authorize(city.bringing(handle, client.id), in: browser).parameter("code"))
            let stolen = try await city.gateway.post(
                "/oauth2/token", city.redeeming(code) + client.assertion(city), headers: City.dpop(city.proof(other)))
            expectTokenError(stolen, 400, "invalid_grant")
        }
    }

    @Test("attack 101: a strict client keeps its refresh token")
    func noRotation() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let key = try SigningKey.generate(.es256)
            let browser = try await city.signedIn()
            let handle = try await city.pushed(client)
            let code = try #require(
                try await city.authorize(city.bringing(handle, client.id), in: browser).parameter("code"))
            func ask(_ form: Pairs) async throws -> JSONValue? {
                try await city.gateway.post(
                    "/oauth2/token", form + client.assertion(city), headers: City.dpop(city.proof(key))
                ).json
            }
            let refresh = try #require(try await ask(city.redeeming(code))?["refresh_token"]?.string)
            for _ in 1...2 {
                let again = try await ask([("grant_type", "refresh_token"), ("refresh_token", refresh)])
                #expect(again?["refresh_token"]?.string == refresh)
            }
        }
    }

    @Test("attack 16: nothing that was pushed is seen in the browser")
    func hidden() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let handle = try await city.pushed(client, ["nonce": "nonce-4711", "state": "state-4711"])
            let browser = city.gateway.browser()
            let start = try await city.authorize(city.bringing(handle, client.id), in: browser)
            let page = try await browser.get(try #require(start.location))
            for text in ["nonce-4711", "state-4711", City.redirectURI, handle] {
                #expect(!holds(page.body, text))
                for answer in [start, page] {
                    for field in answer.headers { #expect(!holds(Array(field.value.utf8), text), "\(field.name)") }
                }
            }
        }
    }

    @Test("attack 314: requests that wait are bounded: of a public client by network, of another by client")
    func bounded() async throws {
        try await withCity { city in
            func push(_ address: String) async throws -> TestAnswer {
                try await city.gateway.post("/oauth2/par", city.asking("native"), from: address)
            }
            for _ in 1...PushedAuthorizationEndpoint.publicLimit {
                #expect(try await push("203.0.113.7").status == 201)
            }
            let full = try await push("203.0.113.8")
            #expect(full.status == 429)
            #expect(full.json?["error"] == "too_many_requests")
            #expect(full.headers[.retryAfter] != nil)
            // Whoever comes from elsewhere is not kept out, and nobody for long.
            #expect(try await push("198.51.100.1").status == 201)
            city.gateway.clock.advance(seconds: 91)
            #expect(try await push("203.0.113.7").status == 201)
            let now = city.gateway.clock.now
            try await city.gateway.store.write { tx in
                _ = try tx.upkeep.deleteExpired(at: now, keepingSessionsSince: now)
            }
            #expect(try await city.gateway.store.read { try $0.pushed.count() } == 1)
        }
    }

    @Test("a secret that was sent with the push is not kept with it")
    func secretsLeftOut() async throws {
        try await withCity { city in
            let form = city.asking("post") + [("client_secret", city.secrets["post"] ?? "")]
            let answer = try await city.push(form)
            #expect(answer.status == 201)
            let rows = try await city.gateway.store.read { tx in
                try tx.rows("SELECT request FROM pushed_requests").map { try $0.text(0) }
            }
            #expect(rows.count == 1)
            #expect(rows.allSatisfy { !holds(Array($0.utf8), city.secrets["post"] ?? "-") })
        }
    }

    @Test("attack 23: a request is kept up to 16 KB; request and request_uri come once")
    func sizes() async throws {
        try await withCity { city in
            let long = String(repeating: "x", count: 17_000)
            let push = try await city.push(
                city.asking("web", ["login_hint": long]), headers: [.authorization: city.basic("web")])
            expectTokenError(push, 400, "invalid_request")
            let browser = try await city.signedIn()
            expectRedirect(
                try await city.authorize(city.asking("web", ["login_hint": long]), in: browser), "invalid_request")
            for name in ["request", "request_uri"] {
                let twice = city.asking("web") + [(name, "urn:ietf:params:oauth:request_uri:a"), (name, "b")]
                expectRedirect(try await city.authorize(twice, in: browser), "invalid_request")
            }
        }
    }

    @Test("attack 314: what was answered waits no longer; a full table closes for some seconds, for everybody")
    func room() async throws {
        let room = TableRoom(limit: 100)
        let now = Timestamp(seconds: 1_800_000_000)
        var (counted, tidied) = (0, 0)
        func check(_ rows: Int64, at moment: Timestamp) -> Bool {
            do {
                try room.check(
                    at: moment,
                    count: {
                        counted += 1; return rows
                    },
                    tidy: { _ in
                        tidied += 1; return 0
                    })
                return true
            } catch { return false }
        }
        for _ in 1...1000 { #expect(check(99, at: now)) }
        #expect(counted < 200 && tidied == 0)
        #expect((1...2000).contains { _ in !check(100, at: now) })
        #expect(tidied == 1)
        let before = counted
        for _ in 1...100 { #expect(!check(0, at: now.adding(seconds: 9))) }
        #expect(counted == before)
        #expect(check(0, at: now.adding(seconds: 10)))
    }

    @Test("a push that says its client by Basic alone is that client's, also after a sign-in on the way")
    func basicAlone() async throws {
        try await withCity { city in
            let pushed = try await city.push(
                city.asking("web", ["client_id": nil]), headers: [.authorization: city.basic("web")])
            let uri = try #require(pushed.json?["request_uri"]?.string)
            let browser = city.gateway.browser()
            let start = try await city.authorize(city.bringing(uri, "web"), in: browser)
            let page = try await browser.get(try #require(start.location))
            let answer = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page)
            #expect(answer.parameter("code") != nil, "\(answer.location ?? answer.text)")
        }
    }

    @Test("who signs in for a request that was answered meanwhile is told so, and stays signed in")
    func keepsSession() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let handle = try await city.pushed(client)
            let browser = city.gateway.browser()
            let start = try await city.authorize(city.bringing(handle, client.id), in: browser)
            let page = try await browser.get(try #require(start.location))
            let other = try await city.signedIn("siti")
            #expect(try await city.authorize(city.bringing(handle, client.id), in: other).parameter("code") != nil)
            let late = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page)
            expectLocal400(late, code: "invalid_request_uri")
            #expect(try await browser.get("/portal").status == 200)
        }
    }
}
