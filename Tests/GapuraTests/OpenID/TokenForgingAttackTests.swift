import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Group G of attacks.md: forged access tokens at userinfo and introspection, forged ID tokens as hints. The forms of a
/// token are tested one by one in `GapuraTokensTests`; here the endpoints have to give the row's answer.
@Suite("Forged tokens")
struct TokenForgingAttackTests {
    /// A living access token and a living ID token of `web`, with their claims.
    private struct Living {
        let city: City
        let access: String
        let accessClaims: JSONObject
        let id: String
        let idClaims: JSONObject

        init(_ city: City) async throws {
            self.city = city
            let tokens = try await city.tokens("web", scope: "openid profile")
            access = try #require(tokens["access_token"]?.string)
            id = try #require(tokens["id_token"]?.string)
            accessClaims = try city.claims(of: access)
            idClaims = try city.claims(of: id)
        }

        var kid: String {
            get throws { try #require(try city.key().kid) }
        }

        /// The header of an access token as the gateway writes it, with a member changed.
        func header(_ change: String, type: String = "at+jwt") throws -> String {
            #"{"kid":"\#(try kid)","typ":"\#(type)","# + change + "}"
        }

        /// Every way in: header and body of userinfo, introspection. Proves itself on the way: the honest token is
        /// alive.
        func refuse(_ token: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            #expect(try await city.isAlive(access), sourceLocation: sourceLocation)
            if token.utf8.count > 60_000 {  // no body is that long
                expectInvalidToken(try await city.userinfo(token), sourceLocation: sourceLocation)
                #expect(
                    try await city.gateway.post("/oauth2/userinfo", [("access_token", token)]).status == 413,
                    sourceLocation: sourceLocation)
                #expect(try await city.introspect(token, as: "web").status == 413, sourceLocation: sourceLocation)
                return
            }
            let posted = try await city.gateway.post("/oauth2/userinfo", [("access_token", token)])
            expectInvalidToken(posted, sourceLocation: sourceLocation)
            if token.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) {
                expectInvalidToken(try await city.userinfo(token), sourceLocation: sourceLocation)
            }
            #expect(
                try await city.introspect(token, as: "web").json == ["active": false], sourceLocation: sourceLocation)
        }

        /// As a hint at sign-out: our own error page.
        func refuseHint(_ token: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let path = "/oauth2/logout?" + FormURLEncoded.encode([("id_token_hint", token)])
            expectLocal400(try await city.gateway.send(.get, path), sourceLocation: sourceLocation)
        }
    }

    /// A token out of raw texts, signed with a key whatever the header says.
    private static func sign(_ header: String, _ payload: String, with key: SigningKey) throws -> String {
        let signed = [header, payload].map { Base64URL.encode(Array($0.utf8)) }.joined(separator: ".")
        return signed + "." + Base64URL.encode(try key.sign(Array(signed.utf8)))
    }

    @Test(
        "attack 110: no alg but the key's",
        arguments: [
            #""alg":"none""#, #""alg":"None""#, #""alg":"NONE""#, #""alg":"nOnE""#, #""alg":"""#, #""alg":1"#,
            #""alg":["RS256"]"#, #""alg":null"#,
            #""x":1"#, #""alg":"rs256""#, #""alg":"RS256 ""#, #""alg":"RS1""#, #""alg":true"#, #""alg":{"RS256":1}"#,
        ]
    )
    func algorithms(alg: String) async throws {
        try await withCity { city in
            let living = try await Living(city)
            let claims = JSONValue.object(living.accessClaims).encodedText()
            let honest = try Self.sign(living.header(#""alg":"RS256""#), claims, with: try city.key())
            #expect(
                try await city.isAlive(honest),
                "the forger's own tools make a token that works, so it is alg that is refused")
            let header = try living.header(alg)
            let bare = [header, claims].map { Base64URL.encode(Array($0.utf8)) }.joined(separator: ".")
            for token in [
                bare + ".", bare, bare + "." + Base64URL.encode([0]),
                try Self.sign(header, claims, with: try city.key()),
            ] {
                try await living.refuse(token)
            }
            let idClaims = JSONValue.object(living.idClaims).encodedText()
            try await living.refuseHint(
                try Self.sign(try living.header(alg, type: "JWT"), idClaims, with: try city.key()))
            try await living.refuseHint(compact(#"{"typ":"JWT",\#(alg)}"#, idClaims, []))
        }
    }

    @Test("attack 112: an algorithm belongs to its key")
    func boundAlgorithm() async throws {
        try await withCity { city in
            let living = try await Living(city)
            let claims = JSONValue.object(living.accessClaims).encodedText()
            let rsa = try JSONWebKey(try city.key().privateJSONWebKey().members.removing("alg"))
            for algorithm in [SigningAlgorithm.ps256, .rs384, .rs512] {
                let key = try SigningKey(rsa, algorithm: algorithm)
                #expect(key.kid == (try living.kid))
                try await living.refuse(try city.forge(living.accessClaims, with: key))
                try await living.refuseHint(try city.forge(living.idClaims, type: "JWT", with: key))
            }
            let ec = try city.key(.es256)
            let kid = try #require(ec.kid)
            #expect(try await city.isAlive(try city.forge(living.accessClaims, with: ec)))
            for alg in ["ES384", "ES512", "EdDSA", "RS256"] {
                try await living.refuse(
                    try Self.sign(#"{"alg":"\#(alg)","kid":"\#(kid)","typ":"at+jwt"}"#, claims, with: ec))
            }
            // The public key as the secret of an HMAC.
            let pem = try city.key().verificationKey.pem()
            let jwk = try city.key().verificationKey.jsonWebKey().encoded()
            for secret in [Array(pem.utf8), Array(pem.utf8.dropLast()), jwk] {
                let key = try SigningKey(secret: secret, algorithm: .hs256, kid: try living.kid)
                try await living.refuse(try city.forge(living.accessClaims, with: key))
                try await living.refuseHint(try city.forge(living.idClaims, type: "JWT", with: key))
            }
        }
    }

    @Test("attack 112: an HS256 hint counts with its own client's secret only")
    func symmetricHints() async throws {
        try await withCity { city in
            let living = try await Living(city)
            let token = try #require(try await city.tokens("hs")["id_token"]?.string)
            func key(_ client: String) throws -> SigningKey {
                try SigningKey(secret: Array(try #require(city.secrets[client]).utf8), algorithm: .hs256)
            }
            let claims = try #require(
                try StrictJSON.parse(try JWS(token).verify(with: try key("hs").verificationKey)).object)
            // A client that shares no HS key cannot be impersonated with its secret, nor with that of another.
            try await living.refuseHint(try city.forge(living.idClaims, type: "JWT", with: try key("web")))
            try await living.refuseHint(try city.forge(claims, type: "JWT", with: try key("web")))
            try await living.refuseHint(try city.forge(claims, type: "JWT"))
            try await living.refuse(try city.forge(living.accessClaims, with: try key("hs")))
            let good = try await city.gateway.send(
                .get, "/oauth2/logout?id_token_hint=" + (try city.forge(claims, type: "JWT", with: try key("hs"))))
            #expect(good.location == "/keluar/selesai")
        }
    }

    @Test("attack 113: kid is a look-up and nothing else")
    func kids() async throws {
        try await withCity { city in
            let living = try await Living(city)
            let pem = try city.key().pem()
            let other = try #require(try city.key(.es256).kid)
            let kids = [
                "../../dev/null", "' OR 1=1--", "|cmd", "\u{0}", "", other, String(repeating: "k", count: 10_000),
                String(repeating: "k", count: 1 << 20),
                try living.kid + "\u{0}", try living.kid.uppercased() + "x", "https://evil.example/jwks",
            ]
            for kid in kids {
                let key = try SigningKey(pem: pem, algorithm: .rs256, kid: kid)
                try await living.refuse(try city.forge(living.accessClaims, with: key))
                if kid.utf8.count < 20_000 {
                    try await living.refuseHint(try city.forge(living.idClaims, type: "JWT", with: key))
                }
            }
            let claims = JSONValue.object(living.accessClaims).encodedText()
            let kid = try living.kid
            for header in [
                #"{"alg":"RS256","typ":"at+jwt"}"#, #"{"alg":"RS256","typ":"at+jwt","kid":null}"#,
                #"{"alg":"RS256","typ":"at+jwt","kid":["\#(kid)"]}"#,
                #"{"alg":"RS256","typ":"at+jwt","kid":"x","kid":"\#(kid)"}"#,
                #"{"alg":"RS256","typ":"at+jwt","kid":"\#(kid)","k\u0069d":"x"}"#,
            ] {
                try await living.refuse(try Self.sign(header, claims, with: try city.key()))
            }
            // Keys that come along with a token are not even looked at.
            let stranger = try SigningKey.generate(.rs256, kid: kid)
            let jwk = JSONValue.object(try stranger.verificationKey.jsonWebKey().members).encodedText()
            for more in [
                #""jwk":\#(jwk)"#, #""jku":"https://evil.example/jwks""#, #""x5u":"https://evil.example/x5u""#,
                #""x5c":["MIIB"]"#,
            ] {
                try await living.refuse(try Self.sign(living.header(#""alg":"RS256","# + more), claims, with: stranger))
            }
        }
    }

    @Test(
        "attack 115: crit is refused, whatever it names",
        arguments: [
            #""crit":["b64"],"b64":false"#, #""crit":["x"],"x":1"#, #""crit":[]"#, #""crit":"exp""#,
            #""crit":["x","x"],"x":1"#, #""crit":["alg"]"#,
            #""b64":false"#, #""crit":null"#,
        ]
    )
    func crit(member: String) async throws {
        try await withCity { city in
            let living = try await Living(city)
            let header = try living.header(#""alg":"RS256","# + member)
            try await living.refuse(
                try Self.sign(header, JSONValue.object(living.accessClaims).encodedText(), with: try city.key()))
            let idHeader = try living.header(#""alg":"RS256","# + member, type: "JWT")
            try await living.refuseHint(
                try Self.sign(idHeader, JSONValue.object(living.idClaims).encodedText(), with: try city.key()))
        }
    }

    @Test("attack 116: a member that stands twice makes the token no token")
    func duplicates() async throws {
        try await withCity { city in
            let living = try await Living(city)
            let access = JSONValue.object(living.accessClaims).encodedText().dropLast()
            let id = JSONValue.object(living.idClaims).encodedText().dropLast()
            for more in [
                #","sub":"admin"}"#, #","\u0073ub":"admin"}"#, #","scope":"openid asn"}"#, #","x":{"a":1,"a":2}}"#,
                #","iss":"x"}"#,
            ] {
                try await living.refuse(
                    try Self.sign(living.header(#""alg":"RS256""#), access + more, with: try city.key()))
                if more.contains("scope") { continue }  // an ID token has no scope that could stand twice
                try await living.refuseHint(
                    try Self.sign(living.header(#""alg":"RS256""#, type: "JWT"), id + more, with: try city.key()))
            }
            for alg in [
                #""alg":"none","alg":"RS256""#, #""alg":"RS256","alg":"none""#, #""alg":"RS256","\u0061lg":"none""#,
            ] {
                try await living.refuse(try Self.sign(living.header(alg), access + "}", with: try city.key()))
                try await living.refuseHint(
                    try Self.sign(living.header(alg, type: "JWT"), id + "}", with: try city.key()))
            }
        }
    }

    @Test("attack 118: base64url is strict, dots are counted, and 16 KB is the end")
    func base64() async throws {
        try await withCity { city in
            let living = try await Living(city)
            let parts = living.access.split(separator: ".").map(String.init)
            #expect(parts.count == 3)
            for place in 0..<3 {
                for change in [
                    { $0 + "=" }, { $0 + "==" }, { $0.replacing("-", with: "+").replacing("_", with: "/") + "+" },
                    { $0 + " " }, { " " + $0 }, { $0 + "\n" },
                    { $0.prefix(4) + "\n" + $0.dropFirst(4) }, { $0 + "A" }, { String($0.dropLast()) }, { _ in "" },
                ] as [(String) -> String] {
                    var changed = parts
                    changed[place] = change(parts[place])
                    try await living.refuse(changed.joined(separator: "."))
                }
            }
            // 256 bytes leave four bits over in the last letter; they have to be zero.
            let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
            let last = try #require(parts[2].last.flatMap { alphabet.firstIndex(of: $0) })
            #expect(last & 15 == 0)
            for bits in 1...15 { try await living.refuse(living.access.dropLast() + String(alphabet[last | bits])) }

            for dots in [1, 2, 3, 4, 5, 6, 10_000] { try await living.refuse(String(repeating: ".", count: dots)) }
            for token in [
                living.access + ".", "." + living.access, living.access + ".x", living.access + ".x.y",
                parts[0] + "." + parts[1],
            ] {
                try await living.refuse(token)
                try await living.refuseHint(token)
            }
            var long = living.accessClaims
            long["x"] = .string(String(repeating: "x", count: 12_500))
            try await living.refuse(try city.forge(long))
            long["x"] = .string(String(repeating: "x", count: 10_000))
            #expect(try await city.isAlive(try city.forge(long)))
        }
    }

    @Test("attack 119: nothing between the parts, nothing around them, and no JSON serialization")
    func whitespace() async throws {
        try await withCity { city in
            let living = try await Living(city)
            let parts = living.access.split(separator: ".").map(String.init)
            for junk in ["\n", "\r\n", "\u{0}", " ", "\t", "\u{200b}"] {
                try await living.refuse(parts.joined(separator: junk + "."))
                try await living.refuse(parts.joined(separator: "." + junk))
                try await living.refuse(living.access + junk)
                try await living.refuse(junk + living.access)
                try await living.refuseHint(living.id + junk)
            }
            let json = #"{"payload":"\#(parts[1])","protected":"\#(parts[0])","signature":"\#(parts[2])"}"#
            try await living.refuse(json)
            try await living.refuse(
                #"{"payload":"\#(parts[1])","signatures":[{"protected":"\#(parts[0])","signature":"\#(parts[2])"}]}"#)
            try await living.refuseHint(json)
        }
    }

    @Test("attack 127: issuer and audience are compared as bytes")
    func issuerAndAudience() async throws {
        try await withCity { city in
            let living = try await Living(city)
            let issuer = TestGateway.issuer
            for iss in [
                issuer + "/", issuer.uppercased(), "https://SSO.contoh.go.id", "https://lain.contoh.go.id",
                "http://sso.contoh.go.id", issuer + "\u{0}",
                String(issuer.dropLast()), nil,
            ] {
                var claims = living.accessClaims
                claims["iss"] = iss.map(JSONValue.string)
                try await living.refuse(try city.forge(claims))
                var id = living.idClaims
                id["iss"] = iss.map(JSONValue.string)
                try await living.refuseHint(try city.forge(id, type: "JWT"))
            }
            var array = living.accessClaims
            array["iss"] = [.string(issuer)]
            try await living.refuse(try city.forge(array))
            for audience in [
                ["web", "lain"], "we", "web ", "WEB", [], ["web", "web"], nil, "web\u{0}", 1, "tidak-ada",
            ] as [JSONValue?] {
                var id = living.idClaims
                id["aud"] = audience
                try await living.refuseHint(try city.forge(id, type: "JWT"))
            }
            for azp in ["lain", "we", 1, .null] as [JSONValue] {
                var id = living.idClaims
                id["azp"] = azp
                try await living.refuseHint(try city.forge(id, type: "JWT"))
            }
            // A token of one client under the name of another, or of none.
            for client in ["native", "tidak-ada", "web ", "disabled", ""] {
                var claims = living.accessClaims
                claims["client_id"] = .string(client)
                try await living.refuse(try city.forge(claims))
            }
        }
    }

    @Test("attack 127: what an access token must have, it must have")
    func accessClaims() async throws {
        try await withCity { city in
            let living = try await Living(city)
            for name in ["iss", "exp", "iat", "jti", "client_id"] {
                try await living.refuse(try city.forge(living.accessClaims.removing(name)))
            }
            let now = city.gateway.clock.now.seconds
            for exp in [
                .integer(now), .integer(now - 1), .integer(-1), .string("\(now + 100)"), .integer(Int64.max),
                .double(1e300), .null,
            ] as [JSONValue] {
                var claims = living.accessClaims
                claims["exp"] = exp
                try await living.refuse(try city.forge(claims))
            }
            // A family that is not there, and one of somebody else.
            for jti in [UUIDText.version4() + ".x", "x", ""] {
                var claims = living.accessClaims
                claims["jti"] = .string(jti)
                expectInvalidToken(try await city.userinfo(try city.forge(claims)))
            }
        }
    }

    @Test("attack 128: a token of one kind is none of another")
    func kinds() async throws {
        try await withCity { city in
            let living = try await Living(city)
            try await living.refuse(living.id)
            try await living.refuseHint(living.access)
            for type in [
                "JWT", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "secevent+jwt", "client-authentication+jwt", "",
                nil,
            ] {
                try await living.refuse(try city.forge(living.accessClaims, type: type))
            }
            for type in ["at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "secevent+jwt", ""] {
                try await living.refuseHint(try city.forge(living.idClaims, type: type))
            }
            let now = city.gateway.clock.now
            let delivery = LogoutDelivery(
                id: .make(now: now), sessionID: .make(now: now), accountSub: city.people["ujang"]?.sub ?? "",
                clientID: ClientID("web"),
                sid: living.idClaims["sid"]?.string ?? "", uri: "https://simpeg.contoh.go.id/logout", createdAt: now,
                nextTryAt: nil
            )
            let logout = try LogoutToken.make(
                for: delivery, sub: delivery.accountSub, issuer: TestGateway.issuer, key: try city.key(), now: now)
            #expect(try city.header(of: logout)["typ"] == "logout+jwt")
            try await living.refuse(logout)
            try await living.refuseHint(logout)
            let silent = try await city.authorize(
                city.asking("web", ["id_token_hint": logout, "prompt": "none"]), in: try await city.signedIn())
            expectRedirect(silent, "login_required")
        }
    }

    @Test("attack 130: the published keys are public and nothing else, and no HS key is among them")
    func publishedKeys() async throws {
        try await withCity { city in
            let answer = try await city.gateway.send(.get, "/oauth2/jwks")
            let keys = try #require(answer.json?["keys"]?.array)
            #expect(keys.count >= 6)
            for key in keys {
                let object = try #require(key.object)
                for member in JSONWebKey.privateMembers + ["x5c", "x5u"] { #expect(!object.contains(member)) }
                #expect(["RSA", "EC", "OKP"].contains(object["kty"]?.string))
                #expect(object["use"] == "sig")
                #expect(object["alg"]?.string?.hasPrefix("HS") == false)
            }
            for secret in city.secrets.values { #expect(!holds(answer.body, secret)) }
        }
    }
}
