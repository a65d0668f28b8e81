import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Items of oidc-behaviours.md about the authorization endpoint.
@Suite("Authorization endpoint: behaviours")
struct AuthorizationBehaviourTests {
    private static let noPKCE: KeyValuePairs<String, String?> = ["code_challenge": nil, "code_challenge_method": nil]

    /// Signs in again where a request asks for it; answers what the application gets.
    private func pass(_ city: City, _ pairs: Pairs, in browser: TestBrowser, person: String = "ujang") async throws -> (
        asked: Bool, answer: TestAnswer
    ) {
        let start = try await city.authorize(pairs, in: browser)
        guard let location = start.location, location.hasPrefix("/masuk?alur=") else { return (false, start) }
        let page = try await browser.get(location)
        return (true, try await browser.signIn(City.nips[person] ?? "", City.password, on: page))
    }

    private func idToken(_ city: City, _ answer: TestAnswer, _ client: String = "web") async throws -> JSONObject {
        let tokens = try await city.token(city.redeeming(try #require(answer.parameter("code"))), client)
        return try city.claims(of: tokens.json?["id_token"]?.string)
    }

    // MARK: Requests

    @Test("behaviour 1: the code flow works with PKCE, and without it where the client's policy says so")
    func codeFlow() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let code = try await city.freshCode("plain", in: browser, Self.noPKCE)
            let tokens = try await city.redeem(code, "plain")
            #expect(tokens.status == 200)
            #expect(tokens.json?["id_token"]?.string != nil)
            let withPKCE = try await city.freshCode("plain", in: browser)
            #expect(try await city.token(city.redeeming(withPKCE), "plain").status == 200)
        }
    }

