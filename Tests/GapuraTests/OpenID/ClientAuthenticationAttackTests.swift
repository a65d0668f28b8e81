import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Group C of attacks.md.
@Suite("Token endpoint and client authentication: attacks")
struct ClientAuthenticationAttackTests {
    private static let machine: Pairs = [("grant_type", "client_credentials")]

    // MARK: Form

    @Test("attack 62: only POST", arguments: ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"])
    func onlyPost(path: String) async throws {
        try await withCity { city in
            for method in [HTTPRequest.Method.get, .put, .delete, .patch, .head] {
                let answer = try await city.gateway.send(
                    method, path + "?grant_type=client_credentials", headers: [.authorization: city.basic("machine")])
                #expect(answer.status == 405)
                #expect(answer.headers[.allow] == "POST")
                #expect(answer.headers[.cacheControl] == "no-store")
                #expect(answer.json?["access_token"] == nil)
            }
        }
    }

    @Test(
        "attack 62: only forms",
        arguments: ["application/json", "text/plain", "multipart/form-data", "application/x-www-form-urlencodedx", nil]
            as [String?]
    )
    func onlyForms(type: String?) async throws {
        try await withCity { city in
            for body in [#"{"grant_type":"client_credentials"}"#, "grant_type=client_credentials"] {
                var headers: HTTPFields = [.authorization: city.basic("machine")]
                headers[.contentType] = type
                expectTokenError(
                    try await city.gateway.send(.post, "/oauth2/token", headers: headers, body: body), 400,
                    "invalid_request")
            }
        }
    }

    @Test(
        "attack 62: a body of more than 64 KB is 413",
        arguments: ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"])
    func tooLarge(path: String) async throws {
        try await withCity { city in
            let body = "grant_type=client_credentials&token=x&x="
            let headers: HTTPFields = [
                .authorization: city.basic("machine"), .contentType: "application/x-www-form-urlencoded",
            ]
            let largest = body + String(repeating: "x", count: 64 * 1024 - body.utf8.count)
            #expect(try await city.gateway.send(.post, path, headers: headers, body: largest).status == 200)
            let answer = try await city.gateway.send(.post, path, headers: headers, body: largest + "x")
            expectTokenError(answer, 413, "too_large", foreign: ["xxx"])
        }
    }

    @Test("attack 62: grant_type missing, empty, twice, or unknown")
    func grantType() async throws {
        try await withCity { city in
            for form in [
                [], [("grant_type", "")], Self.machine + Self.machine, Self.machine + [("grant_type", "refresh_token")],
            ] as [Pairs] {
                expectTokenError(try await city.token(form, "machine"), 400, "invalid_request")
            }
            let unknown = [
                "password", "implicit", "Client_Credentials", "client_credentials ",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "urn:ietf:params:oauth:grant-type:Token-Exchange", "urn:ietf:params:oauth:grant-type:Device_Code",
                "client_credential\u{455}",
            ]
            for type in unknown {
                let answer = try await city.token(
                    [("grant_type", type), ("assertion", "x"), ("subject_token", "x")], "machine")
                expectTokenError(answer, 400, "unsupported_grant_type")
            }
        }
    }

    @Test("attack 62: more than 200 keys, broken percent signs, bytes that are no UTF-8, and any parameter twice")
    func brokenForms() async throws {
        try await withCity { city in
            let headers: HTTPFields = [
                .authorization: city.basic("machine"), .contentType: "application/x-www-form-urlencoded",
            ]
            let many = (0..<200).map { "&k\($0)=1" }.joined()
            for more in [many, "&a=%", "&a=%zz", "&a=%ff", "&scope=simpeg.read&scope=simpeg.read", "&x=1&x=2"] {
                let answer = try await city.gateway.send(
                    .post, "/oauth2/token", headers: headers, body: "grant_type=client_credentials" + more)
                expectTokenError(answer, 400, "invalid_request")
            }
            let nested = "&a[_0]" + String(repeating: "[a]", count: 1100) + "=1"
            #expect(
                try await city.gateway.send(
                    .post, "/oauth2/token", headers: headers, body: "grant_type=client_credentials" + nested
                ).status == 200)
        }
    }

    @Test("attack 64: a grant the client was not registered for")
    func otherGrants() async throws {
        try await withCity { city in
            try await city.addClient(
                "kode-saja",
                [
                    "client_name": "Kode", "redirect_uris": [.string(City.redirectURI)],
                    "token_endpoint_auth_method": "none",
                ])
            expectTokenError(try await city.token(Self.machine, "web"), 400, "unauthorized_client")
            expectTokenError(try await city.token(Self.machine, "native"), 400, "unauthorized_client")
            expectTokenError(try await city.redeem("x", "machine"), 400, "unauthorized_client")
            expectTokenError(try await city.refresh("x", "machine"), 400, "unauthorized_client")
            expectTokenError(try await city.refresh("x", "kode-saja"), 400, "unauthorized_client")
            // And without that grant, no refresh token comes with a code.
            let code = try await city.freshCode("kode-saja")
            let tokens = try await city.token(city.redeeming(code), "kode-saja").json
            #expect(tokens?["access_token"]?.string != nil)
            #expect(tokens?["refresh_token"] == nil)
        }
    }

    // MARK: Who asks

    @Test("attack 65: two ways to authenticate in one request")
    func twoMethods() async throws {
        try await withCity { city in
            let secret = city.secrets["machine"] ?? ""
            let assertion: Pairs = [
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", "a.b.c"),
            ]
            let basic: HTTPFields = [.authorization: city.basic("machine")]
            for form in [
                Self.machine + [("client_secret", secret)], Self.machine + assertion, Self.machine + [assertion[0]],
            ] as [Pairs] {
                expectTokenError(
                    try await city.gateway.post("/oauth2/token", form, headers: basic), 400, "invalid_request")
            }
            let posted = Self.machine + [("client_id", "machine"), ("client_secret", secret)] + assertion
            expectTokenError(try await city.gateway.post("/oauth2/token", posted), 400, "invalid_request")
            var twice = basic
            twice[values: .authorization].append(city.basic("machine"))
            expectTokenError(
                try await city.gateway.post("/oauth2/token", Self.machine, headers: twice), 400, "invalid_request")
            let other = try await city.gateway.post(
                "/oauth2/token", Self.machine + [("client_id", "web")], headers: basic)
            expectTokenError(other, 400, "invalid_request")
            // The same name again is one way.
            #expect(
                try await city.gateway.post("/oauth2/token", Self.machine + [("client_id", "machine")], headers: basic)
                    .status == 200)
        }
    }

