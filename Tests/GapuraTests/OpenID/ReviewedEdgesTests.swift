import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import Testing

@testable import Gapura

/// What tokens and sign-ins depend on beyond their own life: the session's idle end, the key, the client, the network.
@Suite("Edges: sessions, keys, clients and networks behind tokens")
struct ReviewedEdgesTests {
    @Test("attack 100: a session that nobody used for two hours ends its tokens; a refresh is use")
    func idleEnd() async throws {
        try await withCity { city in
            let unused = try await city.tokens("web")
            let used = try await city.tokens("plain")
            city.gateway.clock.advance(seconds: 3600)
            #expect(try await city.refresh(used["refresh_token"]?.string, "plain").status == 200)
            city.gateway.clock.advance(seconds: 3600)
            expectTokenError(try await city.refresh(unused["refresh_token"]?.string), 400, "invalid_grant")
            #expect(try await city.refresh(used["refresh_token"]?.string, "plain").status == 200)
        }
    }

    @Test("a token whose key was revoked is dead at once, also one that was looked at before")
    func revokedKey() async throws {
        try await withCity { city in
            let token = try await city.tokens("web")["access_token"]?.string
            #expect(try await city.userinfo(token).status == 200)
            let kid = try #require(try JWS(token ?? "").kid)
            _ = try await city.gateway.gateway.services.keyring.revoke(kid: kid, now: city.gateway.clock.now)
            expectInvalidToken(try await city.userinfo(token))
        }
    }

    @Test("form_post to a private scheme is refused before there is a code")
    func formPostToScheme() async throws {
        try await withCity { city in
            let uri = "id.go.contoh.simpeg:/cb"
            let browser = try await city.signedIn()
            let asked = city.asking("native", ["redirect_uri": uri, "response_mode": "form_post"])
            expectRedirect(try await city.authorize(asked, in: browser), "invalid_request", to: uri)
            #expect(try await city.audit(.codeIssued).isEmpty)
        }
    }

    @Test("attack 314: one network fills its own share only; its oldest sign-in makes room, others are untouched")
    func networkShare() async throws {
        try await withCity(configure: { $0.flowNetworkLimit = 3 }) { city in
            let other = city.gateway.browser(from: "198.51.100.9")
            let path = "/oauth2/authorize?" + FormURLEncoded.encode(city.asking())
            let kept = try #require(try await other.get(path).location)
            var browsers: [(TestBrowser, String)] = []
            for host in 1...5 {
                let browser = city.gateway.browser(from: "203.0.113.\(host)")
                let location = try #require(try await browser.get(path).location)
                browsers.append((browser, location))
                city.gateway.clock.advance(seconds: 1)
            }
            var open: [Bool] = []
            for (browser, location) in browsers { open.append(try await browser.get(location).status == 200) }
            #expect(open == [false, false, true, true, true])
            #expect(try await other.get(kept).status == 200)
        }
    }

    @Test("attack 314: of a request only what is ever read is kept")
    func onlyKnownParameters() async throws {
        try await withCity { city in
            let padding = String(repeating: "x", count: 4000)
            _ = try await city.authorize(city.asking("web", ["padding": padding]))
            let stored = try await city.gateway.store.read { tx in
                try tx.first("SELECT request FROM flows")?.text(0)
            }
            #expect(stored?.contains("padding") == false)
            #expect(stored?.contains("client_id=web") == true)
        }
    }

