import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Introspection, RFC 7662; group F of attacks.md.
@Suite("Introspection")
struct IntrospectionTests {
    private static let inactive: JSONValue = ["active": false]

    @Test(
        "a client sees its own token, JWT or opaque, and the user name only where it may read the profile",
        arguments: ["web", "opaque"], ["openid email", "openid profile"])
    func own(client: String, scope: String) async throws {
        try await withCity { city in
            let tokens = try await city.tokens(client, scope: scope)
            let now = city.gateway.clock.now.seconds
            let answer = try await city.introspect(tokens["access_token"]?.string, as: client)
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == "application/json")
            #expect(answer.headers[.cacheControl] == "no-store")
            var expected: JSONObject = [
                "active": true, "iss": .string(TestGateway.issuer), "sub": .string(city.people["ujang"]?.sub ?? ""),
                "client_id": .string(client),
                "token_type": "Bearer", "iat": .integer(now), "exp": .integer(now + 300),
                "aud": .string(TestGateway.issuer), "scope": .string(scope),
                "auth_time": .integer(now), "acr": "1",
            ]
            if scope.hasSuffix("profile") { expected["username"] = "ujang" }
            expected["sid"] = try city.claims(of: tokens["id_token"]?.string)["sid"]
            if client == "web" { expected["jti"] = try city.claims(of: tokens["access_token"]?.string)["jti"] }
            #expect(answer.json == .object(expected))
        }
    }

    @Test("a machine's token is about the machine")
    func machine() async throws {
        try await withCity { city in
            let token = try await city.token([("grant_type", "client_credentials")], "machine").json?["access_token"]?
                .string
            let answer = try await city.introspect(token, as: "machine").json
            #expect(answer?["active"] == true)
            #expect(answer?["sub"] == "machine")
            #expect(answer?["username"] == nil)
            #expect(answer?["sid"] == nil)
        }
    }

    @Test("attack 103: another client's token is inactive and nothing more")
    func others() async throws {
        try await withCity { city in
            for owner in ["web", "opaque", "aimed"] {
                let tokens = try await city.tokens(owner)
                for client in ["plain", "machine", "hs", "resource"] where !(owner == "aimed" && client == "resource") {
                    let answer = try await city.introspect(tokens["access_token"]?.string, as: client)
                    #expect(answer.status == 200)
                    #expect(answer.json == Self.inactive)
                }
                #expect(try await city.introspect(tokens["access_token"]?.string, as: owner).json?["active"] == true)
            }
        }
    }

    @Test("attack 103: a resource server sees tokens whose aud names it, byte for byte")
    func resourceServer() async throws {
        try await withCity { city in
            let token = try await city.tokens("aimed")["access_token"]?.string
            let answer = try await city.introspect(token, as: "resource").json
            #expect(answer?["active"] == true)
            #expect(answer?["aud"] == "resource")
            #expect(answer?["client_id"] == "aimed")
            // Being named is not enough without being registered as one, nor is a name that only begins alike.
            for (id, isServer, audience) in [
                ("bukan-rs", false, "bukan-rs"), ("rs", true, "rs2"), ("rs2", true, "rs"), ("RS3", true, "rs3"),
            ] {
                try await city.addClient(
                    "ke-\(id)",
                    [
                        "client_name": "X", "redirect_uris": [.string(City.redirectURI)],
                        "token_endpoint_auth_method": "none", "audience": [.string(audience)],
                    ]
                )
                let secret = try await city.addClient(
                    id, ["client_name": "Y", "grant_types": ["client_credentials"], "resource_server": .bool(isServer)]
                )
                let code = try await city.freshCode("ke-\(id)")
                let token = try await city.token(city.redeeming(code), "ke-\(id)").json?["access_token"]?.string
                #expect(try city.claims(of: token)["aud"] == .string(audience))
                let answer = try await city.gateway.post(
                    "/oauth2/introspect", [("token", token ?? "")], headers: [.authorization: basicHeader(id, secret)]
                )
                #expect(answer.json == Self.inactive, "\(id)")
            }
        }
    }

    @Test("attack 103: who does not prove who it is learns nothing, a public client neither")
    func unauthenticated() async throws {
        try await withCity { city in
            let token = try await city.tokens("native")["access_token"]?.string ?? ""
            expectTokenError(
                try await city.gateway.post("/oauth2/introspect", [("token", token)]), 401, "invalid_client")
            expectTokenError(
                try await city.gateway.post("/oauth2/introspect", [("token", token), ("client_id", "native")]), 401,
                "invalid_client")
            let bearer = try await city.gateway.post(
                "/oauth2/introspect", [("token", token)], headers: [.authorization: "Bearer \(token)"])
            expectTokenError(bearer, 401, "invalid_client")
            let wrong = try await city.gateway.post(
                "/oauth2/introspect", [("token", token)], headers: [.authorization: basicHeader("web", "x")])
            expectTokenError(wrong, 401, "invalid_client")
        }
    }

    @Test(
        "attack 104: the state is read each time: revoked, suspended, signed out, disabled and expired show in the very next answer",
        arguments: ["web", "opaque"])
    func neverCached(client: String) async throws {
        try await withCity { city in
            func isActive(_ token: String?) async throws -> Bool {
                let answer = try await city.introspect(token, as: client)
                if answer.json?["active"] != true { #expect(answer.json == Self.inactive) }
                return answer.json?["active"] == true
            }
            let browser = try await city.signedIn()
            let revoked = try await city.tokens(client, in: browser)["access_token"]?.string
            let token = try await city.tokens(client, in: browser)["access_token"]?.string
            for _ in 0..<3 { #expect(try await isActive(revoked)) }
            #expect(try await city.revoke(revoked, as: client).status == 200)
            #expect(try await !isActive(revoked))
            #expect(try await isActive(token))

            try await city.setState(of: "ujang", .ditangguhkan)
            #expect(try await !isActive(token))
            try await city.setState(of: "ujang", .aktif)
            #expect(try await isActive(token))

            let now = city.gateway.clock.now
            try await city.gateway.store.write { tx in
                guard var application = try tx.applications.find(slug: "simpeg") else { return }
                application.state = .disetujui
                try tx.applications.update(application)
            }
            // The client itself is out with its application; so it cannot even ask.
            expectTokenError(try await city.introspect(token, as: client), 401, "invalid_client")
            try await city.gateway.store.write { tx in
                guard var application = try tx.applications.find(slug: "simpeg") else { return }
                application.state = .aktif
                try tx.applications.update(application)
            }
            #expect(try await isActive(token))

            city.gateway.clock.advance(seconds: 299)
            #expect(try await isActive(token))
            city.gateway.clock.advance(seconds: 1)
            #expect(try await !isActive(token))
            #expect(city.gateway.clock.now == now.adding(seconds: 300))
        }
    }

    @Test("attack 104: a session that ended, by time or by an admin, ends its tokens in the very next answer")
    func sessionEnds() async throws {
        try await withCity(configure: { $0.tokenLifetime = 86_400 }) { city in
            let browser = try await city.signedIn()
            let token = try await city.tokens("web", in: browser)["access_token"]?.string
            #expect(try await city.introspect(token, as: "web").json?["active"] == true)
            let (account, now) = (try #require(city.people["ujang"]), city.gateway.clock.now)
            try await city.gateway.store.write {
                try SessionEnding.endAll(of: account, reason: .admin, by: .system, in: $0, at: now)
            }
            #expect(try await city.introspect(token, as: "web").json == Self.inactive)

            let idle = try await city.tokens("web")["access_token"]?.string
            city.gateway.clock.advance(seconds: 2 * 3600 - 1)
            #expect(try await city.introspect(idle, as: "web").json?["active"] == true)
            city.gateway.clock.advance(seconds: 1)
            #expect(try await city.introspect(idle, as: "web").json == Self.inactive)
        }
        let tireless: (inout GatewaySettings) -> Void = {
            $0.tokenLifetime = 86_400; $0.sessionIdle = 86_400
        }
        try await withCity(configure: tireless) { city in
            let token = try await city.tokens("web")["access_token"]?.string
            city.gateway.clock.advance(seconds: 12 * 3600 - 1)
            #expect(try await city.introspect(token, as: "web").json?["active"] == true)
            city.gateway.clock.advance(seconds: 1)
            #expect(try await city.introspect(token, as: "web").json == Self.inactive)
        }
    }

    @Test("what is no access token is inactive, whatever the hint says")
    func strangers() async throws {
        try await withCity { city in
            let tokens = try await city.tokens("web")
            let strange = [
                tokens["id_token"]?.string ?? "", tokens["refresh_token"]?.string ?? "", "x", ".", "..", "a.b.c",
                "\u{0}", SecureRandom.text(32),
                String(repeating: "a", count: 17_000) + ".b.c", String(repeating: ".", count: 10_000),
            ]
            for token in strange {
                for hint in ["access_token", "refresh_token", "ngawur"] {
                    let answer = try await city.gateway.post(
                        "/oauth2/introspect", [("token", token), ("token_type_hint", hint)],
                        headers: [.authorization: city.basic("web")]
                    )
                    #expect(answer.status == 200)
                    #expect(answer.json == Self.inactive)
                }
            }
            expectTokenError(try await city.introspect("", as: "web"), 400, "invalid_request")
        }
    }
}
