import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// `/portal` and `/akun`.
@Suite("Portal and account")
struct PortalTests {
    /// Names of the tiles that a person sees.
    private func tiles(_ city: City, _ person: String) async throws -> [String] {
        let page = try await city.signedIn(person).get("/portal")
        #expect(page.status == 200)
        return page.text.split(separator: "<li class=\"tile\">").dropFirst().compactMap { part in
            part.split(separator: "<h2>").dropFirst().first?.split(separator: "<bdi>").dropFirst().first.map {
                String($0.prefix { $0 != "<" })
            }
        }
    }

    private func setRules(_ city: City, _ slug: String, _ rules: [AccessRule]) async throws {
        try await city.gateway.store.write { tx in
            let application = try #require(try tx.applications.find(slug: slug))
            try tx.applications.replaceRules(of: application.id, with: rules)
        }
    }

    @Test(
        "tiles are the active applications whose rules admit the person: all, an agency, a unit's subtree, a kind"
    )
    func rules() async throws {
        try await withCity { city in
            func unit(_ key: String) throws -> String { try #require(city.units[key]).id.text }
            #expect(try await tiles(city, "ujang") == ["SIMPEG"])
            #expect(try await tiles(city, "siti") == ["SIMPEG", "TERTUTUP"])
            for (rules, ujang, siti) in [
                ([AccessRule(kind: .agency, value: try unit("setda"))], true, false),
                ([AccessRule(kind: .unit, value: try unit("hukum"))], true, false),
                ([AccessRule(kind: .unit, value: try unit("kota"))], true, true),
                ([AccessRule(kind: .employeeKind, value: "PPPK")], false, true),
                (
                    [
                        AccessRule(kind: .employeeKind, value: "PPPK"),
                        AccessRule(kind: .unit, value: try unit("hukum")),
                    ], false, false
                ),
                (
                    [
                        AccessRule(kind: .employeeKind, value: "PPPK"), AccessRule(kind: .employeeKind, value: "PNS"),
                        AccessRule(kind: .unit, value: try unit("setda")),
                    ],
                    true, false
                ), ([AccessRule(kind: .agency, value: "tidak-ada")], false, false),
            ] {
                try await setRules(city, "simpeg", rules)
                #expect(try await tiles(city, "ujang").contains("SIMPEG") == ujang, "\(rules)")
                #expect(try await tiles(city, "siti").contains("SIMPEG") == siti, "\(rules)")
                // The portal and the authorization endpoint are of one mind.
                for (person, may) in [("ujang", ujang), ("siti", siti)] {
                    let answer = try await city.authorize(city.asking(), in: try await city.signedIn(person))
                    #expect((answer.parameter("code") != nil) == may, "\(rules)")
                    if !may { #expect(answer.errorCode == "access_denied") }
                }
            }
        }
    }

    @Test("a tile tells its agency and when this person last used the application; a dead link is no tile")
    func lastUse() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            #expect(try await browser.get("/portal").text.contains("Belum pernah dibuka"))
            _ = try await city.freshCode(in: browser)
            let page = try await browser.get("/portal").text
            #expect(page.contains("Terakhir dibuka"))
            // 00:30 UTC is 07:30 in Jakarta.
            #expect(page.contains("datetime=\"2026-11-25T07:30"))
            #expect(page.contains("07.30 WIB"))
            #expect(page.contains("Sekretariat Daerah"))
            #expect(page.contains("href=\"https://simpeg.contoh.go.id/\""))
            // Somebody else's use is theirs.
            #expect(try await city.signedIn("siti").get("/portal").text.contains("Terakhir dibuka") == false)
            for url in ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://a b"] {
                try await city.run("UPDATE applications SET url = \(url) WHERE slug = 'simpeg'")
                #expect(try await !browser.get("/portal").text.contains(url))
                #expect(try await tiles(city, "ujang").isEmpty)
            }
        }
    }

    @Test(
        "third-party initiated login: a tile leads to the client's initiate_login_uri with iss, also without a home page"
    )
    func startsOfSignIn() async throws {
        try await withCity { city in
            let start = "https://simpeg.contoh.go.id/mulai?dari=portal"
            try await city.addClient(
                "mulai",
                [
                    "client_name": "SIMPEG", "redirect_uris": [.string(City.redirectURI)],
                    "initiate_login_uri": .string(start),
                ])
            let link = "href=\"https://simpeg.contoh.go.id/mulai?dari=portal&amp;iss=https%3A%2F%2Fsso.contoh.go.id\""
            let browser = try await city.signedIn()
            #expect(try await browser.get("/portal").text.contains(link))
            try await city.run("UPDATE applications SET url = NULL WHERE slug = 'simpeg'")
            #expect(try await browser.get("/portal").text.contains(link))
            // A client that may not act begins nothing.
            try await city.run("UPDATE clients SET state = 'disabled' WHERE id = 'mulai'")
            #expect(try await tiles(city, "ujang").isEmpty)
        }
    }

    @Test("a limited account sees its own data and no tiles, and reads why")
    func limited() async throws {
        try await withCity { city in
            let browser = try await city.signedIn("budi")
            let page = try await browser.get("/portal")
            #expect(page.text.contains("id=\"limited\""))
            #expect(page.text.contains("Akses Anda sedang dibatasi"))
            #expect(try await tiles(city, "budi").isEmpty)
            #expect(page.text.contains("18700303 190003 1 003"))
            #expect(try await browser.get("/akun").status == 200)
        }
    }

    @Test("the person's own data is theirs: name with titles, NIP in groups, kind, post, unit, agency")
    func ownData() async throws {
        try await withCity { city in
            let page = try await city.signedIn().get("/portal").text
            for text in [
                "Ujang Ma&#39;ruf, S.H.", "18900101 191501 1 001", "PNS", "Analis Ujang Ma&#39;ruf", "III/c",
                "Bagian Hukum", "Sekretariat Daerah",
                "ujang@contoh.invalid", "000012345678",
            ] { #expect(page.contains(text), "\(text)") }
            for foreign in ["Siti", "Budi", city.nip("siti"), "Puskesmas"] {
                #expect(!page.contains(foreign), "\(foreign)")
            }
        }
    }

    @Test("attack 145: names with markup are shown as text, everywhere")
    func escaped() async throws {
        try await withCity { city in
            let evil = "<img src=x onerror=alert(1)>"
            try await city.run(
                "UPDATE applications SET name = \(evil), description = \(evil + "\u{202e}") WHERE slug = 'simpeg'")
            try await city.run("UPDATE units SET name = \("<script>" + evil)")
            try await city.run(
                "UPDATE people SET post_name = \(evil), grade = \(evil), phone = \(evil), back_title = \("\"'" + evil)")
            let browser = try await city.signedIn("siti")
            _ = try await city.gateway.send(.get, "/masuk")
            for path in ["/portal", "/akun", "/keluar", "/portal?bahasa=en"] {
                let page = try await browser.follow(try await browser.get(path))
                #expect(page.status == 200)
                #expect(!page.text.contains("<b>Aminah"), "\(path)")
                #expect(page.text.contains("Siti &lt;b&gt;Aminah&lt;/b&gt;"), "\(path)")
                #expect(!page.text.contains("<img src=x"), "\(path)")
                #expect(!page.text.contains("<script>"), "\(path)")
                #expect(!page.text.contains("\u{202e}"), "\(path)")
            }
            let link = try await city.open(try await city.link(for: "siti"), in: city.gateway.browser())
            #expect(link.text.contains("Siti &lt;b&gt;Aminah&lt;/b&gt;"))
            #expect(!link.text.contains("<img src=x"))
        }
    }

    @Test("an account without a person has a portal of its own, and applications for everybody")
    func withoutPerson() async throws {
        try await withCity { city in
            let now = city.gateway.clock.now
            let hash = try await city.passwords.hash(City.password)
            try await city.gateway.store.write { tx in
                let (account, _) = try AccountDirectory(tx, by: .system, at: now)
                    .add(userName: "admin", displayName: "Admin <Gapura>", email: nil, role: .superadmin, endsAt: nil)
                try tx.accounts.updatePassword(account.id, hash: hash, at: now)
            }
            let page = try await city.signedIn("admin").get("/portal")
            #expect(page.text.contains("Admin &lt;Gapura&gt;"))
            #expect(try await tiles(city, "admin") == ["SIMPEG"])
        }
    }

    @Test("the account page shows this account's sessions, the present one marked, and ends one, or all")
    func sessions() async throws {
        try await withCity { city in
            let first = try await city.signedIn()
            city.gateway.clock.advance(seconds: 1)
            let second = city.gateway.browser(from: "203.0.113.200")
            #expect(try await second.signIn("ujang", City.password).location == "/portal")
            city.gateway.clock.advance(seconds: 1)
            let page = try await first.get("/akun")
            #expect(page.text.split(separator: "<li class=\"card\">").count == 3)
            #expect(page.text.split(separator: "class=\"badge\"").count == 2)
            #expect(page.text.contains("203.0.113.200"))
            let sessions = try await city.openSessions(of: "ujang")
            let other = try #require(sessions.first { $0.address == "203.0.113.200" })
            let csrf = page.field("csrf") ?? ""
            let ended = try await first.post("/akun/sesi/akhiri", [("csrf", csrf), ("id", other.id.text)])
            #expect(ended.location == "/akun")
            #expect(try await !city.isIn(second))
            #expect(try await city.isIn(first))
            // One's own.
            let own = try #require(sessions.first { $0.id != other.id })
            #expect(
                try await first.post("/akun/sesi/akhiri", [("csrf", csrf), ("id", own.id.text)]).location
                    == "/keluar/selesai")
            #expect(try await !city.isIn(first))

            let browsers = [try await city.signedIn(), try await city.signedIn(), try await city.signedIn()]
            let siti = try await city.signedIn("siti")
            let token = try await browsers[0].get("/akun").field("csrf") ?? ""
            #expect(
                try await browsers[0].post("/akun/sesi/akhiri-semua", [("csrf", token)]).location == "/keluar/selesai")
            for browser in browsers { #expect(try await !city.isIn(browser)) }
            #expect(try await city.isIn(siti))
            #expect(try await city.openSessions(of: "ujang").isEmpty)
        }
    }

    @Test("attack 188: another's session is as unknown as none: the same answer, and it lives on")
    func anothers() async throws {
        try await withCity { city in
            let siti = try await city.signedIn("siti")
            let theirs = try #require(try await city.openSessions(of: "siti").first)
            let browser = try await city.signedIn()
            let csrf = try await browser.get("/akun").field("csrf") ?? ""
            let rows = try await city.auditCount()
            var answers: [Shape] = []
            for id in [
                theirs.id.text, SessionID.make(now: city.gateway.clock.now).text, "x", "", theirs.id.text.uppercased(),
                "' OR 1=1 --",
            ] {
                let answer = try await browser.post("/akun/sesi/akhiri", [("csrf", csrf), ("id", id)])
                answers.append(Shape(answer, typed: ""))
            }
            #expect(answers.allSatisfy { $0 == answers[0] })
            #expect(answers[0].status == 303)
            #expect(try await city.isIn(siti))
            #expect(try await city.isIn(browser))
            #expect(try await city.auditCount() == rows)
        }
    }

    @Test("without a session every page of a person's own leads to the sign-in, and shows nothing")
    func strangers() async throws {
        try await withCity { city in
            for path in ["/portal", "/akun"] {
                let answer = try await city.gateway.send(.get, path)
                #expect(answer.status == 303)
                #expect(answer.location == "/masuk")
                #expect(answer.body.isEmpty)
                #expect(answer.headers[.cacheControl] == "no-store")
            }
            #expect(try await city.gateway.send(.get, "/").location == "/portal")
        }
    }
}