    @Test("attack 140: a hint that names another client's session, or another person's, ends nothing unasked")
    func foreignSID() async throws {
        try await withCity { city in
            let victim = try await city.signedIn()
            let sid = try city.claims(of: try await city.tokens("web", in: victim)["id_token"]?.string)["sid"]?.string
            let sub = city.people["ujang"]?.sub ?? ""
            let key = try SigningKey(secret: Array((city.secrets["hs"] ?? "").utf8), algorithm: .hs256)
            let issuer = TokenIssuer(issuer: TestGateway.issuer, key: key)
            // The client `hs` signs hints itself, and names the session that `web` knows.
            var claims: Claims = ["sub": .string(sub), "aud": "hs", "sid": .string(sid ?? "")]
            claims.iat = city.gateway.clock.now
            claims.exp = city.gateway.clock.now.adding(seconds: 300)
            let hint = try issuer.issue(claims, type: .jwt)
            let answer = try await city.gateway.send(.get, "/oauth2/logout?id_token_hint=\(hint)")
            #expect(answer.location == "/keluar/selesai")
            #expect(try await city.audit(.sessionEnded).isEmpty)
            #expect(try await victim.get("/portal").status == 200)
        }
    }

    @Test("attack 1: a disabled client's address is not followed at sign-out either")
    func disabledClient() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let hint = try await city.tokens("web", in: browser)["id_token"]?.string ?? ""
            let now = city.gateway.clock.now
            let registry = ClientRegistry(city.gateway.gateway.services)
            try await city.gateway.store.write {
                try registry.setState(ClientID("web"), .disabled, by: .system, in: $0, at: now)
            }
            let uri = FormURLEncoded.percentEncode(City.postLogoutURI)
            let answer = try await browser.get("/oauth2/logout?id_token_hint=\(hint)&post_logout_redirect_uri=\(uri)")
            expectLocal400(answer)
        }
    }

    @Test("attack 19: a client that was disabled gets no opaque token, and one that gets it stands in the audit")
    func opaqueForMachines() async throws {
        try await withCity { city in
            let secret = try await city.addClient(
                "machine-opaque",
                ["client_name": "Mesin", "grant_types": ["client_credentials"], "access_token_format": "opaque"])
            let form: Pairs = [
                ("grant_type", "client_credentials"), ("client_id", "machine-opaque"), ("client_secret", secret),
            ]
            // Registered for Basic: the secret in the body is another method.
            expectTokenError(try await city.gateway.post("/oauth2/token", form), 401, "invalid_client")
            let basic = "Basic " + City.base64Text("machine-opaque:\(secret)")
            let answer = try await city.gateway.post(
                "/oauth2/token", [("grant_type", "client_credentials")], headers: [.authorization: basic])
            #expect(answer.status == 200)
            #expect(try await city.audit(.tokensIssued).count == 1)
        }
    }

    @Test("attack 74: an assertion is no grant here, whoever signed it")
    func jwtBearer() async throws {
        try await withCity { city in
            let form: Pairs = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", "e30.e30.e30"),
            ]
            expectTokenError(try await city.token(form, "web"), 400, "unsupported_grant_type")
        }
    }

    @Test("attack 101: a confidential client's refresh token is not rotated")
    func noRotation() async throws {
        try await withCity { city in
            let refresh = try await city.tokens("web")["refresh_token"]?.string
            #expect(try await city.refresh(refresh).json?["refresh_token"]?.string == refresh)
            #expect(try await city.refresh(refresh).json?["refresh_token"]?.string == refresh)
        }
    }

    @Test("a registration that asks for protection this version lacks is refused, one that only describes is taken")
    func unserved() async throws {
        try await withCity { city in
            let good: JSONObject = ["client_name": "Uji", "redirect_uris": [.string(City.redirectURI)]]
            for name in ["tls_client_certificate_bound_access_tokens", "userinfo_encrypted_response_alg"] {
                var json = good
                json[name] = true
                #expect(throws: OAuthError.self) {
                    try ClientMetadata(json, settings: city.gateway.gateway.services.settings)
                }
            }
            var json = good
            json["software_id"] = "uji"
            json["tls_client_certificate_bound_access_tokens"] = false
            _ = try ClientMetadata(json, settings: city.gateway.gateway.services.settings)
        }
    }

    @Test("the audit says which members of a registration changed")
    func whatChanged() async throws {
        try await withCity { city in
            let registry = ClientRegistry(city.gateway.gateway.services)
            let now = city.gateway.clock.now
            try await city.gateway.store.write { tx in
                guard let record = try tx.clients.find(ClientID("web")),
                    var json = try StrictJSON.parse(Array(record.settings.utf8)).object
                else { throw CityError(text: "no web") }
                json["client_name"] = "SIMPEG baru"
                let metadata = try ClientMetadata(json, settings: city.gateway.gateway.services.settings)
                _ = try registry.update(ClientID("web"), metadata, secret: "", by: .system, in: tx, at: now)
            }
            let row = try await city.audit(.clientUpdated).first { $0.clientID == "web" }
            #expect(row?.detail == #"{"changed":["client_name"]}"#)
        }
    }

    @Test("attack 8: a client whose scopes were narrowed gets the rest only, by code and by refresh")
    func narrowedScopes() async throws {
        try await withCity { city in
            let refresh = try await city.tokens("web", scope: "openid profile asn offline_access")["refresh_token"]?
                .string
            let code = try await city.freshCode(in: try await city.signedIn(), ["scope": "openid asn"])
            let (registry, now) = (ClientRegistry(city.gateway.gateway.services), city.gateway.clock.now)
            let settings = try await city.gateway.store.read { try $0.clients.findUsable(ClientID("web"))?.settings }
            var json = try #require(try StrictJSON.parse(Array((settings ?? "").utf8)).object)
            json["scope"] = "openid profile"
            let metadata = try ClientMetadata(json, settings: city.gateway.gateway.services.settings)
            try await city.gateway.store.write {
                _ = try registry.update(ClientID("web"), metadata, secret: "", by: .system, in: $0, at: now)
            }
            let redeemed = try await city.token(city.redeeming(code), "web").json
            #expect(redeemed?["scope"] == "openid")
            #expect(try city.claims(of: redeemed?["access_token"]?.string)["scope"] == "openid")
            let refreshed = try await city.refresh(refresh).json
            #expect(refreshed?["scope"] == "openid profile")
            #expect(try city.claims(of: refreshed?["access_token"]?.string)["scope"] == "openid profile")
            let asked = try await city.token(
                [("grant_type", "refresh_token"), ("refresh_token", refresh ?? ""), ("scope", "openid asn")], "web")
            expectTokenError(asked, 400, "invalid_scope")
        }
    }

    @Test(
        "attack 19: who may not use the application any more gets no tokens, by code or by refresh",
        arguments: bothEngines)
    func lostAccess(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let browser = try await city.signedIn()
            let refresh = try await city.tokens("web", in: browser)["refresh_token"]?.string
            let code = try await city.freshCode(in: browser)
            let application = try #require(
                try await city.gateway.store.read { try $0.applications.find(slug: "simpeg")?.id })
            func rules(_ kinds: [EmployeeKind]) async throws {
                let rules = kinds.map { AccessRule(kind: .employeeKind, value: $0.rawValue) }
                try await city.gateway.store.write { try $0.applications.replaceRules(of: application, with: rules) }
            }
            try await rules([.pppk])
            expectTokenError(try await city.token(city.redeeming(code), "web"), 400, "invalid_grant")
            expectTokenError(try await city.refresh(refresh), 400, "invalid_grant")
            // Moved back, the person goes on where the session still lives.
            try await rules([.pppk, .pns])
            #expect(try await city.refresh(refresh).status == 200)
        }
    }

    @Test("attack 94: a spent token is reuse also when it asks for too much")
    func reuseWithWiderScope() async throws {
        try await withCity { city in
            let first = try await city.tokens("native")["refresh_token"]?.string
            let second = try await city.refresh(first, "native").json?["refresh_token"]?.string
            city.gateway.clock.advance(seconds: 11)
            let wider = try await city.token(
                [("grant_type", "refresh_token"), ("refresh_token", first ?? ""), ("scope", "openid phone")], "native")
            expectTokenError(wider, 400, "invalid_grant")
            expectTokenError(try await city.refresh(second, "native"), 400, "invalid_grant")
            #expect(try await city.audit(.refreshTokenReused).count == 1)
        }
    }
}
