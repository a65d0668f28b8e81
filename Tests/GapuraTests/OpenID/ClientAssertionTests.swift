import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Clients that sign for themselves: `private_key_jwt`, `client_secret_jwt`.
@Suite("Client assertions")
struct ClientAssertionTests {
    private static let machine: Pairs = [("grant_type", "client_credentials"), ("scope", "simpeg.read")]

    private func ask(_ city: City, _ more: Pairs) async throws -> TestAnswer {
        try await city.gateway.post("/oauth2/token", Self.machine + more)
    }

    @Test(
        "behaviour 40: an assertion of the registered key is good, for the issuer and for the token endpoint",
        arguments: [SigningAlgorithm.rs256, .ps256, .es256, .es512, .edDSA])
    func good(algorithm: SigningAlgorithm) async throws {
        try await withCity { city in
            let client = try await city.addSigningClient("signer", algorithm)
            for audience in [TestGateway.issuer, TestGateway.issuer + "/oauth2/token"] {
                for type in [nil, "JWT", "client-authentication+jwt"] {
                    let answer = try await ask(city, client.assertion(city, ["aud": .string(audience)], type: type))
                    #expect(answer.status == 200, "\(answer.text)")
                }
            }
            let named = try await ask(city, client.assertion(city) + [("client_id", client.id)])
            #expect(named.status == 200)
        }
    }

    @Test("behaviour 40: client_secret_jwt, with the client's own secret and no other")
    func secret() async throws {
        try await withCity { city in
            let metadata: JSONObject = [
                "client_name": "Rahasia", "grant_types": ["client_credentials"], "scope": "simpeg.read",
                "token_endpoint_auth_method": "client_secret_jwt",
            ]
            let secret = try await city.addClient("rahasia", metadata)
            let other = try await city.addClient("lain", metadata)
            let key = try SigningKey(secret: Array(secret.utf8), algorithm: .hs256)
            let client = SigningClient(id: "rahasia", key: key)
            #expect(try await ask(city, client.assertion(city)).status == 200)
            for wrong in [
                try SigningKey(secret: Array(other.utf8), algorithm: .hs256), try SigningKey.generate(.es256),
                try SigningKey.generate(.hs256),
            ] {
                expectTokenError(try await ask(city, client.assertion(city, with: wrong)), 401, "invalid_client")
            }
            // The secret itself is not sent by such a client.
            let sent = try await city.gateway.post(
                "/oauth2/token", Self.machine, headers: [.authorization: basicHeader("rahasia", secret)])
            expectTokenError(sent, 401, "invalid_client")
        }
    }

    @Test("an assertion is good once, on both engines, for whichever of many comes first", arguments: bothEngines)
    func once(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let client = try await city.addSigningClient()
            let assertion = try client.assertion(city)
            let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...8 { group.addTask { try await ask(city, assertion).status } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(answers.filter { $0 == 200 }.count == 1)
            #expect(answers.filter { $0 == 401 }.count == 7)
            // The same jti of another client is another one.
            let other = try await city.addSigningClient("lain")
            for client in [client, other] {
                #expect(try await ask(city, client.assertion(city, ["jti": "satu"])).status == 200)
            }
        }
    }

