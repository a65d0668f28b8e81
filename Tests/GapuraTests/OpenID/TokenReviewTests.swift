import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Edges of tokens that a reviewer found: bindings, audiences and what ends with what.
@Suite("Tokens: reviewed edges")
struct TokenReviewTests {
    @Test(
        "RFC 9449 section 5: a public client that proves a key at a refresh is bound to it from then on",
        arguments: bothEngines)
    func bound(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let tokens = try await city.tokens("native", scope: "openid profile")
            let key = try SigningKey.generate(.es256)
            func refresh(_ token: String?, _ key: SigningKey?) async throws -> TestAnswer {
                let form: Pairs = [
                    ("grant_type", "refresh_token"), ("refresh_token", token ?? ""), ("client_id", "native"),
                ]
                let headers = try key.map { City.dpop(try city.proof($0)) } ?? [:]
                return try await city.gateway.post("/oauth2/token", form, headers: headers)
            }
            let first = try await refresh(tokens["refresh_token"]?.string, key)
            #expect(first.json?["token_type"] == "DPoP", "\(first.text)")
            let next = first.json?["refresh_token"]?.string
            // The answer was lost: the same again, with a proof of its own.
            let retried = try await refresh(tokens["refresh_token"]?.string, key)
            #expect(retried.json?["refresh_token"]?.string == next)
            expectTokenError(try await refresh(next, nil), 400, "invalid_grant")
            expectTokenError(try await refresh(next, SigningKey.generate(.es256)), 400, "invalid_grant")
            #expect(try await refresh(next, key).status == 200)
        }
    }

    @Test("RFC 8707: a token that was aimed at a resource opens no userinfo, the client's usual one does")
    func aimed() async throws {
        try await withCity { city in
            let api = "https://api.contoh.go.id/arsip"
            try await city.addClient(
                "api",
                [
                    "client_name": "API", "grant_types": ["client_credentials"], "resource_server": true,
                    "audience": [.string(api)],
                ])
            let browser = try await city.signedIn()
            let code = try #require(
                try await city.authorize(city.asking("web") + [("resource", api)], in: browser).parameter("code"))
            let aimed = try await city.token(city.redeeming(code), "web").json?["access_token"]?.string
            expectInvalidToken(try await city.userinfo(aimed))
            // Asked for by the client's registration, not by name.
            #expect(try await city.isAlive(try await city.tokens("aimed")["access_token"]?.string))
            #expect(try await city.isAlive(try await city.tokens("web")["access_token"]?.string))
        }
    }

    @Test("a client that is not the city's own aims its own token only where an admin said")
    func ownToken() async throws {
        try await withCity { city in
            let (open, closed) = ("https://api.contoh.go.id/a", "https://api.contoh.go.id/b")
            try await city.addClient(
                "api",
                [
                    "client_name": "API", "grant_types": ["client_credentials"], "resource_server": true,
                    "audience": [.string(open), .string(closed)],
                ])
            let secret = try await city.addClient(
                "vendor",
                [
                    "client_name": "V", "grant_types": ["client_credentials"], "scope": "surat", "trusted": false,
                    "audience": [.string(open)],
                ])
            let header: HTTPFields = [.authorization: basicHeader("vendor", secret)]
            func ask(_ resource: String) async throws -> TestAnswer {
                try await city.gateway.post(
                    "/oauth2/token", [("grant_type", "client_credentials"), ("resource", resource)], headers: header)
            }
            #expect(try await ask(open).status == 200)
            expectTokenError(try await ask(closed), 400, "invalid_target")
        }
    }

    @Test("attack 94: a spent refresh token stays spent when its client gets a secret")
    func becameConfidential() async throws {
        try await withCity { city in
            let tokens = try await city.tokens("native")
            let old = tokens["refresh_token"]?.string
            #expect(try await city.refresh(old, "native").status == 200)
            city.gateway.clock.advance(seconds: 60)
            let registry = ClientRegistry(city.gateway.gateway.services)
            let (id, now) = (ClientID("native"), city.gateway.clock.now)
            let record = try #require(try await city.gateway.store.read { try $0.clients.find(id) })
            var json = try #require(try StrictJSON.parse(Array(record.settings.utf8)).object)
            json["token_endpoint_auth_method"] = "client_secret_basic"
            let metadata = try await registry.prepare(json)
            let secret = ClientRegistry.makeSecret()
            try await city.gateway.store.write { tx in
                _ = try registry.update(id, metadata, secret: secret, by: .system, in: tx, at: now)
            }
            let form: Pairs = [("grant_type", "refresh_token"), ("refresh_token", old ?? "")]
            let answer = try await city.gateway.post(
                "/oauth2/token", form, headers: [.authorization: basicHeader("native", secret)])
            expectTokenError(answer, 400, "invalid_grant")
            #expect(try await city.audit(.refreshTokenReused).count == 1)
        }
    }

    @Test("taking offline_access from a client ends what it had of it, once the session is over")
    func offlineTaken() async throws {
        try await withCity { city in
            let tokens = try await city.tokens("web", scope: "openid offline_access")
            #expect(try await city.refresh(tokens["refresh_token"]?.string).status == 200)
            try await city.run(
                "UPDATE clients SET settings = \(try await settings(city, "web", "scope", "openid profile")) WHERE id = 'web'"
            )
            #expect(try await city.refresh(tokens["refresh_token"]?.string).status == 200)
            city.gateway.clock.advance(seconds: 13 * 3600)
            expectTokenError(try await city.refresh(tokens["refresh_token"]?.string), 400, "invalid_grant")
        }
    }

    @Test(
        "attack 86: a code that was sent with a target that nobody is, is spent; of FAPI clients it lives a minute at most"
    )
    func codes() async throws {
        try await withCity(configure: { $0.codeLifetime = 600 }) { city in
            let code = try await city.freshCode()
            let form = try city.redeeming(code)
            expectTokenError(try await city.token(form + [("resource", "urn:nobody")], "web"), 400, "invalid_target")
            expectTokenError(try await city.token(form, "web"), 400, "invalid_grant")

            let client = try await city.addStrictClient()
            let browser = try await city.signedIn()
            let handle = try await city.pushed(client)
            let strict = try #require(
                try await city.authorize(city.bringing(handle, client.id), in: browser).parameter("code"))
            city.gateway.clock.advance(seconds: 60)
            let late = try await city.gateway.post(
                "/oauth2/token", city.redeeming(strict) + client.assertion(city),
                headers: City.dpop(city.proof(SigningKey.generate(.es256))))
            expectTokenError(late, 400, "invalid_grant")
        }
    }

    @Test("an access token says the end that it has: no later than the session that it hangs below")
    func ends() async throws {
        try await withCity(configure: {
            $0.sessionAbsolute = 7200; $0.sessionIdle = 7200
        }) { city in
            let tokens = try await city.tokens("web")
            city.gateway.clock.advance(seconds: 7200 - 100)
            let last = try await city.refresh(tokens["refresh_token"]?.string).json
            #expect(last?["expires_in"] == 100)
            let claims = try city.claims(of: last?["access_token"]?.string)
            #expect(claims["exp"]?.integer == city.gateway.clock.now.seconds + 100)
        }
    }

    private func settings(_ city: City, _ client: String, _ name: String, _ value: JSONValue) async throws -> String {
        let record = try #require(try await city.gateway.store.read { try $0.clients.find(ClientID(client)) })
        var json = try #require(try StrictJSON.parse(Array(record.settings.utf8)).object)
        json[name] = value
        return JSONValue.object(json).encodedText()
    }
}
