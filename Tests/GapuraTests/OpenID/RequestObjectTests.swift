import GapuraFormats
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Signed request objects: RFC 9101.
@Suite("Request objects")
struct RequestObjectTests {
    private func ask(_ city: City, _ client: SigningClient, _ object: String, _ more: Pairs = []) async throws
        -> TestAnswer
    {
        let browser = try await city.signedIn()
        return try await city.authorize([("client_id", client.id), ("request", object)] + more, in: browser)
    }

    @Test(
        "behaviour 25: a signed object is the request; metadata says so, and none is not among its algorithms",
        arguments: [SigningAlgorithm.rs256, .ps256, .es256, .edDSA])
    func good(algorithm: SigningAlgorithm) async throws {
        try await withCity { city in
            let client = try await city.addSigningClient("signer", algorithm)
            for type in [nil, "JWT", "oauth-authz-req+jwt"] {
                let object = try client.object(city, asking: city.asking(client.id, ["nonce": "n"]), type: type)
                let answer = try await ask(city, client, object)
                #expect(answer.parameter("code") != nil, "\(answer.location ?? answer.text)")
                #expect(answer.parameter("state") == "s-1")
            }
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(metadata?["request_parameter_supported"] == true)
            let algorithms = metadata?["request_object_signing_alg_values_supported"]?.strings ?? []
            #expect(algorithms.contains("RS256"))
            #expect(!algorithms.contains("none"))
        }
    }

