import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Sessions and their cookies.
@Suite("Sign-in: sessions")
struct SessionAttackTests {
    @Test(
        "attack 133: a session id planted before sign-in is worth nothing after it; each sign-in has a new one"
    )
    func fixation() async throws {
        try await withCity { city in
            let planted = SecureRandom.text(32)
            let browser = city.gateway.browser()
            browser.setCookie(CookieName.session, planted)
            #expect(try await browser.signIn("ujang", City.password).location == "/portal")
            var seen: Set<String> = [planted]
            for _ in 0..<3 {
                let id = try #require(browser.cookie(CookieName.session))
                #expect(try Base64URL.decode(id).count == 32)
                let isNew = seen.insert(id).inserted
                #expect(isNew)
                #expect(try await city.isIn(browser))
                #expect(try await browser.signInAgain("ujang", City.password).location == "/portal")
            }
            for old in seen {
                let thief = city.gateway.browser()
                thief.setCookie(CookieName.session, old)
                #expect(try await !city.isIn(thief))
            }
            // One browser, one session, renewed each time; the database knows digests only.
            #expect(try await city.openSessions(of: "ujang").count == 1)
            let id = try #require(browser.cookie(CookieName.session))
            #expect(try await city.count("SELECT COUNT(*) FROM sessions WHERE digest = \(id)") == 0)
            #expect(try await city.audit(.sessionStarted).count == 1)
            #expect(try await city.audit(.sessionRenewed).count == 3)
        }
    }

    @Test("attack 133: a live session id planted by another person is replaced, not shared")
    func plantedLive() async throws {
        try await withCity { city in
            let attacker = try await city.signedIn("siti")
            let planted = attacker.cookie(CookieName.session)
            let victim = city.gateway.browser()
            victim.setCookie(CookieName.session, planted)
            #expect(try await victim.signInAgain("ujang", City.password).location == "/portal")
            #expect(victim.cookie(CookieName.session) != planted)
            #expect(try await !city.isIn(attacker))
            #expect(try await city.openSessions(of: "siti").isEmpty)
            #expect(try await city.openSessions(of: "ujang").count == 1)
        }
    }

