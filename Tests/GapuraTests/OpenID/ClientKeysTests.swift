import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Testing

@testable import Gapura

/// Clients' keys and secrets as the gateway holds them: what it keeps of a fetched set, and secrets that do not open.
@Suite("Clients' keys")
struct ClientKeysTests {
    private static let machine: Pairs = [("grant_type", "client_credentials"), ("scope", "simpeg.read")]
    /// What an answer may be long.
    private static let longest = 262_144

    // MARK: Fetched sets

    /// A key set that is so many bytes long.
    private static func set(_ key: SigningKey, bytes: Int) throws -> String {
        let text = JSONValue.object(["keys": [.object(try key.verificationKey.jsonWebKey().members)]]).encodedText()
        return text + String(repeating: " ", count: bytes - text.utf8.count)
    }

    @Test("attack 257: a key set at jwks_uri may have 256 KiB and not a byte more, with its length said or not")
    func longest() async throws {
        let key = try SigningKey.generate(.es256)
        let sizes = ["fits": Self.longest, "over": Self.longest + 1]
        try await withTestServer { request in
            let parts = request.uri.path.split(separator: "/").map(String.init)
            guard parts.count == 2, let size = sizes[parts[0]] else { return .plain(.notFound) }
            let text = try Self.set(key, bytes: size)
            if parts[1] == "said" { return .plain(.ok, text) }
            let chunks = ResponseBody { writer in
                try await writer.write(ByteBuffer(string: text))
                try await writer.finish(nil)
            }
            return Response(status: .ok, body: chunks)
        } _: { port in
            try await withCity { city in
                for path in ["fits/said", "fits/unsaid", "over/said", "over/unsaid"] {
                    let status = path.hasPrefix("fits") ? 200 : 401
                    let id = path.replacing("/", with: "-")
                    _ = try await city.addSigningClient(
                        id, .es256, ["jwks": .null, "jwks_uri": .string("http://127.0.0.1:\(port)/\(path)")])
                    let client = SigningClient(id: id, key: key)
                    let answer = try await city.gateway.post("/oauth2/token", Self.machine + client.assertion(city))
                    #expect(answer.status == status, "\(path): \(answer.text)")
                    // Not read and then refused: what is over is never in memory.
                    let clients = city.gateway.gateway.clients
                    let found = try await city.gateway.store.read { try clients.findAny(ClientID(id), in: $0) }
                    let problem = await clients.keys.problem(of: try #require(found))
                    #expect(problem == (status == 200 ? nil : OutgoingError.Kind.tooLarge.rawValue), "\(path)")
                }
            }
        }
    }

    @Test("attack 260: of fetched sets only what was parsed stays; the bytes go after half a minute, and are few")
    func dropped() async throws {
        let key = try SigningKey.generate(.es256)
        try await withTestServer { _ in
            .plain(.ok, try Self.set(key, bytes: 1000))
        } _: { port in
            try await withCity { city in
                let signing = try await city.addSigningClient()
                let keys = city.gateway.gateway.clients.keys
                let settings = city.gateway.gateway.services.settings
                let known = try #require(
                    try await city.gateway.store.read {
                        try city.gateway.gateway.clients.findAny(ClientID(signing.id), in: $0)
                    })
                let jws = try JWS(city.forge(signing.assertionClaims(city), with: key))
                /// Has the key of a client fetched whose set lies elsewhere.
                func ask(_ number: Int) async throws {
                    var json = known.metadata.jsonObject
                    json["jwks"] = nil
                    json["jwks_uri"] = .string("http://127.0.0.1:\(port)/\(number)")
                    let client = Client(record: known.record, metadata: try ClientMetadata(json, settings: settings))
                    #expect(try await keys.key(for: jws, of: client)?.kid == key.kid)
                }
                for number in 1...3 { try await ask(number) }
                #expect(keys.fetchedCount == 3)
                city.gateway.clock.advance(seconds: 30)
                try await ask(4)
                #expect(keys.fetchedCount == 1)
                // The parsed set goes on without them.
                try await ask(1)
                #expect(keys.fetchedCount == 1)
                for number in 5...130 {
                    try await ask(number)
                    #expect(keys.fetchedCount <= 100)
                }
            }
        }
    }

    // MARK: Secrets that do not open

    /// Seals a client's secret as another gateway's keys would have: after a restore with other keys.
    private func spoil(_ id: String, _ city: City) async throws {
        let folder = try TestFolder()
        let sealed = try SecretKeys.open(folder: folder.path + "/keys").seal("rahasia", for: id)
        try await city.gateway.store.write { tx in
            var record = try #require(try tx.clients.find(ClientID(id)))
            #expect(record.sealedSecret != nil)
            record.sealedSecret = sealed
            try tx.clients.update(record)
        }
    }

