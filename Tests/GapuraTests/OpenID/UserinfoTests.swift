import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

@Suite("Userinfo")
struct UserinfoTests {
    @Test("behaviour 51: header by GET and POST, and a form body, are answered the same", arguments: ["web", "opaque"])
    func ways(client: String) async throws {
        try await withCity { city in
            let tokens = try await city.tokens(client, scope: "openid profile")
            let access = try #require(tokens["access_token"]?.string)
            let header: HTTPFields = [.authorization: "Bearer \(access)"]
            let answers = [
                try await city.gateway.send(.get, "/oauth2/userinfo", headers: header),
                try await city.gateway.send(.post, "/oauth2/userinfo", headers: header),
                try await city.gateway.post("/oauth2/userinfo", [], headers: header),
                try await city.gateway.post("/oauth2/userinfo", [("access_token", access)]),
            ]
            let sub = try city.claims(of: tokens["id_token"]?.string)["sub"]
            for answer in answers {
                #expect(answer.status == 200)
                #expect(answer.headers[.contentType] == "application/json")
                #expect(answer.json?["sub"] == sub)
                #expect(answer.body == answers[0].body)
            }
        }
    }

    @Test("behaviour 51: never the query, and never two ways at once")
    func neverTheQuery() async throws {
        try await withCity { city in
            let access = try #require(try await city.tokens()["access_token"]?.string)
            for method in [HTTPRequest.Method.get, .post] {
                let query = try await city.gateway.send(method, "/oauth2/userinfo?access_token=\(access)")
                #expect(query.status == 401)
                #expect(query.headers[.wwwAuthenticate] == #"Bearer realm="gapura""#)
                #expect(query.json?["sub"] == nil)
            }
            let header: HTTPFields = [.authorization: "Bearer \(access)"]
            let both = try await city.gateway.post("/oauth2/userinfo", [("access_token", access)], headers: header)
            expectTokenError(both, 400, "invalid_request")
            let twice = try await city.gateway.post(
                "/oauth2/userinfo", [("access_token", access), ("access_token", access)])
            expectTokenError(twice, 400, "invalid_request")
            var headers = header
            headers[values: .authorization].append("Bearer \(access)")
            expectTokenError(
                try await city.gateway.send(.get, "/oauth2/userinfo", headers: headers), 400, "invalid_request")
            let json = try await city.gateway.send(
                .post, "/oauth2/userinfo", headers: [.contentType: "application/json"],
                body: #"{"access_token":"\#(access)"}"#
            )
            expectTokenError(json, 400, "invalid_request")
            var beside = header
            beside[.contentType] = "application/json"
            let ignored = try await city.gateway.send(.post, "/oauth2/userinfo", headers: beside, body: "{}")
            #expect(ignored.status == 200)
        }
    }

