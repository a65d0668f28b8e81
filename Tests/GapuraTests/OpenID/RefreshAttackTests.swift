import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Refresh tokens in group F of attacks.md.
@Suite("Refresh tokens: attacks")
struct RefreshAttackTests {
    private func refreshTokens(_ city: City) async throws -> Int {
        let rows = try await city.gateway.store.read { try $0.first("SELECT COUNT(*) FROM refresh_tokens")?.integer(0) }
        return Int(try #require(rows))
    }

    @Test("attack 94: an old refresh token after its rotation ends the whole family", arguments: bothEngines)
    func reuse(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let first = try await city.tokens("native", scope: "openid offline_access")
            let second = try await city.refresh(first["refresh_token"]?.string, "native").json
            #expect(second?["refresh_token"]?.string != first["refresh_token"]?.string)
            let third = try await city.refresh(second?["refresh_token"]?.string, "native").json
            #expect(try await city.isAlive(third?["access_token"]?.string))
            city.gateway.clock.advance(seconds: 11)
            expectTokenError(try await city.refresh(first["refresh_token"]?.string, "native"), 400, "invalid_grant")
            expectTokenError(try await city.refresh(third?["refresh_token"]?.string, "native"), 400, "invalid_grant")
            for token in [first["access_token"], second?["access_token"], third?["access_token"]] {
                expectInvalidToken(try await city.userinfo(token?.string))
            }
            let reused = try await city.audit(.refreshTokenReused)
            #expect(reused.count == 1)
            #expect(reused.first?.clientID == "native")
            #expect(reused.first?.subject == city.people["ujang"]?.id.text)
        }
    }

    @Test("attack 94: within the grace an old token counts only as long as its successor is unused")
    func reuseInGrace() async throws {
        try await withCity { city in
            let first = try await city.tokens("native")["refresh_token"]?.string
            let second = try await city.refresh(first, "native").json?["refresh_token"]?.string
            #expect(try await city.refresh(first, "native").json?["refresh_token"]?.string == second)
            let third = try await city.refresh(second, "native").json?["refresh_token"]?.string
            expectTokenError(try await city.refresh(first, "native"), 400, "invalid_grant")
            expectTokenError(try await city.refresh(third, "native"), 400, "invalid_grant")
            #expect(try await city.audit(.refreshTokenReused).count == 1)
        }
    }

    @Test("attack 94: a retry is answered for ten seconds, and not a moment longer")
    func graceEnds() async throws {
        try await withCity { city in
            let first = try await city.tokens("native")["refresh_token"]?.string
            let second = try await city.refresh(first, "native").json?["refresh_token"]?.string
            city.gateway.clock.advance(seconds: 9)
            #expect(try await city.refresh(first, "native").json?["refresh_token"]?.string == second)
            city.gateway.clock.advance(seconds: 1)
            expectTokenError(try await city.refresh(first, "native"), 400, "invalid_grant")
            expectTokenError(try await city.refresh(second, "native"), 400, "invalid_grant")
        }
    }