    @Test("attack 67: only the registered method counts, and the stored client decides")
    func otherMethod() async throws {
        try await withCity { city in
            func post(_ client: String) async throws -> TestAnswer {
                try await city.gateway.post(
                    "/oauth2/token",
                    [
                        ("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", client),
                        ("client_secret", city.secrets[client] ?? "x"),
                    ]
                )
            }
            let refresh: Pairs = [("grant_type", "refresh_token"), ("refresh_token", "x")]
            expectTokenError(try await post("web"), 401, "invalid_client")
            expectTokenError(try await post("native"), 401, "invalid_client")
            expectTokenError(try await post("post"), 400, "invalid_grant")
            expectTokenError(
                try await city.gateway.post("/oauth2/token", refresh, headers: [.authorization: city.basic("post")]),
                401, "invalid_client")
            for secret in ["", "x"] {
                let header = basicHeader("native", secret)
                expectTokenError(
                    try await city.gateway.post("/oauth2/token", refresh, headers: [.authorization: header]), 401,
                    "invalid_client")
            }
            // No method at all, for a client that has a secret.
            expectTokenError(
                try await city.gateway.post("/oauth2/token", refresh + [("client_id", "web")]), 401, "invalid_client")
            expectTokenError(try await city.gateway.post("/oauth2/token", refresh), 401, "invalid_client")
            expectTokenError(
                try await city.gateway.post("/oauth2/token", refresh + [("client_id", "web"), ("client_secret", "")]),
                401, "invalid_client")
        }
    }

    @Test("attack 67: wrong secrets: another client's, cut, longer, empty, the digest itself")
    func wrongSecrets() async throws {
        try await withCity { city in
            let secret = try #require(city.secrets["machine"])
            let digest = try await city.gateway.store.read { try $0.clients.find(ClientID("machine"))?.secretDigest }
            let wrong = [
                city.secrets["web"] ?? "", String(secret.dropLast()), secret + "A", "", secret.uppercased(),
                secret + "\n", digest ?? "",
            ]
            for secret in wrong {
                let answer = try await city.gateway.post(
                    "/oauth2/token", Self.machine, headers: [.authorization: basicHeader("machine", secret)])
                expectTokenError(answer, 401, "invalid_client")
                #expect(answer.headers[.wwwAuthenticate] == #"Basic realm="gapura""#)
            }
        }
    }

