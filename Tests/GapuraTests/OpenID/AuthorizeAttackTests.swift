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
        arguments: [
            "tidak-ada", "", "disabled", "dormant", "web ", "WEB", "web\u{0}", "we", "w\u{435}b",
            String(repeating: "a", count: 5000),
        ]
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

    @Test(
        "attack 1: a disabled client, or one of an application that is not active, is byte for byte as unknown as one that never was"
    )
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
                    "/oauth2/token", [("grant_type", "client_credentials")],
                    headers: [.authorization: basicHeader("tidak-ada", "x")]
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
            try await city.gateway.store.write {
                try registry.setState(ClientID("web"), .disabled, by: .system, in: $0, at: now)
            }
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
            let twice = try await city.authorize(
                city.asking() + [("redirect_uri", City.redirectURI)], from: "198.51.100.100")
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
        arguments: [
            "token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none", "CODE",
            "code code", "kode",
        ]
    )
    func responseTypes(type: String) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            expectRedirect(
                try await city.authorize(city.asking("web", ["response_type": type])), "unsupported_response_type")
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
            let page = try await browser.get(
                try #require(start.location) + "&response_type=token&response_mode=form_post")
            let answer = try await browser.post(
                "/masuk",
                [
                    ("username", City.nips["ujang"] ?? ""), ("password", City.password),
                    ("csrf", page.field("csrf") ?? ""),
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
            for scope in [
                String(repeating: "a", count: 1 << 20), String(repeating: "a ", count: 500_000),
                String(repeating: "a ", count: 1025),
            ] {
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
            #expect(
                try await city.authorize(city.asking("web", ["scope": longest]), in: browser).parameter("code") != nil)
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
            try await city.addClient(
                "sempit", ["client_name": "Sempit", "redirect_uris": [.string(City.redirectURI)], "scope": "openid"])
            for scope in [
                "openid email", "openid asn", "openid offline_access", "profile", "openid roles", "openid tte",
            ] {
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
            let some = try await city.token(
                [("grant_type", "client_credentials"), ("scope", "simpeg.read ngawur")], "machine"
            ).json
            #expect(some?["scope"] == "simpeg.read")
            #expect(try city.claims(of: some?["access_token"]?.string)["scope"] == "simpeg.read")
            let all = try await city.token([("grant_type", "client_credentials")], "machine").json
            #expect(all?["scope"] == "simpeg.read simpeg.write")
            #expect(all?["refresh_token"] == nil)
            #expect(all?["id_token"] == nil)
        }
    }

    // MARK: Request objects, errors, scripts

    @Test(
        "attack 11: a client without keys has no request objects: request_not_supported, and both kinds at once invalid_request"
    )
    func requestObjects() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let object = compact(#"{"alg":"none"}"#, #"{"redirect_uri":"https://evil.example/","state":"lain"}"#)
            for browser in [nil, browser] {
                let one = try await city.authorize(city.asking("web", ["request": object]), in: browser)
                expectRedirect(one, "request_not_supported")
                let both = try await city.authorize(
                    city.asking("web", ["request": object, "request_uri": "urn:x"]), in: browser)
                expectRedirect(both, "invalid_request")
                // Even where the rest of the request would fail first.
                let bare = try await city.authorize(
                    city.asking("web", ["request": object, "code_challenge": nil, "scope": "tte"]), in: browser)
                expectRedirect(bare, "request_not_supported")
            }
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
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
                    "http://127.0.0.1:\(port)/request.jwt", "https://127.0.0.1:\(port)/request.jwt",
                    "http://169.254.169.254/latest/meta-data/",
                    "file:///etc/passwd", "urn:ietf:params:oauth:request_uri", "URN:ietf:params:oauth:request_uri:x",
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

    @Test("attack 20: errors go to the client's own address only, and only for clients an admin registered")
    func errorRedirects() async throws {
        try await withCity { city in
            let silent = try await city.authorize(city.asking("web", ["prompt": "none"]))
            expectRedirect(silent, "login_required")
            let scope = try await city.authorize(city.asking("web", ["scope": "openid tte", "prompt": "none"]))
            expectRedirect(scope, "invalid_scope")
            // Nobody registers a client here without an admin, who says on which hosts it may be.
            for body in [#"{"redirect_uris":["https://evil.example/"]}"#, "{}"] {
                let register = try await city.gateway.send(
                    .post, "/oauth2/register", headers: [.contentType: "application/json"], body: body)
                #expect(register.status == 401)
                #expect(register.json?["error"] == "invalid_token")
            }
        }
    }

    @Test("attack 22: scripts of other sites may not read the authorization endpoint")
    func cors() async throws {
        try await withCity { city in
            let path = city.authorizePath(challenge: somePKCE.challenge)
            let accessControl = { (answer: TestAnswer) in
                answer.headers.filter { $0.name.canonicalName.hasPrefix("access-control-") }.count
            }
            for origin in ["https://simpeg.contoh.go.id", "https://evil.example", "null", TestGateway.issuer] {
                let preflight = try await city.gateway.send(
                    .options, path,
                    headers: [
                        .origin: origin, .accessControlRequestMethod: "GET",
                        .accessControlRequestHeaders: "authorization",
                    ]
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

    @Test(
        "attack 23: nonces of 64 and 65 characters and states of 1,000 and 2,000 come back as they were; the limit is 2,048 bytes"
    )
    func longValues() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for (nonceLength, stateLength) in [(64, 1000), (65, 2000), (2048, 2048)] {
                let nonce = String(repeating: "n", count: nonceLength)
                let state = String(repeating: "s", count: stateLength)
                let answer = try await city.authorize(
                    city.asking("web", ["nonce": nonce, "state": state]), in: browser)
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
            expectRedirect(
                try await city.authorize(city.asking("web", ["nonce": String(repeating: "\u{e9}", count: 1025)])),
                "invalid_request")
        }
    }

    @Test(
        "attack 23: control characters in state and nonce are refused and not given back, on both engines",
        arguments: bothEngines,
        ["a\u{0}b", "a\r\nLocation: https://evil.example/", "a\nb", "a\tb", "\u{7f}"]
    )
    func controlCharacters(engine: Engine, text: String) async throws {
        try await withCity(on: engine) { city in
            let browser = try await city.signedIn()
            expectRedirect(
                try await city.authorize(city.asking("web", ["state": text]), in: browser), "invalid_request",
                state: nil)
            expectRedirect(
                try await city.authorize(city.asking("web", ["nonce": text]), in: browser), "invalid_request")
        }
    }

    @Test("attack 23: what a request may hold otherwise never breaks a database", arguments: bothEngines)
    func strangeValues(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            for name in ["login_hint", "ui_locales", "acr_values", "display", "x\u{0}y"] {
                let browser = city.gateway.browser()
                let start = try await city.authorize(
                    city.asking("web", [name: "a\u{0}\u{1}\u{feff}'\"\\"]), in: browser)
                let page = try await browser.get(try #require(start.location))
                #expect(page.status == 200)
                #expect(
                    try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page).parameter("code") != nil
                )
            }
            for client in ["web\u{0}", "\u{0}", "' OR 1=1 --"] {
                expectLocal400(try await city.authorize(city.asking(client)))
            }
        }
    }

    @Test(
        "attack 23: a broken query is a page of ours",
        arguments: ["client_id=%zz", "client_id=%", "client_id=web%c3%28", "%ff=1"])
    func brokenQuery(query: String) async throws {
        try await withCity { city in
            try await expectLocal400(try await city.gateway.send(.get, "/oauth2/authorize?" + query), in: city)
        }
    }

    @Test("attack 23: a parameter sent twice is refused, and state comes back only if it was sane")
    func duplicates() async throws {
        try await withCity { city in
            for name in ["scope", "nonce", "code_challenge", "response_type", "prompt", "tidak-dikenal"] {
                let twice =
                    city.asking("web", ["nonce": "n", "prompt": "login", "tidak-dikenal": "1"]) + [(name, "openid")]
                expectRedirect(try await city.authorize(twice), "invalid_request")
            }
            expectRedirect(try await city.authorize(city.asking() + [("state", "s-2")]), "invalid_request", state: nil)
            let mode = try await city.authorize(city.asking("web", ["response_mode": "fragment"]))
            expectRedirect(mode, "invalid_request")
        }
    }

    // MARK: iss

    @Test("attack 26: iss stands in every answer, success and error, by query and by form")
    func issuerInEveryAnswer() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let changes: [KeyValuePairs<String, String?>] = [
                [:], ["state": nil], ["response_type": "token"], ["response_type": nil], ["scope": "tte"],
                ["prompt": "sesuatu"],
                ["code_challenge": nil], ["request": "x"], ["request_uri": "x"], ["registration": "{}"],
                ["max_age": "x"], ["prompt": "none login"],
            ]
            for change in changes {
                let byQuery = try await city.authorize(city.asking("web", change), in: browser)
                #expect(byQuery.status == 303)
                #expect(byQuery.parameter("iss") == TestGateway.issuer)
                #expect((byQuery.parameter("error") == nil) == (byQuery.parameter("code") != nil))
                let byForm = try await city.authorize(
                    city.asking("web", change) + [("response_mode", "form_post")], in: browser)
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

    private static func names(_ answer: TestAnswer) -> [String] {
        let query = answer.location?.split(separator: "?").last ?? ""
        return query.split(separator: "&").map { String($0.prefix { $0 != "=" }) }
    }
}