    @Test(
        "attack 95: of 50 refreshes at once exactly one rotates, and all get the same successor", arguments: bothEngines
    )
    func parallel(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let first = try await city.tokens("native")["refresh_token"]?.string
            #expect(try await refreshTokens(city) == 1)
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 0..<50 { group.addTask { try await city.refresh(first, "native") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.status == 200 })
            let successors = Set(answers.compactMap { $0.json?["refresh_token"]?.string })
            #expect(successors.count == 1)
            #expect(successors.first != first)
            #expect(try await refreshTokens(city) == 2)
            #expect(try await city.audit(.refreshTokenReused).isEmpty)
            // The successor is derived and stands nowhere; only its digest does.
            let successor = try #require(successors.first)
            let stored = try await city.gateway.store.read { tx in
                try tx.rows("SELECT digest FROM refresh_tokens").map { try $0.text(0) }
            }
            #expect(!stored.contains(successor))
            #expect(stored.contains(StoredSecret.digest(successor, of: .refreshToken)))
            #expect(try await city.refresh(successor, "native").status == 200)
        }
    }

    @Test("attack 95: with 50 at once of a token whose successor was used, none gets anything", arguments: bothEngines)
    func parallelReuse(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let first = try await city.tokens("native")["refresh_token"]?.string
            let second = try await city.refresh(first, "native").json?["refresh_token"]?.string
            let third = try await city.refresh(second, "native").json
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 0..<50 { group.addTask { try await city.refresh(first, "native") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for answer in answers { expectTokenError(answer, 400, "invalid_grant") }
            expectInvalidToken(try await city.userinfo(third?["access_token"]?.string))
            #expect(try await city.audit(.refreshTokenReused).count == 1)
        }
    }

    @Test(
        "attack 97: more than was granted is invalid_scope, less is given, and the grant stays as it was",
        arguments: ["web", "native", "opaque"])
    func scopes(client: String) async throws {
        try await withCity { city in
            var refresh = try await city.tokens(client, scope: "openid profile email offline_access")["refresh_token"]?
                .string
            for scope in [
                "openid asn", "openid profile email offline_access phone", "tte", "ngawur", "openid \"",
                String(repeating: "x", count: 3000),
            ] {
                expectTokenError(try await city.refresh(refresh, client, [("scope", scope)]), 400, "invalid_scope")
            }
            let narrow = try await city.refresh(refresh, client, [("scope", "openid email")]).json
            #expect(narrow?["scope"] == "openid email")
            let info = try await city.userinfo(narrow?["access_token"]?.string).json
            #expect(info?["email"] == "ujang@contoh.invalid")
            #expect(info?["name"] == nil)
            refresh = narrow?["refresh_token"]?.string
            let whole = try await city.refresh(refresh, client).json
            #expect(whole?["scope"] == "openid profile email offline_access")
            #expect(try await city.userinfo(whole?["access_token"]?.string).json?["name"] == "Ujang Ma'ruf, S.H.")
            let bare = try await city.refresh(whole?["refresh_token"]?.string, client, [("scope", "email")]).json
            #expect(bare?["id_token"] == nil)
            #expect(try await city.userinfo(bare?["access_token"]?.string).status == 403)
        }
    }

    @Test("attack 97: a resource that nobody is gets no token, and what is no parameter here changes no audience")
    func otherResource() async throws {
        try await withCity { city in
            for (client, audience) in [("web", TestGateway.issuer), ("aimed", "resource")] {
                let tokens = try await city.tokens(client)
                let refresh = tokens["refresh_token"]?.string
                expectTokenError(
                    try await city.refresh(refresh, client, [("resource", "https://lain.contoh.go.id/")]), 400,
                    "invalid_target")
                let answer = try await city.refresh(refresh, client, [("audience", "lain")])
                #expect(try city.claims(of: answer.json?["access_token"]?.string)["aud"] == .string(audience))
            }
        }
    }

    @Test("attack 98: a refresh token in another client's hands", arguments: ["web", "native"])
    func anotherClient(owner: String) async throws {
        try await withCity { city in
            let refresh = try await city.tokens(owner)["refresh_token"]?.string
            for thief in ["plain", "hs", "native", "web"] where thief != owner {
                expectTokenError(try await city.refresh(refresh, thief), 400, "invalid_grant")
            }
            #expect(try await city.refresh(refresh, owner).status == 200)
        }
    }

    @Test("attack 100: thirty days without use are the end", arguments: ["native", "web"])
    func idle(client: String) async throws {
        try await withCity { city in
            let day: Int64 = 86_400
            var refresh = try await city.tokens(client, scope: "openid offline_access")["refresh_token"]?.string
            city.gateway.clock.advance(seconds: 30 * day - 1)
            refresh = try await city.refresh(refresh, client).json?["refresh_token"]?.string
            #expect(refresh != nil)
            city.gateway.clock.advance(seconds: 30 * day)
            expectTokenError(try await city.refresh(refresh, client), 400, "invalid_grant")
        }
    }

    @Test("attack 100: use does not carry a token beyond its absolute end", arguments: ["native", "web"])
    func absolute(client: String) async throws {
        try await withCity { city in
            let day: Int64 = 86_400
            var refresh = try await city.tokens(client, scope: "openid offline_access")["refresh_token"]?.string
            for _ in 0..<8 {
                city.gateway.clock.advance(seconds: 20 * day)
                refresh = try await city.refresh(refresh, client).json?["refresh_token"]?.string
                #expect(refresh != nil)
            }
            city.gateway.clock.advance(seconds: 20 * day - 1)
            let last = try await city.refresh(refresh, client).json
            #expect(try await city.isAlive(last?["access_token"]?.string))
            city.gateway.clock.advance(seconds: 1)
            expectTokenError(try await city.refresh(last?["refresh_token"]?.string, client), 400, "invalid_grant")
            expectInvalidToken(try await city.userinfo(last?["access_token"]?.string))
        }
    }

    @Test("attack 100: without offline_access nothing outlives the session, whether it ends by time or by sign-out")
    func neverBeyondSession() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let tokens = try await city.tokens("web", in: browser)
            let offline = try await city.tokens("native", scope: "openid offline_access", in: browser)
            var refresh = tokens["refresh_token"]?.string
            for _ in 0..<11 {
                city.gateway.clock.advance(seconds: 3600)
                refresh = try await city.refresh(refresh).json?["refresh_token"]?.string
                #expect(refresh != nil)
            }
            city.gateway.clock.advance(seconds: 3600)
            expectTokenError(try await city.refresh(refresh), 400, "invalid_grant")
            #expect(try await city.refresh(offline["refresh_token"]?.string, "native").status == 200)

            let again = try await city.signedIn()
            let short = try await city.tokens("web", in: again)
            let form = try await again.get("/keluar")
            #expect(try await again.post("/keluar", [("csrf", form.field("csrf") ?? "")]).location == "/keluar/selesai")
            expectTokenError(try await city.refresh(short["refresh_token"]?.string), 400, "invalid_grant")
            expectInvalidToken(try await city.userinfo(short["access_token"]?.string))
        }
    }

    @Test("a confidential client keeps its refresh token")
    func confidential() async throws {
        try await withCity { city in
            let refresh = try await city.tokens("web")["refresh_token"]?.string
            for _ in 0..<3 {
                city.gateway.clock.advance(seconds: 60)
                #expect(try await city.refresh(refresh).json?["refresh_token"]?.string == refresh)
            }
            #expect(try await refreshTokens(city) == 1)
        }
    }
}