    @Test("behaviour 26: what is in the object counts, a bad redirect_uri beside it too")
    func wins() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let more: Pairs = [
                ("redirect_uri", "https://evil.example/"), ("state", "lain"), ("response_type", "token"),
                ("scope", "tte"),
            ]
            let answer = try await ask(city, client, client.object(city), more)
            #expect(answer.location?.hasPrefix(City.redirectURI) == true)
            #expect(answer.parameter("state") == "s-1")
            #expect(answer.parameter("code") != nil)
        }
    }

    @Test("a sign-in on the way keeps the object's parameters")
    func resumed() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient("signer", .es256, ["require_signed_request_object": true])
            let browser = city.gateway.browser()
            let object = try client.object(city, asking: city.asking(client.id, ["nonce": "n-7"]))
            let start = try await city.authorize([("client_id", client.id), ("request", object)], in: browser)
            let page = try await browser.get(try #require(start.location))
            let answer = try await browser.signIn(City.nips["ujang"] ?? "", City.password, on: page)
            let code = try #require(answer.parameter("code"))
            let tokens = try await city.gateway.post(
                "/oauth2/token", city.redeeming(code) + client.assertion(city)
            ).json
            #expect(try city.claims(of: tokens?["id_token"]?.string)["nonce"] == "n-7")
            // The same client without an object has no way in.
            expectRedirect(try await city.authorize(city.asking(client.id)), "invalid_request")
            let pushed = try await city.push(city.asking(client.id) + client.assertion(city))
            expectTokenError(pushed, 400, "invalid_request")
            let signed = try [("client_id", client.id), ("request", object)] + client.assertion(city)
            #expect(try await city.push(signed).status == 201)
        }
    }

    @Test("numbers, objects and lists in an object are the parameters that they would be in a query")
    func members() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let object = try client.object(
                city, ["max_age": 0, "claims": ["userinfo": ["name": .null]], "display": .null, "x": true])
            // `max_age=0` asks for a fresh sign-in.
            let answer = try await ask(city, client, object)
            #expect(answer.location?.hasPrefix("/masuk") == true, "\(answer.location ?? answer.text)")
        }
    }

    @Test("attack 11: what is wrong with an object is invalid_request_object, told where the query's address is good")
    func wrong() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient("signer", .rs256)
            let other = try await city.addSigningClient("lain", .rs256)
            let now = city.gateway.clock.now.seconds
            let published = try client.key.verificationKey.pem()
            let forged = try SigningKey(secret: Array(published.utf8), algorithm: .hs256, kid: client.key.kid)
            let payload = JSONValue.object(["iss": "signer"]).encodedText()
            var objects: [(String, String)] = [
                ("none", compact(#"{"alg":"none"}"#, payload)),
                ("HS256 of the public key", try client.object(city, with: forged)),
                ("another's key", try client.object(city, with: other.key)),
                ("another's object", try other.object(city)),
                ("typ of an assertion", try client.object(city, type: "client-authentication+jwt")),
                ("typ of a proof", try client.object(city, type: "dpop+jwt")), ("no JWS", "x"), ("dots", "..."),
            ]
            let changes: [(String, KeyValuePairs<String, JSONValue?>)] = [
                ("aud", ["aud": "https://lain.contoh.go.id"]), ("aud of no text", ["aud": 1]),
                ("iss of no text", ["iss": 1]),
                ("iss", ["iss": "lain"]), ("no exp", ["exp": nil]), ("past", ["exp": .integer(now - 60)]),
                ("exp in 61 min", ["exp": .integer(now + 3700)]), ("nbf 61 min ago", ["nbf": .integer(now - 3700)]),
                ("nbf ahead", ["nbf": .integer(now + 61)]), ("client_id", ["client_id": "lain"]),
                ("request", ["request": "x"]), ("request_uri", ["request_uri": "urn:x"]), ("list", ["scope": [1]]),
                ("fraction", ["max_age": 1.5]), ("exp as text", ["exp": "x"]),
            ]
            for (name, change) in changes { objects.append((name, try client.object(city, change))) }
            for (name, object) in objects {
                let answer = try await ask(
                    city, client, object, [("redirect_uri", City.redirectURI), ("state", "s-1")])
                #expect(
                    answer.parameter("error") == "invalid_request_object", "\(name): \(answer.location ?? answer.text)")
                expectRedirect(answer, "invalid_request_object")
                // Without an address that is known good: our own page.
                for beside in [[], [("redirect_uri", "https://evil.example/")]] as [Pairs] {
                    expectLocal400(try await ask(city, client, object, beside), code: "invalid_request_object")
                }
            }
            #expect(try await ask(city, client, client.object(city)).parameter("code") != nil)
        }
    }

    @Test("attack 11: request and request_uri together are invalid_request")
    func both() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let more: Pairs = [
                ("redirect_uri", City.redirectURI), ("state", "s-1"),
                ("request_uri", "urn:ietf:params:oauth:request_uri:x"),
            ]
            expectRedirect(try await ask(city, client, client.object(city), more), "invalid_request")
        }
    }

    @Test("a bad address inside a good object is our own page: nothing else is guessed")
    func badAddress() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            for uri in ["https://evil.example/", nil] as [String?] {
                let object = try client.object(city, asking: city.asking(client.id, ["redirect_uri": uri]))
                expectLocal400(try await ask(city, client, object, [("redirect_uri", City.redirectURI)]))
            }
        }
    }

    @Test("attack 11: iss, aud and nbf may be left out, but not by a client of FAPI 2.0")
    func leftOut() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let without = try client.object(city, ["iss": nil, "aud": nil, "nbf": nil])
            #expect(try await ask(city, client, without).parameter("code") != nil)
            let strict = try await city.addStrictClient()
            for name in ["iss", "aud", "nbf", "exp"] {
                let object = try strict.object(city, [name: nil])
                let pushed = try await city.push([("request", object)] + strict.assertion(city))
                expectTokenError(pushed, 400, "invalid_request_object")
            }
            #expect(try await city.push([("request", strict.object(city))] + strict.assertion(city)).status == 201)
        }
    }

    @Test(
        "behaviour 79: aud may be a list with us in it; a strict client's object is not RS256, and of nobody else's key"
    )
    func strictObjects() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let key = try SigningKey.generate(.rs256)
            var members = try key.verificationKey.jsonWebKey().members
            members["alg"] = nil
            let rsa = try await city.addSigningClient(
                "rsa", .es256, ["profile": "fapi2", "jwks": ["keys": [.object(members)]]])
            func push(_ object: String, _ client: SigningClient, with signer: SigningKey? = nil) async throws
                -> TestAnswer
            {
                try await city.push([("request", object)] + client.assertion(city, with: signer))
            }
            let list: JSONValue = [.string(TestGateway.issuer), "https://lain.contoh.go.id"]
            #expect(try await push(client.object(city, ["aud": list]), client).status == 201)
            var hidden = try key.privateJSONWebKey().members
            hidden["alg"] = "PS256"
            let strong = try SigningKey(try JSONWebKey(hidden))
            #expect(try await push(rsa.object(city, with: strong), rsa, with: strong).status == 201)
            expectTokenError(
                try await push(rsa.object(city, with: key), rsa, with: strong), 400, "invalid_request_object")
            expectTokenError(
                try await push(client.object(city, with: strong), client), 400, "invalid_request_object")
        }
    }
}