    @Test(
        "attack 133: whoever gets another password while an old one is being checked is not signed in with the old one")
    func resetMeanwhile() async throws {
        try await withCity { city in
            let proven = try await city.account("ujang")
            city.gateway.clock.advance(seconds: 1)
            let now = city.gateway.clock.now
            let link = try await city.link(for: "ujang")
            #expect(
                try await city.setPassword("becak hijau di simpang lima", with: link, in: city.gateway.browser()).status
                    == 200)
            let started = try await SessionStarter(city.gateway.gateway.services).start(
                for: proven, replacing: nil, device: nil, userAgent: nil, name: "ujang", address: "-", at: now
            )
            #expect(started == nil)
            #expect(try await city.openSessions(of: "ujang").isEmpty)
        }
    }

    @Test(
        "attack 137: at an https issuer every cookie is __Host-, Secure, HttpOnly, SameSite=Lax, for / and no domain"
    )
    func secureCookies() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let page = try await browser.get("/masuk")
            let done = try await browser.signIn("ujang", City.password, on: page)
            let language = try await browser.get("/portal?bahasa=en")
            let link = try await browser.get("/akun/tautan?kode=\(try await city.link(for: "ujang"))")
            func value(_ answer: TestAnswer, _ name: String) throws -> String {
                let line = try #require(answer.setCookie(name))
                return String(line.dropFirst(name.count + 1).prefix { $0 != ";" })
            }
            let common = "Path=/; HttpOnly; SameSite=Lax; Secure"
            for (answer, name, more) in [
                (page, CookieName.flow, ""), (done, CookieName.session, ""),
                (done, CookieName.device, "; Max-Age=15552000"),
                (language, "__Host-gapura-language", "; Max-Age=31536000"),
                (link, "__Host-gapura-link", "; Max-Age=3600"),
            ] { #expect(answer.setCookie(name) == "\(name)=\(try value(answer, name)); \(common)\(more)") }
            for answer in [page, done, language, link] {
                for line in answer.headers[values: .setCookie] {
                    #expect(line.hasPrefix("__Host-gapura-"))
                    #expect(!line.contains("Domain"))
                    #expect(!line.contains("SameSite=None"))
                }
            }
            #expect(try value(done, CookieName.session).utf8.count == 43)
            let out = try await browser.post("/keluar", [("csrf", page.field("csrf") ?? "")])
            #expect(out.setCookie(CookieName.session) == "\(CookieName.session)=; \(common); Max-Age=0")
        }
    }

    @Test(
        "attack 137: on plain http://localhost cookies go without prefix and Secure, and all else is the same"
    )
    func plainCookies() async throws {
        try await withCity(configure: { $0.issuer = "http://localhost:8080" }) { city in
            let page = try await city.gateway.send(.get, "/masuk", authority: "localhost:8080")
            #expect(page.status == 200)
            #expect(page.headers[.strictTransportSecurity] == nil)
            let flow = try #require(page.setCookie("gapura-flow"))
            #expect(flow.hasSuffix("; Path=/; HttpOnly; SameSite=Lax"))
            let form = FormURLEncoded.encode([
                ("username", "ujang"), ("password", City.password), ("csrf", page.field("csrf") ?? ""),
            ])
            var headers: HTTPFields = [
                .contentType: "application/x-www-form-urlencoded", .origin: "http://localhost:8080",
                .cookie: String(flow.prefix { $0 != ";" }),
            ]
            let done = try await city.gateway.send(
                .post, "/masuk", headers: headers, body: form, authority: "localhost:8080")
            #expect(done.location == "/portal")
            let session = try #require(done.setCookie("gapura-session"))
            #expect(session.hasSuffix("; Path=/; HttpOnly; SameSite=Lax"))
            #expect(!done.headers[values: .setCookie].contains { $0.contains("Secure") || $0.contains("__Host-") })
            // A cookie with the prefix means nothing here, and the other way round.
            headers[.cookie] = "__Host-" + String(session.prefix { $0 != ";" })
            #expect(
                try await city.gateway.send(.get, "/portal", headers: headers, authority: "localhost:8080").status
                    == 303)
            headers[.cookie] = String(session.prefix { $0 != ";" })
            #expect(
                try await city.gateway.send(.get, "/portal", headers: headers, authority: "localhost:8080").status
                    == 200)
            #expect(
                try await city.gateway.send(.get, "/portal", headers: headers, authority: "localhost").status == 421)
        }
    }

    @Test(
        "attack 137: cookies set by a vendor's subdomain sign nobody in: two of one name are none, shapes are checked"
    )
    func tossedCookies() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let id = try #require(browser.cookie(CookieName.session))
            func status(_ cookies: String) async throws -> Int {
                try await city.gateway.send(.get, "/portal", headers: [.cookie: cookies]).status
            }
            #expect(try await status("\(CookieName.session)=\(id)") == 200)
            for bad in [
                "\(CookieName.session)=\(id); \(CookieName.session)=\(SecureRandom.text(32))",
                "\(CookieName.session)=\(id)=",
                "\(CookieName.session)=\(id.dropLast())", "\(CookieName.session)=\(id)A",
                "\(CookieName.session)=\"\(id)\"",
                "gapura-session=\(id)", "\(CookieName.session.lowercased())=\(id)", "\(CookieName.session)=",
                "\(CookieName.session)=' OR 1=1 --", "\(CookieName.flow)=\(id)", "\(CookieName.device)=\(id)",
            ] { #expect(try await status(bad) == 303, "\(bad)") }
        }
    }

    @Test("a session ends two hours after its last use, and twelve hours after the sign-in at the latest")
    func ends() async throws {
        try await withCity { city in
            let clock = city.gateway.clock
            let idle = try await city.signedIn()
            clock.advance(seconds: 7199)
            #expect(try await city.isIn(idle))
            clock.advance(seconds: 7199)
            #expect(try await city.isIn(idle))
            clock.advance(seconds: 7200)
            #expect(try await !city.isIn(idle))
            // What is over stays over, and takes a sign-in.
            #expect(try await idle.get("/akun").location == "/masuk")
            #expect(try await idle.signIn("ujang", City.password).location == "/portal")
            #expect(try await city.openSessions(of: "ujang").count == 1)

            let busy = try await city.signedIn("siti")
            for _ in 0..<11 {
                clock.advance(seconds: 3600)
                #expect(try await city.isIn(busy))
            }
            clock.advance(seconds: 3599)
            #expect(try await city.isIn(busy))
            clock.advance(seconds: 1)
            #expect(try await !city.isIn(busy))
        }
    }

    @Test("use moves the idle end once a minute at most, so that reading pages does not write all the time")
    func touches() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let start = try #require(try await city.openSessions(of: "ujang").first)
            city.gateway.clock.advance(seconds: 60)
            #expect(try await city.isIn(browser))
            #expect(try await city.openSessions(of: "ujang").first == start)
            city.gateway.clock.advance(seconds: 1)
            #expect(try await city.isIn(browser))
            let later = try #require(try await city.openSessions(of: "ujang").first)
            #expect(later.idleEndsAt == start.idleEndsAt.adding(seconds: 61))
            #expect(later.endsAt == start.endsAt)
        }
    }

    @Test(
        "attack 142: suspended, disabled or ended by an admin: cookies, codes and tokens are dead at once",
        arguments: [AccountState.ditangguhkan, .nonaktif, .menunggu, nil])
    func ended(state: AccountState?) async throws {
        try await withCity { city in
            let browsers = [try await city.signedIn(), try await city.signedIn()]
            let tokens = try await city.tokens("web", scope: "openid offline_access", in: browsers[0])
            let opaque = try await city.tokens("opaque", in: browsers[1])
            let code = try await city.freshCode(in: browsers[1])
            let other = try await city.signedIn("siti")
            if let state {
                try await city.setAccountState("ujang", state)
            } else {
                let (account, now) = (try await city.account("ujang"), city.gateway.clock.now)
                try await city.gateway.store.write { tx in
                    try SessionEnding.endAll(of: account, reason: .admin, by: .command(user: "root"), in: tx, at: now)
                }
            }
            for browser in browsers {
                #expect(try await !city.isIn(browser))
                #expect(try await browser.get("/akun").location == "/masuk")
                expectRedirect(
                    try await city.authorize(city.asking("web", ["prompt": "none"]), in: browser), "login_required")
            }
            for answer in [tokens, opaque] {
                expectInvalidToken(try await city.userinfo(answer["access_token"]?.string))
            }
            #expect(try await city.introspect(tokens["access_token"]?.string, as: "web").json == ["active": false])
            expectTokenError(try await city.refresh(tokens["refresh_token"]?.string), 400, "invalid_grant")
            expectTokenError(try await city.token(city.redeeming(code), "web"), 400, "invalid_grant")
            #expect(try await city.isIn(other))
            #expect(try await city.audit(.sessionEnded).count == 2)
        }
    }

    @Test("attack 143: two people in one browser: the first is out with all they had, and nothing of theirs comes back")
    func twoPeople() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            let ofUjang = try await city.tokens("web", for: "ujang", scope: "openid offline_access", in: browser)
            let online = try await city.tokens("es", in: browser)["access_token"]?.string
            #expect(try await city.isAlive(online))
            let first = browser.cookie(CookieName.session)
            let answer = try await city.code(
                "web", for: "siti", challenge: somePKCE.challenge, in: browser, [("prompt", "login")])
            let code = try #require(answer.parameter("code"))
            let ofSiti = try await city.token(city.redeeming(code), "web").json
            let sids = try [ofUjang, ofSiti].map { try city.claims(of: $0?["id_token"]?.string)["sid"]?.string }
            #expect(sids[0] != sids[1])
            #expect(try city.claims(of: ofSiti?["id_token"]?.string)["sub"]?.string == city.people["siti"]?.sub)
            // Ujang's session is over, its tokens too; what he asked to keep beyond it stays his.
            #expect(try await city.openSessions(of: "ujang").isEmpty)
            expectInvalidToken(try await city.userinfo(online))
            let again = try await city.refresh(ofUjang["refresh_token"]?.string)
            #expect(try city.claims(of: again.json?["id_token"]?.string)["sub"]?.string == city.people["ujang"]?.sub)
            browser.setCookie(CookieName.session, first)
            #expect(try await !city.isIn(browser))
            let reasons = try await city.gateway.store.read { tx in
                try tx.rows("SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL").map { try $0.text(0) }
            }
            #expect(reasons == ["replaced"])
        }
    }

    @Test("attack 143: with cookies deleted half way, ids are never used again")
    func halfWay() async throws {
        try await withCity { city in
            let browser = city.gateway.browser()
            var sids: Set<String> = []
            for round in 0..<4 {
                let person = round.isMultiple(of: 2) ? "ujang" : "siti"
                let tokens = try await city.tokens("web", for: person, in: browser, [("prompt", "login")])
                let claims = try city.claims(of: tokens["id_token"]?.string)
                #expect(claims["sub"]?.string == city.people[person]?.sub)
                let isNew = sids.insert(claims["sid"]?.string ?? "").inserted
                #expect(isNew)
                // The session cookie goes, device and handle stay; or all but the session.
                if round.isMultiple(of: 2) {
                    browser.setCookie(CookieName.session, nil)
                } else {
                    browser.setCookie(CookieName.flow, nil)
                }
            }
            #expect(try await city.count("SELECT COUNT(*) FROM sessions") == 4)
            #expect(try await city.count("SELECT COUNT(DISTINCT digest) FROM sessions") == 4)
        }
    }
}