    @Test("behaviour 52: a token that is no good is 401 invalid_token; the scheme's case does not matter")
    func invalid() async throws {
        try await withCity { city in
            for client in ["web", "opaque"] {
                let access = try #require(try await city.tokens(client)["access_token"]?.string)
                for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
                    let answer = try await city.gateway.send(
                        .get, "/oauth2/userinfo", headers: [.authorization: "\(scheme) \(access)"])
                    #expect(answer.status == 200)
                }
                for scheme in ["Basic", "Token", "Bearerx"] {
                    expectInvalidToken(
                        try await city.gateway.send(
                            .get, "/oauth2/userinfo", headers: [.authorization: "\(scheme) \(access)"]))
                }
                _ = try await city.revoke(access, as: client)
                expectInvalidToken(try await city.userinfo(access))
                let late = try #require(try await city.tokens(client)["access_token"]?.string)
                city.gateway.clock.advance(seconds: 299)
                #expect(try await city.isAlive(late))
                city.gateway.clock.advance(seconds: 1)
                expectInvalidToken(try await city.userinfo(late))
            }
            for token in [
                "x", SecureRandom.text(32), "a.b.c", String(repeating: "x", count: 19_000),
                String(repeating: "x", count: 50_000),
            ] {
                expectInvalidToken(try await city.userinfo(token))
            }
        }
    }

    @Test("a machine's token has no userinfo, and one without openid is insufficient_scope")
    func scopes() async throws {
        try await withCity { city in
            let machine = try await city.token([("grant_type", "client_credentials")], "machine").json?["access_token"]?
                .string
            expectInvalidToken(try await city.userinfo(machine))
            let code = try await city.freshCode("web", ["scope": "profile"])
            let tokens = try await city.token(city.redeeming(code), "web").json
            #expect(tokens?["id_token"] == nil)
            let answer = try await city.userinfo(tokens?["access_token"]?.string)
            #expect(answer.status == 403)
            #expect(answer.headers[.wwwAuthenticate] == #"Bearer realm="gapura", error="insufficient_scope""#)
            #expect(answer.json?["error"] == "insufficient_scope")
        }
    }

    @Test("behaviour 33: each scope delivers what there is of its claims, and behaviour 35: nothing beyond it")
    func claims() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let expected: [(scope: String, claims: Set<String>)] = [
                ("openid", []), ("openid profile", ["name", "preferred_username", "zoneinfo", "locale", "updated_at"]),
                ("openid email", ["email", "email_verified"]),
                ("openid phone", ["phone_number", "phone_number_verified"]),
                ("openid asn", ["nip", "employee_kind", "unor", "opd", "position"]),
                ("openid simpeg.read offline_access", []),
            ]
            for (scope, claims) in expected {
                let tokens = try await city.tokens("web", scope: scope, in: browser)
                let info = try await city.userinfo(tokens["access_token"]?.string).json?.object
                #expect(Set(info?.keys ?? []) == claims.union(["sub"]), "\(scope)")
            }
            let all = try await city.tokens("web", scope: "openid profile email phone asn", in: browser)
            let info = try #require(try await city.userinfo(all["access_token"]?.string).json)
            #expect(info["name"] == "Ujang Ma'ruf, S.H.")
            #expect(info["preferred_username"] == "ujang")
            #expect(info["nip"] == .string(City.nips["ujang"] ?? ""))
            #expect(info["employee_kind"] == "PNS")
            #expect(info["opd"]?["name"] == "Sekretariat Daerah")
            #expect(info["unor"]?["name"] == "Bagian Hukum")
        }
    }

    @Test("behaviour 34: claims have their types, and one without a value is left out")
    func types() async throws {
        try await withCity { city in
            let tokens = try await city.tokens("web", scope: "openid profile email phone asn")
            let info = try #require(try await city.userinfo(tokens["access_token"]?.string).json?.object)
            for name in ["sub", "name", "preferred_username", "zoneinfo", "locale", "email", "phone_number", "nip"] {
                let text = try #require(info[name]?.string)
                #expect(!text.trimmingPrefix(" ").isEmpty)
                #expect(text != "null")
            }
            #expect(info["email_verified"] == false)
            #expect(info["phone_number_verified"] == false)
            let updated = try #require(info["updated_at"]?.integer)
            #expect(updated <= city.gateway.clock.now.seconds)
            #expect(updated > 631_152_000)

            let now = city.gateway.clock.now
            let hash = try #require(city.people["ujang"]?.passwordHash)
            try await city.gateway.store.write { tx in
                try tx.accounts.insert(
                    Account(
                        id: .make(now: now), sub: UUIDText.version4(), userName: "vendor", displayName: "Vendor",
                        state: .aktif, stateBy: .admin,
                        passwordHash: hash, createdAt: now, updatedAt: now
                    )
                )
            }
            let bare = try await city.tokens("web", for: "vendor", scope: "openid profile email phone asn")
            let few = try #require(try await city.userinfo(bare["access_token"]?.string).json?.object)
            #expect(
                Set(few.keys) == [
                    "sub", "name", "preferred_username", "zoneinfo", "locale", "updated_at", "employee_kind",
                ])
            for member in few.members {
                #expect(!member.value.isNull)
                #expect(member.value != "")
            }
        }
    }

    @Test(
        "behaviour 53: a client that registered for it gets a JWT of that algorithm, with iss and aud and no nonce",
        arguments: ["RS256", "ES256", "HS256"])
    func signed(algorithm: String) async throws {
        try await withCity { city in
            let secret = try await city.addClient(
                "bertanda",
                [
                    "client_name": "Bertanda", "redirect_uris": [.string(City.redirectURI)], "scope": "openid profile",
                    "userinfo_signed_response_alg": .string(algorithm),
                ])
            let code = try await city.freshCode("bertanda", ["scope": "openid profile", "nonce": "n"])
            let tokens = try await city.gateway.post(
                "/oauth2/token", city.redeeming(code), headers: [.authorization: basicHeader("bertanda", secret)]
            ).json
            let answer = try await city.userinfo(tokens?["access_token"]?.string)
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == "application/jwt")
            #expect(answer.headers[.cacheControl] == "no-store")
            let jws = try JWS(answer.text)
            #expect(jws.algorithm.rawValue == algorithm)
            let key =
                algorithm == "HS256"
                ? try VerificationKey(secret: Array(secret.utf8), algorithm: .hs256)
                : try #require(jws.kid.flatMap { city.gateway.gateway.services.keyring.verificationKey(kid: $0) })
            let claims = try Claims(json: jws.verify(with: key))
            #expect(claims.iss == TestGateway.issuer)
            #expect(claims.aud == ["bertanda"])
            #expect(claims.sub == city.people["ujang"]?.sub)
            #expect(claims["name"] != nil)
            #expect(claims["nonce"] == nil)
            let metadata = try await city.gateway.send(.get, "/.well-known/openid-configuration").json
            #expect(metadata?["userinfo_signing_alg_values_supported"]?.strings?.contains("RS256") == true)
            // An error is JSON as ever.
            expectInvalidToken(try await city.userinfo("x"))
        }
    }

    @Test("behaviour 8, behaviour 33: whose data is there has a value for every claim that a scope of theirs opens")
    func complete() async throws {
        try await withCity { city in
            let tokens = try await city.tokens("web", scope: "openid profile email asn")
            let told = try #require(try await city.userinfo(tokens["access_token"]?.string).json?.object)
            // What an old application knows of somebody, and standing in for others, is not everybody's.
            let some = ["local_id", "acting", "manager_sub"]
            for scope in [Scope.openid, .profile, .email, .asn] {
                for name in scope.claimNames where !some.contains(name) {
                    #expect(told[name] != nil, "\(scope.rawValue): \(name)")
                }
            }
        }
    }
}
