import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Sign-out started by an application, OpenID Connect RP-Initiated Logout; items 66 to 69 of oidc-behaviours.md.
@Suite("Sign-out by applications: behaviours")
struct EndSessionBehaviourTests {
    private static func path(_ parameters: Pairs) -> String { "/oauth2/logout?" + FormURLEncoded.encode(parameters) }

    private func isSignedIn(_ browser: TestBrowser) async throws -> Bool {
        try await browser.get("/masuk").location == "/portal"
    }

    /// Whether a silent request of an application finds the session.
    private func isSilentlyKnown(_ city: City, _ browser: TestBrowser) async throws -> Bool {
        let answer = try await city.authorize(city.asking("web", ["prompt": "none"]), in: browser)
        if answer.parameter("code") == nil { expectRedirect(answer, "login_required") }
        return answer.parameter("code") != nil
    }

    @Test(
        "behaviour 66: a good hint, a registered address and a state: signed out, and back with exactly that state",
        arguments: [
            String(repeating: "s", count: 128), "a b&c=d#\u{e9}", nil,
        ])
    func whole(state: String?) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let tokens = try await city.tokens("web", in: browser)
            #expect(try await isSilentlyKnown(city, browser))
            let kept = browser.cookie("__Host-gapura-session")
            var parameters: Pairs = [
                ("id_token_hint", tokens["id_token"]?.string ?? ""), ("post_logout_redirect_uri", City.postLogoutURI),
            ]
            if let state { parameters.append(("state", state)) }
            let answer = try await browser.get(Self.path(parameters))
            #expect(answer.status == 303)
            let expected = City.postLogoutURI + (state.map { "?state=" + FormURLEncoded.percentEncode($0) } ?? "")
            #expect(answer.location == expected)
            #expect(browser.cookie("__Host-gapura-session") == nil)
            // Not the cookie alone: the session itself is over.
            browser.setCookie("__Host-gapura-session", kept)
            #expect(try await !isSilentlyKnown(city, browser))
            expectInvalidToken(try await city.userinfo(tokens["access_token"]?.string))
            expectTokenError(try await city.refresh(tokens["refresh_token"]?.string), 400, "invalid_grant")
            #expect(try await city.audit(.sessionEnded).first?.actor == "client:web")
        }
    }

    @Test(
        "behaviour 66: also by POST from the application, with a hint that is long past its end, and with a query in the address"
    )
    func postAndOld() async throws {
        try await withCity { city in
            let uri = City.postLogoutURI + "?asal=sso"
            try await city.addClient(
                "dua",
                [
                    "client_name": "Dua", "redirect_uris": [.string(City.redirectURI)],
                    "post_logout_redirect_uris": [.string(uri)],
                    "token_endpoint_auth_method": "none",
                ]
            )
            let browser = try await city.signedIn()
            let code = try await city.freshCode("dua", in: browser)
            let hint = try #require(try await city.token(city.redeeming(code), "dua").json?["id_token"]?.string)
            city.gateway.clock.advance(seconds: 7000)
            #expect(try await isSignedIn(browser))
            let answer = try await browser.post(
                "/oauth2/logout",
                [
                    ("id_token_hint", hint), ("post_logout_redirect_uri", uri), ("state", "s"), ("client_id", "dua"),
                    ("ui_locales", "en"),
                ],
                headers: [.origin: "https://simpeg.contoh.go.id"]
            )
            #expect(answer.location == uri + "&state=s")
            #expect(try await !isSignedIn(browser))
        }
    }

    @Test("behaviour 66: an HS256 hint is as good")
    func symmetric() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let hint = try await city.tokens("hs", in: browser)["id_token"]?.string ?? ""
            let answer = try await browser.get(
                Self.path([("id_token_hint", hint), ("post_logout_redirect_uri", City.postLogoutURI)]))
            #expect(answer.location == City.postLogoutURI)
            #expect(try await !isSignedIn(browser))
        }
    }

    @Test(
        "behaviour 67: an address that is not registered, a changed or foreign hint, or none: an error page, and nobody is signed out"
    )
    func refused() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let hint = try #require(try await city.tokens("web", in: browser)["id_token"]?.string)
            let claims = try city.claims(of: hint)
            let stranger = try SigningKey.generate(.rs256, kid: try city.key().kid)
            let uri = City.postLogoutURI
            let bad: [Pairs] = [
                [("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")],
                [("id_token_hint", hint), ("post_logout_redirect_uri", uri + "?foo=bar")],
                [("id_token_hint", hint), ("post_logout_redirect_uri", City.redirectURI)],
                [
                    (
                        "id_token_hint",
                        compact(#"{"alg":"none","typ":"JWT"}"#, JSONValue.object(claims).encodedText(), [])
                    ), ("post_logout_redirect_uri", uri),
                ],
                [
                    ("id_token_hint", try city.forge(claims, type: "JWT", with: stranger)),
                    ("post_logout_redirect_uri", uri),
                ],
                [("id_token_hint", String(hint.dropLast(4)) + "AAAA"), ("post_logout_redirect_uri", uri)],
                [("id_token_hint", "x"), ("post_logout_redirect_uri", uri)], [("id_token_hint", "x")],
                [("post_logout_redirect_uri", uri)],
                [("post_logout_redirect_uri", uri), ("client_id", "web")],
                [("id_token_hint", hint), ("post_logout_redirect_uri", uri), ("client_id", "native")],
                [
                    ("id_token_hint", hint), ("post_logout_redirect_uri", uri),
                    ("state", String(repeating: "s", count: 2049)),
                ],
                [
                    ("id_token_hint", hint), ("post_logout_redirect_uri", uri),
                    ("post_logout_redirect_uri", "https://evil.example/"),
                ],
            ]
            for parameters in bad {
                expectLocal400(try await browser.get(Self.path(parameters)), foreign: ["evil.example"])
                let posted = try await browser.post(
                    "/oauth2/logout", parameters, headers: [.origin: "https://simpeg.contoh.go.id"])
                expectLocal400(posted, foreign: ["evil.example"])
                #expect(try await isSignedIn(browser))
            }
            let good = try await browser.get(Self.path([("id_token_hint", hint), ("post_logout_redirect_uri", uri)]))
            #expect(good.location == uri)
        }
    }

    @Test(
        "behaviour 68: no parameters, or only a state: the person is asked, and then sees that they are signed out",
        arguments: [
            [], [("state", "s")], [("client_id", "web")],
        ] as [[(String, String)]])
    func asked(parameters: [(String, String)]) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let page = try await browser.get(Self.path(parameters.map { (name: $0.0, value: $0.1) }))
            #expect(page.status == 200)
            #expect(page.text.contains("id=\"logout-confirm\""))
            #expect(try await isSignedIn(browser))
            let csrf = try #require(page.field("csrf"))
            // Neither without our form nor from elsewhere.
            #expect(try await browser.post("/oauth2/logout", [("confirmed", "1")]).status == 403)
            let foreign = try await browser.post(
                "/oauth2/logout", [("confirmed", "1"), ("csrf", csrf)], headers: [.origin: "https://evil.example"])
            #expect(foreign.status == 403)
            #expect(try await isSignedIn(browser))
            let answer = try await browser.post("/oauth2/logout", [("confirmed", "1"), ("csrf", csrf)])
            #expect(answer.location == "/keluar/selesai")
            let done = try await browser.follow(answer)
            #expect(done.status == 200)
            #expect(try await !isSignedIn(browser))
        }
    }

    @Test("behaviour 68: only a hint: signed out at once, and a page that says so")
    func onlyHint() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let hint = try await city.tokens("web", in: browser)["id_token"]?.string ?? ""
            let answer = try await browser.get(Self.path([("id_token_hint", hint), ("state", "s")]))
            #expect(answer.location == "/keluar/selesai")
            #expect(try await browser.follow(answer).status == 200)
            #expect(try await !isSignedIn(browser))
        }
    }

    @Test("behaviour 68: nobody is signed in: the same pages, without an error")
    func nobody() async throws {
        try await withCity { city in
            let stranger = city.gateway.browser()
            #expect(try await stranger.get("/oauth2/logout").location == "/keluar/selesai")
            let browser = try await city.signedIn()
            let hint = try await city.tokens("web", in: browser)["id_token"]?.string ?? ""
            let parameters: Pairs = [
                ("id_token_hint", hint), ("post_logout_redirect_uri", City.postLogoutURI), ("state", "s"),
            ]
            for _ in 0..<2 {
                #expect(try await browser.get(Self.path(parameters)).location == City.postLogoutURI + "?state=s")
            }
        }
    }

    @Test("a hint for another session than the browser's asks first, and then goes on to the application")
    func otherSession() async throws {
        try await withCity { city in
            let ofUjang = try await city.tokens("web")["id_token"]?.string ?? ""
            let siti = try await city.signedIn("siti")
            let page = try await siti.get(
                Self.path([
                    ("id_token_hint", ofUjang), ("post_logout_redirect_uri", City.postLogoutURI), ("state", "s<1>"),
                ]))
            #expect(page.status == 200)
            #expect(page.text.contains("id=\"logout-confirm\""))
            #expect(page.text.contains("SIMPEG"))
            #expect(try await isSignedIn(siti))
            let answer = try await siti.post(
                "/oauth2/logout",
                [
                    ("confirmed", "1"), ("csrf", page.field("csrf") ?? ""),
                    ("id_token_hint", page.field("id_token_hint") ?? ""),
                    ("post_logout_redirect_uri", page.field("post_logout_redirect_uri") ?? ""), ("state", "s<1>"),
                ]
            )
            #expect(answer.location == City.postLogoutURI + "?state=s%3C1%3E")
            #expect(try await !isSignedIn(siti))
        }
    }

    @Test(
        "behaviour 69: sid is in the ID token, the same within a session, another per client; the sign-out stands in the ledger for each"
    )
    func ledger() async throws {
        try await withCity { city in
            for id in ["satu", "dua"] {
                try await city.addClient(
                    id,
                    [
                        "client_name": .string(id), "redirect_uris": [.string(City.redirectURI)],
                        "token_endpoint_auth_method": "none",
                        "post_logout_redirect_uris": [.string(City.postLogoutURI)],
                        "backchannel_logout_uri": .string("https://\(id).contoh.go.id/keluar"),
                        "backchannel_logout_session_required": true,
                    ]
                )
            }
            let browser = try await city.signedIn()
            var sids: [String: String] = [:]
            var hint = ""
            for id in ["satu", "dua", "satu", "web"] {
                let answer = try await city.token(city.redeeming(try await city.freshCode(id, in: browser)), id).json
                let claims = try city.claims(of: answer?["id_token"]?.string)
                let sid = try #require(claims["sid"]?.string)
                if let known = sids[id] { #expect(known == sid) }
                sids[id] = sid
                hint = answer?["id_token"]?.string ?? ""
            }
            #expect(Set(sids.values).count == 3)
            let answer = try await browser.get(
                Self.path([("id_token_hint", hint), ("post_logout_redirect_uri", City.postLogoutURI)]))
            #expect(answer.location == City.postLogoutURI)
            let lines = try await city.gateway.store.read { try $0.logout.list(limit: 10) }
            #expect(
                Dictionary(uniqueKeysWithValues: lines.map { ($0.clientID.text, $0.sid) })
                    == sids.filter { $0.key != "web" })
            #expect(lines.allSatisfy { $0.accountSub == city.people["ujang"]?.sub && $0.state == .waiting })
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(metadata?["backchannel_logout_supported"] == true)
            #expect(metadata?["backchannel_logout_session_supported"] == true)
        }
    }
}
