import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Group A of attacks.md: what happens between an authorization request and its answer.
@Suite("Sign-in for an application: attacks")
struct AuthorizationFlowAttackTests {
    // MARK: How the person is asked

    @Test("attack 10: prompt=login and max_age=0 ask for the password again, and auth_time tells when that was")
    func freshAuthentication() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let first = city.gateway.clock.now.seconds
            for change in [
                ["prompt": "login"], ["max_age": "0"], ["prompt": "select_account"], ["prompt": "login consent"],
            ] as [KeyValuePairs<String, String?>] {
                city.gateway.clock.advance(seconds: 60)
                let start = try await city.authorize(city.asking("web", change), in: browser)
                #expect(start.location?.hasPrefix("/masuk?alur=") == true)
                let page = try await browser.get(try #require(start.location))
                let wrong = try await browser.signIn(City.nips["ujang"] ?? "", "salah salah salah", on: page)
                #expect(wrong.status == 422)
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
                let code = try await city.freshCode(
                    in: browser, ["acr_values": asked, "claims": #"{"id_token":{"acr":{"value":"9"}}}"#])
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

    // MARK: The sign-in on the way

    @Test("attack 16: what was asked waits on the server: cookies, page and URL carry handles only")
    func nothingReflected() async throws {
        try await withCity { city in
            let secret = "rahasia-klien-4711"
            let asked = city.asking(
                "web", ["client_secret": secret, "nonce": "nonce-4711", "state": "state-4711", "display": secret])
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
                let own = try await victim.get(
                    try #require(try await city.authorize(city.asking("web", ["prompt": "login"]), in: victim).location)
                )
                let posted = try await victim.post(
                    "/masuk",
                    [
                        ("username", City.nips["siti"] ?? ""), ("password", City.password),
                        ("csrf", own.field("csrf") ?? ""), ("alur", number),
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
            #expect(
                try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page).parameter("code") != nil)
            expectLocal400(
                try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page), code: "flow_lost")
            expectLocal400(try await browser.get(start), code: "flow_lost")

            let late = try #require(
                try await city.authorize(city.asking("web", ["prompt": "login"]), in: browser).location)
            city.gateway.clock.advance(seconds: 1799)
            #expect(try await browser.get(late).status == 200)
            city.gateway.clock.advance(seconds: 1)
            expectLocal400(try await browser.get(late), code: "flow_lost")
            #expect(try await city.audit(.codeIssued).count == 1)
        }
    }

    @Test(
        "attack 19: who lost the right to sign in gets no code, whatever was begun before",
        arguments: [AccountState.ditangguhkan, .nonaktif, .menunggu])
    func stateAtSignIn(state: AccountState) async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let page = try await browser.get(
                try #require(try await city.authorize(city.asking(), in: browser).location))
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

    @Test(
        "attack 19: code, tokens and refresh tokens of who lost the right to use applications are dead at once",
        arguments: [
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

    // MARK: Hints

    @Test("attack 25: an id_token_hint never signs anybody in")
    func hintIsNoSession() async throws {
        try await withCity { city in
            let hint = try #require(try await city.tokens()["id_token"]?.string)
            let stranger = city.gateway.browser()
            expectRedirect(
                try await city.authorize(city.asking("web", ["id_token_hint": hint, "prompt": "none"]), in: stranger),
                "login_required"
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
                ofUjang, "x", "a.b.c", String(ofSiti.dropLast(4)) + "AAAA",
                try city.forge(claims, type: "JWT", with: stranger),
                try city.forge(slash, type: "JWT"), try city.forge(claims, type: "at+jwt"),
                compact(#"{"alg":"none"}"#, JSONValue.object(claims).encodedText()),
            ]
            for hint in bad {
                let answer = try await city.authorize(
                    city.asking("web", ["id_token_hint": hint, "prompt": "none"]), in: siti)
                expectRedirect(answer, "login_required")
            }
            let good = try await city.authorize(
                city.asking("web", ["id_token_hint": ofSiti, "prompt": "none"]), in: siti)
            #expect(good.parameter("code") != nil)
        }
    }

    @Test(
        "attack 25: where another person signs in than the hint names, the application is told, and the sign-in stands")
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
}
