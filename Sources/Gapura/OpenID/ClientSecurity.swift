import GapuraFormats
package import GapuraTokens

/// How a client proves who it is when it signs for itself, and what its requests and tokens are bound to.
package struct ClientSecurity: Sendable, Equatable {
    /// What decides where specifications contradict each other.
    package enum Profile: String, Sendable, CaseIterable {
        /// OpenID Connect: an assertion may name the issuer or the endpoint that it is sent to.
        case standard
        /// FAPI 2.0 Security Profile: pushed requests, bound tokens, assertions for the issuer alone.
        case fapi2
        /// Applications from before PKCE: not required unless it is asked for, and an assertion may name others too.
        case legacy
    }

    /// Where a client's public keys are.
    package enum Keys: Sendable, Equatable {
        case inline(JSONObject)
        case uri(String)
    }

    package var profile: Profile
    package var keys: Keys?
    /// The one algorithm of its assertions, where it named one.
    package var assertionAlgorithm: SigningAlgorithm?
    /// The one algorithm of its request objects, where it named one.
    package var requestObjectAlgorithm: SigningAlgorithm?
    package var requiresSignedRequest: Bool
    package var requiresPushedRequest: Bool
    /// Its access tokens are bound to a key (RFC 9449 section 5.2).
    package var bindsTokens: Bool

    /// What FAPI 2.0 section 5.4.1 allows; also what a DPoP proof may be signed with.
    package static let strongAlgorithms: [SigningAlgorithm] = [.ps256, .es256, .edDSA]
    /// What assertions and request objects may be signed with.
    package static let assertionAlgorithms = SigningAlgorithm.allCases
    package static let requestObjectAlgorithms = SigningAlgorithm.allCases.filter { !$0.isSymmetric }

    /// Reads the members of RFC 7591, 9101, 9126 and 9449.
    init(_ reader: MetadataReader, _ method: ClientMetadata.AuthMethod, _ settings: GatewaySettings) throws(OAuthError)
    {
        let name = try reader.string("profile") ?? Profile.standard.rawValue
        guard let known = Profile(rawValue: name) else {
            throw ClientMetadata.invalid("profile is standard, fapi2 or legacy.")
        }
        profile = known
        keys = try Self.keys(reader, settings)
        assertionAlgorithm = try Self.algorithm(
            reader, "token_endpoint_auth_signing_alg",
            Self.assertionAlgorithms.filter { $0.isSymmetric == (method == .clientSecretJWT) })
        requestObjectAlgorithm = try Self.algorithm(reader, "request_object_signing_alg", Self.requestObjectAlgorithms)
        requiresSignedRequest = try reader.bool("require_signed_request_object") ?? false
        let isStrict = profile == .fapi2
        requiresPushedRequest = try reader.bool("require_pushed_authorization_requests") ?? isStrict
        bindsTokens = try reader.bool("dpop_bound_access_tokens") ?? isStrict
        guard keys != nil || (method != .privateKeyJWT && !requiresSignedRequest && requestObjectAlgorithm == nil)
        else {
            throw ClientMetadata.invalid("A client that signs needs its public keys: jwks or jwks_uri.")
        }
        if isStrict { try checkStrict(method) }
    }

    /// FAPI 2.0 Security Profile section 5.3.2.1: nothing of it is optional for one client.
    private func checkStrict(_ method: ClientMetadata.AuthMethod) throws(OAuthError) {
        guard method == .privateKeyJWT else {
            throw ClientMetadata.invalid("profile fapi2 needs token_endpoint_auth_method private_key_jwt.")
        }
        guard requiresPushedRequest, bindsTokens else {
            throw ClientMetadata.invalid("profile fapi2 needs pushed requests and DPoP-bound tokens.")
        }
        for algorithm in [assertionAlgorithm, requestObjectAlgorithm] {
            guard let algorithm else { continue }
            guard Self.strongAlgorithms.contains(algorithm) else {
                throw ClientMetadata.invalid("profile fapi2 signs with PS256, ES256 or EdDSA.")
            }
        }
    }

    /// What is signed for a client of FAPI 2.0 is signed with one of its algorithms.
    func checkIssued(_ algorithms: SigningAlgorithm?...) throws(OAuthError) {
        guard profile == .fapi2 else { return }
        for case let algorithm? in algorithms where !Self.strongAlgorithms.contains(algorithm) {
            throw ClientMetadata.invalid("profile fapi2 has tokens of PS256, ES256 or EdDSA.")
        }
    }

    /// Adds what is not as it is without being said.
    func add(to json: inout JSONObject) {
        json["profile"] = .string(profile.rawValue)
        switch keys {
        case .inline(let set): json["jwks"] = .object(set)
        case .uri(let uri): json["jwks_uri"] = .string(uri)
        case nil: break
        }
        json["token_endpoint_auth_signing_alg"] = assertionAlgorithm.map { .string($0.rawValue) }
        json["request_object_signing_alg"] = requestObjectAlgorithm.map { .string($0.rawValue) }
        if requiresSignedRequest { json["require_signed_request_object"] = true }
        if requiresPushedRequest { json["require_pushed_authorization_requests"] = true }
        if bindsTokens { json["dpop_bound_access_tokens"] = true }
    }

    private static func keys(_ reader: MetadataReader, _ settings: GatewaySettings) throws(OAuthError) -> Keys? {
        let uri = try reader.calledURI("jwks_uri", settings)
        guard let value = reader.json["jwks"], !value.isNull else { return uri.map(Keys.uri) }
        guard uri == nil else { throw ClientMetadata.invalid("jwks and jwks_uri exclude each other.") }
        guard let object = value.object else { throw ClientMetadata.invalid("jwks must be a JSON object.") }
        do {
            let set = try JSONWebKeySet(object)
            guard !set.keys.isEmpty, !set.keys.contains(where: \.algorithm.isSymmetric) else {
                throw ClientMetadata.invalid("jwks has no public key that verifies signatures.")
            }
        } catch let error as KeyError {
            throw ClientMetadata.invalid("jwks: \(problem(error)).")
        } catch let error as OAuthError {
            throw error
        } catch {
            throw ClientMetadata.invalid("jwks cannot be read.")
        }
        return .inline(object)
    }

    /// Fixed texts: what comes from outside has no way into an error.
    private static func problem(_ error: KeyError) -> String {
        switch error.code {
        case .privateMembers: "it holds private keys, which must stay with the application"
        case .duplicateKid: "two keys have one kid"
        case .tooMany: "more than \(JSONWebKeySet.maximumKeys) keys"
        case .weak: "a key is too weak; RSA needs 2048 bits or more"
        default: "a key cannot be used"
        }
    }

    private static func algorithm(
        _ reader: MetadataReader, _ member: String, _ allowed: [SigningAlgorithm]
    ) throws(OAuthError) -> SigningAlgorithm? {
        guard let name = try reader.string(member) else { return nil }
        guard let algorithm = SigningAlgorithm(name: name), allowed.contains(algorithm) else {
            throw ClientMetadata.invalid("\(member) is not one of the metadata's algorithms.")
        }
        return algorithm
    }
}
