import ArgumentParser
import GapuraFormats

/// The members of a registration as flags: RFC 7591, OpenID Connect Registration, and ours.
struct MetadataOptions: ParsableArguments {
    @Option(help: ArgumentHelp("JSON object with members of RFC 7591; - for the standard input.", valueName: "file"))
    var metadata: String?
    @Option(help: "The name that people see.") var clientName: String?
    @Option(help: ArgumentHelp("Where codes may go; may be repeated.", valueName: "uri")) var redirectURI: [String] = []
    @Option(help: ArgumentHelp("Where a sign-out may lead back to; may be repeated.", valueName: "uri"))
    var postLogoutRedirectURI: [String] = []
    @Option(help: ArgumentHelp("Where the end of a session is told.", valueName: "uri")) var backchannelLogoutURI:
        String?
    @Flag(help: "Its logout tokens must carry a sid.") var backchannelLogoutSessionRequired = false
    @Option(
        name: [.customLong("grant-type"), .customLong("grant-types")],
        help: "authorization_code, refresh_token, client_credentials; may be repeated, or separated by commas."
    )
    var grantTypes: [String] = []
    @Option(help: "The scopes it may ask for, separated by spaces.") var scope: String?
    @Option(help: "client_secret_basic, client_secret_post, private_key_jwt, client_secret_jwt or none.")
    var tokenEndpointAuthMethod: String?
    @Option(name: .customLong("jwks-uri"), help: "Where its public keys are, of a client that signs for itself.")
    var keysURI: String?
    @Option(help: "standard, fapi2 or legacy: what counts where specifications contradict each other.")
    var profile: String?
    @Flag(help: "Its access tokens are bound to a key (DPoP).") var dpopBoundAccessTokens = false
    @Option(
        name: [.customLong("id-token-alg"), .customLong("id-token-signed-response-alg")],
        help: "Algorithm of its ID tokens: RS256, ES256, EdDSA, HS256 …"
    )
    var idTokenAlgorithm: String?
    @Option(
        name: [.customLong("access-token-alg"), .customLong("access-token-signed-response-alg")],
        help: "Algorithm of its access tokens that are JWTs."
    )
    var accessTokenAlgorithm: String?
    @Option(help: "jwt or opaque.") var accessToken: String?
    @Option(help: "aud of its access tokens; may be repeated.") var audience: [String] = []
    @Option(help: "Whom to ask about it; may be repeated.") var contact: [String] = []
    @Option(help: "Its home page.") var clientURI: String?
    @Option(help: ArgumentHelp("Where the end of a session is told through the browser.", valueName: "uri"))
    var frontchannelLogoutURI: String?
    @Option(help: "Its picture, fetched once and shown where somebody signs in for it.") var logoURI: String?
    @Option(help: "Its privacy policy.") var policyURI: String?
    @Option(name: .customLong("tos-uri"), help: "Its terms of service.") var termsURI: String?
    @Option(help: "Where a sign-in may be started from the portal.") var initiateLoginURI: String?
    @Option(help: "Seconds after which a session signs in again.") var defaultMaxAge: Int64?
    @Flag(help: "A public client: it has no secret.") var `public` = false
    @Flag(help: "An application on people's own machines: public, with loopback redirects on any port.") var native =
        false
    @Flag(help: "Not the city's own: people are asked before it learns anything (trusted: false).")
    var thirdParty = false
    @Flag(help: "It may introspect tokens whose aud names it.") var resourceServer = false
    @Flag(help: "An application of electronic signatures: it may ask for the scope tte, which gives the NIK.") var tte =
        false
    @Flag(help: "A tool with which admins use the administration API: it may ask for the scope admin.")
    var administration = false
    @Flag(help: "The personnel agency's application: in its own name it may ask for the scope personnel.")
    var personnelFeed = false
    @Flag(name: .customLong("no-pkce"), help: "It cannot do PKCE; for old applications with a secret.") var noPKCE =
        false

    func validate() throws {
        guard !(`public` || native) || tokenEndpointAuthMethod == nil || tokenEndpointAuthMethod == "none" else {
            throw ValidationError("A public client has no secret: leave --token-endpoint-auth-method out.")
        }
    }

    func object() throws -> JSONObject {
        var object = try metadata.map(JSONObject.read) ?? JSONObject()
        let isPublic = `public` || native
        let types = grantTypes.flatMap { $0.split(separator: ",").map(String.init) }
        let flags = JSONObject.given([
            ("client_name", .optional(clientName)), ("redirect_uris", .optional(redirectURI)),
            ("post_logout_redirect_uris", .optional(postLogoutRedirectURI)),
            ("backchannel_logout_uri", .optional(backchannelLogoutURI)),
            ("backchannel_logout_session_required", .optional(backchannelLogoutSessionRequired)),
            ("grant_types", .optional(types)),
            ("scope", .optional(scope)),
            ("token_endpoint_auth_method", isPublic ? "none" : .optional(tokenEndpointAuthMethod)),
            ("jwks_uri", .optional(keysURI)), ("profile", .optional(profile)),
            ("dpop_bound_access_tokens", .optional(dpopBoundAccessTokens)),
            ("id_token_signed_response_alg", .optional(idTokenAlgorithm)),
            ("access_token_signed_response_alg", .optional(accessTokenAlgorithm)),
            ("access_token_format", .optional(accessToken)),
            ("audience", .optional(audience)), ("contacts", .optional(contact)), ("client_uri", .optional(clientURI)),
            ("frontchannel_logout_uri", .optional(frontchannelLogoutURI)), ("logo_uri", .optional(logoURI)),
            ("policy_uri", .optional(policyURI)), ("tos_uri", .optional(termsURI)),
            ("initiate_login_uri", .optional(initiateLoginURI)),
            ("default_max_age", defaultMaxAge.map { .integer($0) }), ("application_type", native ? "native" : nil),
            ("resource_server", .optional(resourceServer)), ("tte", .optional(tte)),
            ("administration", .optional(administration)), ("personnel_feed", .optional(personnelFeed)),
            ("require_pkce", noPKCE ? false : nil), ("trusted", thirdParty ? false : nil),
        ])
        for (key, value) in flags.members { object[key] = value }
        return object
    }
}
