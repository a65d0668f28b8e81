import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Hummingbird
import Testing

@testable import Gapura

/// Group A of attacks.md.
@Suite("Authorization endpoint: attacks")
struct AuthorizeAttackTests {
    // MARK: Who asks

    @Test(
        "attack 1: an unknown, empty, disabled or dormant client gets our own page",
        arguments: ["tidak-ada", "", "disabled", "dormant", "web ", "WEB", "web\u{0}", "we", "w\u{435}b", String(repeating: "a", count: 5000)]
    )
    func unknownClient(id: String) async throws {
        try await withCity { city in
            let answer = try await city.authorize(city.asking(id))
            try await expectLocal400(answer, in: city, foreign: id.utf8.count > 20 ? [id] : [])
        }
    }

    @Test("attack 1: no client, or two of them")
    func noClient() async throws {
        try await withCity { city in
            try await expectLocal400(try await city.authorize(city.asking("web", ["client_id": nil])), in: city)
            let twice = try await city.authorize(city.asking() + [("client_id", "native")], from: "198.51.100.1")
            try await expectLocal400(twice, in: city, rows: 2)
        }
    }

    @Test("attack 1: a disabled client, or one of an application that is not active, is byte for byte as unknown as one that never was")
    func disabledClient() async throws {
        try await withCity { city in
            let unknown = try await city.authorize(city.asking("tidak-ada"))
            for id in ["disabled", "dormant"] {
                let answer = try await city.authorize(city.asking(id))
                #expect(Self.masked(answer) == Self.masked(unknown))
                #expect(Set(answer.headers.map(\.name)) == Set(unknown.headers.map(\.name)))
                // Also with the right secret, where a name could be guessed from the answer.
                let token = try await city.token([("grant_type", "client_credentials")], id)
                let stranger = try await city.gateway.post(
                    "/oauth2/token", [("grant_type", "client_credentials")], headers: [.authorization: basicHeader("tidak-ada", "x")]
                )
                expectTokenError(token, 401, "invalid_client")
                #expect(token.body == stranger.body)
            }
        }
    }

