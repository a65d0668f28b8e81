import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Revocation, RFC 7009.
@Suite("Revocation")
struct RevocationTests {
    @Test("an access token goes alone, JWT or opaque", arguments: bothEngines, ["web", "opaque"])
    func accessToken(engine: Engine, client: String) async throws {
        try await withCity(on: engine) { city in
            let tokens = try await city.tokens(client)
            let access = tokens["access_token"]?.string
            for _ in 0..<2 {
                let answer = try await city.revoke(access, as: client)
                #expect(answer.status == 200)
                #expect(answer.body.isEmpty)
                #expect(answer.headers[.cacheControl] == "no-store")
            }
            expectInvalidToken(try await city.userinfo(access))
            #expect(try await city.audit(.tokensRevoked).count == 1)
            let refreshed = try await city.refresh(tokens["refresh_token"]?.string, client)
            #expect(try await city.isAlive(refreshed.json?["access_token"]?.string))
        }
    }

    @Test("a refresh token takes its whole family with it", arguments: ["web", "native"])
    func refreshToken(client: String) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let tokens = try await city.tokens(client, in: browser)
            let other = try await city.tokens(client, in: browser)
            let refreshed = try await city.refresh(tokens["refresh_token"]?.string, client).json
            let form: Pairs = [("token", tokens["refresh_token"]?.string ?? ""), ("token_type_hint", "access_token")]
            let answer =
                client == "native"
                ? try await city.gateway.post("/oauth2/revoke", form + [("client_id", "native")])
                : try await city.gateway.post("/oauth2/revoke", form, headers: [.authorization: city.basic(client)])
            #expect(answer.status == 200)
            for token in [tokens["access_token"], refreshed?["access_token"]] {
                expectInvalidToken(try await city.userinfo(token?.string))
            }
            expectTokenError(try await city.refresh(refreshed?["refresh_token"]?.string, client), 400, "invalid_grant")
            #expect(try await city.isAlive(other["access_token"]?.string))
        }
    }

    @Test(
        "of somebody who is suspended or away just now, and it stays dead when they come back",
        arguments: ["web", "opaque"], [false, true])
    func suspended(client: String, isAway: Bool) async throws {
        try await withCity { city in
            let (tokens, ended) = (try await city.tokens(client), try await city.tokens(client))
            let access = tokens["access_token"]?.string
            let other = try await city.tokens(client)["access_token"]?.string
            func set(_ isThere: Bool) async throws {
                let now = city.gateway.clock.now
                try await city.gateway.store.write { tx in
                    if isAway {
                        try tx.run("UPDATE sessions SET idle_ends_at = \(isThere ? now.adding(seconds: 3600) : now)")
                    } else {
                        let state: AccountState = isThere ? .aktif : .ditangguhkan
                        try tx.run("UPDATE accounts SET state = \(state.rawValue) WHERE password_hash IS NOT NULL")
                    }
                }
            }
            try await set(false)
            expectInvalidToken(try await city.userinfo(access))
            #expect(try await city.revoke(access, as: client).status == 200)
            #expect(try await city.revoke(ended["refresh_token"]?.string, as: client).status == 200)
            #expect(try await city.audit(.tokensRevoked).count == 2)
            try await set(true)
            for token in [access, ended["access_token"]?.string] { expectInvalidToken(try await city.userinfo(token)) }
            expectTokenError(try await city.refresh(ended["refresh_token"]?.string, client), 400, "invalid_grant")
            #expect(try await city.isAlive(other))
        }
    }

    @Test("a machine's own token, too")
    func machine() async throws {
        try await withCity { city in
            let token = try await city.token([("grant_type", "client_credentials")], "machine").json?["access_token"]?
                .string
            #expect(try await city.revoke(token, as: "machine").status == 200)
            #expect(try await city.introspect(token, as: "machine").json == ["active": false])
        }
    }

    @Test("another client's token stays alive, and the answer does not tell it from an unknown one")
    func others() async throws {
        try await withCity { city in
            let tokens = try await city.tokens("web", scope: "openid offline_access")
            let opaque = try await city.tokens("opaque")
            let unknown = try await city.revoke(SecureRandom.text(32), as: "plain")
            for token in [
                tokens["access_token"], tokens["refresh_token"], opaque["access_token"], opaque["refresh_token"], "x",
                "a.b.c", "\u{0}",
            ] {
                let answer = try await city.revoke(token?.string, as: "plain")
                #expect(answer.status == 200)
                #expect(answer.body == unknown.body)
            }
            #expect(try await city.isAlive(tokens["access_token"]?.string))
            #expect(try await city.isAlive(opaque["access_token"]?.string))
            #expect(try await city.refresh(tokens["refresh_token"]?.string).status == 200)
            #expect(try await city.audit(.tokensRevoked).isEmpty)
            expectTokenError(try await city.revoke("", as: "web"), 400, "invalid_request")
        }
    }
}
