import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Links that set a password once.
@Suite("One-time links")
struct OneTimeLinkTests {
    private let password = "becak hijau di simpang lima"

    @Test("attack 179: a link sets a password once; the second use, and the reuse of the open form, are 400")
    func once() async throws {
        try await withCity { city in
            let link = try await city.link(for: "ujang")
            let browser = city.gateway.browser()
            let page = try await city.open(link, in: browser)
            #expect(page.status == 200)
            for id in ["password-form", "new-password", "repeat-password", "password-submit"] {
                #expect(page.text.contains("id=\"\(id)\""))
            }
            #expect(page.text.contains("value=\"\(city.nip("ujang"))\" autocomplete=\"username\" readonly"))
            let kept = browser.cookie("__Host-gapura-link")
            #expect(try await city.setPassword(password, with: link, in: browser).status == 200)
            #expect(browser.cookie("__Host-gapura-link") == nil)
            for other in [browser, city.gateway.browser()] {
                expectLocal400(try await city.open(link, in: other), code: "link_unusable")
            }
            browser.setCookie("__Host-gapura-link", kept)
            let again = try await browser.post(
                "/akun/kata-sandi",
                [
                    ("csrf", page.field("csrf") ?? ""), ("new-password", "kata sandi lain lagi"),
                    ("repeat-password", "kata sandi lain lagi"),
                ]
            )
            expectLocal400(again, code: "link_unusable")
            #expect(try await city.gateway.browser().signIn("ujang", password).location == "/portal")
            #expect(try await city.gateway.browser().signIn("ujang", City.password).status == 422)
            #expect(try await city.audit(.passwordSet).count == 1)
        }
    }

