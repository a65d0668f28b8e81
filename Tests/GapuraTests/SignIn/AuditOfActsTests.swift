import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// The audit as the gateway writes it.
@Suite("Audit of sign-in and sign-out")
struct AuditOfActsTests {
    /// The events that came since a count.
    private func events(_ city: City, since count: Int64) async throws -> [String] {
        try await city.gateway.store.read { tx in
            try tx.rows("SELECT event FROM audit_events WHERE seq > \(count) ORDER BY seq").map { try $0.text(0) }
        }
    }

    @Test("each act has one row, in its own transaction, and the chain holds", arguments: bothEngines)
    func acts(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            func expect(_ wanted: [AuditEvent], _ act: () async throws -> Void, line: SourceLocation = #_sourceLocation)
                async throws
            {
                let before = try await city.auditCount()
                try await act()
                #expect(try await events(city, since: before) == wanted.map(\.rawValue), sourceLocation: line)
            }
            let browser = city.gateway.browser()
            var code = ""
            try await expect([.sessionStarted]) { _ = try await browser.signIn("ujang", City.password) }
            try await expect([.sessionRenewed]) { _ = try await browser.signInAgain("ujang", City.password) }
            try await expect([.sessionEnded, .sessionStarted]) {
                _ = try await browser.signInAgain("siti", City.password)
            }
            try await expect([.signInFailed]) { _ = try await browser.signInAgain("siti", "salah") }
            try await expect([.codeIssued]) { code = try await city.freshCode(in: browser) }
            try await expect([.tokensIssued]) { _ = try await city.token(city.redeeming(code), "web") }
            try await expect([]) {
                for path in ["/portal", "/akun", "/masuk", "/keluar"] { _ = try await browser.get(path) }
            }
            let csrf = try await browser.get("/akun").field("csrf") ?? ""
            try await expect([.sessionEnded]) { _ = try await browser.post("/keluar", [("csrf", csrf)]) }
            try await expect([]) { _ = try await browser.post("/keluar", [("csrf", csrf)]) }
            var link = ""
            try await expect([.linkIssued]) { link = try await city.link(for: "ujang") }
            try await expect([.passwordSet]) {
                _ = try await city.setPassword("becak hijau di simpang lima", with: link, in: city.gateway.browser())
            }
            try await expect([.accountStateChanged]) { try await city.setAccountState("ujang", .ditangguhkan) }
            try await expect([]) { try await city.setAccountState("ujang", .ditangguhkan) }
            #expect(try await city.gateway.store.read { try AuditChain.firstBreak(in: $0) } == nil)
        }
    }

