import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Where a form may come from, and what a sign-in under way belongs to.
@Suite("Sign-in: forms and flows")
struct SignInFormAttackTests {
    /// Every form of a person's own, with a good answer of its own: path and fields.
    private static let forms: [(path: String, fields: Pairs)] = [
        ("/masuk", [("username", "siti"), ("password", City.password)]), ("/keluar", []),
        ("/akun/sesi/akhiri-semua", []),
        ("/akun/sesi/akhiri", [("id", "x")]),
        (
            "/akun/kata-sandi",
            [("new-password", "becak hijau di simpang"), ("repeat-password", "becak hijau di simpang")]
        ),
        ("/oauth2/logout", [("confirmed", "1")]),
    ]

    @Test(
        "attack 134: a post from another site, or without the form's token, is 403 and does nothing",
        arguments: [
            "no token", "no cookie", "another browser's token", "empty token", "another origin", "same-site",
            "cross-site", "subdomain origin",
            "http origin", "origin with a port", "null origin, cross-site", "no token, cross-site",
        ])
    func crossSite(how: String) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let csrf = try #require(try await browser.get("/akun").field("csrf"))
            let foreign = try #require(try await city.gateway.browser().get("/masuk").field("csrf"))
            let link = try await city.link(for: "ujang")
            #expect(try await city.open(link, in: browser).status == 200)
            let rows = try await city.count("SELECT COUNT(*) FROM audit_events WHERE event <> 'request.refused'")
            for (path, fields) in Self.forms {
                var sent = fields + [("csrf", csrf)]
                var headers: HTTPFields = [:]
                // A browser that says nothing of where the form was.
                if ["no token", "no cookie", "another browser's token", "empty token"].contains(how) {
                    headers[.origin] = "null"
                }
                switch how {
                case "no token": sent = fields
                case "no cookie": headers[.cookie] = "\(CookieName.session)=\(browser.cookie(CookieName.session) ?? "")"
                case "another browser's token": sent = fields + [("csrf", foreign)]
                case "empty token": sent = fields + [("csrf", "")]
                case "another origin": headers[.origin] = "https://evil.example"
                case "same-site": headers[.secFetchSite] = "same-site"
                case "cross-site": headers[.secFetchSite] = "cross-site"
                case "subdomain origin": headers[.origin] = "https://simpeg.sso.contoh.go.id"
                case "http origin": headers[.origin] = "http://sso.contoh.go.id"
                case "origin with a port": headers[.origin] = "https://sso.contoh.go.id:444"
                case "no token, cross-site":
                    headers[.secFetchSite] = "cross-site"
                    sent = fields
                case "null origin, cross-site":
                    headers[.origin] = "null"
                    headers[.secFetchSite] = "cross-site"
                default: throw CityError(text: how)
                }
                let answer = try await browser.post(path, sent, headers: headers)
                #expect(answer.status == 403, "\(path)")
                #expect(answer.errorCode == "forbidden")
                #expect(answer.text.contains("role=\"alert\""))
                #expect(answer.setCookie(CookieName.session) == nil)
            }
            #expect(try await city.isIn(browser))
            #expect(try await city.openSessions(of: "siti").isEmpty)
            #expect(try await city.count("SELECT COUNT(*) FROM audit_events WHERE event <> 'request.refused'") == rows)
            #expect(try await city.account("ujang").passwordHash == city.people["ujang"]?.passwordHash)
        }
    }

    @Test(
        "attack 134: where the browser says that a form was ours and only its token does not fit, 403 shows it again",
        arguments: [
            ("same-origin", "null"), (nil, TestGateway.issuer), ("same-origin", TestGateway.issuer),
            ("none", TestGateway.issuer),
        ] as [(String?, String)])
    func stale(site: String?, origin: String) async throws {
        try await withCity { city in
            let foreign = try #require(try await city.gateway.browser().get("/masuk").field("csrf"))
            let link = try await city.link(for: "siti")
            let browser = city.gateway.browser()
            var headers: HTTPFields = [:]
            headers[.secFetchSite] = site
            headers[.origin] = origin
            #expect(try await city.open(link, in: browser).status == 200)
            for token in [nil, "", foreign] as [String?] {
                let sent: Pairs = token.map { [("csrf", $0)] } ?? []
                let answer = try await browser.post(
                    "/masuk", [("username", "ujang"), ("password", City.password)] + sent, headers: headers)
                #expect(answer.status == 403)
                #expect(answer.text.contains("Halaman ini sudah kedaluwarsa."))
                #expect(answer.text.contains("Silakan coba lagi."))
                #expect(answer.text.contains("value=\"ujang\""))
                #expect(!answer.text.contains(City.password))
                #expect(answer.setCookie(CookieName.session) == nil)
                let set = try await browser.post(
                    "/akun/kata-sandi",
                    [("new-password", "becak hijau di simpang"), ("repeat-password", "becak hijau di simpang")] + sent,
                    headers: headers)
                #expect(set.status == 403)
                #expect(set.text.contains("Halaman ini sudah kedaluwarsa."))
                #expect(try await browser.post("/keluar", sent, headers: headers).errorCode == "forbidden")
            }
            #expect(try await city.count("SELECT COUNT(*) FROM throttles") == 0)
            #expect(try await city.count("SELECT COUNT(*) FROM sessions") == 0)
            #expect(try await city.account("siti").passwordHash == city.people["siti"]?.passwordHash)
            #expect(try await city.audit(.requestRefused).filter { $0.detail.contains("stale_form") }.count == 2)

            // Without the cookie of its link there is nothing to show again, and the link is not at fault.
            let lost = try await city.gateway.browser().post(
                "/akun/kata-sandi",
                [("new-password", "becak hijau di simpang"), ("repeat-password", "becak hijau di simpang")],
                headers: headers)
            #expect(lost.status == 403)
            #expect(lost.errorCode == "forbidden")

            // A browser that lost its cookies gets a new one with the form, which then signs in.
            let other = city.gateway.browser()
            let again = try await other.post(
                "/masuk", [("username", "ujang"), ("password", City.password), ("csrf", foreign)], headers: headers)
            #expect(again.status == 403)
            #expect(again.setCookie(CookieName.flow) != nil)
            #expect(try await other.signIn("ujang", City.password, on: again).location == "/portal")
        }
    }

    @Test("attack 134: a form shown again stays with its application, and in its browser")
    func staleFlow() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let start = try #require(try await city.authorize(city.asking(), in: browser).location)
            let page = try await browser.get(start)
            let fields: Pairs = [
                ("username", "ujang"), ("password", City.password), ("alur", try #require(page.field("alur"))),
            ]
            let answer = try await browser.post("/masuk", fields, headers: [.secFetchSite: "same-origin"])
            #expect(answer.status == 403)
            #expect(answer.text.contains("SIMPEG"))
            #expect(try await browser.signIn("ujang", City.password, on: answer).parameter("code") != nil)
        }
    }

    @Test("attack 134: a browser that lost its cookies is told so at an application's form too, and begins anew")
    func staleWithoutCookie() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let start = try #require(try await city.authorize(city.asking(), in: browser).location)
            let page = try await browser.get(start)
            let number = try #require(page.field("alur"))
            let fields: Pairs = [
                ("username", "ujang"), ("password", City.password), ("csrf", try #require(page.field("csrf"))),
                ("alur", number),
            ]
            browser.setCookie(CookieName.flow, nil)
            let answer = try await browser.post("/masuk", fields, headers: [.secFetchSite: "same-origin"])
            #expect(answer.status == 403)
            #expect(answer.text.contains("Halaman ini sudah kedaluwarsa."))
            #expect(answer.text.contains("izinkan kuki untuk situs ini"))
            #expect(answer.text.contains("value=\"ujang\""))
            #expect(answer.setCookie(CookieName.session) == nil)
            // Of what another browser, or this one before, had begun there is nothing in it.
            #expect(answer.field("alur") == nil)
            #expect(!answer.text.contains("SIMPEG"))
            #expect(try await city.count("SELECT COUNT(*) FROM throttles") == 0)
            #expect(try await browser.signIn("ujang", City.password, on: answer).location == "/portal")
            #expect(try await city.audit(.codeIssued).isEmpty)
            // Where nothing says that the form was ours, it is refused as before.
            browser.setCookie(CookieName.flow, nil)
            let unknown = try await browser.post("/masuk", fields, headers: [.origin: "null"])
            #expect(unknown.status == 403)
            #expect(unknown.errorCode == "forbidden")
        }
    }

    @Test("attack 134: what browsers send with a form of ours is accepted, with Origin: null under no-referrer too")
    func own() async throws {
        try await withCity { city in
            for (origin, site) in [
                (TestGateway.issuer, "same-origin"), ("null", "same-origin"), (TestGateway.issuer, nil), ("null", nil),
                (nil, nil), (nil, "none"),
            ] as [(String?, String?)] {
                let guesser = try await Guesser(city)
                var headers: HTTPFields = [:]
                headers[.origin] = origin
                headers[.secFetchSite] = site
                #expect(try await guesser.guess("ujang", City.password, headers: headers).status == 303)
            }
        }
    }

    @Test("a form that is none: another media type, broken UTF-8, a field twice")
    func broken() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            let good = FormURLEncoded.encode([
                ("username", "ujang"), ("password", City.password), ("csrf", guesser.csrf),
            ])
            for (type, body) in [
                ("application/json", #"{"username":"ujang"}"#), ("multipart/form-data; boundary=x", good),
                ("text/plain", good),
                ("application/x-www-form-urlencoded", good + "&username=siti"),
                ("application/x-www-form-urlencoded", good + "&csrf=x"),
                ("application/x-www-form-urlencoded", good + "&a=%ff"),
                ("application/x-www-form-urlencoded", good + "&a=%"),
            ] {
                let answer = try await city.gateway.send(
                    .post, "/masuk", headers: [.contentType: type, .cookie: guesser.cookie], body: body)
                expectLocal400(answer)
                #expect(answer.setCookie(CookieName.session) == nil)
            }
            let bare = try await city.gateway.send(.post, "/masuk", headers: [.cookie: guesser.cookie], body: good)
            expectLocal400(bare)
            #expect(try await city.count("SELECT COUNT(*) FROM throttles") == 0)
        }
    }

    @Test("attack 17: each tab has its own sign-in under way, and each goes on to its own application")
    func tabs() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            var pages: [TestAnswer] = []
            for state in ["tab-1", "tab-2", "tab-3"] {
                let client = state == "tab-2" ? "es" : "web"
                let start = try #require(
                    try await city.authorize(city.asking(client, ["state": state]), in: browser).location)
                pages.append(try await browser.get(start))
            }
            #expect(Set(pages.compactMap { $0.field("alur") }).count == 3)
            #expect(pages[1].text.contains("e-kinerja"))
            for (index, page) in pages.enumerated().reversed() {
                let answer = try await browser.signIn("ujang", City.password, on: page)
                #expect(answer.parameter("state") == "tab-\(index + 1)")
                #expect(answer.parameter("code") != nil)
            }
            #expect(try await city.openSessions(of: "ujang").count == 1)
        }
    }

    @Test(
        "attack 17: the number of a sign-in under way is worth nothing in another browser, with its own form too"
    )
    func otherBrowser() async throws {
        try await withCity { city in
            let attacker = city.gateway.browser()
            let start = try #require(try await city.authorize(city.asking(), in: attacker).location)
            let number = String(start.dropFirst("/masuk?alur=".count))
            let victim = city.gateway.browser()
            let own = try await victim.get("/masuk")
            let fields: Pairs = [
                ("username", "ujang"), ("password", City.password), ("csrf", own.field("csrf") ?? ""), ("alur", number),
            ]
            let answer = try await victim.post("/masuk", fields)
            expectLocal400(answer, code: "flow_lost")
            #expect(answer.setCookie(CookieName.session) == nil)
            // Nothing was even looked at: no failure, no hash.
            #expect(try await city.count("SELECT COUNT(*) FROM throttles") == 0)
            for bad in [
                "", "x", number + "A", String(number.dropLast()), number.lowercased() + "'",
                String(repeating: "A", count: 100_000),
            ] {
                let got = try await attacker.get("/masuk?" + FormURLEncoded.encode([("alur", bad)]))
                #expect(bad.isEmpty ? got.status == 200 : got.errorCode == "flow_lost")
            }
        }
    }

    @Test(
        "attack 19: an account suspended right after its password was found right gets no session and no code"
    )
    func suspendedBetween() async throws {
        try await withCity { city in
            let proven = try await city.account("ujang")
            try await city.setState(of: "ujang", .ditangguhkan)
            let started = try await SessionStarter(city.gateway.gateway.services).start(
                for: proven, replacing: nil, device: nil, userAgent: nil, name: "ujang", address: "-",
                at: city.gateway.clock.now
            )
            #expect(started == nil)
            #expect(try await city.count("SELECT COUNT(*) FROM sessions") == 0)
            #expect(try await city.count("SELECT COUNT(*) FROM devices") == 0)
        }
    }

    @Test("attack 19: a limited account signs in to the portal, and finishes no sign-in for an application")
    func limited() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let page = try await browser.get(
                try #require(try await city.authorize(city.asking(), in: browser).location))
            let answer = try await browser.signIn("budi", City.password, on: page)
            #expect(answer.status == 403)
            #expect(answer.errorCode == "access_denied")
            #expect(answer.text.contains("SIMPEG"))
            #expect(try await city.isIn(browser))
            #expect(try await city.audit(.codeIssued).isEmpty)
        }
    }

    @Test("attack 22: no page, form or error of the gateway lets a script of another site read it")
    func noCrossOriginReading() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for path in [
                "/masuk", "/portal", "/akun", "/keluar", "/oauth2/authorize?client_id=web", "/tidak-ada",
                "/akun/kata-sandi",
            ] {
                for method in [HTTPRequest.Method.get, .options] {
                    let headers: HTTPFields = [
                        .origin: "https://evil.example", .accessControlRequestMethod: "POST",
                        .cookie: "\(CookieName.session)=\(browser.cookie(CookieName.session) ?? "")",
                    ]
                    let answer = try await city.gateway.send(method, path, headers: headers)
                    #expect(!answer.headers.contains { $0.name.canonicalName.hasPrefix("access-control-") })
                    if method == .options { #expect([404, 405].contains(answer.status)) }
                }
            }
        }
    }

    @Test("who is signed in goes from the form to the portal, unless an application asks for the password again")
    func alreadyIn() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            #expect(try await browser.get("/masuk").location == "/portal")
            let start = try #require(
                try await city.authorize(city.asking("web", ["prompt": "login"]), in: browser).location)
            let page = try await browser.get(start)
            #expect(page.status == 200)
            #expect(page.text.contains("Untuk keamanan, masukkan kembali kata sandi Anda"))
        }
    }
}
