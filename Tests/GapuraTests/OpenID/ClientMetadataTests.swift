import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import Testing

@testable import Gapura

/// What a client may register (RFC 7591).
@Suite("Client metadata")
struct ClientMetadataTests {
    /// A good registration with some members changed; nil takes one away.
    private func register(_ changes: KeyValuePairs<String, JSONValue?> = [:], testHosts: [String] = [])
        throws(OAuthError) -> ClientMetadata
    {
        var json: JSONObject = ["client_name": "SIMPEG", "redirect_uris": [.string(City.redirectURI)]]
        for (name, value) in changes { json[name] = value }
        var settings = GatewaySettings()
        settings.testHosts = testHosts
        return try ClientMetadata(json, settings: settings)
    }

    private func error(_ changes: KeyValuePairs<String, JSONValue?>) -> OAuthError.Code? {
        do throws(OAuthError) {
            _ = try register(changes)
            return nil
        } catch {
            #expect(isPlain(error.text), "\(error.text)")
            return error.code
        }
    }

    @Test("defaults are the safe ones")
    func defaults() throws {
        let metadata = try register()
        #expect(metadata.grantTypes == ["authorization_code"])
        #expect(metadata.tokenEndpointAuthMethod == .basic)
        #expect(metadata.idTokenAlgorithm == .rs256)
        #expect(metadata.accessTokenAlgorithm == .rs256)
        #expect(metadata.requiresPKCE)
        #expect(metadata.scopes == ["openid", "profile"])
        #expect(metadata.accessTokenFormat == .jwt)
        #expect(!metadata.isResourceServer)
        #expect(try register(["application_type": "native"]).tokenEndpointAuthMethod == .none)
    }

    @Test("behaviour 61: a redirect_uri with a fragment is invalid_redirect_uri", arguments: ["#x", "#", "?a=1#x"])
    func fragment(more: String) {
        #expect(error(["redirect_uris": [.string(City.redirectURI + more)]]) == .invalidRedirectURI)
    }

    @Test(
        "after the host of a redirect_uri stands a port of digits or nothing",
        arguments: [
            "https://[::1]evil/cb", "https://[::1]:x/cb", "https://[::1]:0/cb", "https://a.contoh.go.id:+443/cb",
            "https://a.contoh.go.id:/cb", "https://a.contoh.go.id:65536/cb", "https://a.contoh.go.id:80:80/cb",
        ])
    func ports(uri: String) throws {
        #expect(error(["redirect_uris": [.string(uri)]]) == .invalidRedirectURI)
        _ = try register(["redirect_uris": ["https://[::1]:443/cb", "https://a.contoh.go.id:443/cb"]])
    }

    @Test("an audience is a name without spaces", arguments: ["", "a b", "a\u{7}", "é"])
    func audiences(name: String) throws {
        #expect(error(["audience": [.string(name)]]) == .invalidClientMetadata)
        _ = try register(["audience": ["https://api.contoh.go.id/", "simpeg"]])
    }

    @Test("behaviour 62: initiate_login_uri has to be https")
    func initiateLogin() throws {
        #expect(error(["initiate_login_uri": "http://simpeg.contoh.go.id/mulai"]) == .invalidClientMetadata)
        let metadata = try register(["initiate_login_uri": "https://simpeg.contoh.go.id/mulai"])
        #expect(metadata.jsonObject["initiate_login_uri"] == "https://simpeg.contoh.go.id/mulai")
    }

    @Test(
        "attack 52: no address of a registration is a script",
        arguments: ["client_uri", "policy_uri", "tos_uri", "initiate_login_uri"])
    func links(member: String) {
        for uri in [
            "javascript:alert(1)", "JavaScript://x/%0aalert(1)", "data:text/html,x", "http://simpeg.contoh.go.id/",
            "//evil.example", "", "https://",
        ] {
            #expect(error([member: .string(uri)]) == .invalidClientMetadata, "\(uri)")
        }
    }

