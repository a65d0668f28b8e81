import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Tokens that are bound to a key: RFC 9449.
@Suite("DPoP")
struct DPoPTests {
    private func token(_ city: City, _ form: Pairs, _ client: String, _ proof: String?) async throws -> TestAnswer {
        var headers = proof.map { City.dpop($0) } ?? [:]
        if city.secrets[client] != nil { headers[.authorization] = city.basic(client) }
        let named: Pairs = city.secrets[client] == nil ? [("client_id", client)] : []
        return try await city.gateway.post("/oauth2/token", form + named, headers: headers)
    }

    private func userinfo(
        _ city: City, _ token: String, _ proof: String?, scheme: String = "DPoP", method: HTTPRequest.Method = .get
    ) async throws -> TestAnswer {
        var headers = proof.map { City.dpop($0) } ?? [:]
        headers[.authorization] = "\(scheme) \(token)"
        return try await city.gateway.send(method, "/oauth2/userinfo", headers: headers)
    }

    private func resource(_ city: City, _ key: SigningKey, _ token: String) throws -> String {
        try city.proof(key, "GET", "/oauth2/userinfo", token: token)
    }

    /// A token of a client, bound to a key.
    private func bound(_ city: City, _ key: SigningKey, _ client: String = "web") async throws -> JSONValue {
        let answer = try await token(city, city.redeeming(city.freshCode(client)), client, city.proof(key))
        #expect(answer.status == 200, "\(answer.text)")
        return try #require(answer.json)
    }

