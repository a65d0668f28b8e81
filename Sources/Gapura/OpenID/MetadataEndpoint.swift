import GapuraFormats
import GapuraTokens
import HTTPTypes
package import Hummingbird

/// Metadata and keys: OpenID Connect Discovery section 4, RFC 8414 section 3, RFC 7517 section 5. Only what is there is
/// named.
package struct MetadataEndpoint: Sendable {
    private let keyring: SigningKeyring
    private let metadata: [UInt8]

    package init(_ services: Services, clients: ClientReader) {
        keyring = services.keyring
        metadata = Self.document(services, clients).encoded()
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] as [RouterPath] {
            router.only(.get, path) { _, _ in
                JSONAnswer.make(bytes: metadata, noStore: false, headers: [.cacheControl: "public, max-age=300"])
            }
        }
        router.only(.get, "/oauth2/jwks") { request, _ in
            let (bytes, etag) = keyring.published
            let headers: HTTPFields = [.cacheControl: "public, max-age=300", .eTag: etag]
            // With what the whole answer would say of keeping it (RFC 9110 section 15.4.5).
            if let known = request.headers[.ifNoneMatch], EntityTag.isNamed(etag, in: known, weakly: true) {
                return Response(status: .notModified, headers: headers)
            }
            return JSONAnswer.make(bytes: bytes, noStore: false, headers: headers)
        }
    }

    static func document(_ services: Services, _ clients: ClientReader) -> JSONValue {
        let issuer = services.settings.issuer
        func strings(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }
        func names(_ algorithms: [SigningAlgorithm]) -> JSONValue { strings(algorithms.map(\.rawValue)) }
        let methods = ClientMetadata.AuthMethod.allCases
        let algorithms = SigningAlgorithm.allCases
        return [
            "issuer": .string(issuer),
            "authorization_endpoint": .string(issuer + "/oauth2/authorize"),
            "token_endpoint": .string(issuer + "/oauth2/token"),
            "userinfo_endpoint": .string(issuer + "/oauth2/userinfo"),
            "jwks_uri": .string(issuer + "/oauth2/jwks"),
            "end_session_endpoint": .string(issuer + "/oauth2/logout"),
            "introspection_endpoint": .string(issuer + "/oauth2/introspect"),
            "revocation_endpoint": .string(issuer + "/oauth2/revoke"),
            "device_authorization_endpoint": .string(issuer + "/oauth2/device"),
            "registration_endpoint": .string(issuer + "/oauth2/register"),
            "pushed_authorization_request_endpoint": .string(issuer + "/oauth2/par"),
            "require_pushed_authorization_requests": false,
            "scopes_supported": strings(Scope.allCases.map(\.rawValue)),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": strings(Grants.all(services, clients: clients).map(\.type)),
            "subject_types_supported": ["public", "pairwise"],
            "id_token_signing_alg_values_supported": names(algorithms),
            "userinfo_signing_alg_values_supported": names(algorithms),
            "request_object_signing_alg_values_supported": names(ClientSecurity.requestObjectAlgorithms),
            "token_endpoint_auth_methods_supported": strings(methods.map(\.rawValue)),
            "token_endpoint_auth_signing_alg_values_supported": names(ClientSecurity.assertionAlgorithms),
            "introspection_endpoint_auth_methods_supported": strings(methods.filter { $0 != .none }.map(\.rawValue)),
            "introspection_endpoint_auth_signing_alg_values_supported": names(ClientSecurity.assertionAlgorithms),
            "revocation_endpoint_auth_methods_supported": strings(methods.map(\.rawValue)),
            "revocation_endpoint_auth_signing_alg_values_supported": names(ClientSecurity.assertionAlgorithms),
            "dpop_signing_alg_values_supported": names(ClientSecurity.strongAlgorithms),
            "code_challenge_methods_supported": ["S256"],
            "acr_values_supported": [.string(AuthenticationLevel.password)],
            "claim_types_supported": ["normal"],
            "claims_supported": strings([
                "sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "name",
                "preferred_username", "local_id", "zoneinfo", "locale",
                "updated_at", "email", "email_verified", "phone_number", "phone_number_verified", "nip",
                "employee_kind", "unor", "opd", "position", "acting", "manager_sub",
                "roles", "nik",
            ]),
            "claims_parameter_supported": true,
            "request_parameter_supported": true,
            "request_uri_parameter_supported": false,
            "ui_locales_supported": ["id", "en"],
            "authorization_response_iss_parameter_supported": true,
            "frontchannel_logout_supported": true,
            "frontchannel_logout_session_supported": true,
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
        ]
    }
}
