import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Group E of attacks.md.
@Suite("Authorization codes: attacks")
struct CodeAttackTests {
    @Test("attack 86: a code redeemed twice revokes what it gave", arguments: bothEngines, ["web", "opaque", "native"])
    func twice(engine: Engine, client: String) async throws {
        try await withCity(on: engine) { city in
            let code = try await city.freshCode(client)
            let first = try await city.token(city.redeeming(code), client).json
            let access = first?["access_token"]?.string
            let refreshed = try await city.refresh(first?["refresh_token"]?.string, client).json
            let second = refreshed?["access_token"]?.string
            #expect(try await city.isAlive(access))
            #expect(try await city.isAlive(second))
            city.gateway.clock.advance(seconds: 1)
            expectTokenError(try await city.token(city.redeeming(code), client), 400, "invalid_grant")
            for token in [access, second] {
                expectInvalidToken(try await city.userinfo(token))
                if client != "native" {
                    #expect(try await city.introspect(token, as: client).json == ["active": false])
                }
            }
            for token in [first?["refresh_token"]?.string, refreshed?["refresh_token"]?.string] {
                expectTokenError(try await city.refresh(token, client), 400, "invalid_grant")
            }
            #expect(try await city.audit(.codeReused).count == 1)
        }
    }

    @Test("attack 86: also once the code has expired, and another sign-in of the same person stays as it is")
    func twiceLate() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let other = try await city.tokens("web", in: browser)["access_token"]?.string
            let code = try await city.freshCode(in: browser)
            let access = try await city.token(city.redeeming(code), "web").json?["access_token"]?.string
            city.gateway.clock.advance(seconds: 61)
            expectTokenError(try await city.token(city.redeeming(code), "web"), 400, "invalid_grant")
            expectInvalidToken(try await city.userinfo(access))
            #expect(try await city.isAlive(other))
        }
    }

    @Test("attack 86: of 50 redemptions at once exactly one wins, and then loses what it won", arguments: bothEngines)
    func parallel(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let code = try await city.freshCode()
            let form = city.redeeming(code)
            let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
                for _ in 0..<50 { group.addTask { try await city.token(form, "web") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let winners = answers.filter { $0.status == 200 }
            #expect(winners.count == 1)
            for answer in answers where answer.status != 200 { expectTokenError(answer, 400, "invalid_grant") }
            expectInvalidToken(try await city.userinfo(winners.first?.json?["access_token"]?.string))
            #expect(try await city.audit(.tokensIssued).count == 1)
            #expect(try await city.audit(.codeReused).count == 1)
        }
    }

    @Test("attack 88: another client's code is no code, and stays good for its owner")
    func anotherClient() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let code = try await city.freshCode("web", in: browser)
            for thief in ["plain", "post", "native", "hs"] {
                let form: Pairs = city.redeeming(code)
                let answer =
                    thief == "post"
                    ? try await city.gateway.post(
                        "/oauth2/token", form + [("client_id", "post"), ("client_secret", city.secrets["post"] ?? "")])
                    : try await city.token(form, thief)
                expectTokenError(answer, 400, "invalid_grant")
            }
            #expect(try await city.token(city.redeeming(code), "web").status == 200)
            // A thief who comes after the owner revokes nothing.
            let access = try await city.tokens(in: browser)["access_token"]?.string
            let spent = try await city.freshCode("web", in: browser)
            let owned = try await city.token(city.redeeming(spent), "web").json?["access_token"]?.string
            expectTokenError(try await city.token(city.redeeming(spent), "plain"), 400, "invalid_grant")
            #expect(try await city.isAlive(owned))
            #expect(try await city.isAlive(access))
        }
    }

    @Test(
        "attack 88: a code says nothing: no two have anything in common, and its row alone knows client, address, challenge and session"
    )
    func opaque() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            var codes: Set<String> = []
            for _ in 0..<20 { codes.insert(try await city.freshCode(in: browser, ["nonce": "n-1"])) }
            #expect(codes.count == 20)
            for code in codes {
                #expect(code.utf8.count == 43)
                #expect(try Base64URL.decode(code).count == 32)
                #expect(entropy(code) > 96)
            }
            let code = try #require(codes.first)
            let row = try #require(
                try await city.gateway.store.read {
                    try $0.tokens.findCode(digest: StoredSecret.digest(code, of: .code))
                }
            )
            #expect(row.clientID == ClientID("web"))
            #expect(row.redirectURI == City.redirectURI)
            #expect(row.challenge == somePKCE.challenge)
            #expect(row.nonce == "n-1")
            #expect(row.expiresAt == row.createdAt.adding(seconds: 60))
            let byText = try await city.gateway.store.read { try $0.tokens.findCode(digest: code) }
            #expect(byText == nil)
        }
    }

    @Test("attack 89: a secret of one kind is worth nothing as another")
    func otherStores() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let tokens = try await city.tokens("opaque", in: browser)
            let account = try #require(city.people["ujang"])
            let now = city.gateway.clock.now
            let link = try await city.gateway.store.write { tx in
                try AccountDirectory(tx, by: .system, at: now).issueLink(for: account, purpose: .reset, lifetime: 3600)
            }
            let session = try #require(browser.cookie("__Host-gapura-session"))
            let handle = try #require(browser.cookie("__Host-gapura-flow"))
            let device = try #require(browser.cookie("__Host-gapura-device"))
            let access = try #require(tokens["access_token"]?.string)
            let refresh = try #require(tokens["refresh_token"]?.string)
            let code = try await city.freshCode("opaque", in: browser)
            let strangers = [
                link, session, handle, device, access, refresh, city.secrets["opaque"] ?? "", somePKCE.verifier,
            ]
            #expect(Set(strangers.prefix(6)).count == 6)

            for value in strangers {  // as a code
                expectTokenError(try await city.token(city.redeeming(value), "opaque"), 400, "invalid_grant")
            }
            for value in strangers + [code] where value != refresh {  // as a refresh token
                expectTokenError(try await city.refresh(value, "opaque"), 400, "invalid_grant")
            }
            for value in strangers + [code] where value != access {  // as an access token
                expectInvalidToken(try await city.userinfo(value))
                #expect(try await city.introspect(value, as: "opaque").json == ["active": false])
            }
            for value in strangers + [code] where value != session {  // as a session
                let stranger = city.gateway.browser()
                stranger.setCookie("__Host-gapura-session", value)
                #expect(try await stranger.get("/masuk").status == 200)
                expectRedirect(
                    try await city.authorize(city.asking("web", ["prompt": "none"]), in: stranger), "login_required")
            }
            for value in strangers + [code] where value != link {  // as a one-time link
                let stranger = city.gateway.browser()
                _ = try await stranger.get("/akun/tautan?" + FormURLEncoded.encode([("kode", value)]))
                expectLocal400(try await stranger.get("/akun/kata-sandi"), code: "link_unusable")
            }
            // Nothing was spent on the way.
            #expect(try await city.token(city.redeeming(code), "opaque").status == 200)
            #expect(try await city.refresh(refresh, "opaque").status == 200)
            let owner = city.gateway.browser()
            _ = try await owner.get("/akun/tautan?kode=\(link)")
            #expect(try await owner.get("/akun/kata-sandi").status == 200)
        }
    }

    @Test("attack 91: a code cut, longer, in another case, or with a newline")
    func almost() async throws {
        try await withCity { city in
            let code = try await city.freshCode()
            let swapped = String(code.map { $0.isUppercase ? Character($0.lowercased()) : Character($0.uppercased()) })
            let variants = [
                String(code.dropLast()), String(code.dropFirst()), String(code.prefix(22)), code + "A", code + "\n",
                code + "\r\n", code + " ", " " + code,
                code + "=", code + "\u{0}", swapped, code.lowercased(), code + code, "", "x",
                String(repeating: "A", count: 50_000),
            ]
            for variant in variants {
                let error = variant.isEmpty ? "invalid_request" : "invalid_grant"
                expectTokenError(try await city.token(city.redeeming(variant), "web"), 400, error)
            }
            #expect(try await city.token(city.redeeming(code), "web").status == 200)
        }
    }

    @Test(
        "attack 92: a code injected into another's callback fails at PKCE, and the nonce is that of the code's own request"
    )
    func injected() async throws {
        try await withCity { city in
            let attacker = City.pkce()
            let stolen = try await city.code(
                "web", for: "siti", challenge: attacker.challenge, [("nonce", "nonce-penyerang")]
            ).parameter("code")
            let victim = City.pkce()
            expectTokenError(try await city.redeem(stolen, "web", verifier: victim.verifier), 400, "invalid_grant")

            // A client without PKCE is protected by the nonce alone: the ID token has the one of the stolen code.
            let browser = try await city.signedIn("siti")
            let bare: KeyValuePairs<String, String?> = [
                "code_challenge": nil, "code_challenge_method": nil, "nonce": "nonce-penyerang",
            ]
            let code = try await city.freshCode("plain", in: browser, bare)
            let tokens = try await city.redeem(code, "plain").json
            #expect(try city.claims(of: tokens?["id_token"]?.string)["nonce"] == "nonce-penyerang")
        }
    }
}