    /// The gateway with a log of the test's own, and what of a client's sealed secret was told it.
    private func withLog(_ city: City, _ body: (TestGateway) async throws -> Void) async throws -> [String] {
        let lines = LogLines()
        try await body(try city.gateway.logging(to: Logger(label: "test") { _ in lines }))
        #expect(!lines.all.contains { $0.message == "request.failed" })
        return lines.all.filter { $0.message == "request.refused" }.compactMap { $0.metadata["reason"] }
    }

    @Test("a secret that does not open, of client_secret_jwt: invalid_client wherever it signs, and a line for each")
    func assertion() async throws {
        try await withCity { city in
            let secret = try await city.addClient(
                "rahasia",
                [
                    "client_name": "Rahasia", "grant_types": ["client_credentials"], "scope": "simpeg.read",
                    "token_endpoint_auth_method": "client_secret_jwt",
                ])
            let client = SigningClient(
                id: "rahasia", key: try SigningKey(secret: Array(secret.utf8), algorithm: .hs256))
            let good = try await city.gateway.post("/oauth2/token", Self.machine + client.assertion(city))
            #expect(good.status == 200, "\(good.text)")
            try await spoil(client.id, city)
            let reasons = try await withLog(city) { gateway in
                for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
                    let form = try Self.machine + [("token", "x")] + client.assertion(city)
                    expectTokenError(try await gateway.post(path, form), 401, "invalid_client")
                }
            }
            #expect(reasons.count == 3 && reasons.allSatisfy { $0.contains("secret does not open") }, "\(reasons)")
            // A new one mends it.
            let made = try await city.operate("client.secret", ["client_id": "rahasia"])["client_secret"]?.string
            let key = try SigningKey(secret: Array(try #require(made).utf8), algorithm: .hs256)
            let mended = try await city.gateway.post("/oauth2/token", Self.machine + client.assertion(city, with: key))
            #expect(mended.status == 200, "\(mended.text)")
        }
    }

    @Test("a secret that does not open, of HS256: no ID token but invalid_client and a line, and its hint is none")
    func signature() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let tokens = try await city.tokens("hs")
            let hint = tokens["id_token"]?.string
            let code = try await city.freshCode("hs", in: browser)
            let other = try await city.freshCode("web", in: browser)
            try await spoil("hs", city)
            let reasons = try await withLog(city) { gateway in
                let answer = try await gateway.post(
                    "/oauth2/token", city.redeeming(code), headers: [.authorization: city.basic("hs")])
                expectTokenError(answer, 401, "invalid_client")
                #expect(answer.json?["error_description"]?.string?.contains("needs a new one") == true)
            }
            #expect(reasons.count == 1 && reasons[0].contains("secret does not open"), "\(reasons)")
            // Nothing proves the hint any more: as good as one of a stranger.
            let reader = IDTokenHintReader(city.gateway.gateway.services, clients: city.gateway.gateway.clients)
            #expect(try await reader.read(try #require(hint)) == nil)
            let asked = try await city.authorize(
                city.asking("hs", ["id_token_hint": hint, "prompt": "none"]), in: browser)
            #expect(asked.parameter("error") == "login_required", "\(asked.location ?? asked.text)")
            let path = "/oauth2/logout?" + FormURLEncoded.encode([("id_token_hint", hint ?? "")])
            #expect(try await browser.get(path).status < 500)
            // Clients whose secret need not compute are not concerned.
            #expect(try await city.token(city.redeeming(other), "web").status == 200)
        }
    }

    @Test("a secret that does not open, of signed userinfo: invalid_client and a line, no 500")
    func userinfo() async throws {
        try await withCity { city in
            let secret = try await city.addClient(
                "info",
                [
                    "client_name": "Info", "redirect_uris": [.string(City.redirectURI)], "scope": "openid",
                    "userinfo_signed_response_alg": "HS256",
                ])
            let code = try await city.freshCode("info", ["scope": "openid"])
            let tokens = try await city.gateway.post(
                "/oauth2/token", city.redeeming(code), headers: [.authorization: basicHeader("info", secret)])
            let access = try #require(tokens.json?["access_token"]?.string, "\(tokens.text)")
            #expect(try await city.userinfo(access).status == 200)
            try await spoil("info", city)
            let reasons = try await withLog(city) { gateway in
                let answer = try await gateway.send(
                    .get, "/oauth2/userinfo", headers: [.authorization: "Bearer \(access)"])
                expectTokenError(answer, 401, "invalid_client")
            }
            #expect(reasons.count == 1 && reasons[0].contains("secret does not open"), "\(reasons)")
        }
    }
}