    @Test("attack 68: a malformed Authorization header is 401 and never 500, on both engines", arguments: bothEngines)
    func malformedHeaders(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let bad = [
                "Basic", "Basic ", "Basic  ", "Basic :", "Basic !!!!", "Basic ====", "Basic \u{e9}", "Bearer",
                "Bearer ", "Digest x", "", " ", "x",
                "basic", base64Header(Array("tanpa-titik-dua".utf8)), base64Header([0x3a]), base64Header([0, 0x3a, 0]),
                base64Header(Array("machine".utf8) + [0, 0x3a] + Array("x".utf8)),
                base64Header([0xff, 0xfe, 0x3a, 0x78]),
                base64Header(Array("machine:".utf8) + [0xc3, 0x28]), base64Header(Array("%zz:x".utf8)),
                base64Header(Array("%00:x".utf8)),
                base64Header(Array("machine%00:x".utf8)), base64Header(Array("machine:%".utf8)),
                base64Header(Array("%ff:%ff".utf8)),
                base64Header(Array(repeating: 0x61, count: 100_000)), "Basic " + String(repeating: "A", count: 100_000),
                "Basic " + String(repeating: "=", count: 1000), city.basic("machine") + "=",
                String(city.basic("machine").dropLast(6)),
                city.basic("machine") + " x",
            ]
            for header in bad {
                for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
                    let answer = try await city.gateway.post(
                        path, Self.machine + [("token", "x")], headers: [.authorization: header])
                    expectTokenError(answer, 401, "invalid_client")
                }
                let userinfo = try await city.gateway.send(.get, "/oauth2/userinfo", headers: [.authorization: header])
                #expect(userinfo.status == 401)
            }
            for id in ["\u{0}", "machine\u{0}", String(repeating: "x", count: 60_000), "'; DROP TABLE clients; --"] {
                let answer = try await city.gateway.post(
                    "/oauth2/token", Self.machine + [("client_id", id), ("client_secret", "x\u{0}")])
                expectTokenError(answer, 401, "invalid_client")
            }
            #expect(try await city.token(Self.machine, "machine").status == 200)
        }
    }

    // MARK: Answers

    @Test("attack 76: texts of errors are fixed: nothing of a request comes back in them")
    func fixedTexts() async throws {
        try await withCity { city in
            let evil = "<script>'\"\r\nSet-Cookie: x=evil4711"
            let forms: [(Pairs, Int, String)] = [
                ([("grant_type", evil)], 400, "unsupported_grant_type"),
                (
                    [
                        ("grant_type", "authorization_code"), ("code", evil), ("redirect_uri", evil),
                        ("code_verifier", evil),
                    ], 400, "invalid_grant"
                ),
                ([("grant_type", "refresh_token"), ("refresh_token", evil), ("scope", evil)], 400, "invalid_scope"),
                ([("grant_type", "refresh_token"), ("refresh_token", evil)], 400, "invalid_grant"),
                ([(evil, evil)], 400, "invalid_request"),
                ([("grant_type", "refresh_token"), (evil, evil), (evil, evil)], 400, "invalid_request"),
            ]
            for (form, status, error) in forms {
                expectTokenError(try await city.token(form, "web"), status, error, foreign: ["evil4711", "<script"])
            }
            let unknown = try await city.gateway.post(
                "/oauth2/token", [("grant_type", "x"), ("client_id", evil), ("client_secret", evil)])
            expectTokenError(unknown, 401, "invalid_client", foreign: ["evil4711"])
            for path in ["/oauth2/introspect", "/oauth2/revoke"] {
                let answer = try await city.gateway.post(
                    path, [("token", evil), ("token_type_hint", evil)], headers: [.authorization: city.basic("web")])
                #expect(answer.status == 200)
                #expect(!holds(answer.body, "evil4711"))
            }
            let authorize = try await city.authorize(city.asking("web", ["prompt": evil, "state": nil]))
            expectRedirect(authorize, "invalid_request", state: nil)
            #expect(!holds(Array((authorize.location ?? "").utf8), "evil4711"))
        }
    }

    @Test("attack 77: nothing that holds a token or a claim may be cached, errors neither")
    func noStore() async throws {
        try await withCity { city in
            let tokens = try await city.tokens()
            let access = tokens["access_token"]?.string
            let basic: HTTPFields = [.authorization: city.basic("web")]
            let answers = [
                try await city.token(Self.machine, "machine"), try await city.token([], "web"),
                try await city.refresh(tokens["refresh_token"]?.string),
                try await city.refresh("x"), try await city.gateway.post("/oauth2/token", []),
                try await city.introspect(access, as: "web"),
                try await city.introspect("x", as: "web"), try await city.gateway.post("/oauth2/introspect", []),
                try await city.userinfo(access),
                try await city.userinfo("x"), try await city.gateway.send(.get, "/oauth2/userinfo"),
                try await city.gateway.post("/oauth2/revoke", [("token", "x")], headers: basic),
                try await city.gateway.post("/oauth2/revoke", []),
                try await city.authorize(city.asking()), try await city.authorize(city.asking("web", ["scope": "tte"])),
                try await city.authorize(city.asking("tidak-ada")),
            ]
            #expect(
                answers.map(\.status) == [
                    200, 400, 200, 400, 400, 200, 200, 401, 200, 401, 401, 200, 401, 303, 303, 400,
                ])
            for answer in answers { #expect(answer.headers[.cacheControl] == "no-store") }
        }
    }
}
