import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// Scripts of single-page applications: what they may ask from where.
@Suite("OpenID: cross-origin requests")
struct CrossOriginTests {
    private static let origin = "https://spa.contoh.go.id"

    private func withApplication(_ body: (City) async throws -> Void) async throws {
        try await withCity { city in
            try await city.addClient(
                "spa",
                [
                    "client_name": "SPA",
                    "redirect_uris": ["https://spa.contoh.go.id/cb", "https://spa.contoh.go.id:8443/cb"],
                    "token_endpoint_auth_method": "none",
                ])
            // One with a secret needs none of this.
            try await city.addClient(
                "rahasia", ["client_name": "Rahasia", "redirect_uris": ["https://rahasia.contoh.go.id/cb"]])
            try await body(city)
        }
    }

    private func ask(
        _ city: City, _ method: HTTPRequest.Method, _ path: String, from origin: String?, preflight: String? = nil
    ) async throws -> TestAnswer {
        var headers: HTTPFields = [:]
        headers[.origin] = origin
        headers[.accessControlRequestMethod] = preflight
        return try await city.gateway.send(method, path, headers: headers)
    }

    @Test("behaviour 80: metadata and keys are for scripts from anywhere; a preflight of theirs is answered")
    func anywhere() async throws {
        try await withApplication { city in
            for path in [
                "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/oauth2/jwks",
            ] {
                let answer = try await ask(city, .get, path, from: "https://lain.contoh.invalid")
                #expect(answer.status == 200 && answer.headers[.accessControlAllowOrigin] == "*", "\(path)")
                let preflight = try await ask(
                    city, .options, path, from: "https://lain.contoh.invalid", preflight: "GET")
                #expect(preflight.status == 204 && preflight.headers[.accessControlAllowOrigin] == "*")
                #expect(try await ask(city, .get, path, from: nil).headers[.accessControlAllowOrigin] == nil)
            }
        }
    }

    @Test("behaviour 80: token, revocation and userinfo answer scripts from where a public client is registered")
    func registered() async throws {
        try await withApplication { city in
            for path in ["/oauth2/token", "/oauth2/par", "/oauth2/revoke", "/oauth2/userinfo"] {
                for origin in [Self.origin, "https://spa.contoh.go.id:8443"] {
                    let preflight = try await ask(city, .options, path, from: origin, preflight: "POST")
                    #expect(preflight.status == 204, "\(path)")
                    #expect(
                        preflight.headers[.accessControlAllowOrigin] == origin && preflight.headers[.vary] == "Origin")
                    for name in ["Authorization", "Content-Type", "DPoP"] {
                        #expect(preflight.headers[.accessControlAllowHeaders]?.contains(name) == true)
                    }
                    #expect(preflight.headers[.accessControlAllowCredentials] == nil)
                    // An error has to be readable, too.
                    let answer = try await ask(city, .post, path, from: origin)
                    #expect(answer.status >= 400 && answer.headers[.accessControlAllowOrigin] == origin, "\(path)")
                }
                for origin in [
                    "https://rahasia.contoh.go.id", "https://lain.contoh.invalid", "null", "https://SPA.contoh.go.id",
                    "http://spa.contoh.go.id", "https://spa.contoh.go.id.lain.invalid", "https://spa.contoh.go.id/",
                    "https://spa.contoh.go.id:443", String(repeating: "x", count: 400),
                ] {
                    let preflight = try await ask(city, .options, path, from: origin, preflight: "POST")
                    #expect(preflight.status == 405 && preflight.headers[.accessControlAllowOrigin] == nil, "\(origin)")
                    let answer = try await ask(city, .post, path, from: origin)
                    #expect(answer.headers[.accessControlAllowOrigin] == nil, "\(origin)")
                }
            }
            // A client that may not act any more opens nothing, some seconds later.
            _ = try await city.operate("client.state", ["client_id": "spa", "state": "disabled"])
            city.gateway.clock.advance(seconds: 5)
            let preflight = try await ask(city, .options, "/oauth2/token", from: Self.origin, preflight: "POST")
            #expect(preflight.headers[.accessControlAllowOrigin] == nil)
        }
    }

    @Test("attack 22: the authorization endpoint, pages, introspection and the APIs say nothing to scripts of others")
    func never() async throws {
        try await withApplication { city in
            for path in [
                "/oauth2/authorize", "/oauth2/logout", "/oauth2/introspect", "/masuk", "/portal", "/api/v1/me",
                "/scim/v2/Users",
            ] {
                for (method, preflight) in [(HTTPRequest.Method.options, "GET"), (.get, nil), (.post, nil)]
                    as [(_, String?)]
                {
                    let answer = try await ask(city, method, path, from: Self.origin, preflight: preflight)
                    #expect(answer.headers[.accessControlAllowOrigin] == nil, "\(method) \(path)")
                }
            }
        }
    }
}