    @Test("attack 1: what a client had before it was disabled is dead, too")
    func disabledLater() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let tokens = try await city.tokens(in: browser)
            let code = try await city.freshCode(in: browser)
            let registry = ClientRegistry(city.gateway.gateway.services)
            let now = city.gateway.clock.now
            try await city.gateway.store.write { try registry.setState(ClientID("web"), .disabled, by: .system, in: $0, at: now) }
            expectTokenError(try await city.redeem(code, verifier: somePKCE.verifier), 401, "invalid_client")
            expectTokenError(try await city.refresh(tokens["refresh_token"]?.string), 401, "invalid_client")
            expectInvalidToken(try await city.userinfo(tokens["access_token"]?.string))
            expectLocal400(try await city.authorize(city.asking(), in: browser))
        }
    }

    /// A page without what differs in every answer.
    private static func masked(_ answer: TestAnswer) -> String {
        var text = answer.text
        for pattern in [#"nonce="[^"]*""#, #"id="request-id">[^<]*"#, #"name="csrf" value="[^"]*""#] {
            text = text.replacingOccurrences(of: pattern, with: "", options: .regularExpression)
        }
        return text
    }

    // MARK: Where answers go

    @Test("attack 2: no redirect_uri is no default, for openid and without, with one registered and with several")
    func noRedirectURI() async throws {
        try await withCity { city in
            try await city.addClient("satu", ["client_name": "Satu", "redirect_uris": [.string(City.redirectURI)]])
            var rows = 0
            for client in ["web", "satu"] {
                for scope in ["openid", "simpeg.read"] {
                    for missing in [nil, ""] as [String?] {
                        rows += 1
                        let asked = city.asking(client, ["redirect_uri": missing, "scope": scope])
                        let answer = try await city.authorize(asked, from: "198.51.100.\(rows)")
                        try await expectLocal400(answer, in: city, rows: rows, foreign: ["simpeg.contoh.go.id"])
                    }
                }
            }
            let twice = try await city.authorize(city.asking() + [("redirect_uri", City.redirectURI)], from: "198.51.100.100")
            try await expectLocal400(twice, in: city, rows: rows + 1)
        }
    }

    @Test("attack 2: a client without any registered URI learns none from a request")
    func nothingRegistered() async throws {
        try await withCity { city in
            for client in ["machine", "resource"] {
                for _ in 0..<2 {
                    expectLocal400(try await city.authorize(city.asking(client)), foreign: [City.redirectURI])
                }
            }
            let settings = try await city.gateway.store.read { try $0.clients.find(ClientID("machine"))?.settings }
            #expect(try StrictJSON.parse(Array(try #require(settings).utf8))["redirect_uris"] == [])
        }
    }

    // MARK: For what

    @Test(
        "attack 4: the implicit and hybrid response types are gone",
        arguments: ["token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none", "CODE", "code code", "kode"]
    )
    func responseTypes(type: String) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            expectRedirect(try await city.authorize(city.asking("web", ["response_type": type])), "unsupported_response_type")
            let withSession = try await city.authorize(city.asking("web", ["response_type": type]), in: browser)
            expectRedirect(withSession, "unsupported_response_type")
            #expect(withSession.location?.contains("token=") == false)
        }
    }

    @Test("attack 4: metadata names code alone, and nothing on the way through the sign-in changes the response type")
    func responseTypeStays() async throws {
        try await withCity { city in
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(metadata?["response_types_supported"] == ["code"])
            let browser = city.gateway.browser()
            let start = try await city.authorize(city.asking(), in: browser)
            let page = try await browser.get(try #require(start.location) + "&response_type=token&response_mode=form_post")
            let answer = try await browser.post(
                "/masuk",
                [
                    ("username", City.nips["ujang"] ?? ""), ("password", City.password), ("csrf", page.field("csrf") ?? ""),
                    ("alur", page.field("alur") ?? ""), ("response_type", "token"), ("response_mode", "form_post"),
                    ("redirect_uri", "https://evil.example/"),
                ]
            )
            #expect(answer.status == 303)
            #expect(answer.location?.hasPrefix(City.redirectURI + "?code=") == true)
            #expect(Self.names(answer) == ["code", "state", "iss"])
        }
    }

    @Test("attack 5: no response_type")
    func noResponseType() async throws {
        try await withCity { city in
            expectRedirect(try await city.authorize(city.asking("web", ["response_type": nil])), "invalid_request")
            expectRedirect(try await city.authorize(city.asking("web", ["response_type": ""])), "invalid_request")
        }
    }

    @Test("attack 7: a scope of 1 MB or of 500,000 tokens is refused before it is split")
    func hugeScope() async throws {
        try await withCity { city in
            for scope in [String(repeating: "a", count: 1 << 20), String(repeating: "a ", count: 500_000), String(repeating: "a ", count: 1025)] {
                let path = "/oauth2/authorize?" + FormURLEncoded.encode(city.asking("web", ["scope": nil])) + "&scope="
                let answer = try await city.gateway.send(.get, path + scope.replacing(" ", with: "+"))
                expectRedirect(answer, "invalid_scope")
                #expect((answer.location?.utf8.count ?? 9999) < 400)

                let before = Self.threadTime()
                #expect(Scope.tokens(scope) == nil)
                #expect(Self.threadTime() - before < 5_000_000)
            }
            // The longest that is taken, 2048 bytes.
            let longest = "openid " + String(repeating: "x", count: 2041)
            let browser = try await city.signedIn()
            #expect(try await city.authorize(city.asking("web", ["scope": longest]), in: browser).parameter("code") != nil)
        }
    }

    /// Nanoseconds of this thread's processor time.
    private static func threadTime() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    @Test("attack 8: a scope the client may not have is refused, and one nobody knows is ignored")
    func scopes() async throws {
        try await withCity { city in
            try await city.addClient("sempit", ["client_name": "Sempit", "redirect_uris": [.string(City.redirectURI)], "scope": "openid"])
            for scope in ["openid email", "openid asn", "openid offline_access", "profile", "openid roles", "openid tte"] {
                expectRedirect(try await city.authorize(city.asking("sempit", ["scope": scope])), "invalid_scope")
            }
            for scope in ["openid \"", "openid \\", "openid \u{7f}", "openid caf\u{e9}", "openid\nemail"] {
                expectRedirect(try await city.authorize(city.asking("sempit", ["scope": scope])), "invalid_scope")
            }
            let browser = try await city.signedIn()
            let code = try await city.freshCode(in: browser, ["scope": "openid ngawur simpeg.write OPENID email"])
            let tokens = try await city.token(city.redeeming(code), "web").json
            #expect(tokens?["scope"] == "openid email")
            #expect(try city.claims(of: tokens?["access_token"]?.string)["scope"] == "openid email")
        }
    }

    @Test("attack 8: the same at the token endpoint: client credentials get their own scopes and never a person's")
    func scopesOfMachines() async throws {
        try await withCity { city in
            for scope in ["openid", "profile", "simpeg.read openid", "offline_access", "roles", "tte"] {
                let answer = try await city.token([("grant_type", "client_credentials"), ("scope", scope)], "machine")
                expectTokenError(answer, 400, "invalid_scope")
            }
            let some = try await city.token([("grant_type", "client_credentials"), ("scope", "simpeg.read ngawur")], "machine").json
            #expect(some?["scope"] == "simpeg.read")
            #expect(try city.claims(of: some?["access_token"]?.string)["scope"] == "simpeg.read")
            let all = try await city.token([("grant_type", "client_credentials")], "machine").json
            #expect(all?["scope"] == "simpeg.read simpeg.write")
            #expect(all?["refresh_token"] == nil)
            #expect(all?["id_token"] == nil)
        }
    }

    // MARK: How the person is asked

    @Test("attack 10: prompt=login and max_age=0 ask for the password again, and auth_time tells when that was")
    func freshAuthentication() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let first = city.gateway.clock.now.seconds
            for change in [["prompt": "login"], ["max_age": "0"], ["prompt": "select_account"], ["prompt": "login consent"]] as [KeyValuePairs<String, String?>] {
                city.gateway.clock.advance(seconds: 60)
                let start = try await city.authorize(city.asking("web", change), in: browser)
                #expect(start.location?.hasPrefix("/masuk?alur=") == true)
                let page = try await browser.get(try #require(start.location))
                let wrong = try await browser.signIn(City.nips["ujang"] ?? "", "salah salah salah", on: page)
                #expect(wrong.status == 401)
                #expect(wrong.location == nil)
                let right = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page)
                let tokens = try await city.token(city.redeeming(try #require(right.parameter("code"))), "web").json
                let claims = try city.claims(of: tokens?["id_token"]?.string)
                #expect(claims["auth_time"] == .integer(city.gateway.clock.now.seconds))
                #expect(try #require(claims["auth_time"]?.integer) > first)
            }
        }
    }

    @Test("attack 10: acr and amr say what happened, whatever was asked for")
    func askedLevel() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for asked in ["9", "urn:mace:incommon:iap:gold", "phr phrh", "1 9"] {
                let code = try await city.freshCode(in: browser, ["acr_values": asked, "claims": #"{"id_token":{"acr":{"value":"9"}}}"#])
                let tokens = try await city.token(city.redeeming(code), "web").json
                for token in [tokens?["id_token"]?.string, tokens?["access_token"]?.string] {
                    let claims = try city.claims(of: token)
                    #expect(claims["acr"] == "1")
                    #expect(claims["amr"] == ["pwd"])
                    #expect(claims["auth_time"] == .integer(city.gateway.clock.now.seconds))
                }
            }
        }
    }

    // MARK: Request objects

    @Test("attack 11: request objects are not served: request_not_supported, and both kinds at once invalid_request")
    func requestObjects() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let object = compact(#"{"alg":"none"}"#, #"{"redirect_uri":"https://evil.example/","state":"lain"}"#)
            for browser in [nil, browser] {
                let one = try await city.authorize(city.asking("web", ["request": object]), in: browser)
                expectRedirect(one, "request_not_supported")
                let both = try await city.authorize(city.asking("web", ["request": object, "request_uri": "urn:x"]), in: browser)
                expectRedirect(both, "invalid_request")
                // Even where the rest of the request would fail first.
                let bare = try await city.authorize(city.asking("web", ["request": object, "code_challenge": nil, "scope": "tte"]), in: browser)
                expectRedirect(bare, "request_not_supported")
            }
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(metadata?["request_parameter_supported"] == false)
            #expect(metadata?["request_uri_parameter_supported"] == false)
        }
    }

    @Test("attack 13: request_uri makes no outbound request")
    func requestURI() async throws {
        let seen = Seen<String>()
        try await withTestServer { request in
            seen.append(request.uri.path)
            return .plain(.ok, "x")
        } _: { port in
            try await withCity { city in
                let uris = [
                    "http://127.0.0.1:\(port)/request.jwt", "https://127.0.0.1:\(port)/request.jwt", "http://169.254.169.254/latest/meta-data/",
                    "file:///etc/passwd", "urn:ietf:params:oauth:request_uri:tidak-ada",
                ]
                for uri in uris {
                    let answer = try await city.authorize(city.asking("web", ["request_uri": uri]))
                    expectRedirect(answer, "request_uri_not_supported")
                    #expect(!holds(Array((answer.location ?? "").utf8), "request.jwt"))
                }
            }
        }
        #expect(seen.all.isEmpty)
    }

    // MARK: The sign-in on the way

    @Test("attack 16: what was asked waits on the server: cookies, page and URL carry handles only")
    func nothingReflected() async throws {
        try await withCity { city in
            let secret = "rahasia-klien-4711"
            let asked = city.asking("web", ["client_secret": secret, "nonce": "nonce-4711", "state": "state-4711", "claims": secret])
            for byPost in [false, true] {
                let browser = city.gateway.browser()
                var start: TestAnswer
                if byPost {
                    start = try await browser.post("/oauth2/authorize", asked)
                    #expect(start.location?.hasPrefix("/oauth2/authorize?client_id=web&") == true)
                    #expect(!holds(Array((start.location ?? "").utf8), secret))
                    start = try await browser.get(try #require(start.location))
                } else {
                    start = try await city.authorize(asked, in: browser)
                }
                let location = try #require(start.location)
                #expect(location.utf8.count == "/masuk?alur=".utf8.count + 22)
                let page = try await browser.get(location)
                for text in [secret, "nonce-4711", "state-4711", City.redirectURI, somePKCE.challenge] {
                    #expect(!holds(page.body, text))
                    for answer in [start, page] {
                        for field in answer.headers { #expect(!holds(Array(field.value.utf8), text), "\(field.name)") }
                    }
                }
                let cookies = start.headers[values: .setCookie] + page.headers[values: .setCookie]
                #expect(cookies.count == 1)
                #expect(cookies.first?.hasPrefix("__Host-gapura-flow=") == true)
                #expect(browser.cookie("__Host-gapura-flow")?.utf8.count == 43)
            }
        }
    }

    @Test("attack 17: a sign-in that somebody else began is no one's: 400, no session, no code")
    func planted() async throws {
        try await withCity { city in
            let attacker = city.gateway.browser(from: "198.51.100.66")
            let planted = try #require(try await city.authorize(city.asking(), in: attacker).location)
            let number = String(planted.dropFirst("/masuk?alur=".count))

            // A victim without and with a session of their own.
            for victim in [city.gateway.browser(), try await city.signedIn("siti")] {
                let hadSession = victim.cookie("__Host-gapura-session")
                let opened = try await victim.get(planted)
                expectLocal400(opened, code: "flow_lost")
                // Their own form, with the attacker's number in it.
                let own = try await victim.get(try #require(try await city.authorize(city.asking("web", ["prompt": "login"]), in: victim).location))
                let posted = try await victim.post(
                    "/masuk",
                    [
                        ("username", City.nips["siti"] ?? ""), ("password", City.password), ("csrf", own.field("csrf") ?? ""), ("alur", number),
                    ]
                )
                expectLocal400(posted, code: "flow_lost")
                #expect(victim.cookie("__Host-gapura-session") == hadSession)
            }
            #expect(try await city.audit(.codeIssued).isEmpty)
            // The attacker's browser may of course go on itself.
            #expect(try await attacker.get(planted).status == 200)
        }
    }

    @Test("attack 17: a sign-in under way is used once, and ends after its time")
    func flowOnce() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let start = try #require(try await city.authorize(city.asking(), in: browser).location)
            let page = try await browser.get(start)
            #expect(try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page).parameter("code") != nil)
            expectLocal400(try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page), code: "flow_lost")
            expectLocal400(try await browser.get(start), code: "flow_lost")

            let late = try #require(try await city.authorize(city.asking("web", ["prompt": "login"]), in: browser).location)
            city.gateway.clock.advance(seconds: 1799)
            #expect(try await browser.get(late).status == 200)
            city.gateway.clock.advance(seconds: 1)
            expectLocal400(try await browser.get(late), code: "flow_lost")
            #expect(try await city.audit(.codeIssued).count == 1)
        }
    }

    @Test("attack 19: who lost the right to sign in gets no code, whatever was begun before", arguments: [AccountState.ditangguhkan, .nonaktif, .menunggu])
    func stateAtSignIn(state: AccountState) async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let page = try await browser.get(try #require(try await city.authorize(city.asking(), in: browser).location))
            try await city.setState(of: "ujang", state)
            let answer = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page)
            #expect(answer.status == 403)
            #expect(answer.location == nil)
            #expect(browser.cookie("__Host-gapura-session") == nil)

            // With a session from before, which nobody ended.
            try await city.setState(of: "ujang", .aktif)
            let old = try await city.signedIn()
            try await city.setState(of: "ujang", state)
            let again = try await city.authorize(city.asking(), in: old)
            #expect(again.location?.hasPrefix("/masuk?alur=") == true)
            expectRedirect(try await city.authorize(city.asking("web", ["prompt": "none"]), in: old), "login_required")
            #expect(try await city.audit(.codeIssued).isEmpty)
        }
    }

    @Test("attack 19: code, tokens and refresh tokens of who lost the right to use applications are dead at once", arguments: [
        AccountState.ditangguhkan, .nonaktif, .menunggu, .terbatas,
    ])
    func stateAtRedemption(state: AccountState) async throws {
        try await withCity { city in
            for client in ["web", "opaque"] {
                try await city.setState(of: "ujang", .aktif)
                let browser = try await city.signedIn()
                let tokens = try await city.tokens(client, scope: "openid offline_access", in: browser)
                let code = try await city.freshCode(client, in: browser)
                let access = tokens["access_token"]?.string
                #expect(try await city.isAlive(access))
                try await city.setState(of: "ujang", state)
                expectTokenError(try await city.token(city.redeeming(code), client), 400, "invalid_grant")
                expectTokenError(try await city.refresh(tokens["refresh_token"]?.string, client), 400, "invalid_grant")
                expectInvalidToken(try await city.userinfo(access))
                #expect(try await city.introspect(access, as: client).json == ["active": false])
            }
        }
    }

    @Test("attack 19: an account past its end date is out, too")
    func accountEnds() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let tokens = try await city.tokens(in: browser)
            var account = try #require(city.people["ujang"])
            account.endsAt = city.gateway.clock.now.adding(seconds: 100)
            let ending = account
            try await city.gateway.store.write { try $0.accounts.update(ending) }
            let code = try await city.freshCode(in: browser)
            city.gateway.clock.advance(seconds: 59)
            #expect(try await city.isAlive(tokens["access_token"]?.string))
            city.gateway.clock.advance(seconds: 41)
            let late = try await city.gateway.store.read { try $0.accounts.find(ending.id) }
            #expect(late?.state == .aktif)
            expectInvalidToken(try await city.userinfo(tokens["access_token"]?.string))
            expectTokenError(try await city.refresh(tokens["refresh_token"]?.string), 400, "invalid_grant")
            expectTokenError(try await city.token(city.redeeming(code), "web"), 400, "invalid_grant")
            #expect(try await city.authorize(city.asking(), in: browser).location?.hasPrefix("/masuk") == true)
        }
    }

    @Test("attack 20: errors go to the client's own address only, and only for clients an admin registered")
    func errorRedirects() async throws {
        try await withCity { city in
            let silent = try await city.authorize(city.asking("web", ["prompt": "none"]))
            expectRedirect(silent, "login_required")
            let scope = try await city.authorize(city.asking("web", ["scope": "openid tte", "prompt": "none"]))
            expectRedirect(scope, "invalid_scope")
            // Nobody registers a client here without an admin.
            let register = try await city.gateway.send(
                .post, "/oauth2/register", headers: [.contentType: "application/json"], body: #"{"redirect_uris":["https://evil.example/"]}"#
            )
            #expect(register.status == 404)
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(metadata?["registration_endpoint"] == nil)
        }
    }

    @Test("attack 22: scripts of other sites may not read the authorization endpoint")
    func cors() async throws {
        try await withCity { city in
            let path = city.authorizePath(challenge: somePKCE.challenge)
            let accessControl = { (answer: TestAnswer) in answer.headers.filter { $0.name.canonicalName.hasPrefix("access-control-") }.count }
            for origin in ["https://simpeg.contoh.go.id", "https://evil.example", "null", TestGateway.issuer] {
                let preflight = try await city.gateway.send(
                    .options, path, headers: [.origin: origin, .accessControlRequestMethod: "GET", .accessControlRequestHeaders: "authorization"]
                )
                #expect(accessControl(preflight) == 0)
                #expect(preflight.status >= 400)
                for method in [HTTPRequest.Method.get, .head, .put, .delete] {
                    let simple = try await city.gateway.send(method, path, headers: [.origin: origin])
                    #expect(accessControl(simple) == 0)
                }
                let posted = try await city.gateway.post("/oauth2/authorize", city.asking(), headers: [.origin: origin])
                #expect(accessControl(posted) == 0)
                let error = try await city.gateway.send(.get, "/oauth2/authorize", headers: [.origin: origin])
                #expect(accessControl(error) == 0)
            }
        }
    }

    // MARK: Long and strange values

    @Test("attack 23: nonces of 64 and 65 characters and states of 1,000 and 2,000 come back as they were; the limit is 2,048 bytes")
    func longValues() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for (nonceLength, stateLength) in [(64, 1000), (65, 2000), (2048, 2048)] {
                let nonce = String(repeating: "n", count: nonceLength)
                let state = String(repeating: "s", count: stateLength)
                let answer = try await city.authorize(city.asking("web", ["nonce": nonce, "state": state]), in: browser)
                #expect(same(answer.parameter("state"), state))
                let tokens = try await city.token(city.redeeming(try #require(answer.parameter("code"))), "web").json
                #expect(try city.claims(of: tokens?["id_token"]?.string)["nonce"] == .string(nonce))
            }
            for length in [2049, 100_000] {
                let long = String(repeating: "x", count: length)
                let nonce = try await city.authorize(city.asking("web", ["nonce": long]), in: browser)
                expectRedirect(nonce, "invalid_request")
                let state = try await city.authorize(city.asking("web", ["state": long]), in: browser)
                expectRedirect(state, "invalid_request", state: nil)
                for answer in [nonce, state] { #expect(!holds(Array((answer.location ?? "").utf8), "xxxx")) }
            }
            // 2,048 bytes, not characters.
            expectRedirect(try await city.authorize(city.asking("web", ["nonce": String(repeating: "\u{e9}", count: 1025)])), "invalid_request")
        }
    }

    @Test(
        "attack 23: control characters in state and nonce are refused and not given back, on both engines", arguments: bothEngines,
        ["a\u{0}b", "a\r\nLocation: https://evil.example/", "a\nb", "a\tb", "\u{7f}"]
    )
    func controlCharacters(engine: Engine, text: String) async throws {
        try await withCity(on: engine) { city in
            let browser = try await city.signedIn()
            expectRedirect(try await city.authorize(city.asking("web", ["state": text]), in: browser), "invalid_request", state: nil)
            expectRedirect(try await city.authorize(city.asking("web", ["nonce": text]), in: browser), "invalid_request")
        }
    }

    @Test("attack 23: what a request may hold otherwise never breaks a database", arguments: bothEngines)
    func strangeValues(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            for name in ["login_hint", "ui_locales", "acr_values", "claims", "display", "x\u{0}y"] {
                let browser = city.gateway.browser()
                let start = try await city.authorize(city.asking("web", [name: "a\u{0}\u{1}\u{feff}'\"\\"]), in: browser)
                let page = try await browser.get(try #require(start.location))
                #expect(page.status == 200)
                #expect(try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page).parameter("code") != nil)
            }
            for client in ["web\u{0}", "\u{0}", "' OR 1=1 --"] {
                expectLocal400(try await city.authorize(city.asking(client)))
            }
        }
    }

    @Test("attack 23: a broken query is a page of ours", arguments: ["client_id=%zz", "client_id=%", "client_id=web%c3%28", "%ff=1"])
    func brokenQuery(query: String) async throws {
        try await withCity { city in
            try await expectLocal400(try await city.gateway.send(.get, "/oauth2/authorize?" + query), in: city)
        }
    }

    @Test("attack 23: a parameter sent twice is refused, and state comes back only if it was sane")
    func duplicates() async throws {
        try await withCity { city in
            for name in ["scope", "nonce", "code_challenge", "response_type", "prompt", "tidak-dikenal"] {
                let twice = city.asking("web", ["nonce": "n", "prompt": "login", "tidak-dikenal": "1"]) + [(name, "openid")]
                expectRedirect(try await city.authorize(twice), "invalid_request")
            }
            expectRedirect(try await city.authorize(city.asking() + [("state", "s-2")]), "invalid_request", state: nil)
            let mode = try await city.authorize(city.asking("web", ["response_mode": "fragment"]))
            expectRedirect(mode, "invalid_request")
        }
    }

    // MARK: Hints

    @Test("attack 25: an id_token_hint never signs anybody in")
    func hintIsNoSession() async throws {
        try await withCity { city in
            let hint = try #require(try await city.tokens()["id_token"]?.string)
            let stranger = city.gateway.browser()
            expectRedirect(
                try await city.authorize(city.asking("web", ["id_token_hint": hint, "prompt": "none"]), in: stranger), "login_required"
            )
            let start = try await city.authorize(city.asking("web", ["id_token_hint": hint]), in: stranger)
            #expect(start.location?.hasPrefix("/masuk?alur=") == true)
        }
    }

    @Test("attack 25: a hint for somebody else, or a forged one, is login_required with prompt=none")
    func hintOfAnother() async throws {
        try await withCity { city in
            let siti = try await city.signedIn("siti")
            let ofUjang = try #require(try await city.tokens()["id_token"]?.string)
            let ofSiti = try #require(try await city.tokens("web", for: "siti")["id_token"]?.string)
            let claims = try city.claims(of: ofSiti)
            let stranger = try SigningKey.generate(.rs256, kid: try city.key().kid)
            var slash = claims
            slash["iss"] = .string(TestGateway.issuer + "/")
            let bad = [
                ofUjang, "x", "a.b.c", String(ofSiti.dropLast(4)) + "AAAA", try city.forge(claims, type: "JWT", with: stranger),
                try city.forge(slash, type: "JWT"), try city.forge(claims, type: "at+jwt"),
                compact(#"{"alg":"none"}"#, JSONValue.object(claims).encodedText()),
            ]
            for hint in bad {
                let answer = try await city.authorize(city.asking("web", ["id_token_hint": hint, "prompt": "none"]), in: siti)
                expectRedirect(answer, "login_required")
            }
            let good = try await city.authorize(city.asking("web", ["id_token_hint": ofSiti, "prompt": "none"]), in: siti)
            #expect(good.parameter("code") != nil)
        }
    }

    @Test("attack 25: where another person signs in than the hint names, the application is told, and the sign-in stands")
    func hintAndAnotherSignIn() async throws {
        try await withCity { city in
            let ofUjang = try #require(try await city.tokens()["id_token"]?.string)
            let browser = city.gateway.browser()
            let start = try await city.authorize(city.asking("web", ["id_token_hint": ofUjang]), in: browser)
            let page = try await browser.get(try #require(start.location))
            let answer = try await browser.signIn(City.nips["siti"] ?? "", City.password, on: page)
            expectRedirect(answer, "login_required")
            #expect(try await browser.get("/masuk").location == "/portal")
        }
    }

    // MARK: iss

    @Test("attack 26: iss stands in every answer, success and error, by query and by form")
    func issuerInEveryAnswer() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let changes: [KeyValuePairs<String, String?>] = [
                [:], ["state": nil], ["response_type": "token"], ["response_type": nil], ["scope": "tte"], ["prompt": "sesuatu"],
                ["code_challenge": nil], ["request": "x"], ["request_uri": "x"], ["registration": "{}"], ["max_age": "x"], ["prompt": "none login"],
            ]
            for change in changes {
                let byQuery = try await city.authorize(city.asking("web", change), in: browser)
                #expect(byQuery.status == 303)
                #expect(byQuery.parameter("iss") == TestGateway.issuer)
                #expect((byQuery.parameter("error") == nil) == (byQuery.parameter("code") != nil))
                let byForm = try await city.authorize(city.asking("web", change) + [("response_mode", "form_post")], in: browser)
                #expect(byForm.status == 200)
                #expect(byForm.location == nil)
                #expect(byForm.field("iss") == TestGateway.issuer)
                #expect((byForm.field("error") == nil) == (byForm.field("code") != nil))
            }
            let denied = try await city.authorize(city.asking("closed", ["prompt": "none"]), in: browser)
            expectRedirect(denied, "access_denied")
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(metadata?["authorization_response_iss_parameter_supported"] == true)
        }
    }

    @Test("who may not use the application sees a page of ours, and stays signed in")
    func noAccess() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let answer = try await city.code("closed", challenge: somePKCE.challenge, in: browser)
            #expect(answer.status == 403)
            #expect(answer.errorCode == "access_denied")
            #expect(answer.location == nil)
            #expect(browser.cookie("__Host-gapura-session") != nil)
            #expect(try await browser.get("/masuk").location == "/portal")
            // Siti belongs to the agency that may.
            let siti = try await city.code("closed", for: "siti", challenge: somePKCE.challenge)
            #expect(siti.parameter("code") != nil)
        }
    }

    private static func names(_ answer: TestAnswer) -> [String] {
        let query = answer.location?.split(separator: "?").last ?? ""
        return query.split(separator: "&").map { String($0.prefix { $0 != "=" }) }
    }
}
