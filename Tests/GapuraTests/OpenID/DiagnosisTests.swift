import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import PostgresTesting
import Testing

@testable import Gapura

/// What an application's developer is told when something is wrong, and by `gapura client check`.
@Suite("Diagnosis")
struct DiagnosisTests {
    private func check(_ city: City, _ client: String) async throws -> (grade: String, points: [String: String]) {
        let context = OperationContext(services: city.gateway.gateway.services, actor: .command(user: "root"))
        let answer = try await Operations.find("client.check").run(["client_id": .string(client)], context)
        var points: [String: String] = [:]
        for finding in answer["findings"]?.array ?? [] {
            let point = try #require(finding["point"]?.string)
            #expect(points[point] == nil, "\(point) twice")
            points[point] = finding["level"]?.string
            #expect(finding["text"]?.string?.isEmpty == false)
            #expect(finding["text_id"]?.string?.isEmpty == false)
        }
        return (try #require(answer["grade"]?.string), points)
    }

    @Test(
        "attack 1, attack 10: a page says which parameter, what was sent and what is registered, to an admin alone",
        arguments: bothEngines)
    func pages(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let sent = "https://simpeg.contoh.go.id/cb/<lain>"
            func ask(_ browser: TestBrowser?, _ changes: KeyValuePairs<String, String?>) async throws -> TestAnswer {
                try await city.authorize(city.asking("web", changes), in: browser)
            }
            let browser = try await city.signedIn()
            for anybody in [nil, browser] {
                let page = try await ask(anybody, ["redirect_uri": sent])
                expectLocal400(page, foreign: [sent, City.redirectURI])
                #expect(!holds(page.body, "id=\"diagnosis\""))
            }
            let account = try #require(city.people["ujang"])
            func give(_ role: AdminRole) async throws {
                var changed = try #require(try await city.gateway.store.read { try $0.accounts.find(account.id) })
                changed.role = role
                let now = changed
                try await city.gateway.store.write { try $0.accounts.update(now) }
            }
            try await give(.superadmin)
            let page = try await ask(browser, ["redirect_uri": sent])
            #expect(page.status == 400)
            #expect(holds(page.body, "id=\"diagnosis\""))
            #expect(holds(page.body, City.redirectURI))
            #expect(holds(page.body, "&lt;lain&gt;"))
            #expect(!holds(page.body, "<lain>"))
            #expect(holds(try await ask(browser, ["client_id": "tidak-ada"]).body, "tidak-ada"))
            let missing = try await ask(browser, ["redirect_uri": nil])
            #expect(holds(missing.body, "(tidak dikirim, atau dua kali)"))
            try await give(.helpdesk)
            #expect(!holds(try await ask(browser, ["redirect_uri": sent]).body, "id=\"diagnosis\""))
        }
    }

    @Test("a good client is A, one with something to better B, one that does not work C", arguments: bothEngines)
    func grades(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            try await city.addClient(
                "baik",
                [
                    "client_name": "Baik", "redirect_uris": [.string(City.redirectURI)],
                    "post_logout_redirect_uris": [.string(City.postLogoutURI)],
                    "backchannel_logout_uri": "https://simpeg.contoh.go.id/bc", "contacts": ["a@contoh.invalid"],
                ])
            // Nobody has come yet.
            #expect(try await check(city, "baik").points["use"] == "advice")
            _ = try await city.freshCode("baik", ["nonce": "n"])
            let good = try await check(city, "baik")
            #expect(good.grade == "A", "\(good.points)")
            #expect(good.points["nonce"] == "ok")

            _ = try await city.freshCode("baik")
            city.gateway.clock.advance(seconds: 366 * 86_400)
            let old = try await check(city, "baik")
            #expect(old.grade == "B")
            #expect(old.points["secret_age"] == "advice")
            #expect(old.points["nonce"] == "advice")
            #expect(old.points["use"] == "advice")

            for (client, point, level) in [
                ("hs", "algorithms", "advice"), ("plain", "pkce", "advice"), ("post", "authentication", "advice"),
                ("web", "sign_out", "advice"), ("dormant", "state", "problem"), ("native", "authentication", "ok"),
            ] {
                let found = try await check(city, client)
                #expect(found.points[point] == level, "\(client): \(found.points)")
                #expect(found.grade == (level == "problem" ? "C" : found.grade))
            }
            // A machine has no people to sign in.
            let machine = try await check(city, "machine")
            #expect(machine.points["pkce"] == nil)
            #expect(machine.points["redirect_uris"] == nil)
        }
    }

    @Test("what does not work is C: http addresses, keys that cannot be read, notices that fail, a disabled client")
    func problems() async throws {
        try await withTestServer { request in
            request.uri.path == "/jwks" ? .plain(.ok, #"{"keys":[]}"#) : .plain(.notFound)
        } _: { port in
            try await withCity { city in
                let base = "http://127.0.0.1:\(port)"
                _ = try await city.addSigningClient(
                    "baca", .es256, ["jwks": .null, "jwks_uri": .string(base + "/jwks")])
                _ = try await city.addSigningClient("gagal", .es256, ["jwks": .null, "jwks_uri": .string(base + "/x")])
                #expect(try await check(city, "baca").points["keys"] == "ok")
                let bad = try await check(city, "gagal")
                #expect(bad.points["keys"] == "problem")
                #expect(bad.grade == "C")

                try await city.addClient("http", ["client_name": "H", "redirect_uris": ["http://127.0.0.1/cb"]])
                #expect(try await check(city, "http").points["redirect_uris"] == "problem")

                let now = city.gateway.clock.now
                try await city.addClient(
                    "tuli",
                    [
                        "client_name": "T", "redirect_uris": [.string(City.redirectURI)],
                        "backchannel_logout_uri": "https://simpeg.contoh.go.id/bc",
                    ])
                let session = SessionID.make(now: now)
                try await city.gateway.store.write { tx in
                    try tx.logout.insert(
                        LogoutDelivery(
                            id: .make(now: now), sessionID: session, accountSub: "x", clientID: ClientID("tuli"),
                            sid: "s", uri: "https://simpeg.contoh.go.id/bc", createdAt: now, nextTryAt: nil,
                            state: .failed))
                }
                #expect(try await check(city, "tuli").points["sign_out"] == "problem")
                let registry = ClientRegistry(city.gateway.gateway.services)
                try await city.gateway.store.write { tx in
                    try registry.setState(ClientID("tuli"), .disabled, by: .system, in: tx, at: now)
                }
                #expect(try await check(city, "tuli").points["state"] == "problem")
                let context = OperationContext(
                    services: city.gateway.gateway.services, actor: .command(user: "root"))
                await #expect(throws: OperationError.self) {
                    try await Operations.find("client.check").run(["client_id": "tidak-ada"], context)
                }
            }
        }
    }
}
