import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import PostgresTesting
import Testing

@testable import Gapura

/// Resource indicators (RFC 8707) and token exchange (RFC 8693).
@Suite("Resources and token exchange")
struct TokenExchangeTests {
    private static let api = "https://api.contoh.go.id"
    private static let type = "urn:ietf:params:oauth:token-type:access_token"

    /// `resource` of the small city answers for an API; `layanan` is a service that acts for people of `web`.
    private func withServices(
        on engine: Engine = .sqlite, _ body: (City, String) async throws -> Void
    ) async throws {
        try await withCity(on: engine) { city in
            try await city.addClient(
                "api",
                [
                    "client_name": "API", "grant_types": ["client_credentials"], "resource_server": true,
                    "audience": [.string(Self.api)],
                ])
            let secret = try await city.addClient(
                "layanan",
                [
                    "client_name": "Layanan", "grant_types": ["client_credentials", .string(TokenExchangeGrant.name)],
                    "scope": "profile simpeg.read", "audience": ["layanan"], "may_exchange": ["web", "opaque"],
                    "resource_server": true,
                ])
            try await body(city, secret)
        }
    }

    private func token(
        _ city: City, _ client: String, _ resources: [String], scope: String = "openid profile simpeg.read"
    )
        async throws -> JSONValue
    {
        let browser = try await city.signedIn()
        let pairs = city.asking(client, ["scope": scope]) + resources.map { ("resource", $0) }
        let code = try #require(try await city.authorize(pairs, in: browser).parameter("code"))
        return try #require(try await city.token(city.redeeming(code), client).json)
    }

    private func exchange(
        _ city: City, _ secret: String, _ subject: String?, _ more: Pairs = [], as service: String = "layanan",
        proof: String? = nil
    ) async throws -> TestAnswer {
        var form: Pairs = [
            ("grant_type", TokenExchangeGrant.name), ("subject_token", subject ?? ""),
            ("subject_token_type", Self.type),
        ]
        form = form.filter { pair in !more.contains { $0.name == pair.name } } + more
        var headers = proof.map { City.dpop($0) } ?? [:]
        headers[.authorization] = basicHeader(service, secret)
        return try await city.gateway.post("/oauth2/token", form, headers: headers)
    }

    // MARK: Resources