    @Test(
        "attack 326: when the audit cannot be written, no session, sign-out, code, password or state is either",
        arguments: bothEngines)
    func noAudit(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let browser = try await city.signedIn()
            let csrf = try await browser.get("/akun").field("csrf") ?? ""
            let code = try await city.freshCode(in: browser)
            let link = try await city.link(for: "siti")
            let opened = city.gateway.browser()
            let form = try await city.open(link, in: opened).field("csrf") ?? ""
            let siti = city.gateway.browser()
            let page = try await siti.get("/masuk")
            let before = try await snapshot(city)
            try await city.run("ALTER TABLE audit_head RENAME TO audit_head_away")

            #expect(try await siti.signIn("siti", City.password, on: page).status == 500)
            #expect(siti.cookie(CookieName.session) == nil)
            #expect(try await browser.post("/keluar", [("csrf", csrf)]).status == 500)
            #expect(try await browser.post("/akun/sesi/akhiri-semua", [("csrf", csrf)]).status == 500)
            #expect(try await city.authorize(city.asking(), in: browser).status == 500)
            #expect(try await city.token(city.redeeming(code), "web").status == 500)
            let set = try await opened.post(
                "/akun/kata-sandi",
                [
                    ("csrf", form), ("new-password", "becak hijau di simpang"),
                    ("repeat-password", "becak hijau di simpang"),
                ])
            #expect(set.status == 500)
            await #expect(throws: StoreError.self) { try await city.setAccountState("ujang", .nonaktif) }
            await #expect(throws: StoreError.self) { try await city.link(for: "ujang") }

            #expect(try await snapshot(city) == before)
            try await city.run("ALTER TABLE audit_head_away RENAME TO audit_head")
            // And everything is there again afterwards, the code too.
            #expect(try await city.isIn(browser))
            #expect(try await city.token(city.redeeming(code), "web").status == 200)
            #expect(try await city.gateway.store.read { try AuditChain.firstBreak(in: $0) } == nil)
        }
    }

    /// What the acts above would change.
    private func snapshot(_ city: City) async throws -> [String] {
        try await city.gateway.store.read { tx in
            var lines: [String] = []
            for query: Statement in [
                "SELECT COALESCE(SUM(seq), 0) FROM audit_events",
                "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL", "SELECT COUNT(*) FROM codes",
                "SELECT COUNT(*) FROM codes WHERE used_at IS NULL",
                "SELECT COUNT(*) FROM one_time_links WHERE used_at IS NULL",
                "SELECT COUNT(*) FROM token_families", "SELECT COUNT(*) FROM refresh_tokens",
                "SELECT COUNT(*) FROM devices",
                "SELECT COUNT(*) FROM accounts WHERE state = 'aktif'", "SELECT COUNT(*) FROM client_sessions",
                "SELECT COUNT(*) FROM application_uses",
            ] { lines.append("\(try tx.first(query)?.integer(0) ?? -1)") }
            for row in try tx.rows("SELECT password_hash FROM accounts ORDER BY id") { lines.append(try row.text(0)) }
            return lines
        }
    }

    @Test(
        "attack 329: refused requests are one row per kind, address and minute, however many and whatever their paths")
    func floods() async throws {
        try await withCity { city in
            let start = try await city.auditCount()
            for index in 0..<300 { _ = try await city.gateway.send(.get, "/wp-login-\(index).php?x=\(index)") }
            #expect(try await events(city, since: start) == ["request.refused"])
            for index in 0..<50 {
                _ = try await city.gateway.send(.get, "/masuk-\(index)", authority: "evil-\(index).example")
            }
            for index in 0..<50 { _ = try await city.gateway.send(.get, "/aset/\(index).css") }
            for index in 0..<50 { _ = try await city.authorize(city.asking("tidak-ada-\(index)")) }
            for index in 0..<50 {
                _ = try await city.gateway.send(.get, "/masuk?alur=\(String(repeating: "A", count: 20))\(10 + index)")
            }
            let kinds = try await events(city, since: start).count
            #expect(kinds == 5)
            // Another address, another minute.
            _ = try await city.gateway.send(.get, "/tidak-ada", from: "203.0.113.8")
            _ = try await city.gateway.send(.get, "/tidak-ada-juga", from: "203.0.113.8")
            #expect(try await events(city, since: start).count == kinds + 1)
            city.gateway.clock.advance(seconds: 60)
            _ = try await city.gateway.send(.get, "/tidak-ada", from: "203.0.113.8")
            #expect(try await events(city, since: start).count == kinds + 2)
            for row in try await city.audit(.requestRefused) {
                for text in ["wp-login", "masuk-1", "evil", "tidak-ada"] { #expect(!row.detail.contains(text)) }
            }
        }
    }

    @Test(
        "attack 329: a guesser leaves one row a minute for each name and one for all that wait; no sign-in is left out"
    )
    func guesses() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            for index in 0..<90 { _ = try await guesser.guess("orang\(index / 5)") }
            #expect(try await city.audit(.signInFailed).count == 18)
            // No guess at somebody hides behind one at another.
            for name in ["siti", "budi", "siti", "budi"] { _ = try await guesser.guess(name) }
            let ids = try ["siti", "budi"].map { try #require(city.people[$0]).id.text }
            #expect(try await city.audit(.signInFailed).compactMap(\.subject) == ids.reversed())
            // Nor does a flood of names that are not even looked at fill the disk.
            for index in 90..<97 { #expect(try await guesser.guess("orang\(index)").status == 422) }
            let rows = try await city.audit(.signInFailed).count
            for index in 97..<200 { #expect(try await guesser.guess("orang\(index)").status == 429) }
            #expect(try await guesser.guess("ujang").status == 429)
            #expect(try await city.audit(.signInFailed).count == rows + 1)
            city.gateway.clock.advance(seconds: 3660)
            let before = try await city.audit(.signInFailed).count
            for _ in 0..<20 { #expect(try await guesser.guess("ujang", City.password).status == 303) }
            #expect(try await city.audit(.sessionStarted).count == 20)
            _ = try await guesser.guess("orang")
            #expect(try await city.audit(.signInFailed).count == before + 1)
        }
    }

    @Test("attack 329: how many equal refusals had no row stands in the next one")
    func counted() async throws {
        try await withCity { city in
            func refuse(_ times: Int) async throws {
                for _ in 0..<times { _ = try await city.gateway.send(.get, "/tidak-ada") }
            }
            try await refuse(30)
            #expect(try await city.latest(.requestRefused)["more"] == nil)
            city.gateway.clock.advance(seconds: 60)
            try await refuse(1)
            #expect(try await city.latest(.requestRefused)["more"] == 29)
            city.gateway.clock.advance(seconds: 60)
            try await refuse(1)
            #expect(try await city.latest(.requestRefused)["more"] == nil)
            #expect(try await city.audit(.requestRefused).count == 3)
        }
    }

    @Test("attack 329: who tries many names has 20 rows a minute, and one for the rest")
    func manyNames() async throws {
        try await withCity { city in
            let guesser = try await Guesser(city)
            for index in 0..<60 {
                #expect(try await guesser.guess(index == 30 ? "ujang" : "orang\(index)").status == 422)
            }
            let rows = try await city.audit(.signInFailed)
            #expect(rows.count == 21)
            #expect(rows.allSatisfy { $0.subject == nil })
            // Of another address nothing is left out.
            _ = try await guesser.guess("siti", from: "198.51.100.67")
            #expect(try await city.audit(.signInFailed).compactMap(\.subject) == [city.people["siti"]?.id.text])
            city.gateway.clock.advance(seconds: 60)
            for index in 60..<81 { #expect(try await guesser.guess("orang\(index)").status == 422) }
            #expect(try await city.audit(.signInFailed).count == 43)
            #expect(try await city.latest(.signInFailed)["more"] == 39)
        }
    }

    @Test("attack 329: a flood from everywhere costs so many rows a minute, and uncovers nothing that was left out")
    func everywhere() {
        var memory = RefusalMemory()
        func key(_ index: Int, _ kind: String = "a", about: String? = nil) -> RefusalMemory.Key {
            RefusalMemory.Key(kind: kind, address: "\(index)", about: about)
        }
        for index in 0..<RefusalMemory.limit {
            #expect(memory.admit(key(index), at: 1)?.key == key(index))
            #expect(memory.admit(key(index), at: 1) == nil)
        }
        // No room in this minute: one row for all others.
        let others = RefusalMemory.Key(kind: "a", address: "*", about: nil)
        #expect(memory.admit(key(5000), at: 1)?.key == others)
        for index in 5001..<6000 { #expect(memory.admit(key(index), at: 1) == nil) }
        for index in 0..<RefusalMemory.limit { #expect(memory.admit(key(index), at: 1) == nil) }
        #expect(memory.admit(key(0, about: "x"), at: 1) == nil)
        // In the next there is, and what was told of goes on being left out.
        #expect(memory.admit(key(7), at: 2)?.more == 2)
        #expect(memory.admit(key(5000), at: 2)?.key == key(5000))
        #expect(memory.admit(key(7), at: 2) == nil)
        #expect(memory.admit(key(8), at: 2)?.more == 0)
        // 999 others and the one about somebody, and two of each of the 4,095 that were forgotten.
        let told = (6000..<10_200).compactMap { memory.admit(key($0), at: 2) }.filter { $0.key == others }
        #expect(told.map(\.more) == [9190])
    }

    @Test("no row of the audit holds a name, a number, a password or a secret")
    func noSecrets() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let tokens = try await city.tokens("web", scope: "openid offline_access", in: browser)
            let link = try await city.link(for: "ujang")
            _ = try await city.setPassword("becak hijau di simpang lima", with: link, in: browser)
            _ = try await Guesser(city).guess(city.nip("ujang"), "rahasia-salah")
            let secrets =
                [
                    City.password, "rahasia-salah", "becak hijau", city.nip("ujang"), "Ujang", "ujang", link,
                    browser.cookie(CookieName.flow) ?? "-",
                    browser.cookie(CookieName.session) ?? "-", browser.cookie(CookieName.device) ?? "-",
                ] + ["access_token", "refresh_token", "id_token"].compactMap { tokens[$0]?.string }
            try await city.gateway.store.read { tx in
                try tx.audit.each { row in
                    for text in secrets where !text.isEmpty {
                        #expect(!row.detail.contains(text), "\(row.event)")
                        #expect(!row.actor.contains(text))
                    }
                }
            }
        }
    }
}