    @Test("attack 178: of 50 uses of one link at once exactly one sets a password", arguments: bothEngines)
    func parallel(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let link = try await city.link(for: "ujang")
            var ready: [(browser: TestBrowser, csrf: String)] = []
            for _ in 0..<50 {
                let browser = city.gateway.browser()
                ready.append((browser, try #require(try await city.open(link, in: browser).field("csrf"))))
            }
            let statuses = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                for (index, (browser, csrf)) in ready.enumerated() {
                    group.addTask {
                        let password = "sandi panjang nomor \(index) sekali"
                        let answer = try await browser.post(
                            "/akun/kata-sandi",
                            [("csrf", csrf), ("new-password", password), ("repeat-password", password)])
                        return (index, answer.status)
                    }
                }
                return try await group.reduce(into: [(Int, Int)]()) { $0.append($1) }
            }
            let winners = statuses.filter { $0.1 == 200 }.map(\.0)
            #expect(winners.count == 1)
            #expect(statuses.allSatisfy { [200, 400, 503].contains($0.1) })
            #expect(try await city.audit(.passwordSet).count == 1)
            let winner = try #require(winners.first)
            #expect(
                try await city.gateway.browser().signIn("ujang", "sandi panjang nomor \(winner) sekali").location
                    == "/portal")
        }
    }

    @Test("attack 179: a reset link lives 60 minutes, and not one second longer, even in a form that was open before")
    func expiry() async throws {
        try await withCity { city in
            #expect(GatewaySettings().resetLinkLifetime == 3600)
            let link = try await city.link(for: "ujang")
            let browser = city.gateway.browser()
            city.gateway.clock.advance(seconds: 3599)
            let page = try await city.open(link, in: browser)
            #expect(page.status == 200)
            city.gateway.clock.advance(seconds: 1)
            let late = try await browser.post(
                "/akun/kata-sandi",
                [("csrf", page.field("csrf") ?? ""), ("new-password", password), ("repeat-password", password)])
            expectLocal400(late, code: "link_unusable")
            expectLocal400(try await city.open(link, in: browser), code: "link_unusable")
            #expect(try await city.gateway.browser().signIn("ujang", City.password).location == "/portal")
        }
    }

    @Test("attack 179: the account is the link's, whatever a form says")
    func swapped() async throws {
        try await withCity { city in
            let link = try await city.link(for: "ujang")
            let browser = try await city.signedIn("siti")
            let page = try await city.open(link, in: browser)
            let answer = try await browser.post(
                "/akun/kata-sandi",
                [
                    ("csrf", page.field("csrf") ?? ""), ("username", city.nip("siti")),
                    ("account", city.people["siti"]?.id.text ?? ""),
                    ("sub", city.people["siti"]?.sub ?? ""), ("new-password", password), ("repeat-password", password),
                ]
            )
            #expect(answer.status == 200)
            #expect(try await city.gateway.browser().signIn("siti", City.password).location == "/portal")
            #expect(try await city.gateway.browser().signIn("ujang", password).location == "/portal")
        }
    }

    @Test("attack 179: opening, HEAD, a mail scanner and a wrong form spend nothing")
    func scanners() async throws {
        try await withCity { city in
            let link = try await city.link(for: "ujang")
            for method in [HTTPRequest.Method.get, .head, .get, .options] {
                _ = try await city.gateway.send(method, "/akun/tautan?kode=\(link)")
            }
            let browser = city.gateway.browser()
            for bad in ["pendek", "aaaaaaaaaaaaaaaaaaaaaa", "189001011915011001", "kata sandi"] {
                #expect(try await city.setPassword(bad, with: link, in: browser).status == 422)
            }
            let unequal = try await city.setPassword(password, with: link, in: browser, repeated: password + "x")
            #expect(unequal.status == 422)
            #expect(unequal.text.contains("Kedua kata sandi tidak sama."))
            #expect(unequal.text.contains("role=\"alert\""))
            #expect(!unequal.text.contains(password))
            #expect(try await city.audit(.passwordSet).isEmpty)
            #expect(try await city.setPassword(password, with: link, in: browser).status == 200)
        }
    }

    @Test("attack 179: the secret leaves the URL at once, and no page has it: nothing for a Referer to carry")
    func referer() async throws {
        try await withCity { city in
            let link = try await city.link(for: "ujang")
            let browser = city.gateway.browser()
            let opened = try await browser.get("/akun/tautan?kode=\(link)")
            #expect(opened.status == 303)
            #expect(opened.location == "/akun/kata-sandi")
            #expect(opened.headers[.referrerPolicy] == "no-referrer")
            #expect(opened.headers[.cacheControl] == "no-store")
            let page = try await browser.get("/akun/kata-sandi")
            #expect(!page.text.contains(link))
            #expect(page.headers[.referrerPolicy] == "no-referrer")
            #expect(try await city.count("SELECT COUNT(*) FROM one_time_links WHERE digest = \(link)") == 0)
            for row in try await city.audit(.linkIssued) { #expect(!row.detail.contains(link)) }
        }
    }

    @Test("attack 179: a new link makes the earlier ones worthless, opened or not; so does a new password")
    func superseded() async throws {
        try await withCity { city in
            let first = try await city.link(for: "ujang")
            let browser = city.gateway.browser()
            #expect(try await city.open(first, in: browser).status == 200)
            let second = try await city.link(for: "ujang")
            expectLocal400(try await browser.get("/akun/kata-sandi"), code: "link_unusable")
            expectLocal400(try await city.open(first, in: city.gateway.browser()), code: "link_unusable")
            // Somebody else's link is not touched.
            let siti = try await city.link(for: "siti")
            #expect(try await city.setPassword(password, with: second, in: city.gateway.browser()).status == 200)
            #expect(try await city.open(siti, in: city.gateway.browser()).status == 200)
            #expect(try await city.count("SELECT COUNT(*) FROM one_time_links WHERE used_at IS NULL") == 1)
        }
    }

    @Test("attack 181: a new password ends every session and token, and signs nobody in")
    func ends() async throws {
        try await withCity { city in
            let thief = try await city.signedIn()
            let tokens = try await city.tokens("web", scope: "openid offline_access", in: thief)
            let siti = try await city.signedIn("siti")
            let browser = try await city.signedIn()
            city.gateway.clock.advance(seconds: 1)
            let answer = try await city.setPassword(password, with: try await city.link(for: "ujang"), in: browser)
            #expect(answer.status == 200)
            #expect(answer.setCookie(CookieName.session) == nil)
            #expect(answer.text.contains("Kata sandi tersimpan"))
            #expect(answer.text.contains("href=\"/masuk\""))
            for old in [thief, browser] { #expect(try await !city.isIn(old)) }
            #expect(try await city.isIn(siti))
            expectInvalidToken(try await city.userinfo(tokens["access_token"]?.string))
            expectTokenError(try await city.refresh(tokens["refresh_token"]?.string), 400, "invalid_grant")
            #expect(try await city.audit(.sessionEnded).allSatisfy { $0.detail.contains("password_changed") })
        }
    }

    @Test("attack 163: a session alone, even a stolen one, changes no password")
    func sessionIsNotEnough() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let csrf = try await browser.get("/akun").field("csrf") ?? ""
            for fields: Pairs in [
                [("csrf", csrf), ("new-password", password), ("repeat-password", password)],
                [
                    ("csrf", csrf), ("new-password", password), ("repeat-password", password),
                    ("kode", SecureRandom.text(32)),
                ],
                [
                    ("csrf", csrf), ("current-password", City.password), ("new-password", password),
                    ("repeat-password", password),
                ],
            ] { expectLocal400(try await browser.post("/akun/kata-sandi", fields), code: "link_unusable") }
            expectLocal400(try await browser.get("/akun/kata-sandi"), code: "link_unusable")
            #expect(try await city.account("ujang").passwordHash == city.people["ujang"]?.passwordHash)
        }
    }

    @Test(
        "attack 184: a link that was altered, cut, lengthened, or is another kind of secret",
        arguments: ["cut", "longer", "case", "changed", "session", "device", "doubled", "empty", "long"])
    func altered(how: String) async throws {
        try await withCity { city in
            let link = try await city.link(for: "ujang")
            let browser = try await city.signedIn()
            let bad =
                switch how {
                case "cut": String(link.dropLast())
                case "longer": link + "A"
                case "case": link == link.lowercased() ? link.uppercased() : link.lowercased()
                case "changed": (link.hasPrefix("A") ? "B" : "A") + link.dropFirst()
                case "session": browser.cookie(CookieName.session) ?? ""
                case "device": browser.cookie(CookieName.device) ?? ""
                case "doubled": "\(link)&kode=\(link)x"
                case "empty": ""
                default: String(repeating: "A", count: 5000)
                }
            let answer = try await city.open(bad, in: city.gateway.browser())
            if how == "doubled" {
                #expect([200, 400].contains(answer.status))
            } else {
                expectLocal400(answer, code: "link_unusable")
            }
            #expect(try await city.open(link, in: city.gateway.browser()).status == 200)
        }
    }

    @Test(
        "attack 187: an operator can only start a reset and sees only a link; the row names who did it"
    )
    func operators() async throws {
        try await withCity { city in
            _ = try await city.link(for: "ujang")
            let row = try #require(try await city.audit(.linkIssued).first)
            #expect(row.actor == "command:root")
            #expect(row.subject == city.people["ujang"]?.id.text)
            #expect(row.detail == #"{"purpose":"reset"}"#)
            #expect(try await city.account("ujang").passwordHash == city.people["ujang"]?.passwordHash)
            // Who may not sign in gets no link.
            await #expect(throws: DirectoryError.self) { try await city.link(for: "rina") }
        }
    }

    @Test(
        "attack 182, attack 185: no reset by mail, no registration by oneself: nothing to flood, on any path",
        arguments: [
            "/lupa", "/reset", "/forgot", "/akun/lupa", "/akun/reset", "/daftar", "/register", "/signup",
            "/akun/daftar",
            "/api/v1/accounts", "/scim/v2/Users", "/setup", "/install", "/admin", "/admin/setup", "/wizard",
        ])
    func noSelfService(path: String) async throws {
        try await withCity { city in
            // The APIs are there for whoever has a token.
            let status = path.hasPrefix("/api/") || path.hasPrefix("/scim/") ? 401 : 404
            let asked = try await city.gateway.send(.get, path)
            #expect(asked.status == status)
            let fields: Pairs = [("username", "ujang"), ("email", "ujang@contoh.invalid")]
            let posted = try await city.gateway.post(path, fields)
            #expect(posted.status == status)
            #expect(try await city.count("SELECT COUNT(*) FROM one_time_links") == 0)
            #expect(try await city.count("SELECT COUNT(*) FROM accounts") == 4)
        }
    }

    /// A gateway that nobody has set up, and its operation for that, which answers the secret of the admin's link.
    private func withNewGateway(_ body: (TestGateway, _ setUp: () async throws -> String?) async throws -> Void)
        async throws
    {
        let gateway = try await TestGateway.make()
        let context = OperationContext(services: gateway.gateway.services, actor: .command(user: "root"))
        let operation = try #require(Operations.all.first { $0.name == "setup" })
        do {
            try await body(gateway) {
                try await operation.run(JSONObject(), context)["link"]?.string.map {
                    String($0.dropFirst("\(TestGateway.issuer)/akun/tautan?kode=".count))
                }
            }
        } catch {
            await gateway.close()
            throw error
        }
        await gateway.close()
    }

    private func open(_ secret: String, in browser: TestBrowser) async throws -> TestAnswer {
        try await browser.follow(try await browser.get("/akun/tautan?kode=\(secret)"))
    }

    @Test(
        "attack 164: a new gateway lets nobody in; the first admin's link is dead after 24 hours, and is the only one"
    )
    func bootstrap() async throws {
        try await withNewGateway { gateway, setUp in
            for (name, password) in [
                ("admin", "admin"), ("admin", "password"), ("admin", ""), ("root", "gapura"), ("", ""),
            ] {
                let answer = try await gateway.browser().signIn(name, password)
                #expect(answer.status == 422)
            }
            let secret = try #require(try await setUp())
            #expect(try await gateway.browser().signIn("admin", "admin").status == 422)
            #expect(try await setUp() == nil)
            gateway.clock.advance(seconds: 86_399)
            #expect(try await open(secret, in: gateway.browser()).status == 200)
            gateway.clock.advance(seconds: 1)
            expectLocal400(try await open(secret, in: gateway.browser()), code: "link_unusable")
            // Not even when every admin is gone.
            try await gateway.store.write { tx in
                try tx.run("DELETE FROM one_time_links")
                try tx.run("DELETE FROM accounts")
            }
            #expect(try await setUp() == nil)
            #expect(try await gateway.store.read { try $0.first("SELECT COUNT(*) FROM accounts")?.integer(0) } == 0)
        }
    }

    @Test("attack 164: the first admin's link is dead after its use, and none is made again")
    func bootstrapUsed() async throws {
        try await withNewGateway { gateway, setUp in
            let secret = try #require(try await setUp())
            let browser = gateway.browser()
            let form: Pairs = [
                ("csrf", try await open(secret, in: browser).field("csrf") ?? ""), ("new-password", password),
                ("repeat-password", password),
            ]
            #expect(try await browser.post("/akun/kata-sandi", form).status == 200)
            expectLocal400(try await open(secret, in: gateway.browser()), code: "link_unusable")
            #expect(try await setUp() == nil)
            #expect(try await gateway.browser().signIn("admin", password).location == "/portal")
        }
    }

    @Test("attack 139: links are made from the configured address, and a request's headers change none")
    func address() async throws {
        try await withCity { city in
            let context = OperationContext(services: city.gateway.gateway.services, actor: .command(user: "root"))
            let operation = try #require(Operations.all.first { $0.name == "account.link" })
            let link = try await operation.run(["name": "ujang"], context)["link"]?.string
            #expect(link?.hasPrefix("https://sso.contoh.go.id/akun/tautan?kode=") == true)
            let evil: HTTPFields = [
                .xForwardedHost: "evil.example", .forwarded: "host=evil.example;proto=javascript",
                .xForwardedProto: "javascript",
            ]
            let browser = try await city.signedIn()
            for path in [
                "/", "/portal", "/masuk?bahasa=en", "/keluar", "/.well-known/openid-configuration",
                "/akun/tautan?kode=\(SecureRandom.text(32))",
            ] {
                let plain = try await browser.get(path)
                let answer = try await browser.get(path, headers: evil)
                #expect(answer.location == plain.location)
                #expect(!holds(answer.body, "evil.example"))
                #expect(!holds(answer.body, "javascript:"))
                if let location = answer.location { #expect(location.hasPrefix("/")) }
            }
        }
    }
}

extension HTTPField.Name {
    static var xForwardedHost: Self { Self("X-Forwarded-Host") ?? .accept }
    static var xForwardedProto: Self { Self("X-Forwarded-Proto") ?? .accept }
    static var forwarded: Self { Self("Forwarded") ?? .accept }
    static var methodOverride: Self { Self("X-HTTP-Method-Override") ?? .accept }
}
