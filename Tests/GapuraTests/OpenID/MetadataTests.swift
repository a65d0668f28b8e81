import Foundation
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

@Suite("Metadata and keys")
struct MetadataTests {
    private static let paths = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]

    private func metadata(_ city: City) async throws -> JSONObject {
        try #require(try await city.gateway.send(.get, Self.paths[0]).json?.object)
    }

    @Test("metadata is what the golden file says, at both paths")
    func golden() async throws {
        try await withCity { city in
            let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/metadata.json")
            for path in Self.paths {
                let answer = try await city.gateway.send(.get, path)
                let expected = try StrictJSON.parse(Array(try Data(contentsOf: file)))
                #expect(answer.json == expected, "\(answer.text)")
            }
        }
    }

    @Test("behaviour 2: every address is https, for an issuer that is")
    func https() async throws {
        try await withCity { city in
            var addresses = 0
            for member in try await metadata(city).members
            where member.key.hasSuffix("_endpoint")
                || ["issuer", "jwks_uri", "check_session_iframe"].contains(member.key)
            {
                addresses += 1
                #expect(member.value.string?.hasPrefix("https://") == true, "\(member.key)")
            }
            #expect(addresses == 11)
        }
    }

    @Test(
        "behaviour 54: 200, JSON, and the issuer is the address it was fetched from; a port stays in it",
        arguments: [
            "https://sso.contoh.go.id", "https://sso.contoh.go.id:8443",
        ])
    func issuer(issuer: String) async throws {
        try await withCity(configure: { $0.issuer = issuer }) { city in
            let authority = String(issuer.dropFirst("https://".count))
            for path in Self.paths {
                let answer = try await city.gateway.send(.get, path, authority: authority)
                #expect(answer.status == 200)
                #expect(answer.headers[.contentType] == "application/json")
                #expect(answer.json?["issuer"] == .string(issuer))
                #expect(answer.json?["token_endpoint"] == .string(issuer + "/oauth2/token"))
            }
            // What the request says about its host changes nothing.
            let lied = try await city.gateway.send(
                .get, Self.paths[0], headers: [try #require(HTTPField.Name("X-Forwarded-Host")): "evil.example"],
                authority: authority
            )
            #expect(!holds(lied.body, "evil.example"))
        }
    }

    @Test("behaviour 55: what has to be there is there, and arrays are never empty")
    func required() async throws {
        try await withCity { city in
            let metadata = try await metadata(city)
            for name in [
                "issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint",
                "end_session_endpoint", "introspection_endpoint",
                "revocation_endpoint",
            ] { #expect(metadata[name]?.string?.isEmpty == false, "\(name)") }
            for member in metadata.members where member.key.hasSuffix("_supported") && member.value.bool == nil {
                #expect(try #require(member.value.strings, "\(member.key)").isEmpty == false)
            }
            #expect(metadata["response_types_supported"] == ["code"])
            #expect(metadata["subject_types_supported"] == ["public", "pairwise"])
            #expect(metadata["id_token_signing_alg_values_supported"]?.strings?.contains("RS256") == true)
            #expect(metadata["scopes_supported"]?.strings?.contains("openid") == true)
            #expect(metadata["claims_supported"]?.strings?.contains("sub") == true)
            #expect(metadata["code_challenge_methods_supported"] == ["S256"])
            #expect(metadata["ui_locales_supported"] == ["id", "en"])
            for scope in try #require(metadata["scopes_supported"]?.strings) { #expect(Scope.tokens(scope) == [scope]) }
        }
    }

    @Test("behaviour 56: no member that no specification knows")
    func known() async throws {
        // RFC 8414, OpenID Connect Discovery, RFC 9207, RFC 9126, RFC 9449, RP-Initiated and Back-Channel Logout,
        // Prompt Create.
        let known: Set<String> = [
            "issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri",
            "registration_endpoint", "scopes_supported",
            "response_types_supported", "response_modes_supported", "grant_types_supported", "acr_values_supported",
            "subject_types_supported",
            "id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported", "claim_types_supported",
            "claims_supported",
            "claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported",
            "ui_locales_supported",
            "introspection_endpoint", "introspection_endpoint_auth_methods_supported", "revocation_endpoint",
            "revocation_endpoint_auth_methods_supported", "code_challenge_methods_supported", "end_session_endpoint",
            "backchannel_logout_supported",
            "backchannel_logout_session_supported", "authorization_response_iss_parameter_supported",
            "pushed_authorization_request_endpoint", "require_pushed_authorization_requests",
            "userinfo_signing_alg_values_supported", "request_object_signing_alg_values_supported",
            "token_endpoint_auth_signing_alg_values_supported", "dpop_signing_alg_values_supported",
            "introspection_endpoint_auth_signing_alg_values_supported",
            "revocation_endpoint_auth_signing_alg_values_supported", "device_authorization_endpoint",
            "frontchannel_logout_supported",
            "frontchannel_logout_session_supported",
        ]
        try await withCity { city in
            let unknown = Set(try await metadata(city).keys).subtracting(known)
            #expect(unknown.isEmpty, "\(unknown)")
        }
    }

    @Test("behaviour 25 and behaviour 38: request_uri to fetch and unsigned ID tokens are said not to be there")
    func notThere() async throws {
        try await withCity { city in
            let metadata = try await metadata(city)
            #expect(metadata["request_parameter_supported"] == true)
            #expect(metadata["request_uri_parameter_supported"] == false)
            #expect(metadata["claims_parameter_supported"] == true)
            #expect(metadata["id_token_signing_alg_values_supported"]?.strings?.contains("none") == false)
            #expect(
                throws: OAuthError(
                    .invalidClientMetadata, "id_token_signed_response_alg is not one of the metadata's algorithms.")
            ) {
                try ClientMetadata(
                    [
                        "client_name": "X", "redirect_uris": [.string(City.redirectURI)],
                        "id_token_signed_response_alg": "none",
                    ],
                    settings: GatewaySettings()
                )
            }
        }
    }

    @Test("behaviour 32: every algorithm the metadata names signs ID tokens, with a key that is published")
    func algorithms() async throws {
        try await withCity { city in
            let named = try #require(try await metadata(city)["id_token_signing_alg_values_supported"]?.strings)
            #expect(Set(named) == Set(SigningAlgorithm.allCases.map(\.rawValue)))
            let browser = try await city.signedIn()
            for name in named {
                let id = "alg-\(name)"
                let secret = try await city.addClient(
                    id,
                    [
                        "client_name": .string(id), "redirect_uris": [.string(City.redirectURI)],
                        "id_token_signed_response_alg": .string(name),
                    ]
                )
                let code = try await city.freshCode(id, in: browser)
                let answer = try await city.gateway.post(
                    "/oauth2/token", city.redeeming(code), headers: [.authorization: basicHeader(id, secret)])
                let jws = try JWS(try #require(answer.json?["id_token"]?.string))
                #expect(jws.algorithm.rawValue == name)
                if jws.algorithm.isSymmetric {
                    let key = try VerificationKey(secret: Array(secret.utf8), algorithm: jws.algorithm)
                    #expect(throws: Never.self) { try jws.verify(with: key) }
                    continue
                }
                let keys = try JSONWebKeySet(
                    try #require(try await city.gateway.send(.get, "/oauth2/jwks").json?.object))
                let key = try #require(keys.key(jws.kid))
                #expect(throws: Never.self) { try jws.verify(with: key) }
            }
        }
    }

    @Test("behaviour 49: grants and scopes are named exactly when they are served")
    func grants() async throws {
        try await withCity { city in
            let metadata = try await metadata(city)
            let served = Grants.all(city.gateway.gateway.services, clients: ClientReader(city.gateway.gateway.services))
                .map(\.type)
            #expect(metadata["grant_types_supported"]?.strings == served)
            #expect(
                Set(served) == [
                    "authorization_code", "refresh_token", "client_credentials", TokenExchangeGrant.name,
                    DeviceCodeGrant.name,
                ])
            #expect(metadata["scopes_supported"]?.strings?.contains("offline_access") == true)
            let tokens = try await city.tokens("web", scope: "openid offline_access", [("prompt", "consent")])
            #expect(tokens["refresh_token"]?.string != nil)
        }
    }

    @Test("behaviour 57: every key has a kid of its own, base64url without padding, and no private member")
    func keys() async throws {
        try await withCity { city in
            let answer = try await city.gateway.send(.get, "/oauth2/jwks")
            #expect(answer.status == 200)
            #expect(answer.headers[.contentType] == "application/json")
            let keys = try #require(answer.json?["keys"]?.array)
            let kids = keys.compactMap { $0["kid"]?.string }
            #expect(Set(kids).count == keys.count)
            #expect(!kids.contains(""))
            for key in keys {
                for name in ["n", "e", "x", "y"] {
                    guard let text = key[name]?.string else { continue }
                    #expect((try? Base64URL.decode(text))?.isEmpty == false)
                }
                for name in JSONWebKey.privateMembers { #expect(key[name] == nil) }
                switch key["kty"]?.string {
                case "RSA": #expect(try Base64URL.decode(try #require(key["n"]?.string)).count >= 256)
                case "EC": #expect(["P-256", "P-384", "P-521"].contains(key["crv"]?.string))
                default: #expect(key["crv"] == "Ed25519")
                }
            }
        }
    }

    @Test(
        "behaviour 58: after a rotation the new key is there and signs, the old one is still there, and its tokens live on"
    )
    func rotation() async throws {
        try await withCity { city in
            // Whoever keeps the key set knows the next key by then.
            city.gateway.clock.advance(seconds: 600)
            let old = try await city.tokens("web")
            let oldKid = try #require(try city.header(of: old["id_token"]?.string)["kid"]?.string)
            func published() async throws -> (kids: Set<String>, etag: String?) {
                let answer = try await city.gateway.send(.get, "/oauth2/jwks")
                return (Set(answer.json?["keys"]?.array?.compactMap { $0["kid"]?.string } ?? []), answer.headers[.eTag])
            }
            let before = try await published()
            let unchanged = try await city.gateway.send(
                .get, "/oauth2/jwks", headers: [.ifNoneMatch: try #require(before.etag)])
            #expect(unchanged.status == 304)
            try await city.gateway.gateway.services.keyring.rotate(.rs256, now: city.gateway.clock.now)
            let after = try await published()
            #expect(after.kids.isSuperset(of: before.kids))
            #expect(after.kids.count == before.kids.count + 1)
            #expect(after.etag != before.etag)
            #expect(
                try await city.gateway.send(.get, "/oauth2/jwks", headers: [.ifNoneMatch: before.etag ?? ""]).status
                    == 200)

            let new = try await city.tokens("web")
            let newKid = try #require(try city.header(of: new["id_token"]?.string)["kid"]?.string)
            #expect(newKid != oldKid)
            #expect(before.kids.contains(newKid), "it was published before it signed")
            #expect(try await city.isAlive(old["access_token"]?.string))
            #expect(try await city.isAlive(new["access_token"]?.string))
            let silent = try await city.authorize(
                city.asking("web", ["id_token_hint": old["id_token"]?.string, "prompt": "none"]),
                in: try await city.signedIn()
            )
            #expect(silent.parameter("code") != nil)
        }
    }

    @Test("an unchanged key set is 304 with what the whole answer says of keeping it, whoever weakened its tag")
    func unchanged() async throws {
        try await withCity { city in
            for origin in [nil, "https://lain.contoh.invalid"] {
                var asking: HTTPFields = [:]
                asking[.origin] = origin
                let whole = try await city.gateway.send(.get, "/oauth2/jwks", headers: asking)
                let etag = try #require(whole.headers[.eTag])
                #expect(whole.status == 200)
                for tag in [etag, "W/\(etag)", "*", "\"lain\", \(etag)"] {
                    asking[.ifNoneMatch] = tag
                    let answer = try await city.gateway.send(.get, "/oauth2/jwks", headers: asking)
                    #expect(answer.status == 304 && answer.body.isEmpty, "\(tag)")
                    // RFC 9110 section 15.4.5, and what a script needs to be let at it.
                    for name in [
                        HTTPField.Name.eTag, .cacheControl, .vary, .expires, .contentLocation,
                        .accessControlAllowOrigin, .accessControlExposeHeaders, .xContentTypeOptions,
                    ] {
                        #expect(answer.headers[name] == whole.headers[name], "\(tag): \(name)")
                    }
                    #expect(answer.headers[.cacheControl] == "public, max-age=300")
                    #expect(answer.headers[.accessControlAllowOrigin] == (origin == nil ? nil : "*"))
                }
                for tag in ["\"lain\"", String(etag.dropLast()), ""] {
                    asking[.ifNoneMatch] = tag
                    #expect(try await city.gateway.send(.get, "/oauth2/jwks", headers: asking).status == 200, "\(tag)")
                }
            }
        }
    }

    @Test(
        "HEAD is answered as GET, and other methods are 405 with what is allowed", arguments: paths + ["/oauth2/jwks"])
    func methods(path: String) async throws {
        try await withCity { city in
            let get = try await city.gateway.send(.get, path)
            let head = try await city.gateway.send(.head, path)
            #expect(head.status == 200)
            #expect(head.headers[.contentType] == get.headers[.contentType])
            #expect(head.headers[.cacheControl] == "public, max-age=300")
            for method in [HTTPRequest.Method.post, .put, .delete, .patch] {
                let answer = try await city.gateway.send(method, path)
                #expect(answer.status == 405)
                #expect(answer.headers[.allow]?.contains("GET") == true)
            }
        }
    }
}
