import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// Signing out: by oneself, from the account page, and what every application is told.
@Suite("Sign-out")
struct SignOutTests {
    /// Two clients that want to hear of sign-outs.
    private func addListeners(_ city: City) async throws {
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
    }

    /// Signs in to clients; answers the `sid` each was told.
    private func enter(_ clients: [String], _ city: City, _ browser: TestBrowser) async throws -> [String: String] {
        var sids: [String: String] = [:]
        for id in clients {
            let answer = try await city.token(city.redeeming(try await city.freshCode(id, in: browser)), id).json
            sids[id] = try city.claims(of: answer?["id_token"]?.string)["sid"]?.string
        }
        return sids
    }

    private func ledger(_ city: City) async throws -> [LogoutDelivery] {
        try await city.gateway.store.read { try $0.logout.list(limit: 100) }
    }

    @Test("attack 140: GET on the sign-out page asks and ends nothing, POST of its form ends the session")
    func asks() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for path in [
                "/keluar", "/keluar?confirmed=1", "/keluar?csrf=x", "/oauth2/logout", "/oauth2/logout?confirmed=1",
            ] {
                for method in [HTTPRequest.Method.get, .head] {
                    let cookies = [CookieName.session, CookieName.flow].map { "\($0)=\(browser.cookie($0) ?? "")" }
                    let answer = try await city.gateway.send(
                        method, path, headers: [.cookie: cookies.joined(separator: "; ")])
                    #expect(answer.status == 200)
                    #expect(answer.setCookie(CookieName.session) == nil)
                }
                #expect(try await city.isIn(browser))
            }
            let page = try await browser.get("/keluar")
            for text in ["id=\"logout-form\"", "id=\"logout-confirm\"", "action=\"/keluar\"", "Ujang Ma&#39;ruf, S.H."]
            {
                #expect(page.text.contains(text), "\(text)")
            }
            let kept = browser.cookie(CookieName.session)
            let answer = try await browser.post("/keluar", [("csrf", page.field("csrf") ?? "")])
            #expect(answer.location == "/keluar/selesai")
            let done = try await browser.follow(answer)
            #expect(done.text.contains("Anda sudah keluar"))
            browser.setCookie(CookieName.session, kept)
            #expect(try await !city.isIn(browser))
            #expect(
                try await city.audit(.sessionEnded).map(\.actor) == ["account:\(city.people["ujang"]?.id.text ?? "")"])
        }
    }

    @Test("attack 140: only a hint that names this browser's live session signs out without asking")
    func hints() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let ended = try await city.signedIn()
            let old = try await city.tokens("web", in: ended)["id_token"]?.string ?? ""
            let csrf = try await ended.get("/keluar").field("csrf") ?? ""
            #expect(try await ended.post("/keluar", [("csrf", csrf)]).status == 303)
            let siti = try await city.tokens("web", for: "siti")["id_token"]?.string ?? ""
            for hint in [old, siti] {
                let asked = try await browser.get("/oauth2/logout?" + FormURLEncoded.encode([("id_token_hint", hint)]))
                #expect(asked.status == 200)
                #expect(asked.text.contains("id=\"logout-confirm\""))
                #expect(try await city.isIn(browser))
            }
            let own = try await city.tokens("web", in: browser)["id_token"]?.string ?? ""
            let answer = try await browser.get("/oauth2/logout?" + FormURLEncoded.encode([("id_token_hint", own)]))
            #expect(answer.location == "/keluar/selesai")
            #expect(try await !city.isIn(browser))
        }
    }

    @Test("without a session the sign-out page says that one is out, and the form does no harm")
    func nobody() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            #expect(try await browser.get("/keluar").location == "/keluar/selesai")
            let csrf = try await browser.get("/masuk").field("csrf") ?? ""
            #expect(try await browser.post("/keluar", [("csrf", csrf)]).location == "/keluar/selesai")
            #expect(
                try await city.auditCount() == city.audit(.clientAdded).count.asInt64
                    + city.audit(.clientUpdated).count.asInt64)
        }
    }

    @Test(
        "behaviour 69: however a session ends, each client that asked stands in the ledger once, with its own sid",
        arguments: [
            "signed out", "by an application", "from the account page", "all", "suspended", "new password",
            "another person", "admin",
        ])
    func ledgerRows(how: String) async throws {
        try await withCity { city in
            try await addListeners(city)
            let browser = try await city.signedIn()
            let sids = try await enter(["satu", "dua", "satu"], city, browser)
            _ = try await enter(["web"], city, browser)
            let other = try await city.signedIn("siti")
            _ = try await enter(["satu"], city, other)
            let csrf = try await browser.get("/akun").field("csrf") ?? ""
            let session = try #require(try await city.openSessions(of: "ujang").first)
            let (account, now) = (try await city.account("ujang"), city.gateway.clock.now)
            switch how {
            case "signed out": _ = try await browser.post("/keluar", [("csrf", csrf)])
            case "by an application":
                let hint = try await city.tokens("web", in: browser)["id_token"]?.string ?? ""
                _ = try await browser.get("/oauth2/logout?" + FormURLEncoded.encode([("id_token_hint", hint)]))
            case "from the account page":
                _ = try await browser.post("/akun/sesi/akhiri", [("csrf", csrf), ("id", session.id.text)])
            case "all": _ = try await browser.post("/akun/sesi/akhiri-semua", [("csrf", csrf)])
            case "suspended": try await city.setAccountState("ujang", .ditangguhkan)
            case "new password":
                let link = try await city.link(for: "ujang")
                _ = try await city.setPassword("becak hijau di simpang lima", with: link, in: city.gateway.browser())
            case "another person": _ = try await browser.signInAgain("siti", City.password)
            default:
                try await city.gateway.store.write { tx in
                    try SessionEnding.endAll(of: account, reason: .admin, by: .system, in: tx, at: now)
                }
            }
            let lines = try await ledger(city)
            #expect(lines.count == 2)
            #expect(Dictionary(lines.map { ($0.clientID.text, $0.sid) }, uniquingKeysWith: { _, _ in "twice" }) == sids)
            for line in lines {
                #expect(line.sessionID == session.id)
                #expect(line.accountSub == account.sub)
                #expect(line.state == .waiting)
                #expect(line.nextTryAt == now)
                #expect(line.uri == "https://\(line.clientID.text).contoh.go.id/keluar")
            }
            let row = try #require(try await city.audit(.sessionEnded).first)
            #expect(row.detail.contains("\"clients\":2"))
            // A second time ends nothing and tells nobody.
            _ = try await browser.post("/keluar", [("csrf", csrf)])
            let again = try await ledger(city).count { $0.sessionID == session.id }
            #expect(again == 2)
        }
    }
}

extension Int {
    var asInt64: Int64 { Int64(self) }
}