    @Test("attack 65: an assertion beside a secret, or beside Basic, is invalid_request")
    func twoWays() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let assertion = try client.assertion(city)
            expectTokenError(try await ask(city, assertion + [("client_secret", "x")]), 400, "invalid_request")
            let basic = try await city.gateway.post(
                "/oauth2/token", Self.machine + assertion, headers: [.authorization: city.basic("web")])
            expectTokenError(basic, 400, "invalid_request")
            expectTokenError(try await ask(city, Array(assertion.prefix(1))), 400, "invalid_request")
            expectTokenError(try await ask(city, Array(assertion.suffix(1))), 400, "invalid_request")
            let named = try await ask(city, assertion + [("client_id", "web")])
            expectTokenError(named, 401, "invalid_client")
        }
    }

    @Test("attack 67: who registered to sign does not send a secret, and the other way round")
    func registeredWay() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            for form in [[("client_id", client.id)], [("client_id", client.id), ("client_secret", "x")]] as [Pairs] {
                expectTokenError(try await ask(city, form), 401, "invalid_client")
            }
            let imposter = SigningClient(id: "machine", key: client.key)
            expectTokenError(try await ask(city, imposter.assertion(city)), 401, "invalid_client")
        }
    }

    @Test("attack 70, behaviour 75: aud by the client's profile")
    func audience() async throws {
        try await withCity { city in
            let (issuer, endpoint) = (TestGateway.issuer, TestGateway.issuer + "/oauth2/token")
            let plain = try await city.addSigningClient()
            let old = try await city.addSigningClient("lama", .es256, ["profile": "legacy"])
            for audience in [[.string(issuer)], [.string(endpoint)]] as [JSONValue] {
                #expect(try await ask(city, plain.assertion(city, ["aud": audience])).status == 200)
            }
            let two: JSONValue = [.string(issuer), .string(endpoint)]
            let foreign: [JSONValue?] = [
                "https://lain.contoh.go.id", .string(issuer + "/"), .string(issuer.uppercased()), [], "", nil, 1,
                ["https://lain.contoh.go.id"], .string(issuer + "/oauth2/authorize"),
            ]
            for client in [plain, old] {
                for audience in foreign {
                    expectTokenError(
                        try await ask(city, client.assertion(city, ["aud": audience])), 401, "invalid_client")
                }
            }
            expectTokenError(try await ask(city, plain.assertion(city, ["aud": two])), 401, "invalid_client")
            let both: JSONValue = [.string(issuer), "https://lain.contoh.go.id"]
            expectTokenError(try await ask(city, plain.assertion(city, ["aud": both])), 401, "invalid_client")
            #expect(try await ask(city, old.assertion(city, ["aud": both])).status == 200)
        }
    }

    @Test("behaviour 75: FAPI 2.0 takes the issuer as text alone, and PS256, ES256 and EdDSA")
    func strict() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let asked = city.asking(client.id)
            func push(_ more: Pairs) async throws -> TestAnswer { try await city.push(asked + more) }
            #expect(try await push(client.assertion(city)).status == 201)
            for audience in [
                [.string(TestGateway.issuer)], .string(TestGateway.issuer + "/oauth2/token"),
                .string(TestGateway.issuer + "/oauth2/par"),
            ] as [JSONValue] {
                expectTokenError(try await push(client.assertion(city, ["aud": audience])), 401, "invalid_client")
            }
            expectTokenError(try await push([]), 401, "invalid_client")
            // Its key is RSA and says nothing of an algorithm: RS256 with it is refused all the same.
            let key = try SigningKey.generate(.rs256)
            var members = try key.verificationKey.jsonWebKey().members
            members["alg"] = nil
            let rsa = try await city.addSigningClient(
                "rsa", .es256, ["profile": "fapi2", "jwks": ["keys": [.object(members)]]])
            expectTokenError(
                try await city.push(city.asking("rsa") + rsa.assertion(city, with: key)), 401, "invalid_client")
            var hidden = try key.privateJSONWebKey().members
            hidden["alg"] = "PS256"
            let strong = try SigningKey(try JSONWebKey(hidden))
            #expect(try await city.push(city.asking("rsa") + rsa.assertion(city, with: strong)).status == 201)
        }
    }

    @Test("attack 71, behaviour 75: times and names of an assertion")
    func times() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let now = city.gateway.clock.now.seconds
            for (name, value) in [
                ("nbf", now + 8), ("iat", now + 8), ("nbf", now - 500), ("exp", now + 1), ("exp", now + 3600),
            ] {
                let answer = try await ask(city, client.assertion(city, [name: .integer(value)]))
                #expect(answer.status == 200, "\(name) \(value - now)")
            }
            let bad: [(String, JSONValue?)] = [
                ("exp", nil), ("exp", .integer(now - 300)), ("exp", .integer(now + 365 * 86_400)), ("exp", "soon"),
                ("nbf", .integer(now + 61)), ("iat", .integer(now + 61)), ("nbf", "x"), ("sub", nil), ("sub", "web"),
                ("iss", nil), ("iss", "web"), ("jti", nil), ("jti", ""), ("jti", 1),
                ("jti", .string(String(repeating: "j", count: 513))), ("exp", .integer(.max)), ("exp", -1),
            ]
            for (name, value) in bad {
                let answer = try await ask(city, client.assertion(city, [name: value]))
                expectTokenError(answer, 401, "invalid_client")
            }
        }
    }

    @Test("attack 73, attack 113: only a key of that client's own set, for its one algorithm, found by kid alone")
    func keys() async throws {
        try await withCity { city in
            let (one, other) = (try await city.addSigningClient(), try await city.addSigningClient("lain", .rs256))
            expectTokenError(try await ask(city, one.assertion(city, with: other.key)), 401, "invalid_client")
            // The public key as a secret.
            let published = try other.key.verificationKey.pem()
            for kid in [other.key.kid, nil] {
                let forged = try SigningKey(secret: Array(published.utf8), algorithm: .hs256, kid: kid)
                expectTokenError(try await ask(city, other.assertion(city, with: forged)), 401, "invalid_client")
            }
            // The same key for another algorithm.
            var hidden = try other.key.privateJSONWebKey().members
            hidden["alg"] = "PS256"
            let twisted = try SigningKey(try JSONWebKey(hidden))
            expectTokenError(try await ask(city, other.assertion(city, with: twisted)), 401, "invalid_client")
            for kid in ["../../dev/null", "' OR 1=1--", "|cmd", "a\u{0}b", String(repeating: "k", count: 9000), ""] {
                var members = try one.key.privateJSONWebKey().members
                members["kid"] = .string(kid)
                let named = try SigningKey(try JSONWebKey(members))
                expectTokenError(try await ask(city, one.assertion(city, with: named)), 401, "invalid_client")
            }
        }
    }

    @Test("attack 110, attack 115, attack 116, attack 118: what is no honest JWS is no assertion")
    func broken() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let claims = JSONValue.object(client.assertionClaims(city)).encodedText()
            let good = try client.assertion(city)[1].value
            let parts = good.utf8.split(separator: UInt8(ascii: ".")).map { String(Substring($0)) }
            var texts = [
                compact(#"{"alg":"none"}"#, claims), compact(#"{"alg":"None"}"#, claims),
                compact(#"{"alg":1}"#, claims),
                compact(#"{"alg":"ES256","alg":"none"}"#, claims), compact(#"{"alg":"ES256","crit":[]}"#, claims),
                "\(parts[0]).\(parts[1]).", "\(parts[0]).\(parts[1])", good + "=", good + ".", " " + good, good + "\n",
                "", ".", "..", String(repeating: ".", count: 10_000), String(repeating: "A", count: 40_000),
            ]
            for extra in ["crit", "b64", "zip"] {
                texts.append(
                    try JWS.sign(Array(claims.utf8), with: client.key, header: [extra: ["exp"]]))
            }
            for text in texts where !text.isEmpty {
                let answer = try await ask(
                    city, [("client_assertion_type", SigningClient.assertionType), ("client_assertion", text)])
                expectTokenError(answer, 401, "invalid_client")
            }
            let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
            let other = try await ask(city, [("client_assertion_type", saml), ("client_assertion", good)])
            expectTokenError(other, 401, "invalid_client")
            #expect(try await city.token(Self.machine, "machine").status == 200)
        }
    }

    @Test("attack 128: a token of another kind is no assertion, whoever signed it")
    func otherKinds() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            for type in ["dpop+jwt", "at+jwt", "logout+jwt", "oauth-authz-req+jwt", "secevent+jwt", ""] {
                expectTokenError(try await ask(city, client.assertion(city, type: type)), 401, "invalid_client")
            }
        }
    }

    @Test("attack 1: a client that was disabled proves nothing any more")
    func disabled() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let now = city.gateway.clock.now
            let registry = ClientRegistry(city.gateway.gateway.services)
            try await city.gateway.store.write { tx in
                try registry.setState(ClientID(client.id), .disabled, by: .system, in: tx, at: now)
            }
            expectTokenError(try await ask(city, client.assertion(city)), 401, "invalid_client")
        }
    }

    @Test("introspection and revocation take assertions too")
    func otherEndpoints() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let token = try #require(try await ask(city, client.assertion(city)).json?["access_token"]?.string)
            func introspect() async throws -> JSONValue? {
                let form = try [("token", token)] + client.assertion(city)
                return try await city.gateway.post("/oauth2/introspect", form).json
            }
            #expect(try await introspect()?["active"] == true)
            let revoked = try await city.gateway.post(
                "/oauth2/revoke", [("token", token)] + client.assertion(city))
            #expect(revoked.status == 200)
            #expect(try await introspect() == ["active": false])
            let unsigned = try await city.gateway.post(
                "/oauth2/introspect", [("token", token), ("client_id", client.id)])
            expectTokenError(unsigned, 401, "invalid_client")
        }
    }

    @Test("behaviour 50, attack 260: a new key at jwks_uri is found, and nobody makes us ask more than once in 30 s")
    func rotation() async throws {
        let served = Seen<JSONValue>()
        let asked = Seen<String>()
        try await withTestServer { request in
            asked.append(request.uri.path)
            return .plain(.ok, served.all.last?.encodedText() ?? "{}")
        } _: { port in
            try await withCity { city in
                func publish(_ keys: [SigningKey]) throws {
                    let members = try keys.map { try JSONValue.object($0.verificationKey.jsonWebKey().members) }
                    served.append(["keys": .array(members)])
                }
                let first = try await city.addSigningClient(
                    "signer", .es256, ["jwks": .null, "jwks_uri": .string("http://127.0.0.1:\(port)/jwks")])
                try publish([first.key])
                #expect(try await ask(city, first.assertion(city)).status == 200)
                #expect(try await ask(city, first.assertion(city)).status == 200)
                #expect(asked.all.count == 1)
                // Whatever its header says of algorithms.
                for algorithm in [SigningAlgorithm.rs256, .rs512, .ps256, .ps384] {
                    let other = SigningClient(id: first.id, key: try SigningKey.generate(algorithm))
                    expectTokenError(try await ask(city, other.assertion(city)), 401, "invalid_client")
                }
                #expect(asked.all.count == 1)

                let second = SigningClient(id: first.id, key: try SigningKey.generate(.es256))
                try publish([second.key])
                // A storm of unknown names is no storm at the application.
                for _ in 1...5 {
                    expectTokenError(try await ask(city, second.assertion(city)), 401, "invalid_client")
                }
                #expect(asked.all.count == 1)
                city.gateway.clock.advance(seconds: 31)
                #expect(try await ask(city, second.assertion(city)).status == 200)
                #expect(asked.all.count == 2)
                // What the application took back is worth nothing any more.
                expectTokenError(try await ask(city, first.assertion(city)), 401, "invalid_client")
            }
        }
    }

    @Test("attack 257, attack 259: keys behind a redirect, too large, or no key set: 401, and the gateway goes on")
    func badKeySets() async throws {
        try await withTestServer { request in
            switch request.uri.path {
            case "/redirect": .init(status: .found, headers: [.location: "/jwks"])
            case "/large": .plain(.ok, #"{"keys":[],"x":""# + String(repeating: "x", count: 300_000) + "\"}")
            case "/html": .plain(.ok, "<html>")
            case "/gone": .plain(.notFound, "{}")
            default: .plain(.ok, "{}")
            }
        } _: { port in
            try await withCity { city in
                for path in ["redirect", "large", "html", "gone", "empty"] {
                    let client = try await city.addSigningClient(
                        path, .es256, ["jwks": .null, "jwks_uri": .string("http://127.0.0.1:\(port)/\(path)")])
                    expectTokenError(try await ask(city, client.assertion(city)), 401, "invalid_client")
                }
                #expect(try await city.token(Self.machine, "machine").status == 200)
            }
        }
    }

    @Test("behaviour 82: keys are not fetched from addresses that no setting opens")
    func guarded() async throws {
        let asked = Seen<String>()
        try await withTestServer { request in
            asked.append(request.uri.path)
            return .plain(.ok, "{}")
        } _: { port in
            try await withCity(configure: { $0.outgoingNetworks = [] }) { city in
                let client = try await city.addSigningClient(
                    "signer", .es256, ["jwks": .null, "jwks_uri": .string("http://127.0.0.1:\(port)/jwks")])
                expectTokenError(try await ask(city, client.assertion(city)), 401, "invalid_client")
            }
        }
        #expect(asked.all.isEmpty)
    }

    @Test(
        "behaviour 75: at the token endpoint too a client of FAPI 2.0 names the issuer alone, and its times are right")
    func strictAtToken() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let key = try SigningKey.generate(.es256)
            let now = city.gateway.clock.now.seconds
            func ask(_ changes: KeyValuePairs<String, JSONValue?>) async throws -> TestAnswer {
                try await city.gateway.post(
                    "/oauth2/token", Self.machine + client.assertion(city, changes),
                    headers: City.dpop(city.proof(key)))
            }
            #expect(try await ask([:]).status == 200)
            #expect(try await ask(["nbf": .integer(now + 8)]).status == 200)
            let wrong: [KeyValuePairs<String, JSONValue?>] = [
                ["aud": [.string(TestGateway.issuer)]], ["aud": .string(TestGateway.issuer + "/oauth2/token")],
                ["aud": .string(TestGateway.issuer + "/oauth2/par")], ["sub": nil], ["exp": .integer(now - 300)],
                ["nbf": .integer(now + 61)],
            ]
            for changes in wrong { expectTokenError(try await ask(changes), 401, "invalid_client") }
        }
    }

    @Test("behaviour 39: a client id with special characters works in HTTP Basic, decoded like the secret")
    func specialID() async throws {
        try await withCity { city in
            for id in ["a+b", "a%2Bb", "a&b=c", "a/b?c", "~'()*!"] {
                let secret = try await city.addClient(
                    id, ["client_name": "Uji", "grant_types": ["client_credentials"], "scope": "simpeg.read"])
                let answer = try await city.gateway.post(
                    "/oauth2/token", Self.machine, headers: [.authorization: basicHeader(id, secret)])
                #expect(answer.status == 200, "\(id): \(answer.text)")
            }
        }
    }
}
