import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Items of oidc-behaviours.md about ID tokens and the token endpoint.
@Suite("Tokens: behaviours")
struct TokenBehaviourTests {
    @Test("behaviour 31: iss, aud, exp, iat and sub are there, exact, in seconds")
    func claims() async throws {
        try await withCity { city in
            let claims = try city.claims(of: try await city.tokens()["id_token"]?.string)
            let now = city.gateway.clock.now.seconds
            #expect(claims["iss"] == .string(TestGateway.issuer))
            #expect(claims["aud"] == "web")
            #expect(claims["iat"] == .integer(now))
            #expect(claims["exp"] == .integer(now + 300))
            #expect(claims["sub"] == .string(try #require(city.people["ujang"]).sub))
        }
    }

    @Test(
        "behaviour 32: kid is in the JWKS with matching kty, alg and use; RS256 unless the client registered another",
        arguments: [("web", "RS256", "RSA"), ("es", "ES256", "EC")])
    func signature(client: String, algorithm: String, kty: String) async throws {
        try await withCity { city in
            let token = try await city.tokens(client)["id_token"]?.string
            let header = try city.header(of: token)
            #expect(header["alg"] == .string(algorithm))
            #expect(header["typ"] == "JWT")
            let keys = try #require(try await city.gateway.send(.get, "/oauth2/jwks").json?["keys"]?.array)
            let named = keys.filter { $0["kid"] == header["kid"] }
            #expect(named.count == 1)
            #expect(named.first?["kty"] == .string(kty))
            #expect(named.first?["alg"] == .string(algorithm))
            #expect(named.first?["use"] == "sig")
            let set = try JSONWebKeySet(try #require(try await city.gateway.send(.get, "/oauth2/jwks").json?.object))
            let jws = try JWS(try #require(token))
            #expect(throws: Never.self) { try jws.verify(with: try #require(set.key(jws.kid))) }
        }
    }

    @Test("behaviour 35: an ID token holds what the protocol needs and nothing that was not asked for")
    func members() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for scope in ["openid", "openid profile email phone asn"] {
                let claims = try city.claims(
                    of: try await city.tokens("web", scope: scope, in: browser)["id_token"]?.string)
                #expect(
                    Set(claims.keys) == [
                        "iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "amr", "sid", "at_hash",
                    ])
                #expect(claims["amr"] == ["pwd"])
            }
        }
    }

    @Test("behaviour 36: at_hash is the left half of the hash that belongs to the algorithm")
    func atHashes() async throws {
        try await withCity { city in
            for (algorithm, hash) in [
                ("ES384", { SHA384.hash(Array($0.utf8)) }), ("PS512", { SHA512.hash(Array($0.utf8)) }),
                ("EdDSA", { SHA512.hash(Array($0.utf8)) }),
            ] as [(String, (String) -> [UInt8])] {
                let id = algorithm.lowercased()
                try await city.addClient(
                    id,
                    [
                        "client_name": .string(id), "redirect_uris": [.string(City.redirectURI)],
                        "token_endpoint_auth_method": "none", "id_token_signed_response_alg": .string(algorithm),
                    ])
                let code = try await city.freshCode(id)
                let tokens = try await city.token(city.redeeming(code), id).json
                let half = hash(try #require(tokens?["access_token"]?.string))
                #expect(
                    try city.claims(of: tokens?["id_token"]?.string)["at_hash"]
                        == .string(Base64URL.encode(half.prefix(half.count / 2))), "\(algorithm)")
            }
        }
    }

    @Test("behaviour 36: at_hash, where it is, is right", arguments: ["web", "es", "opaque"])
    func atHash(client: String) async throws {
        try await withCity { city in
            let tokens = try await city.tokens(client)
            let access = try #require(tokens["access_token"]?.string)
            let expected = Base64URL.encode(SHA256.hash(access).prefix(16))
            #expect(try city.claims(of: tokens["id_token"]?.string)["at_hash"] == .string(expected))
        }
    }

    @Test("behaviour 39: user and password of Basic are form-urlencoded: %2B, + for a space, %3A and %25 work")
    func encodedBasic() async throws {
        try await withCity { city in
            for secret in [
                "a+b", "a b", "a:b", "a%b", "a%2Bb", "\u{e9}", "a&b=c", ":", "+", String(repeating: "s", count: 500),
            ] {
                let now = city.gateway.clock.now
                let registry = ClientRegistry(city.gateway.gateway.services)
                try await city.gateway.store.write { tx in
                    _ = try registry.changeSecret(of: ClientID("machine"), to: secret, by: .system, in: tx, at: now)
                }
                let form: Pairs = [("grant_type", "client_credentials")]
                let answer = try await city.gateway.post(
                    "/oauth2/token", form, headers: [.authorization: basicHeader("machine", secret)])
                #expect(answer.status == 200, "\(secret)")
                let plus = basicHeader("machine", secret + "+")
                expectTokenError(
                    try await city.gateway.post("/oauth2/token", form, headers: [.authorization: plus]), 401,
                    "invalid_client")
            }
            // The scheme in any case.
            let lower = "bAsIc" + city.basic("web").dropFirst(5)
            expectTokenError(
                try await city.gateway.post(
                    "/oauth2/token", [("grant_type", "refresh_token"), ("refresh_token", "x")],
                    headers: [.authorization: lower]), 400,
                "invalid_grant"
            )
        }
    }

    @Test("behaviour 39: client_secret_post works for the client that registered it")
    func postedSecret() async throws {
        try await withCity { city in
            let code = try await city.freshCode("post")
            let answer = try await city.gateway.post(
                "/oauth2/token",
                city.redeeming(code) + [("client_id", "post"), ("client_secret", try #require(city.secrets["post"]))]
            )
            #expect(answer.status == 200)
            #expect(answer.json?["id_token"]?.string != nil)
        }
    }

    @Test(
        "behaviour 41 and behaviour 42: 200, JSON, no-store, Bearer, a number of seconds, and tokens nobody can guess",
        arguments: ["web", "opaque", "native"])
    func success(client: String) async throws {
        try await withCity { city in
            let answer = try await city.token(city.redeeming(try await city.freshCode(client)), client)
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == "application/json")
            #expect(answer.headers[.cacheControl] == "no-store")
            let json = try #require(answer.json?.object)
            #expect(
                Set(json.keys) == ["access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"])
            #expect(json["token_type"] == "Bearer")
            #expect(json["expires_in"] == 300)
            for name in ["access_token", "refresh_token"] {
                let token = try #require(json[name]?.string)
                #expect(token.utf8.allSatisfy { (0x21...0x7e).contains($0) })
                #expect(entropy(token) > 96)
            }
        }
    }

    @Test("behaviour 41: a JWT access token is as RFC 9068 wants it")
    func accessToken() async throws {
        try await withCity { city in
            let tokens = try await city.tokens("web", scope: "openid email")
            let access = tokens["access_token"]?.string
            let header = try city.header(of: access)
            #expect(header["typ"] == "at+jwt")
            #expect(header["alg"] == "RS256")
            let claims = try city.claims(of: access)
            let id = try city.claims(of: tokens["id_token"]?.string)
            let now = city.gateway.clock.now.seconds
            #expect(
                Set(claims.keys) == [
                    "iss", "sub", "client_id", "iat", "exp", "jti", "aud", "scope", "sid", "auth_time", "acr", "amr",
                ]
            )
            #expect(claims["iss"] == .string(TestGateway.issuer))
            #expect(claims["aud"] == .string(TestGateway.issuer))
            #expect(claims["client_id"] == "web")
            #expect(claims["scope"] == "openid email")
            #expect(claims["iat"] == .integer(now))
            #expect(claims["exp"] == .integer(now + 300))
            for name in ["sub", "sid", "auth_time", "acr", "amr"] { #expect(claims[name] == id[name]) }
        }
    }

    @Test("behaviour 43: errors are JSON with legal characters, 400, and only invalid_client is 401")
    func errors() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let answers: [(TestAnswer, Int, String)] = [
                (try await city.token([], "web"), 400, "invalid_request"),
                (try await city.token([("grant_type", "authorization_code")], "web"), 400, "invalid_request"),
                (try await city.token([("grant_type", "refresh_token")], "web"), 400, "invalid_request"),
                (try await city.redeem("x"), 400, "invalid_grant"), (try await city.refresh("x"), 400, "invalid_grant"),
                (try await city.token([("grant_type", "x")], "web"), 400, "unsupported_grant_type"),
                (try await city.token([("grant_type", "client_credentials")], "web"), 400, "unauthorized_client"),
                (
                    try await city.token([("grant_type", "client_credentials"), ("scope", "openid")], "machine"), 400,
                    "invalid_scope"
                ),
                (try await city.redeem(try await city.freshCode(in: browser), "tidak-ada"), 401, "invalid_client"),
            ]
            for (answer, status, error) in answers { expectTokenError(answer, status, error) }
        }
    }

    @Test(
        "behaviour 44: the second use of a code, at once or after 30 seconds, is invalid_grant, and the first token is dead"
    )
    func secondUse() async throws {
        try await withCity { city in
            for wait in [0, 30] as [Int64] {
                let code = try await city.freshCode()
                let access = try await city.token(city.redeeming(code), "web").json?["access_token"]?.string
                #expect(try await city.isAlive(access))
                city.gateway.clock.advance(seconds: wait)
                expectTokenError(try await city.token(city.redeeming(code), "web"), 400, "invalid_grant")
                expectInvalidToken(try await city.userinfo(access))
            }
        }
    }

    @Test("behaviour 45: a code belongs to its client and its redirect_uri, and lives 60 seconds")
    func bound() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for uri in [City.redirectURI + "?dummy1=lorem", City.redirectURI + "/", nil, "", "https://evil.example/"]
                as [String?]
            {
                let code = try await city.freshCode(in: browser)
                expectTokenError(
                    try await city.token(city.redeeming(code, ["redirect_uri": uri]), "web"), 400, "invalid_grant")
            }
            let others = try await city.freshCode(in: browser)
            expectTokenError(try await city.token(city.redeeming(others), "plain"), 400, "invalid_grant")

            let late = try await city.freshCode(in: browser)
            city.gateway.clock.advance(seconds: 59)
            let inTime = try await city.freshCode(in: browser)
            city.gateway.clock.advance(seconds: 1)
            expectTokenError(try await city.token(city.redeeming(late), "web"), 400, "invalid_grant")
            city.gateway.clock.advance(seconds: 58)
            #expect(try await city.token(city.redeeming(inTime), "web").status == 200)
        }
    }

    @Test(
        "behaviour 46: a refresh gives another access token, and scope may be repeated",
        arguments: ["web", "native", "opaque"])
    func refresh(client: String) async throws {
        try await withCity { city in
            let first = try await city.tokens(client, scope: "openid email offline_access")
            let answer = try await city.refresh(
                first["refresh_token"]?.string, client, [("scope", "openid email offline_access")])
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == "application/json")
            #expect(answer.headers[.cacheControl] == "no-store")
            let second = try #require(answer.json)
            #expect(second["access_token"] != first["access_token"])
            #expect(second["expires_in"] == 300)
            #expect(second["scope"] == "openid email offline_access")
            let refresh = try #require(second["refresh_token"]?.string)
            #expect((refresh == first["refresh_token"]?.string) == (client != "native"))
            #expect(try Base64URL.decode(refresh).count == 32)
            #expect(entropy(refresh) > 96)
        }
    }

    @Test(
        "behaviour 47: a refreshed ID token has the same iss, sub, aud, sid and auth_time, and another iat",
        arguments: ["web", "native"])
    func refreshedIDToken(client: String) async throws {
        try await withCity { city in
            let tokens = try await city.tokens(client, [("nonce", "n-1")])
            let first = try city.claims(of: tokens["id_token"]?.string)
            city.gateway.clock.advance(seconds: 1)
            let second = try city.claims(
                of: try await city.refresh(tokens["refresh_token"]?.string, client).json?["id_token"]?.string)
            for name in ["iss", "sub", "aud", "azp", "auth_time", "sid", "acr", "amr"] {
                #expect(second[name] == first[name], "\(name)")
            }
            #expect(second["iat"] == .integer(city.gateway.clock.now.seconds))
            #expect(second["iat"] != first["iat"])
            #expect(!second.contains("azp"))
        }
    }

    @Test("behaviour 48: another client's refresh token is invalid_grant")
    func otherClientsRefresh() async throws {
        try await withCity { city in
            let refresh = try await city.tokens("plain")["refresh_token"]?.string
            expectTokenError(try await city.refresh(refresh, "web"), 400, "invalid_grant")
        }
    }
}
