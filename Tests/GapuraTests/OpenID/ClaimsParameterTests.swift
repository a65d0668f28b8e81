import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// The parameter `claims`: OpenID Connect Core section 5.5.
@Suite("Claims asked for by name")
struct ClaimsParameterTests {
    private func tokens(_ city: City, _ claims: String, scope: String = "openid", client: String = "web") async throws
        -> JSONValue
    {
        let code = try await city.freshCode(client, ["claims": claims, "scope": scope])
        return try #require(try await city.token(city.redeeming(code), client).json)
    }

    @Test("behaviour 23: a name asked for at userinfo is there and not in the ID token, without its scope")
    func userinfo() async throws {
        try await withCity { city in
            let tokens = try await tokens(city, #"{"userinfo":{"name":{"essential":true}}}"#)
            let told = try await city.userinfo(tokens["access_token"]?.string).json
            #expect(told?["name"]?.string != nil)
            #expect(Set(told?.object?.keys ?? []) == ["sub", "name"])
            #expect(try city.claims(of: tokens["id_token"]?.string)["name"] == nil)
            // What is disclosed is recorded.
            let account = try #require(city.people["ujang"])
            let given = try await city.gateway.store.read { try $0.disclosures.list(about: account.id) }
            #expect(given.contains { $0.claims == "sub name" }, "\(given)")
        }
    }

    @Test("behaviour 23: asked for in the ID token it is there, beside what scopes open at userinfo")
    func idToken() async throws {
        try await withCity { city in
            let asked = #"{"id_token":{"nip":null,"email":{"essential":false},"auth_time":{"essential":true}}}"#
            let tokens = try await tokens(city, asked, scope: "openid profile")
            let claims = try city.claims(of: tokens["id_token"]?.string)
            #expect(claims["nip"]?.string == City.nips["ujang"])
            #expect(claims["name"] == nil)
            let told = try await city.userinfo(tokens["access_token"]?.string).json
            #expect(told?["name"] != nil)
            #expect(told?["nip"] == nil)
        }
    }

    @Test("a claim that no scope of the client opens is not told, whoever asks by name; unknown ones are ignored")
    func closed() async throws {
        try await withCity { city in
            let asked =
                #"{"userinfo":{"nik":{"essential":true},"roles":null,"x#id":null,"sub":null},"id_token":{"nik":null},"verified":1}"#
            let tokens = try await tokens(city, asked)
            let told = try await city.userinfo(tokens["access_token"]?.string).json
            #expect(Set(told?.object?.keys ?? []) == ["sub"])
            #expect(try city.claims(of: tokens["id_token"]?.string)["nik"] == nil)
        }
    }

    @Test("what a client may not have any more is not told any more")
    func narrowed() async throws {
        try await withCity { city in
            let tokens = try await tokens(city, #"{"userinfo":{"name":null,"nip":null}}"#)
            let access = tokens["access_token"]?.string
            #expect(try await city.userinfo(access).json?["nip"] != nil)
            let now = city.gateway.clock.now
            let registry = ClientRegistry(city.gateway.gateway.services)
            let record = try #require(try await city.gateway.store.read { try $0.clients.find(ClientID("web")) })
            var json = try #require(try StrictJSON.parse(Array(record.settings.utf8)).object)
            json["scope"] = "openid profile"
            let metadata = try await registry.prepare(json)
            try await city.gateway.store.write { tx in
                _ = try registry.update(record.id, metadata, secret: "", by: .system, in: tx, at: now)
            }
            let told = try await city.userinfo(access).json
            #expect(told?["nip"] == nil)
            #expect(told?["name"] != nil)
        }
    }

    @Test("behaviour 22: an acr that a sign-in reaches is in the ID token; one that none reaches fails the request")
    func acr() async throws {
        try await withCity { city in
            for asked in [
                #"{"id_token":{"acr":{"essential":true,"value":"1"}}}"#,
                #"{"id_token":{"acr":{"essential":true,"values":["2","1"]}}}"#,
                #"{"id_token":{"acr":{"values":["9"]}}}"#, #"{"id_token":{"acr":null}}"#,
            ] {
                let tokens = try await tokens(city, asked)
                #expect(try city.claims(of: tokens["id_token"]?.string)["acr"] == "1")
            }
            let browser = try await city.signedIn()
            for asked in [
                #"{"id_token":{"acr":{"essential":true,"value":"9"}}}"#,
                #"{"id_token":{"acr":{"essential":true,"values":["8","9"]}}}"#,
            ] {
                let answer = try await city.authorize(city.asking("web", ["claims": asked]), in: browser)
                expectRedirect(answer, "unmet_authentication_requirements")
            }
        }
    }

    @Test("a sub asked for is who signs in, or nobody")
    func subject() async throws {
        try await withCity { city in
            let sub = try #require(city.people["ujang"]).sub
            let browser = try await city.signedIn()
            func ask(_ sub: String, _ prompt: String?) async throws -> TestAnswer {
                let claims = #"{"id_token":{"sub":{"value":"\#(sub)"}}}"#
                return try await city.authorize(city.asking("web", ["claims": claims, "prompt": prompt]), in: browser)
            }
            #expect(try await ask(sub, "none").parameter("code") != nil)
            expectRedirect(try await ask("lain", "none"), "login_required")
            #expect(try await ask("lain", nil).location?.hasPrefix("/masuk") == true)
            // One of several (section 5.5.1), and in both places one that both name.
            for (claims, isGood) in [
                (#"{"id_token":{"sub":{"values":["lain","\#(sub)"]}}}"#, true),
                (#"{"id_token":{"sub":{"values":["a","b"]}}}"#, false),
                (#"{"id_token":{"sub":{"values":["a","\#(sub)"]}},"userinfo":{"sub":{"value":"\#(sub)"}}}"#, true),
                (#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"\#(sub)"}}}"#, false),
            ] {
                let answer = try await city.authorize(
                    city.asking("web", ["claims": claims, "prompt": "none"]), in: browser)
                #expect((answer.parameter("code") != nil) == isGood, "\(claims)")
            }
        }
    }

    @Test("attack 7: what is no JSON object of that form, or is too long, is invalid_request")
    func broken() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let many = (0..<51).map { #""a\#($0)":null"# }.joined(separator: ",")
            for text in [
                "x", "[]", "1", "null", "{", #"{"userinfo":1}"#, #"{"userinfo":{"name":1}}"#, #"{"id_token":[]}"#,
                #"{"userinfo":{"name":null},"userinfo":{}}"#, #"{"id_token":{"acr":{"values":"1"}}}"#,
                #"{"id_token":{"acr":{"value":1}}}"#,
                #"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#,
                "{\"userinfo\":{\(many)}}", "{\"x\":\"\(String(repeating: "x", count: 4096))\"}",
                String(repeating: #"{"a":"#, count: 100),
            ] {
                let answer = try await city.authorize(city.asking("web", ["claims": text]), in: browser)
                expectRedirect(answer, "invalid_request")
            }
        }
    }

    @Test("a refresh keeps what was asked for by name")
    func refreshed() async throws {
        try await withCity { city in
            let tokens = try await tokens(city, #"{"userinfo":{"name":null}}"#)
            let again = try await city.refresh(tokens["refresh_token"]?.string).json
            #expect(try await city.userinfo(again?["access_token"]?.string).json?["name"] != nil)
        }
    }
}
