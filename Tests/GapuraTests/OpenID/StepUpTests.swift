import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// Step-up authentication (RFC 9470): what a token says about its sign-in, who asks for a newer one, and how it is got.
@Suite("Step-up")
struct StepUpTests {
    @Test(
        "an admin whose sign-in is too old is told max_age, signs in again for it, and then may", arguments: bothEngines
    )
    func administration(engine: Engine) async throws {
        try await withAPI(on: engine) { world in
            let path = "/accounts/\(try world.id("siti"))/role"
            let body: JSONValue = ["role": "auditor"]
            #expect(try await world.send(.put, path, body: body).status == 200)

            // The session goes on and gives tokens; what they say about the sign-in stays.
            let browser = try await world.city.signedIn("super")
            world.gateway.clock.advance(seconds: 3601)
            let old = try await token(world, in: browser)
            let refused = try await world.send(.put, path, token: old, body: ["role": "none"])
            #expect(refused.status == 401 && refused.problem() == "insufficient_user_authentication")
            #expect(
                refused.headers[.wwwAuthenticate]
                    == #"Bearer realm="gapura", error="insufficient_user_authentication", max_age="3600""#)
            #expect(try await world.send(.get, "/accounts/\(try world.id("siti"))", token: old).status == 200)
            let role = try await world.send(.get, "/accounts/\(try world.id("siti"))", token: old).json?["role"]
            #expect(role == "auditor")

            // max_age brings them to the sign-in; the token of it opens the door.
            let asked = try await authorize(world, ["max_age": "3600"], in: browser)
            let page = try await browser.get(try #require(asked.location))
            let answer = try await browser.signIn("super", City.password, on: page)
            let fresh = try await redeem(world, answer)
            #expect(try await world.send(.put, path, token: fresh, body: ["role": "none"]).status == 200)
        }
    }

    @Test("a second of the limit counts still; 0 asks for nothing; a feed signs nobody in and is not asked")
    func edges() async throws {
        try await withAPI { world in
            let path = "/accounts/\(try world.id("siti"))/role"
            let browser = try await world.city.signedIn("super")
            world.gateway.clock.advance(seconds: 3600)
            let token = try await token(world, in: browser)
            #expect(try await world.send(.put, path, token: token, body: ["role": "none"]).status == 200)
        }
        let caller = APICaller(actor: .account("a"), clientID: ClientID("c"), authTime: Timestamp(seconds: 0))
        let now = Timestamp(seconds: 1_000_000)
        #expect(throws: Never.self) { try caller.checkSignIn(for: .adminsGive, within: 0, at: now) }
        #expect(throws: Never.self) { try caller.checkSignIn(for: .accountsRead, within: 60, at: now) }
        #expect(throws: Never.self) { try caller.checkSignIn(for: nil, within: 60, at: now) }
        #expect(throws: OAuthError.self) { try caller.checkSignIn(for: .peopleForget, within: 60, at: now) }
        let feed = APICaller(actor: .client("c"), clientID: ClientID("c"), authTime: nil)
        #expect(throws: Never.self) { try feed.checkSignIn(for: .peopleForget, within: 60, at: now) }
    }

    @Test("acr and auth_time of the sign-in stand in access token and introspection, and are not refreshed")
    func claims() async throws {
        try await withCity { city in
            let start = city.gateway.clock.now.seconds
            let tokens = try await city.tokens("aimed", for: "ujang", scope: "openid offline_access")
            city.gateway.clock.advance(seconds: 600)
            let refreshed = try await city.refresh(tokens["refresh_token"]?.string, "aimed").json
            for token in [tokens["access_token"]?.string, refreshed?["access_token"]?.string] {
                let claims = try city.claims(of: token)
                #expect(claims["auth_time"]?.integer == start)
                #expect(claims["acr"]?.string?.isEmpty == false)
            }
            let told = try await city.introspect(refreshed?["access_token"]?.string, as: "resource").json
            #expect(told?["auth_time"]?.integer == start)
            #expect(told?["acr"] == (try city.claims(of: tokens["access_token"]?.string)["acr"]))
        }
    }

    @Test("acr_values that we know and that we do not know are no error, alone and together")
    func values() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let known = try #require(
                try await city.gateway.send(.get, "/.well-known/openid-configuration").json?["acr_values_supported"]?
                    .array?.first?.string)
            for values in [known, "\(known) urn:x", "urn:x \(known)", "1 2"] {
                let answer = try await city.authorize(city.asking("web", ["acr_values": values]), in: browser)
                #expect(answer.parameter("code") != nil, "\(values)")
            }
        }
    }

    // MARK: Steps

    private func authorize(_ world: APIWorld, _ more: KeyValuePairs<String, String?>, in browser: TestBrowser)
        async throws -> TestAnswer
    {
        var pairs = world.city.asking(APIWorld.tool, more)
        pairs.removeAll { $0.name == "scope" }
        return try await world.city.authorize(pairs + [("scope", "openid admin")], in: browser)
    }

    private func token(_ world: APIWorld, in browser: TestBrowser) async throws -> String {
        try await redeem(world, authorize(world, [:], in: browser))
    }

    private func redeem(_ world: APIWorld, _ answer: TestAnswer) async throws -> String {
        let code = try #require(answer.parameter("code"), "\(answer.text)")
        let tokens = try await world.gateway.post(
            "/oauth2/token", world.city.redeeming(code) + [("client_id", APIWorld.tool)])
        return try #require(tokens.json?["access_token"]?.string, "\(tokens.text)")
    }
}