    @Test(
        "a token is for the resources that were asked for, and a refresh or a code for some of them",
        arguments: bothEngines)
    func resources(engine: Engine) async throws {
        try await withServices(on: engine) { city, _ in
            let tokens = try await token(
                city, "web", [Self.api, "resource:x".replacing("resource:x", with: TestGateway.issuer)])
            #expect(
                try city.claims(of: tokens["access_token"]?.string)["aud"]
                    == [.string(Self.api), .string(TestGateway.issuer)])
            let refresh = tokens["refresh_token"]?.string
            let one = try await city.refresh(refresh, "web", [("resource", Self.api)]).json
            #expect(try city.claims(of: one?["access_token"]?.string)["aud"] == .string(Self.api))
            let all = try await city.refresh(refresh, "web").json
            #expect(try city.claims(of: all?["access_token"]?.string)["aud"]?.array?.count == 2)
            expectTokenError(
                try await city.refresh(refresh, "web", [("resource", "https://lain.contoh.go.id")]), 400,
                "invalid_target")
            // The API may look at a token that is for it.
            let told = try await city.introspect(one?["access_token"]?.string, as: "resource").json
            #expect(told == ["active": false])
        }
    }

    @Test("attack 97: a resource beyond what was authorized, unknown, or no URI is invalid_target")
    func wrongResources() async throws {
        try await withServices { city, _ in
            let browser = try await city.signedIn()
            for resource in [
                "https://lain.contoh.go.id", "relative", "/x", "https://api.contoh.go.id#x", ":x", "a b:c", "x:",
                String(repeating: "x", count: 3000), Self.api + "/", "HTTPS://api.contoh.go.id",
            ] {
                let answer = try await city.authorize(
                    city.asking("web", [:]) + [("resource", resource)], in: browser)
                expectRedirect(answer, "invalid_target")
            }
            let many = (0..<11).map { ("resource", "https://api.contoh.go.id/\($0)") }
            expectRedirect(try await city.authorize(city.asking("web") + many, in: browser), "invalid_target")
            let tokens = try await token(city, "web", [Self.api])
            expectTokenError(
                try await city.refresh(tokens["refresh_token"]?.string, "web", [("resource", TestGateway.issuer)]), 400,
                "invalid_target")
            let machine = try await city.token(
                [("grant_type", "client_credentials"), ("resource", Self.api)], "machine")
            #expect(try city.claims(of: machine.json?["access_token"]?.string)["aud"] == .string(Self.api))
            expectTokenError(
                try await city.token([("grant_type", "client_credentials"), ("resource", "urn:x")], "machine"), 400,
                "invalid_target")
        }
    }

    // MARK: Exchange

    @Test(
        "a service gets a narrower token for the person, with act, no longer than the one it came from",
        arguments: bothEngines, ["web", "opaque"])
    func exchanges(engine: Engine, client: String) async throws {
        try await withServices(on: engine) { city, secret in
            try await city.addClient(
                "layanan-uri",
                [
                    "client_name": "U", "grant_types": ["client_credentials"], "resource_server": true,
                    "audience": ["urn:layanan"],
                ])
            let browser = try await city.signedIn()
            let registry = ClientRegistry(city.gateway.gateway.services)
            let record = try #require(try await city.gateway.store.read { try $0.clients.find(ClientID("layanan")) })
            var json = try #require(try StrictJSON.parse(Array(record.settings.utf8)).object)
            json["audience"] = ["urn:layanan"]
            let metadata = try await registry.prepare(json)
            let now = city.gateway.clock.now
            try await city.gateway.store.write { tx in
                _ = try registry.update(record.id, metadata, secret: "", by: .system, in: tx, at: now)
            }
            let pairs = city.asking(client, ["scope": "openid profile simpeg.read"]) + [("resource", "urn:layanan")]
            let code = try #require(try await city.authorize(pairs, in: browser).parameter("code"))
            let subject = try #require(
                try await city.token(city.redeeming(code), client).json?["access_token"]?.string)
            city.gateway.clock.advance(seconds: 100)

            let answer = try await exchange(city, secret, subject, [("resource", Self.api), ("scope", "simpeg.read")])
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json?["issued_token_type"]?.string == Self.type)
            #expect(answer.json?["expires_in"] == 200)
            #expect(answer.json?["scope"] == "simpeg.read")
            #expect(answer.json?["refresh_token"] == nil)
            #expect(answer.json?["id_token"] == nil)
            let token = try #require(answer.json?["access_token"]?.string)
            let claims = try city.claims(of: token)
            #expect(claims["sub"] == .string(try #require(city.people["ujang"]).sub))
            #expect(claims["act"] == ["sub": "layanan"])
            #expect(claims["client_id"] == "layanan")
            #expect(claims["aud"] == .string(Self.api))
            #expect(try await city.audit(.tokensExchanged).count == 1)
            // It is no key to the person's data here, and not exchanged again.
            #expect(try await city.isAlive(token) == false)
            expectTokenError(try await exchange(city, secret, token), 400, "invalid_request")
            // It ends with what it came from.
            func isActive() async throws -> Bool {
                try await city.gateway.post(
                    "/oauth2/introspect", [("token", token)],
                    headers: [.authorization: basicHeader("layanan", secret)]
                ).json?["active"]?.bool ?? false
            }
            #expect(try await isActive())
            let account = try #require(city.people["ujang"])
            let later = city.gateway.clock.now
            let sessions = try await city.gateway.store.read { try $0.sessions.listLive(of: account.id, at: later) }
            let session = try #require(sessions.first)
            _ = try await city.gateway.store.write { tx in
                try SessionEnding.end(session.id, of: account, reason: .admin, by: .system, in: tx, at: later)
            }
            #expect(try await isActive() == false)
        }
    }

    @Test("of a token that is bound to a key comes one that is bound to the service's key, and never one for anybody")
    func bound() async throws {
        try await withServices { city, _ in
            let secret = try await city.addClient(
                "arsip",
                [
                    "client_name": "Arsip", "grant_types": [.string(TokenExchangeGrant.name)], "scope": "simpeg.read",
                    "audience": ["urn:arsip"], "may_exchange": ["web"], "resource_server": true,
                ])
            let (person, service) = (try SigningKey.generate(.es256), try SigningKey.generate(.es256))
            let pairs = city.asking("web", ["scope": "openid simpeg.read"]) + [("resource", "urn:arsip")]
            let code = try #require(try await city.authorize(pairs, in: city.signedIn()).parameter("code"))
            var headers = City.dpop(try city.proof(person))
            headers[.authorization] = city.basic("web")
            let answer = try await city.gateway.post("/oauth2/token", city.redeeming(code), headers: headers)
            let subject = try #require(answer.json?["access_token"]?.string)
            #expect(answer.json?["token_type"] == "DPoP")

            let target: Pairs = [("resource", Self.api), ("scope", "simpeg.read")]
            expectTokenError(
                try await exchange(city, secret, subject, target, as: "arsip"), 400, "invalid_dpop_proof")
            #expect(try await city.audit(.tokensExchanged).isEmpty)
            let given = try await exchange(city, secret, subject, target, as: "arsip", proof: city.proof(service))
            #expect(given.status == 200, "\(given.text)")
            #expect(given.json?["token_type"] == "DPoP")
            let claims = try city.claims(of: given.json?["access_token"]?.string)
            #expect(claims["cnf"]?["jkt"] == .string(try service.verificationKey.thumbprint()))
        }
    }

    @Test(
        "attack 106: an expired, foreign, wider or wrongly named subject is refused, and so is who did not register for it"
    )
    func refused() async throws {
        try await withServices { city, secret in
            let good = try await token(city, "web", [])
            let access = good["access_token"]?.string
            // Not meant for the service.
            expectTokenError(try await exchange(city, secret, access), 400, "invalid_request")
            for subject in [nil, "", "x", good["refresh_token"]?.string, good["id_token"]?.string] {
                expectTokenError(try await exchange(city, secret, subject), 400, "invalid_request")
            }
            for more in [
                [("subject_token_type", "urn:ietf:params:oauth:token-type:id_token")], [("subject_token_type", "")],
                [("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")],
                [("actor_token", "x")], [("actor_token_type", Self.type)],
            ] as [Pairs] {
                expectTokenError(try await exchange(city, secret, access, more), 400, "invalid_request")
            }
            // Of a client that the service does not act for.
            let other = try await token(city, "es", [])
            expectTokenError(
                try await exchange(city, secret, other["access_token"]?.string), 400, "invalid_request")
            // Off by default.
            let form: Pairs = [
                ("grant_type", TokenExchangeGrant.name), ("subject_token", access ?? ""),
                ("subject_token_type", Self.type),
            ]
            expectTokenError(try await city.token(form, "web"), 400, "unauthorized_client")
            expectTokenError(try await city.token(form, "machine"), 400, "unauthorized_client")
            for change in [
                ["trusted": false], ["token_endpoint_auth_method": "none"], ["may_exchange": .null],
                ["may_exchange": ["a b"]], ["may_exchange": "web"],
            ] as [JSONObject] {
                var metadata: JSONObject = [
                    "client_name": "X", "grant_types": [.string(TokenExchangeGrant.name)], "may_exchange": ["web"],
                ]
                for member in change.members { metadata[member.key] = member.value.isNull ? nil : member.value }
                let asked = metadata
                #expect(throws: OAuthError.self) { try ClientMetadata(asked, settings: GatewaySettings()) }
            }
        }
    }

    @Test("attack 106: never more scope than the subject and the service have, and no target that nobody is")
    func narrower() async throws {
        try await withServices { city, secret in
            try await city.addClient(
                "tujuan",
                [
                    "client_name": "T", "redirect_uris": [.string(City.redirectURI)], "audience": ["layanan"],
                    "scope": "openid profile email simpeg.read offline_access", "token_endpoint_auth_method": "none",
                ])
            let registry = ClientRegistry(city.gateway.gateway.services)
            let record = try #require(try await city.gateway.store.read { try $0.clients.find(ClientID("layanan")) })
            var json = try #require(try StrictJSON.parse(Array(record.settings.utf8)).object)
            json["may_exchange"] = ["tujuan"]
            let metadata = try await registry.prepare(json)
            let now = city.gateway.clock.now
            try await city.gateway.store.write { tx in
                _ = try registry.update(record.id, metadata, secret: "", by: .system, in: tx, at: now)
            }
            let code = try await city.freshCode(
                "tujuan", ["scope": "openid profile email simpeg.read offline_access"])
            let access = try await city.token(city.redeeming(code), "tujuan").json?["access_token"]?.string
            let whole = try await exchange(city, secret, access)
            #expect(whole.json?["scope"] == "profile simpeg.read", "\(whole.text)")
            for scope in ["email", "openid", "offline_access", "profile simpeg.write", "tte"] {
                expectTokenError(try await exchange(city, secret, access, [("scope", scope)]), 400, "invalid_scope")
            }
            for target in [("resource", "https://lain.contoh.go.id"), ("audience", "tidak-ada"), ("resource", "x")] {
                expectTokenError(try await exchange(city, secret, access, [target]), 400, "invalid_target")
            }
            let aimed = try await exchange(city, secret, access, [("audience", "resource")])
            #expect(try city.claims(of: aimed.json?["access_token"]?.string)["aud"] == "resource")
            city.gateway.clock.advance(seconds: 301)
            expectTokenError(try await exchange(city, secret, access), 400, "invalid_request")
        }
    }
}