    @Test("behaviour 3: unknown parameters are ignored")
    func unknownParameters() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let answer = try await city.authorize(
                city.asking(
                    "web",
                    [
                        "extra": "foobar", "vtr": "[]", "authorization_details": "x", "purpose": "uji",
                    ]), in: browser
            )
            #expect(answer.parameter("code") != nil)
            #expect(answer.location?.contains("extra") == false)
        }
    }

    @Test("behaviour 4: the order of parameters and of scopes does not matter")
    func order() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let asked = city.asking("web", ["scope": "email  profile openid "])
            for pairs in [asked, asked.reversed(), asked.sorted { $0.name < $1.name }] {
                let answer = try await city.authorize(pairs, in: browser)
                let tokens = try await city.token(city.redeeming(try #require(answer.parameter("code"))), "web").json
                #expect(tokens?["scope"] == "email profile openid")
                #expect(tokens?["id_token"]?.string != nil)
            }
        }
    }

    @Test("behaviour 5: POST behaves like GET")
    func post() async throws {
        try await withCity { city in
            let signedIn = try await city.signedIn()
            // From another site: without an Origin of ours, and without cookies, which SameSite=Lax keeps back.
            let first = try await city.gateway.post(
                "/oauth2/authorize", city.asking("web", ["state": "a+b &=%\u{e9}", "nonce": "n-1"]),
                headers: [.origin: "https://simpeg.contoh.go.id"]
            )
            #expect(first.status == 303)
            let answer = try await signedIn.get(try #require(first.location))
            #expect(same(answer.parameter("state"), "a+b &=%\u{e9}"))
            #expect(try await idToken(city, answer)["nonce"] == "n-1")

            let stranger = city.gateway.browser()
            let start = try await stranger.follow(try await stranger.post("/oauth2/authorize", city.asking()))
            #expect(start.status == 200)
            #expect(
                try await stranger.signIn(City.nips["ujang"] ?? "", City.password, on: start).parameter("code") != nil)
            let error = try await stranger.post("/oauth2/authorize", city.asking("web", ["scope": "tte"]))
            expectRedirect(try await stranger.get(try #require(error.location)), "invalid_scope")
        }
    }

    @Test(
        "behaviour 6: state comes back byte for byte, in success and error, and never where none was sent",
        arguments: [
            String(repeating: "s", count: 128), "a b+c&d=e#f%20/?:@", "caf\u{e9} cafe\u{301}", "\u{212a}",
            "{\"a\":\"<b>\"}", "%00%0d%0a", " ", "\u{1f600}\u{202e}",
        ]
    )
    func state(state: String) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let good = try await city.authorize(city.asking("web", ["state": state]), in: browser)
            #expect(same(good.parameter("state"), state))
            #expect(good.parameter("code") != nil)
            #expect(good.location?.contains("#") == false)
            expectRedirect(
                try await city.authorize(city.asking("web", ["state": state, "scope": "tte"]), in: browser),
                "invalid_scope", state: state)
            // Through the sign-in as well, where it waits in the database.
            let (asked, late) = try await pass(
                city, city.asking("web", ["state": state, "prompt": "login"]), in: browser)
            #expect(asked)
            #expect(same(late.parameter("state"), state))
            for pairs in [city.asking("web", ["state": nil]), city.asking("web", ["state": nil, "scope": "tte"])] {
                let none = try await city.authorize(pairs, in: browser)
                #expect(none.status == 303)
                #expect(none.location?.contains("state") == false)
            }
        }
    }

    @Test("behaviour 7: iss is the issuer, exactly, and the metadata says that it comes")
    func issuer() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            let good = try await city.authorize(city.asking(), in: browser)
            let bad = try await city.authorize(city.asking("web", ["response_type": nil]), in: browser)
            for answer in [good, bad] { #expect(same(answer.parameter("iss"), metadata?["issuer"]?.string)) }
            #expect(metadata?["authorization_response_iss_parameter_supported"] == true)
        }
    }

    @Test("behaviour 9: without response_type the error goes back in the query, with state")
    func noResponseType() async throws {
        try await withCity { city in
            let answer = try await city.authorize(city.asking("web", ["response_type": nil]))
            expectRedirect(answer, "invalid_request")
            #expect(answer.location?.contains("#") == false)
        }
    }

    @Test("behaviour 10: a redirect_uri that is not registered leads nowhere: other path, added query, other query")
    func otherRedirectURI() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for uri in [
                City.redirectURI + "/lain", City.redirectURI + "?foo=bar", City.redirectURI + "?dummy1=ipsum",
                City.redirectURI + "?dummy1=lorem&foo=bar",
                City.redirectURI + "?", "https://lain.contoh.go.id/cb",
            ] { expectLocal400(try await city.authorize(city.asking("web", ["redirect_uri": uri]), in: browser)) }
        }
    }

    @Test("behaviour 11: no redirect_uri is an error page")
    func noRedirectURI() async throws {
        try await withCity { city in
            expectLocal400(
                try await city.authorize(city.asking("web", ["redirect_uri": nil]), in: try await city.signedIn()))
        }
    }

    @Test("behaviour 12: a registered query stays, and ours is appended to it")
    func queryStays() async throws {
        try await withCity { city in
            let uri = City.redirectURI + "?dummy1=lorem"
            let browser = try await city.signedIn()
            let good = try await city.authorize(city.asking("web", ["redirect_uri": uri]), in: browser)
            #expect(good.location?.hasPrefix(uri + "&code=") == true)
            let tokens = try await city.token(
                city.redeeming(try #require(good.parameter("code")), ["redirect_uri": uri]), "web")
            #expect(tokens.status == 200)
            expectRedirect(
                try await city.authorize(city.asking("web", ["redirect_uri": uri, "scope": "tte"]), in: browser),
                "invalid_scope", to: uri)
        }
    }

    // MARK: prompt and max_age

    @Test("behaviour 13: prompt=none without a session is login_required, and no page")
    func silentWithoutSession() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            expectRedirect(
                try await city.authorize(city.asking("web", ["prompt": "none"]), in: browser), "login_required")
            // Nor with a session that is over.
            let old = try await city.signedIn()
            city.gateway.clock.advance(seconds: 7200)
            expectRedirect(try await city.authorize(city.asking("web", ["prompt": "none"]), in: old), "login_required")
        }
    }

    @Test("behaviour 14: prompt=none with a session succeeds at once, with the same sub and auth_time")
    func silentWithSession() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let first = try await idToken(city, try await pass(city, city.asking(), in: browser).answer)
            city.gateway.clock.advance(seconds: 600)
            let answer = try await city.authorize(city.asking("web", ["prompt": "none"]), in: browser)
            let second = try await idToken(city, answer)
            #expect(second["sub"] == first["sub"])
            #expect(second["auth_time"] == first["auth_time"])
            #expect(second["sid"] == first["sid"])
            #expect(second["iat"] == .integer(city.gateway.clock.now.seconds))
        }
    }

    @Test("behaviour 15: prompt=login asks again, and auth_time is later")
    func promptLogin() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let first = try await idToken(city, try await pass(city, city.asking(), in: browser).answer)
            city.gateway.clock.advance(seconds: 1)
            let (asked, answer) = try await pass(city, city.asking("web", ["prompt": "login"]), in: browser)
            #expect(asked)
            let second = try await idToken(city, answer)
            #expect(try #require(second["auth_time"]?.integer) == (try #require(first["auth_time"]?.integer)) + 1)
            #expect(second["sub"] == first["sub"])
        }
    }

    @Test("behaviour 16: max_age=1 and a sign-in two seconds old: the person is asked again")
    func maxAgeOne() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let first = try await idToken(city, try await pass(city, city.asking(), in: browser).answer)
            city.gateway.clock.advance(seconds: 2)
            let (asked, answer) = try await pass(city, city.asking("web", ["max_age": "1"]), in: browser)
            #expect(asked)
            let second = try await idToken(city, answer)
            #expect(second["auth_time"] == .integer(city.gateway.clock.now.seconds))
            #expect(second["auth_time"] != first["auth_time"])
            // And an application that always wants that gets it without asking each time.
            try await city.addClient(
                "ketat",
                [
                    "client_name": "Ketat", "redirect_uris": [.string(City.redirectURI)],
                    "token_endpoint_auth_method": "none", "default_max_age": 60,
                ]
            )
            #expect(try await !pass(city, city.asking("ketat"), in: browser).asked)
            city.gateway.clock.advance(seconds: 61)
            #expect(try await pass(city, city.asking("ketat"), in: browser).asked)
        }
    }

    @Test("behaviour 17: max_age of hours asks nobody again, and auth_time is there and the same")
    func maxAgeLong() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let first = try await idToken(
                city, try await pass(city, city.asking("web", ["max_age": "15000"]), in: browser).answer)
            city.gateway.clock.advance(seconds: 5)
            let (asked, answer) = try await pass(city, city.asking("web", ["max_age": "10000"]), in: browser)
            #expect(!asked)
            let second = try await idToken(city, answer)
            #expect(first["auth_time"] != nil)
            #expect(second["auth_time"] == first["auth_time"])
            for bad in ["-1", "x", "1.5", "99999999999999999999", "1 ", "\u{661}"] {
                expectRedirect(
                    try await city.authorize(city.asking("web", ["max_age": bad]), in: browser), "invalid_request")
            }
        }
    }

    @Test("behaviour 18: auth_time is when the person signed in, in seconds, never when a token was issued")
    func authTime() async throws {
        try await withCity { city in
            let signedInAt = city.gateway.clock.now.seconds
            let browser = try await city.signedIn()
            for wait in [0, 60, 3600] as [Int64] {
                city.gateway.clock.advance(seconds: wait)
                let claims = try await idToken(city, try await city.authorize(city.asking(), in: browser))
                #expect(claims["auth_time"] == .integer(signedInAt))
                #expect(claims["iat"] == .integer(city.gateway.clock.now.seconds))
            }
        }
    }

    @Test("behaviour 19: a hint of the one who is signed in, even an old one, with prompt=none: same sub and auth_time")
    func hint() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let tokens = try await city.tokens("web", in: browser)
            let hint = try #require(tokens["id_token"]?.string)
            let first = try city.claims(of: hint)
            city.gateway.clock.advance(seconds: 3600)
            let answer = try await city.authorize(
                city.asking("web", ["id_token_hint": hint, "prompt": "none"]), in: browser)
            let second = try await idToken(city, answer)
            #expect(second["sub"] == first["sub"])
            #expect(second["auth_time"] == first["auth_time"])
            let other = try #require(try await city.tokens("web", for: "siti")["id_token"]?.string)
            expectRedirect(
                try await city.authorize(city.asking("web", ["id_token_hint": other, "prompt": "none"]), in: browser),
                "login_required")
        }
    }

    @Test("behaviour 20: hints about languages and display never are an error; the language follows where we have it")
    func hints() async throws {
        try await withCity { city in
            let signedIn = try await city.signedIn()
            for (name, value) in [
                ("login_hint", "189001011915011001"), ("login_hint", "tidak-ada@contoh.invalid"),
                ("login_hint", String(repeating: "x", count: 5000)),
                ("ui_locales", "se"), ("ui_locales", "en id"), ("ui_locales", "xx-yy zz"), ("claims_locales", "se"),
                ("display", "page"), ("display", "popup"),
                ("display", "touch"), ("display", "ngawur"),
            ] {
                #expect(
                    try await city.authorize(city.asking("web", [name: value]), in: signedIn).parameter("code") != nil)
                let browser = city.gateway.browser()
                let start = try await city.authorize(city.asking("web", [name: value]), in: browser)
                let page = try await browser.get(try #require(start.location))
                #expect(page.status == 200)
                #expect(page.text.contains(value.hasPrefix("en") ? "<html lang=\"en\"" : "<html lang=\"id\""))
                #expect(
                    try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page).parameter("code") != nil
                )
            }
        }
    }

    @Test("behaviour 21: acr_values never are an error, and acr is one that the metadata names")
    func acrValues() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let supported = try #require(
                try await city.gateway.send(.get, "/.well-known/openid-configuration").json?["acr_values_supported"]?
                    .strings
            )
            for values in [supported.joined(separator: " "), "1 2", "urn:x"] {
                let acr = try await idToken(
                    city, try await city.authorize(city.asking("web", ["acr_values": values]), in: browser))["acr"]?
                    .string
                #expect(supported.contains(try #require(acr)))
            }
        }
    }

    @Test("behaviour 24: nonce comes back exactly, and is absent where none was sent", arguments: [43, 64, 128])
    func nonce(length: Int) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for nonce in [
                String(repeating: "n", count: length), String(repeating: "\u{e9}", count: length),
                SecureRandom.text(length),
            ] {
                let answer = try await city.authorize(city.asking("web", ["nonce": nonce]), in: browser)
                #expect(same(try await idToken(city, answer)["nonce"]?.string, nonce))
            }
            let bare = try await idToken(city, try await city.authorize(city.asking(), in: browser))
            #expect(!bare.contains("nonce"))
        }
    }

    @Test("behaviour 25: an unsigned request object is request_not_supported, not ignored")
    func requestObject() async throws {
        try await withCity { city in
            let object = compact(#"{"alg":"none"}"#, #"{"state":"dalam","nonce":"dalam"}"#, [])
            let asked = city.asking("web", ["request": object, "state": nil])
            expectRedirect(
                try await city.authorize(asked, in: try await city.signedIn()), "request_not_supported", state: nil)
        }
    }

    @Test("behaviour 26: a bad redirect_uri beside a request object is an error page, never a guessed address")
    func requestObjectAndBadURI() async throws {
        try await withCity { city in
            let object = compact(#"{"alg":"none"}"#, #"{"redirect_uri":"\#(City.redirectURI)"}"#, [])
            for uri in ["https://evil.example/cb", nil] as [String?] {
                expectLocal400(
                    try await city.authorize(city.asking("web", ["request": object, "redirect_uri": uri])),
                    code: "request_not_supported")
            }
        }
    }

    // MARK: Answers

    @Test("behaviour 28: an error answer has error, error_description, state and iss, and nothing else")
    func errorMembers() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let changes: [KeyValuePairs<String, String?>] = [
                ["response_type": "token"], ["response_type": nil], ["scope": "tte"], ["prompt": "x"],
                ["prompt": "none login"], ["code_challenge": nil],
                ["code_challenge_method": "plain"], ["request": "x"], ["request_uri": "x"], ["registration": "x"],
                ["max_age": "x"],
                ["response_mode": "fragment"], ["nonce": String(repeating: "n", count: 2049)],
            ]
            for change in changes {
                let answer = try await city.authorize(city.asking("web", change), in: browser)
                let query = try #require(answer.location?.split(separator: "?").last)
                let names = query.split(separator: "&").map { String($0.prefix { $0 != "=" }) }
                #expect(names == ["error", "error_description", "state", "iss"])
                #expect(isPlain(answer.parameter("error_description")))
            }
        }
    }

    @Test("behaviour 30: a code is 256 random bits")
    func codes() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            var codes: Set<String> = []
            for _ in 0..<10 {
                let code = try await city.freshCode(in: browser)
                #expect(try Base64URL.decode(code).count == 32)
                #expect(entropy(code) > 96)
                codes.insert(code)
            }
            #expect(codes.count == 10)
        }
    }
}
