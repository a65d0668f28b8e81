package import GapuraFormats
package import GapuraTokens

/// What a client registered: the members of RFC 7591 and OpenID Connect Registration that this gateway serves, and the
/// settings of design.md section 3.
package struct ClientMetadata: Sendable, Equatable {
    package enum AuthMethod: String, Sendable, CaseIterable {
        case basic = "client_secret_basic"
        case post = "client_secret_post"
        case privateKeyJWT = "private_key_jwt"
        case clientSecretJWT = "client_secret_jwt"
        case none

        /// Whether the client shares a secret with the gateway.
        package var hasSecret: Bool {
            switch self {
            case .basic, .post, .clientSecretJWT: true
            case .privateKeyJWT, .none: false
            }
        }
    }

    package enum AccessTokenFormat: String, Sendable {
        case jwt
        case opaque
    }

    package var clientName: String
    package var redirectURIs: [ExactText]
    package var postLogoutRedirectURIs: [ExactText]
    package var grantTypes: [String]
    package var tokenEndpointAuthMethod: AuthMethod
    package var scopes: [String]
    package var idTokenAlgorithm: SigningAlgorithm
    package var accessTokenAlgorithm: SigningAlgorithm
    /// Userinfo is a JWT signed with it, where the client asks for that.
    package var userinfoAlgorithm: SigningAlgorithm?
    package var security: ClientSecurity
    package var isNative: Bool
    package var contacts: [String]
    package var clientURI: String?
    package var policyURI: String?
    package var termsURI: String?
    package var initiateLoginURI: String?
    package var backchannelLogoutURI: String?
    package var backchannelLogoutSessionRequired: Bool
    /// Where the browser tells of a sign-out.
    package var frontchannelLogoutURI: String?
    /// Fetched once; pages show what was fetched.
    package var logoURI: String?
    /// Its subjects are its sector's own.
    package var isPairwise: Bool
    package var sectorIdentifierURI: String?
    /// Seconds; a session older than that signs in again.
    package var defaultMaxAge: Int64?

    // The gateway's own settings.
    package var requiresPKCE: Bool
    package var accessTokenFormat: AccessTokenFormat
    /// `aud` of access tokens; the issuer where it is empty.
    package var audience: [String]
    /// May introspect tokens whose `aud` names it.
    package var isResourceServer: Bool
    /// Clients whose tokens it may exchange for narrower ones of its own (RFC 8693).
    package var mayExchange: [String]
    /// No consent page. Applications of the city itself are trusted.
    package var isTrusted: Bool
    /// May ask for the scope `tte`, which gives the NIK: an application of electronic signatures.
    package var isTTE: Bool
    /// May ask for the scope `admin`: a tool with which admins use the administration API.
    package var isAdministration: Bool
    /// May ask for the scope `personnel` in its own name: an application of the personnel agency that delivers data.
    package var isPersonnelFeed: Bool

    /// Reads and checks a registration.
    /// - Throws: `OAuthError` `invalid_client_metadata` or `invalid_redirect_uri` with a text that says what to change.
    package init(_ json: JSONObject, settings: GatewaySettings) throws(OAuthError) {
        let reader = MetadataReader(json: json)
        clientName = try reader.string("client_name") ?? ""
        guard !clientName.isEmpty, clientName.utf8.count <= 200,
            clientName.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f })
        else {
            throw Self.invalid("client_name is missing, longer than 200 bytes, or has control characters.")
        }
        grantTypes = try reader.strings("grant_types") ?? ["authorization_code"]
        for type in grantTypes
        where ![
            "authorization_code", "refresh_token", "client_credentials", DeviceCodeGrant.name, TokenExchangeGrant.name,
        ].contains(where: { $0.isExactly(type) }) {
            throw Self.invalid("grant_types has a type that is not in the metadata.")
        }
        let usesCode = grantTypes.contains("authorization_code")
        let signsIn = usesCode || grantTypes.contains { $0.isExactly(DeviceCodeGrant.name) }
        guard signsIn || !grantTypes.contains("refresh_token") else {
            throw Self.invalid("grant_types: refresh_token needs authorization_code or device_code.")
        }
        if let types = try reader.strings("response_types"), !types.allSatisfy({ $0.isExactly("code") }) {
            throw Self.invalid("response_types may hold code only.")
        }
        switch try reader.string("application_type") ?? "web" {
        case "web": isNative = false
        case "native": isNative = true
        default: throw Self.invalid("application_type is web or native.")
        }
        let method = try reader.string("token_endpoint_auth_method") ?? (isNative ? "none" : "client_secret_basic")
        guard let known = AuthMethod(rawValue: method) else {
            throw Self.invalid("token_endpoint_auth_method is not one of the metadata's methods.")
        }
        tokenEndpointAuthMethod = known
        guard known != .none || !grantTypes.contains("client_credentials") else {
            throw Self.invalid("client_credentials needs a client that proves who it is.")
        }
        security = try ClientSecurity(reader, known, settings)

        redirectURIs = try Self.uris(
            reader.strings("redirect_uris"), "redirect_uris", isNative, settings, .invalidRedirectURI)
        guard !usesCode || !redirectURIs.isEmpty else {
            throw OAuthError(.invalidRedirectURI, "redirect_uris: at least one is needed.")
        }
        postLogoutRedirectURIs = try Self.uris(
            reader.strings("post_logout_redirect_uris"), "post_logout_redirect_uris", isNative, settings,
            .invalidClientMetadata
        )

        scopes = try Self.scopes(reader.string("scope"), usesCode: signsIn)
        let usual: SigningAlgorithm = security.profile == .fapi2 ? .ps256 : .rs256
        idTokenAlgorithm = try reader.algorithm("id_token_signed_response_alg") ?? usual
        userinfoAlgorithm = try reader.algorithm("userinfo_signed_response_alg")
        guard known.hasSecret || (!idTokenAlgorithm.isSymmetric && userinfoAlgorithm?.isSymmetric != true) else {
            throw Self.invalid("A client without a secret cannot have HS ID tokens or userinfo.")
        }
        accessTokenAlgorithm = try reader.algorithm("access_token_signed_response_alg") ?? usual
        try security.checkIssued(idTokenAlgorithm, accessTokenAlgorithm, userinfoAlgorithm)
        guard !accessTokenAlgorithm.isSymmetric else {
            throw Self.invalid("Access tokens are verified by others and cannot be HS.")
        }

        contacts = try reader.strings("contacts") ?? []
        clientURI = try reader.webURI("client_uri")
        policyURI = try reader.webURI("policy_uri")
        termsURI = try reader.webURI("tos_uri")
        initiateLoginURI = try reader.webURI("initiate_login_uri")
        backchannelLogoutURI = try reader.calledURI("backchannel_logout_uri", settings)
        backchannelLogoutSessionRequired = try reader.bool("backchannel_logout_session_required") ?? false
        frontchannelLogoutURI = try reader.calledURI("frontchannel_logout_uri", settings)
        logoURI = try reader.calledURI("logo_uri", settings)
        isPairwise = try reader.isPairwise()
        sectorIdentifierURI = try reader.calledURI("sector_identifier_uri", settings)
        defaultMaxAge = try reader.integer("default_max_age")
        guard defaultMaxAge.map({ $0 >= 0 }) ?? true else {
            throw Self.invalid("default_max_age is a number of seconds.")
        }

        requiresPKCE = try reader.bool("require_pkce") ?? (security.profile != .legacy || known == .none)
        if known == .none, !requiresPKCE { throw Self.invalid("Public clients always need PKCE.") }
        if security.profile == .fapi2, !requiresPKCE { throw Self.invalid("profile fapi2 always needs PKCE.") }
        let format = try reader.string("access_token_format") ?? "jwt"
        guard let format = AccessTokenFormat(rawValue: format) else {
            throw Self.invalid("access_token_format is jwt or opaque.")
        }
        accessTokenFormat = format
        audience = try Self.audience(reader.strings("audience"))
        isResourceServer = try reader.bool("resource_server") ?? false
        isTrusted = try reader.bool("trusted") ?? true
        mayExchange = try reader.strings("may_exchange") ?? []
        guard mayExchange.count <= 50, mayExchange.allSatisfy(ClientReader.isClientID) else {
            throw Self.invalid("may_exchange: at most 50 client ids.")
        }
        let exchanges = grantTypes.contains { $0.isExactly(TokenExchangeGrant.name) }
        guard !exchanges || (isTrusted && known != .none && !mayExchange.isEmpty) else {
            throw Self.invalid(
                "Token exchange is for the city's own clients that prove who they are, and needs may_exchange.")
        }
        isTTE = try reader.bool("tte") ?? false
        guard isTTE || !scopes.contains(where: { $0.isExactly(Scope.tte.rawValue) }) else {
            throw Self.invalid(
                "The scope tte gives the NIK and is only for a client that is marked for it (tte: true).")
        }
        isAdministration = try reader.bool("administration") ?? false
        guard isAdministration || !scopes.contains(where: { $0.isExactly(Scope.admin.rawValue) }) else {
            throw Self.invalid(
                "The scope admin opens the administration API and is only for a client that is marked for it (administration: true)."
            )
        }
        isPersonnelFeed = try reader.bool("personnel_feed") ?? false
        guard isPersonnelFeed || !scopes.contains(where: { $0.isExactly(Scope.personnel.rawValue) }) else {
            throw Self.invalid(
                "The scope personnel delivers personnel data and is only for a client that is marked for it (personnel_feed: true)."
            )
        }
        guard !isPersonnelFeed || grantTypes.contains("client_credentials") else {
            throw Self.invalid("personnel_feed needs the grant type client_credentials.")
        }
        try reader.refuseUnserved()
        guard !isPairwise || sector != nil else {
            throw Self.invalid(
                "subject_type pairwise with redirect_uris on more hosts, or on a loopback address, needs sector_identifier_uri."
            )
        }
    }

    /// The host whose clients share pairwise subjects (OpenID Connect Core section 8.1); nothing where they are public, or
    /// no one host can be told.
    package var sector: String? {
        guard isPairwise else { return nil }
        if let uri = sectorIdentifierURI { return RedirectURI.host(of: uri) }
        let hosts = Set(redirectURIs.compactMap { RedirectURI.host(of: $0.text).map(ExactText.init) })
        // Every machine has a loopback address: programs of different vendors there are not one sector.
        guard hosts.count == 1, let host = hosts.first?.text, !RedirectURI.isLoopback(host) else { return nil }
        return host
    }

    /// Whether something is computed with the client's secret, so that it has to be kept.
    package var needsSealedSecret: Bool {
        tokenEndpointAuthMethod == .clientSecretJWT || idTokenAlgorithm.isSymmetric
            || userinfoAlgorithm?.isSymmetric == true
    }

    /// The registration as JSON, as it is stored and answered.
    package var jsonObject: JSONObject {
        var json: JSONObject = [
            "client_name": .string(clientName),
            "application_type": isNative ? "native" : "web",
            "redirect_uris": .array(redirectURIs.map { .string($0.text) }),
            "post_logout_redirect_uris": .array(postLogoutRedirectURIs.map { .string($0.text) }),
            "grant_types": .array(grantTypes.map(JSONValue.string)),
            "response_types": grantTypes.contains("authorization_code") ? ["code"] : [],
            "token_endpoint_auth_method": .string(tokenEndpointAuthMethod.rawValue),
            "scope": .string(scopes.joined(separator: " ")),
            "id_token_signed_response_alg": .string(idTokenAlgorithm.rawValue),
            "access_token_signed_response_alg": .string(accessTokenAlgorithm.rawValue),
            "require_pkce": .bool(requiresPKCE),
            "access_token_format": .string(accessTokenFormat.rawValue),
            "resource_server": .bool(isResourceServer),
            "trusted": .bool(isTrusted),
            "backchannel_logout_session_required": .bool(backchannelLogoutSessionRequired),
        ]
        json["userinfo_signed_response_alg"] = userinfoAlgorithm.map { .string($0.rawValue) }
        security.add(to: &json)
        json["subject_type"] = isPairwise ? "pairwise" : "public"
        json["sector_identifier_uri"] = sectorIdentifierURI.map(JSONValue.string)
        if !mayExchange.isEmpty { json["may_exchange"] = .array(mayExchange.map(JSONValue.string)) }
        if isTTE { json["tte"] = true }
        if isAdministration { json["administration"] = true }
        if isPersonnelFeed { json["personnel_feed"] = true }
        if !contacts.isEmpty { json["contacts"] = .array(contacts.map(JSONValue.string)) }
        if !audience.isEmpty { json["audience"] = .array(audience.map(JSONValue.string)) }
        json["client_uri"] = clientURI.map(JSONValue.string)
        json["policy_uri"] = policyURI.map(JSONValue.string)
        json["tos_uri"] = termsURI.map(JSONValue.string)
        json["initiate_login_uri"] = initiateLoginURI.map(JSONValue.string)
        json["logo_uri"] = logoURI.map(JSONValue.string)
        if let uri = frontchannelLogoutURI {
            json["frontchannel_logout_uri"] = .string(uri)
            // `iss` and `sid` are always told.
            json["frontchannel_logout_session_required"] = true
        }
        json["backchannel_logout_uri"] = backchannelLogoutURI.map(JSONValue.string)
        json["default_max_age"] = defaultMaxAge.map(JSONValue.integer)
        return json
    }

    // MARK: Checks

    static func invalid(_ text: String) -> OAuthError { OAuthError(.invalidClientMetadata, text) }

    private static func uris(
        _ texts: [String]?, _ member: String, _ isNative: Bool, _ settings: GatewaySettings, _ code: OAuthError.Code
    ) throws(OAuthError) -> [ExactText] {
        let texts = texts ?? []
        guard texts.count <= 100 else { throw OAuthError(code, "\(member): at most 100.") }
        for text in texts {
            do {
                try RedirectURI.check(text, isNative: isNative, testHosts: settings.testHosts)
            } catch {
                throw OAuthError(code, "\(member): \(error.text).")
            }
        }
        // As bytes, each kept: twins in another normal form or spelling stay apart (attack 59).
        var unique: [ExactText] = []
        for text in texts where !unique.contains(ExactText(text)) { unique.append(ExactText(text)) }
        return unique
    }

    private static func scopes(_ text: String?, usesCode: Bool) throws(OAuthError) -> [String] {
        guard let text else { return usesCode ? ["openid", "profile"] : [] }
        guard let tokens = Scope.tokens(text) else { throw invalid("scope is too long or has forbidden characters.") }
        guard tokens.count <= 50 else { throw invalid("scope: at most 50.") }
        return tokens
    }

    /// Names of resource servers, as they stand in `aud`: printable, without spaces.
    private static func audience(_ names: [String]?) throws(OAuthError) -> [String] {
        let names = names ?? []
        guard names.count <= 20,
            names.allSatisfy({
                (1...2048).contains($0.utf8.count) && $0.utf8.allSatisfy { (UInt8(0x21)...0x7e).contains($0) }
            })
        else { throw invalid("audience: at most 20 names or URIs of printable ASCII without spaces.") }
        return names
    }
}
