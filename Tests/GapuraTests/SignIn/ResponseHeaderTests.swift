import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// What every answer carries, whatever happened.
@Suite("Headers, hosts and error pages")
struct ResponseHeaderTests {
    private func expectHeaders(_ answer: TestAnswer, _ what: String) {
        #expect(answer.headers[.xFrameOptions] == "DENY", "\(what)")
        #expect(answer.headers[.xContentTypeOptions] == "nosniff", "\(what)")
        #expect(answer.headers[.referrerPolicy] == "no-referrer", "\(what)")
        #expect(answer.headers[.strictTransportSecurity] == "max-age=31536000", "\(what)")
        let policy = answer.headers[.contentSecurityPolicy] ?? ""
        #expect(policy.contains("frame-ancestors 'none'"), "\(what)")
        for name in [HTTPField.Name.server, .contentSecurityPolicy, .xFrameOptions] {
            #expect(answer.headers[values: name].count <= 1)
        }
        #expect(answer.headers[.server] == nil)
    }

    @Test(
        "attack 136, attack 146: pages, redirects, JSON, files and errors cannot be framed and leak no Referer"
    )
    func everywhere() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            func sent(_ method: HTTPRequest.Method, _ path: String, _ status: Int, headers: HTTPFields = [:])
                async throws
            {
                let answer = try await city.gateway.send(method, path, headers: headers)
                #expect(answer.status == status, "\(method) \(path)")
                expectHeaders(answer, "\(method) \(path)")
            }
            try await sent(.get, "/", 303)
            try await sent(.get, "/masuk", 200)
            try await sent(.head, "/masuk", 200)
            try await sent(.get, "/portal", 303)
            try await sent(.get, "/keluar/selesai", 200)
            try await sent(.get, "/akun/kata-sandi", 400)
            try await sent(.get, "/aset/gapura.css", 200)
            try await sent(.get, "/aset/tidak-ada.css", 404)
            try await sent(.get, "/tidak-ada", 404)
            try await sent(.post, "/masuk", 400)
            try await sent(.get, "/oauth2/authorize", 400)
            try await sent(.get, "/oauth2/token", 405)
            try await sent(.put, "/oauth2/token", 405)
            try await sent(.get, "/oauth2/jwks", 200)
            try await sent(.get, "/oauth2/userinfo", 401)
            try await sent(.get, "/livez", 200)
            try await sent(.trace, "/masuk", 404)
            for path in ["/portal", "/akun", "/keluar"] {
                let answer = try await browser.get(path)
                #expect(answer.status == 200)
                expectHeaders(answer, path)
            }
            let big = try await Guesser(city).guess("ujang", String(repeating: "a", count: 20_000))
            #expect(big.status == 413)
            expectHeaders(big, "413")
            let foreign = try await city.gateway.send(.get, "/masuk", authority: "evil.example")
            #expect(foreign.status == 421)
            expectHeaders(foreign, "421")
            let forbidden = try await browser.post("/keluar", [])
            #expect(forbidden.status == 403)
            expectHeaders(forbidden, "403")
            // A broken database: 500.
            try await city.run("ALTER TABLE sessions RENAME TO gone")
            for path in ["/portal", "/akun", "/keluar"] {
                let broken = try await browser.get(path)
                #expect(broken.status == 500)
                #expect(broken.errorCode == "server_error")
                #expect(!broken.text.contains("sessions"))
                expectHeaders(broken, path)
            }
        }
    }

    @Test(
        "attack 145: the policy of a page: scripts by nonce alone, nothing from elsewhere, no base, no plug-in"
    )
    func policy() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            var nonces: Set<String> = []
            let stranger = city.gateway.browser()
            let answers = [
                try await stranger.get("/masuk"), try await stranger.get("/masuk"), try await browser.get("/portal"),
                try await browser.get("/akun"), try await browser.get("/keluar"), try await stranger.get("/tidak-ada"),
                try await stranger.get("/oauth2/authorize"), try await stranger.get("/keluar/selesai"),
            ]
            for answer in answers {
                let policy = try #require(answer.headers[.contentSecurityPolicy])
                let nonce = String((policy.split(separator: "'nonce-").last ?? "").prefix { $0 != "'" })
                let wanted: [String] = [
                    "default-src 'self'", "script-src 'nonce-\(nonce)'", "style-src 'self'", "img-src 'self'",
                    "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'",
                ]
                #expect(policy == wanted.joined(separator: "; "))
                #expect(try Base64URL.decode(nonce).count == 16)
                let isNew = nonces.insert(nonce).inserted
                #expect(isNew)
                // Behaviour 81: it must not stop the way to an application after a form.
                #expect(!policy.contains("form-action"))
                #expect(answer.text.split(separator: "<script").count == 2)
                #expect(answer.text.contains("nonce=\"\(nonce)\""))
            }
            let json = try await city.gateway.send(.get, "/.well-known/openid-configuration")
            #expect(json.headers[.contentSecurityPolicy] == "default-src 'none'; frame-ancestors 'none'")
        }
    }

    @Test("attack 146: no page names another host, and none has an inline script, style or handler")
    func ownThings() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            try await city.run("UPDATE applications SET url = NULL")
            for path in ["/portal", "/akun", "/keluar", "/keluar/selesai", "/tidak-ada"] {
                let text = try await browser.get(path).text
                #expect(!text.contains("http://") && !text.contains("https://") && !text.contains("=\"//"), "\(path)")
                for inline in [
                    "<style", " style=", "javascript:", " onclick", " onload", " onsubmit", " onerror", "<iframe",
                    "<base",
                ] {
                    #expect(!text.contains(inline), "\(path) \(inline)")
                }
            }
        }
    }

    @Test("attack 148: there is no check_session_iframe and no page that sends messages")
    func noMessages() async throws {
        try await withCity { city in
            let metadata = try #require(
                try await city.gateway.send(.get, "/.well-known/openid-configuration").json?.object)
            #expect(metadata["issuer"] != nil)
            #expect(metadata["check_session_iframe"] == nil)
            let script = try await city.gateway.send(.get, "/aset/gapura.js")
            #expect(script.status == 200)
            #expect(!holds(script.body, "postMessage"))
        }
    }

    @Test(
        "attack 139: a host that is not the issuer's is 421, in any spelling but the case and the default port",
        arguments: [
            ("sso.contoh.go.id", 200), ("SSO.Contoh.Go.ID", 200), ("sso.contoh.go.id:443", 200), ("evil.example", 421),
            ("sso.contoh.go.id.", 421),
            ("sso.contoh.go.id:8443", 421), ("sso.contoh.go.id.evil.example", 421), ("evil.example:443", 421),
            ("xsso.contoh.go.id", 421),
            ("localhost", 421), ("127.0.0.1", 421), ("", 421), ("sso.contoh.go.id:443:443", 421),
            ("sso%2econtoh.go.id", 421), ("contoh.go.id", 421),
            ("sso.contoh.go.id@evil.example", 421),
        ])
    func hosts(authority: String, status: Int) async throws {
        try await withCity { city in
            let answer = try await city.gateway.send(.get, "/masuk", authority: authority)
            #expect(answer.status == status)
            if status == 421 {
                #expect(answer.errorCode == "misdirected_request")
                #expect(answer.headers[.location] == nil)
                if !authority.isEmpty, authority != "contoh.go.id" { #expect(!holds(answer.body, authority)) }
            }
            // Probes come by address.
            #expect(try await city.gateway.send(.get, "/livez", authority: authority).status == 200)
        }
    }

    @Test(
        "HEAD is GET without a body; TRACE and methods nobody has are not served, and an override header changes none")
    func methods() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let cookies: HTTPFields = [.cookie: "\(CookieName.session)=\(browser.cookie(CookieName.session) ?? "")"]
            for path in ["/masuk", "/keluar/selesai", "/aset/gapura.css", "/livez"] {
                let get = try await city.gateway.send(.get, path)
                let head = try await city.gateway.send(.head, path)
                #expect(head.status == get.status)
                #expect(head.headers[.contentType] == get.headers[.contentType])
                #expect(head.body.isEmpty, "\(path)")
            }
            for method in [
                HTTPRequest.Method.trace, .connect, .put, .delete, .patch, HTTPRequest.Method("BREW") ?? .trace,
            ] {
                for path in ["/masuk", "/portal", "/keluar", "/akun"] {
                    let answer = try await city.gateway.send(method, path, headers: cookies)
                    #expect([404, 405, 501].contains(answer.status))
                    #expect(!holds(answer.body, browser.cookie(CookieName.session) ?? "-"))
                }
            }
            var headers = cookies
            headers[.methodOverride] = "POST"
            #expect(try await city.gateway.send(.get, "/keluar", headers: headers).status == 200)
            #expect(try await city.isIn(browser))
        }
    }

    @Test(
        "error pages say in both languages what happened, with a code, a number and role=alert",
        arguments: [
            ("/tidak-ada", 404, "not_found", "Halaman tidak ditemukan", "Page not found"),
            ("/akun/kata-sandi", 400, "link_unusable", "Tautan ini tidak dapat digunakan", nil),
            ("/masuk?alur=AAAAAAAAAAAAAAAAAAAAAA", 400, "flow_lost", "Proses masuk ini sudah berakhir", nil),
            (
                "/oauth2/authorize?client_id=tidak-ada", 400, "invalid_request",
                "Permintaan aplikasi tidak dapat diproses", nil
            ),
            ("/masuk?a=%ff", 400, "invalid_request", "Permintaan aplikasi tidak dapat diproses", nil),
        ] as [(String, Int, String, String, String?)])
    func errorPages(path: String, status: Int, code: String, indonesian: String, english: String?) async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let answer = try await browser.get(path)
            #expect(answer.status == status)
            #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
            #expect(answer.headers[.cacheControl] == "no-store")
            #expect(answer.text.contains("<html lang=\"id\">"))
            #expect(answer.text.contains("<div role=\"alert\">"))
            #expect(answer.text.contains(indonesian))
            #expect(answer.errorCode == code)
            #expect(answer.requestID?.utf8.count == 12)
            _ = try await browser.get("/masuk?bahasa=en")
            let other = try await browser.get(path)
            #expect(other.text.contains("<html lang=\"en\">"))
            #expect(!other.text.contains(indonesian))
            #expect(other.errorCode == code)
            if let english { #expect(other.text.contains(english)) }
            #expect(other.requestID != answer.requestID)
        }
    }

    @Test("attack 145: nothing of a request is echoed into an error page, and what is echoed into a form is text")
    func echo() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let evil = "\"><script>alert(1)</script>"
            for path in [
                "/tidak-ada/" + FormURLEncoded.percentEncode(evil), "/masuk?" + FormURLEncoded.encode([("alur", evil)]),
                "/masuk?" + FormURLEncoded.encode([("returnTo", evil), ("error", evil), ("username", evil)]),
                "/akun/tautan?" + FormURLEncoded.encode([("kode", evil)]),
                "/oauth2/authorize?" + FormURLEncoded.encode([("client_id", evil)]),
                "/keluar?" + FormURLEncoded.encode([("next", evil)]), "/aset/" + FormURLEncoded.percentEncode(evil),
            ] {
                let answer = try await browser.follow(try await browser.get(path))
                #expect(!answer.text.contains("<script>"), "\(path)")
                #expect(!answer.text.contains("alert(1)"), "\(path)")
            }
            let start = try #require(
                try await city.authorize(city.asking("web", ["login_hint": evil]), in: browser).location)
            let form = try await browser.get(start)
            #expect(form.text.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""))
        }
    }
}