    @Test("attack 121: a weak key, a private one, and a set without a usable one are refused when they are registered")
    func keys() throws {
        let good = try SigningKey.generate(.es256, kid: "a")
        let members = try good.verificationKey.jsonWebKey().members
        let hidden = try good.privateJSONWebKey().members
        let sets: [JSONValue] = [
            ["keys": [["kty": "RSA", "n": "AQAB", "e": "Aw"]]], ["keys": []], ["keys": "x"], [], "x", ["keys": [1]],
            ["keys": [.object(hidden)]], ["keys": [.object(members), .object(members)]],
            ["keys": [["kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]]],
            ["keys": [["kty": "EC", "crv": "P-192", "x": "AA", "y": "AA"]]],
            ["keys": .array(Array(repeating: .object(members), count: 101))],
        ]
        for set in sets { #expect(error(["jwks": set]) == .invalidClientMetadata, "\(set)") }
        #expect(error(["jwks": ["keys": [.object(members)]]]) == nil)
        #expect(error(["jwks_uri": "https://simpeg.contoh.go.id/jwks"]) == nil)
        for uri in ["http://simpeg.contoh.go.id/jwks", "file:///etc/passwd", "", "https://"] {
            #expect(error(["jwks_uri": .string(uri)]) == .invalidClientMetadata)
        }
        let both: KeyValuePairs<String, JSONValue?> = [
            "jwks": ["keys": [.object(members)]], "jwks_uri": "https://simpeg.contoh.go.id/jwks",
        ]
        #expect(error(both) == .invalidClientMetadata)
    }

    @Test("behaviour 75: what contradicts the profile fapi2 cannot be registered")
    func strictProfile() throws {
        let key = try SigningKey.generate(.es256, kid: "a").verificationKey.jsonWebKey().members
        func strict(_ changes: KeyValuePairs<String, JSONValue?> = [:]) -> OAuthError.Code? {
            var json: JSONObject = [
                "client_name": "Uji", "redirect_uris": [.string(City.redirectURI)], "profile": "fapi2",
                "token_endpoint_auth_method": "private_key_jwt", "jwks": ["keys": [.object(key)]],
            ]
            for (name, value) in changes { json[name] = value }
            do throws(OAuthError) {
                _ = try ClientMetadata(json, settings: GatewaySettings())
                return nil
            } catch {
                return error.code
            }
        }
        #expect(strict() == nil)
        let bad: [KeyValuePairs<String, JSONValue?>] = [
            ["token_endpoint_auth_method": "client_secret_basic"], ["token_endpoint_auth_method": "client_secret_jwt"],
            ["jwks": nil], ["require_pushed_authorization_requests": false], ["dpop_bound_access_tokens": false],
            ["require_pkce": false], ["token_endpoint_auth_signing_alg": "RS256"],
            ["request_object_signing_alg": "RS256"], ["id_token_signed_response_alg": "RS256"],
            ["access_token_signed_response_alg": "RS256"], ["userinfo_signed_response_alg": "RS512"],
            ["profile": "FAPI2"],
        ]
        for changes in bad { #expect(strict(changes) == .invalidClientMetadata, "\(changes)") }
    }

    @Test(
        "attack 4: implicit and hybrid cannot be registered",
        arguments: ["token", "id_token", "code id_token", "none", "CODE"])
    func responseTypes(type: String) {
        #expect(error(["response_types": [.string(type)]]) == .invalidClientMetadata)
        #expect(error(["response_types": ["code", .string(type)]]) == .invalidClientMetadata)
    }

    @Test(
        "attack 64: grants that are not served cannot be registered",
        arguments: ["implicit", "password", "urn:ietf:params:oauth:grant-type:jwt-bearer", ""])
    func grants(type: String) {
        #expect(error(["grant_types": ["authorization_code", .string(type)]]) == .invalidClientMetadata)
    }

    @Test("attack 67: methods and algorithms have to fit each other")
    func methods() {
        for method in ["private_key_jwt", "tls_client_auth", "NONE", ""] {
            #expect(error(["token_endpoint_auth_method": .string(method)]) == .invalidClientMetadata)
        }
        #expect(
            error(["token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]])
                == .invalidClientMetadata)
        #expect(
            error(["token_endpoint_auth_method": "none", "id_token_signed_response_alg": "HS256"])
                == .invalidClientMetadata)
        #expect(error(["access_token_signed_response_alg": "HS256"]) == .invalidClientMetadata)
        for algorithm in ["none", "None", "rs256", "RS1", "ES256K", ""] {
            #expect(error(["id_token_signed_response_alg": .string(algorithm)]) == .invalidClientMetadata)
            #expect(error(["access_token_signed_response_alg": .string(algorithm)]) == .invalidClientMetadata)
        }
    }

    @Test("members of the wrong type, and features that are not there, are refused with a text that says so")
    func types() {
        let bad: [KeyValuePairs<String, JSONValue?>] = [
            ["client_name": nil], ["client_name": ""], ["client_name": 1], ["client_name": "a\nb"],
            ["client_name": .string(String(repeating: "x", count: 201))],
            ["grant_types": "authorization_code"], ["grant_types": [1]], ["application_type": "mobile"], ["scope": 1],
            ["scope": "a\"b"],
            ["scope": "openid tte"], ["require_pkce": "no"], ["default_max_age": -1],
            ["default_max_age": "60"],
            ["default_max_age": 1.5], ["access_token_format": "saml"], ["trusted": "no"], ["subject_type": "Pairwise"],
            ["request_uris": []],
            ["userinfo_signed_response_alg": "none"], ["profile": "strict"],
            ["sector_identifier_uri": "http://x.contoh.go.id/"],
            ["id_token_encrypted_response_alg": "RSA-OAEP"],
            ["frontchannel_logout_uri": "http://x.contoh.go.id/"], ["logo_uri": "javascript:1"],
            ["backchannel_logout_uri": "http://x.contoh.go.id/"],
            ["backchannel_logout_uri": "javascript:1"], ["post_logout_redirect_uris": ["https://*.contoh.go.id/"]],
            ["contacts": "x"],
            ["grant_types": ["client_credentials", "refresh_token"]],
        ]
        for changes in bad { #expect(error(changes) == .invalidClientMetadata, "\(changes)") }
        for changes in [["redirect_uris": []], ["redirect_uris": nil]] as [KeyValuePairs<String, JSONValue?>] {
            #expect(error(changes) == .invalidRedirectURI)
        }
        #expect(
            error(["redirect_uris": .array((0..<101).map { .string("https://x.contoh.go.id/\($0)") })])
                == .invalidRedirectURI)
    }

    @Test("what is registered is what is stored and read again, members that nobody knows are left out")
    func roundTrip() throws {
        let metadata = try register(
            [
                "application_type": "native", "token_endpoint_auth_method": "client_secret_post",
                "redirect_uris": [.string(City.redirectURI), "id.go.contoh.app:/cb"],
                "post_logout_redirect_uris": [.string(City.postLogoutURI)],
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
                "scope": "openid asn simpeg.read", "id_token_signed_response_alg": "HS512",
                "access_token_signed_response_alg": "EdDSA",
                "contacts": ["diskominfo@contoh.invalid"], "client_uri": "https://simpeg.contoh.go.id/",
                "policy_uri": "https://simpeg.contoh.go.id/p",
                "tos_uri": "https://simpeg.contoh.go.id/t", "backchannel_logout_uri": "https://simpeg.contoh.go.id/bc",
                "backchannel_logout_session_required": true, "default_max_age": 3600, "require_pkce": false,
                "access_token_format": "opaque",
                "audience": ["a", "b"], "resource_server": true, "software_id": "x",
                "logo_uri": "https://simpeg.contoh.go.id/l.svg",
            ]
        )
        let json = metadata.jsonObject
        #expect(try ClientMetadata(json, settings: GatewaySettings()) == metadata)
        #expect(!json.contains("software_id"))
        #expect(json["response_types"] == ["code"])
    }
}