    @Test(
        "behaviour 77: a proof binds the token: cnf, token_type, introspection, and userinfo only with that key",
        arguments: [SigningAlgorithm.es256, .ps256, .edDSA], ["web", "opaque"])
    func binds(algorithm: SigningAlgorithm, client: String) async throws {
        try await withCity { city in
            let key = try SigningKey.generate(algorithm)
            let jkt = try key.verificationKey.thumbprint()
            let tokens = try await bound(city, key, client)
            #expect(tokens["token_type"] == "DPoP")
            let access = try #require(tokens["access_token"]?.string)
            if client == "web" { #expect(try city.claims(of: access)["cnf"]?["jkt"] == .string(jkt)) }
            let told = try await city.introspect(access, as: client).json
            #expect(told?["cnf"]?["jkt"] == .string(jkt))
            #expect(told?["token_type"] == "DPoP")
            for scheme in ["DPoP", "dpop", "DPOP"] {
                #expect(try await userinfo(city, access, resource(city, key, access), scheme: scheme).status == 200)
            }
            // A proof of another key, or the token sent as if it were not bound.
            let other = try SigningKey.generate(.es256)
            let stolen = try await userinfo(city, access, resource(city, other, access))
            #expect(stolen.status == 401)
            #expect(stolen.json?["error"] == "invalid_token")
            #expect(
                stolen.headers[.wwwAuthenticate]
                    == #"DPoP realm="gapura", error="invalid_token", algs="PS256 ES256 EdDSA""#)
            expectInvalidToken(try await userinfo(city, access, nil, scheme: "Bearer"))
            expectInvalidToken(try await userinfo(city, access, resource(city, key, access), scheme: "Bearer"))
        }
    }

    @Test("a token that is not bound is not sent with a proof")
    func unbound() async throws {
        try await withCity { city in
            let access = try #require(try await city.tokens()["access_token"]?.string)
            let key = try SigningKey.generate(.es256)
            let answer = try await userinfo(city, access, resource(city, key, access))
            #expect(answer.status == 401)
            #expect(answer.json?["error"] == "invalid_token")
        }
    }

    /// What is wrong with a proof, by name.
    private func wrongProofs(_ city: City, _ key: SigningKey, _ method: String, _ path: String, token: String? = nil)
        throws -> [(String, String)]
    {
        let now = city.gateway.clock.now.seconds
        let public_ = try key.verificationKey.jsonWebKey().members
        let hidden = try key.privateJSONWebKey().members
        let other = try SigningKey.generate(.es256)
        func made(_ changes: KeyValuePairs<String, JSONValue?>, type: String? = "dpop+jwt", header: JSONObject? = nil)
            throws -> String
        { try city.proof(key, method, path, token: token, changes, type: type, header: header) }
        let rs = try SigningKey.generate(.rs256)
        let hs = try SigningKey.generate(.hs256)
        let claims = #"{"jti":"x","htm":"\#(method)","htu":"\#(TestGateway.issuer)\#(path)","iat":\#(now)}"#
        var wrong: [(String, String)] = [
            ("typ missing", try made([:], type: nil)), ("typ JWT", try made([:], type: "JWT")),
            ("typ of an assertion", try made([:], type: "client-authentication+jwt")),
            ("no jwk", try made([:], header: [:])), ("jwk is text", try made([:], header: ["jwk": "x"])),
            ("private jwk", try made([:], header: ["jwk": .object(hidden)])),
            (
                "another's jwk",
                try made(
                    [:], header: ["jwk": .object(try other.verificationKey.jsonWebKey().members)])
            ),
            ("crit", try made([:], header: ["jwk": .object(public_), "crit": ["x"]])),
            ("no jti", try made(["jti": nil])), ("empty jti", try made(["jti": ""])), ("jti 1", try made(["jti": 1])),
            ("long jti", try made(["jti": .string(String(repeating: "j", count: 513))])),
            ("no htm", try made(["htm": nil])), ("htm", try made(["htm": method == "GET" ? "POST" : "GET"])),
            ("htm in lower case", try made(["htm": .string(method.lowercased())])),
            ("no htu", try made(["htu": nil])), ("htu", try made(["htu": "https://lain.contoh.go.id/oauth2/token"])),
            ("htu of another path", try made(["htu": .string(TestGateway.issuer + path + "/x")])),
            ("htu in other case of path", try made(["htu": .string(TestGateway.issuer + path.uppercased())])),
            ("htu of another port", try made(["htu": .string(TestGateway.issuer + ":8443" + path)])),
            ("htu of http", try made(["htu": .string("http://" + TestGateway.authority + path)])),
            ("htu without scheme", try made(["htu": .string(TestGateway.authority + path)])),
            ("no iat", try made(["iat": nil])), ("iat as text", try made(["iat": "now"])),
            ("iat an hour ago", try made(["iat": .integer(now - 3600)])),
            ("iat in an hour", try made(["iat": .integer(now + 3600)])),
            ("iat huge", try made(["iat": .integer(.max)])),
            ("RS256", try city.proof(rs, method, path, token: token)),
            ("HS256", try city.forge([:], type: "dpop+jwt", with: hs, header: ["jwk": .object(public_)])),
            ("none", compact(#"{"typ":"dpop+jwt","alg":"none","jwk":{}}"#, claims)),
            ("no JWS", "x"), ("dots", String(repeating: ".", count: 100)),
        ]
        if token != nil {
            wrong.append(("no ath", try made(["ath": nil])))
            wrong.append(("ath of another token", try made(["ath": .string(Base64URL.encode(SHA256.hash("x")))])))
        }
        return wrong
    }

    @Test("attack 131, behaviour 77: what is wrong with a proof at the token endpoint is 400 invalid_dpop_proof")
    func wrongAtToken() async throws {
        try await withCity { city in
            let key = try SigningKey.generate(.es256)
            let form: Pairs = [("grant_type", "client_credentials")]
            for (name, proof) in try wrongProofs(city, key, "POST", "/oauth2/token") {
                let answer = try await token(city, form, "machine", proof)
                #expect(answer.json?["error"] == "invalid_dpop_proof", "\(name): \(answer.text)")
                #expect(answer.status == 400, "\(name)")
            }
            #expect(try await token(city, form, "machine", city.proof(key)).json?["token_type"] == "DPoP")
        }
    }

    @Test("attack 131: at a resource it is 401, with a challenge of DPoP")
    func wrongAtResource() async throws {
        try await withCity { city in
            let key = try SigningKey.generate(.es256)
            let access = try #require(try await bound(city, key)["access_token"]?.string)
            for (name, proof) in try wrongProofs(city, key, "GET", "/oauth2/userinfo", token: access) + [("none", "")] {
                let answer = try await userinfo(city, access, proof.isEmpty ? nil : proof)
                #expect(answer.status == 401, "\(name)")
                #expect(answer.json?["error"] == "invalid_dpop_proof", "\(name): \(answer.text)")
                #expect(
                    answer.headers[.wwwAuthenticate]
                        == #"DPoP realm="gapura", error="invalid_dpop_proof", algs="PS256 ES256 EdDSA""#)
            }
            #expect(try await userinfo(city, access, resource(city, key, access)).status == 200)
        }
    }

    @Test(
        "behaviour 77: htu without query and fragment, scheme and host in any case, the default port as none; iat by 10 s"
    )
    func tolerant() async throws {
        try await withCity { city in
            let key = try SigningKey.generate(.es256)
            let now = city.gateway.clock.now.seconds
            let form: Pairs = [("grant_type", "client_credentials")]
            let path = "/oauth2/token"
            let changes: [KeyValuePairs<String, JSONValue?>] = [
                ["htu": .string(TestGateway.issuer + path + "?a=b")],
                ["htu": .string(TestGateway.issuer + path + "#x")],
                ["htu": .string("HTTPS://SSO.Contoh.go.id" + path)],
                ["htu": .string(TestGateway.issuer + ":443" + path)],
                ["iat": .integer(now - 10)], ["iat": .integer(now + 10)], ["extra": ["a": 1]],
                ["nonce": "tidak diminta"],
            ]
            for change in changes {
                let answer = try await token(city, form, "machine", city.proof(key, "POST", path, change))
                #expect(answer.status == 200, "\(change): \(answer.text)")
            }
        }
    }

    @Test("attack 131: two headers are one too many, and a jti is good once", arguments: bothEngines)
    func once(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let key = try SigningKey.generate(.es256)
            let form: Pairs = [("grant_type", "client_credentials")]
            let name = try #require(DPoPReader.header)
            var headers: HTTPFields = [.authorization: city.basic("machine")]
            headers[values: name] = [try city.proof(key), try city.proof(key)]
            let two = try await city.gateway.post("/oauth2/token", form, headers: headers)
            expectTokenError(two, 400, "invalid_dpop_proof")

            let proof = try city.proof(key)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 1...6 { group.addTask { try await token(city, form, "machine", proof).status } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200, 400, 400, 400, 400, 400])
            // Of another key it is another one; and at a resource too it is good once.
            let other = try SigningKey.generate(.es256)
            for key in [key, other] {
                let named = try city.proof(key, "POST", "/oauth2/token", ["jti": "satu"])
                #expect(try await token(city, form, "machine", named).status == 200)
            }
            let access = try #require(try await bound(city, key)["access_token"]?.string)
            let shown = try resource(city, key, access)
            #expect(try await userinfo(city, access, shown).status == 200)
            #expect(try await userinfo(city, access, shown).json?["error"] == "invalid_dpop_proof")
        }
    }

    @Test("behaviour 77: dpop_jkt binds the code to the key, whoever brings it")
    func boundCode() async throws {
        try await withCity { city in
            let (key, other) = (try SigningKey.generate(.es256), try SigningKey.generate(.es256))
            let jkt = try key.verificationKey.thumbprint()
            for proof in [try city.proof(other), nil] {
                let code = try await city.freshCode("web", ["dpop_jkt": jkt])
                expectTokenError(try await token(city, city.redeeming(code), "web", proof), 400, "invalid_grant")
                // It is spent: the right key comes too late.
                let late = try await token(city, city.redeeming(code), "web", city.proof(key))
                expectTokenError(late, 400, "invalid_grant")
            }
            let code = try await city.freshCode("web", ["dpop_jkt": jkt])
            #expect(try await token(city, city.redeeming(code), "web", city.proof(key)).status == 200)
            for bad in ["x", String(repeating: "A", count: 44), jkt + "="] {
                expectRedirect(try await city.authorize(city.asking("web", ["dpop_jkt": bad])), "invalid_request")
            }
        }
    }

    @Test("attack 98, attack 101: a public client's refresh token stays, and is bound to its key")
    func refresh() async throws {
        try await withCity { city in
            let (key, other) = (try SigningKey.generate(.es256), try SigningKey.generate(.es256))
            let tokens = try await bound(city, key, "native")
            let refresh = try #require(tokens["refresh_token"]?.string)
            let form: Pairs = [("grant_type", "refresh_token"), ("refresh_token", refresh)]
            for proof in [try city.proof(other), nil] {
                expectTokenError(try await token(city, form, "native", proof), 400, "invalid_grant")
            }
            for _ in 1...2 {
                let again = try await token(city, form, "native", city.proof(key))
                #expect(again.status == 200)
                #expect(again.json?["refresh_token"]?.string == refresh)
                #expect(again.json?["token_type"] == "DPoP")
            }
        }
    }

    @Test("a confidential client may change its key: its refresh token is bound to the client")
    func confidential() async throws {
        try await withCity { city in
            let tokens = try await bound(city, try SigningKey.generate(.es256))
            let form: Pairs = [
                ("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"]?.string ?? ""),
            ]
            let next = try SigningKey.generate(.edDSA)
            let answer = try await token(city, form, "web", city.proof(next))
            #expect(
                try city.claims(of: answer.json?["access_token"]?.string)["cnf"]?["jkt"]
                    == .string(try next.verificationKey.thumbprint()))
        }
    }

    @Test("behaviour 76: a client whose tokens are bound gets none without a proof")
    func required() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient("signer", .es256, ["dpop_bound_access_tokens": true])
            let form: Pairs = [("grant_type", "client_credentials")]
            let bare = try await city.gateway.post("/oauth2/token", form + client.assertion(city))
            expectTokenError(bare, 400, "invalid_dpop_proof")
            let key = try SigningKey.generate(.es256)
            let proven = try await city.gateway.post(
                "/oauth2/token", form + client.assertion(city), headers: City.dpop(city.proof(key)))
            #expect(proven.status == 200)
        }
    }

    @Test(
        "attack 131, behaviour 77: what is wrong with a proof at a push is 400 invalid_dpop_proof, and nothing is pushed"
    )
    func wrongAtPush() async throws {
        try await withCity { city in
            let client = try await city.addStrictClient()
            let key = try SigningKey.generate(.es256)
            for (name, proof) in try wrongProofs(city, key, "POST", "/oauth2/par") {
                let answer = try await city.push(
                    city.asking(client.id) + client.assertion(city), headers: City.dpop(proof))
                #expect(answer.json?["error"] == "invalid_dpop_proof", "\(name): \(answer.text)")
                #expect(answer.status == 400, "\(name)")
            }
            #expect(try await city.gateway.store.read { try $0.pushed.count() } == 0)
        }
    }
}
