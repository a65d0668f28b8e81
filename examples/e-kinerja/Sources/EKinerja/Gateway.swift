import Foundation
import GapuraTokens

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What e-kinerja asks the gateway: its metadata, tokens for a code, the person's data, and whether a token is genuine.
/// Protects the metadata, kept for an hour and longer while the gateway is down, and the key cache made from it.
actor Gateway {
    /// The members of discovery that e-kinerja uses.
    struct Metadata: Sendable {
        let authorizationEndpoint: String
        let tokenEndpoint: String
        let userinfoEndpoint: String
        let endSessionEndpoint: String
        let jwksURI: String
        let sendsIssuer: Bool
    }

    struct Tokens: Sendable {
        let idToken: String
        let accessToken: String
    }

    /// What a verified ID token says.
    struct Identity: Sendable {
        let subject: String
        let sid: ExactText
        let issuedAt: Timestamp
    }

    /// What a verified logout token says.
    struct EndedSession: Sendable {
        let sid: String?
        let subject: String?
        let issuedAt: Timestamp
    }

    /// The algorithm that this client is registered with; a token with any other is refused.
    private static let algorithms: Set<SigningAlgorithm> = [.es256]
    private static let leeway: Int64 = 60
    private static let metadataSeconds: Int64 = 3600

    private let settings: Settings
    private let web = WebClient()
    private var kept: (metadata: Metadata, fetchedAt: Timestamp)?
    private var keys: GatewayKeys?

    init(settings: Settings) {
        self.settings = settings
    }

    /// OpenID Connect Discovery 1.0.
    func metadata() async throws -> Metadata {
        let now = Timestamp.now()
        if let kept, kept.fetchedAt.adding(seconds: Self.metadataSeconds) > now { return kept.metadata }
        do {
            let request = try WebClient.request(settings.issuer + "/.well-known/openid-configuration")
            let answer = try await web.send(request)
            guard answer.status == 200, let object = answer.object else {
                throw Problem(.unavailable, "discovery answers \(answer.status)")
            }
            let metadata = try Self.metadata(object, issuer: settings.issuer)
            kept = (metadata, now)
            return metadata
        } catch let problem as Problem where problem.kind == .unavailable {
            guard let kept else { throw problem }
            return kept.metadata
        }
    }

    /// Token endpoint with client_secret_basic: id and secret are form-encoded before base64 (RFC 6749 section 2.3.1).
    func redeem(code: String, verifier: String) async throws -> Tokens {
        var request = try WebClient.request(try await metadata().tokenEndpoint, method: "POST")
        let id = FormURLEncoded.percentEncode(settings.clientID)
        let secret = FormURLEncoded.percentEncode(settings.clientSecret)
        let credentials = Data("\(id):\(secret)".utf8).base64EncodedString()
        request.setValue("Basic \(credentials)", forHTTPHeaderField: "Authorization")
        request.setValue("application/x-www-form-urlencoded", forHTTPHeaderField: "Content-Type")
        let form = FormURLEncoded.encode([
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", settings.redirectURI),
            ("code_verifier", verifier),
        ])
        request.httpBody = Data(form.utf8)
        let answer = try await web.send(request)
        guard answer.status == 200 else {
            let error = answer.object?["error"]?.string ?? ""
            let kinds: [String: Problem.Kind] = [
                "invalid_client": .setup, "unauthorized_client": .setup, "invalid_grant": .expired,
            ]
            let kind = answer.status >= 500 ? .unavailable : kinds[error] ?? .refused
            throw Problem(kind, "token endpoint answers \(answer.status) \(error.prefix(40))")
        }
        guard let idToken = answer.object?["id_token"]?.string,
            let accessToken = answer.object?["access_token"]?.string,
            answer.object?["token_type"]?.string?.lowercased() == "bearer"
        else {
            throw Problem(.refused, "token response is not complete")
        }
        return Tokens(idToken: idToken, accessToken: accessToken)
    }

    /// Verifies the ID token that answers the sign-in with this nonce (OpenID Connect Core section 3.1.3.7).
    func identity(_ tokens: Tokens, nonce: String) async throws -> Identity {
        let keys = try await keySet()
        let arrivals = keys.arrivals
        let verifier = IDTokenVerifier(
            issuer: settings.issuer, clientID: settings.clientID, keys: .cache(keys.cache),
            algorithms: Self.algorithms, leeway: Self.leeway)
        let expected = IDTokenVerifier.Request(nonce: nonce, accessToken: tokens.accessToken)
        do {
            let claims = try await verifier.verifyFetchingKeys(tokens.idToken, for: expected).claims
            guard let subject = claims.sub, let sid = claims.sid, let issuedAt = claims.iat else {
                throw Problem(.refused, "sub, sid or iat is missing")
            }
            return Identity(subject: subject, sid: ExactText(sid), issuedAt: issuedAt)
        } catch let error as TokenError {
            throw Self.problem(error, of: tokens.idToken, wasAsked: keys.arrivals > arrivals)
        }
    }

    /// Userinfo (OpenID Connect Core section 5.3): name, NIP, unit and post come from here, not from the ID token.
    func person(accessToken: String, subject: String) async throws -> Person {
        var request = try WebClient.request(try await metadata().userinfoEndpoint)
        request.setValue("Bearer \(accessToken)", forHTTPHeaderField: "Authorization")
        let answer = try await web.send(request)
        guard answer.status == 200, let claims = answer.object else {
            throw Problem(.unavailable, "userinfo answers \(answer.status)")
        }
        guard let sub = claims["sub"]?.string, sub.isExactly(subject) else {
            throw Problem(.refused, "userinfo speaks of another person")
        }
        return Person(claims)
    }

    /// Verifies a logout token (Back-Channel Logout section 2.6). One that comes twice does no harm.
    func endedSession(logoutToken: String) async throws -> EndedSession {
        let keys = try await keySet()
        let arrivals = keys.arrivals
        let verifier = LogoutTokenVerifier(
            issuer: settings.issuer, clientID: settings.clientID, keys: .cache(keys.cache),
            algorithms: Self.algorithms, leeway: Self.leeway)
        do {
            let claims = try await verifier.verifyFetchingKeys(logoutToken).claims
            guard let issuedAt = claims.iat else { throw Problem(.refused, "iat is missing") }
            return EndedSession(sid: claims.sid, subject: claims.sub, issuedAt: issuedAt)
        } catch let error as TokenError {
            throw Self.problem(error, of: logoutToken, wasAsked: keys.arrivals > arrivals)
        }
    }

    /// One cache for the address that discovery names.
    private func keySet() async throws -> GatewayKeys {
        let address = try await metadata().jwksURI
        if let keys, keys.cache.url.isExactly(address) { return keys }
        let made = GatewayKeys(address)
        keys = made
        return made
    }

    private static func metadata(_ object: JSONObject, issuer: String) throws -> Metadata {
        guard let named = object["issuer"]?.string, named.isExactly(issuer) else {
            throw Problem(.setup, "the gateway names another issuer; write it exactly so in GAPURA_ISSUER")
        }
        func endpoint(_ name: String) throws -> String {
            guard let address = object[name]?.string, Settings.isAllowed(address) else {
                throw Problem(.setup, "discovery has no usable \(name)")
            }
            return address
        }
        return Metadata(
            authorizationEndpoint: try endpoint("authorization_endpoint"),
            tokenEndpoint: try endpoint("token_endpoint"),
            userinfoEndpoint: try endpoint("userinfo_endpoint"),
            endSessionEndpoint: try endpoint("end_session_endpoint"),
            jwksURI: try endpoint("jwks_uri"),
            sendsIssuer: object["authorization_response_iss_parameter_supported"]?.bool ?? false
        )
    }

    /// A `kid` that nobody has makes a wrong token only where the gateway was just asked. Where it could not be (it is
    /// down, or was asked less than a minute ago) it shall send the token again: a sign-out must not be lost.
    private static func problem(_ error: TokenError, of token: String, wasAsked: Bool) -> Problem {
        let isUndecided = error.code == .unknownKey && !wasAsked && (try? JWS(token))?.kid != nil
        return Problem(isUndecided || error.code == .keysUnavailable ? .unavailable : .refused, "token: \(error)")
    }
}
