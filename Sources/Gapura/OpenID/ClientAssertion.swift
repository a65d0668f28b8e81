import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens

/// A client that signs for itself: `private_key_jwt` and `client_secret_jwt` (RFC 7523 section 3, OpenID Connect Core
/// section 9, FAPI 2.0 Security Profile section 5.3.2.1).
struct ClientAssertionReader: Sendable {
    static let type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    /// Seconds that an assertion may have before it.
    private static let maximumLifetime: Int64 = 3600

    private let issuer: String
    private let store: Store
    private let clients: ClientReader

    init(_ services: Services, clients: ClientReader) {
        issuer = services.settings.issuer
        store = services.store
        self.clients = clients
    }

    /// Checks an assertion, except for whether it came before (RFC 7523 section 3, `jti`).
    /// - Parameter path: of the endpoint that it came to, which a client of the standard profile may name as audience.
    /// - Returns: the client whose key signed, and what has to be spent.
    /// - Throws: `OAuthError` `invalid_client`.
    func read(_ text: String, at path: String, now: Timestamp) async throws -> (Client, SignedOnce) {
        guard let jws = try? JWS(text), let payload = try? jws.unverifiedPayload(),
            let unverified = try? Claims(json: payload)
        else { throw OAuthError.invalidClient(reason: "the assertion is no JWS with claims") }
        guard jws.type == nil || jws.type == .jwt || jws.type == .clientAuthentication else {
            throw OAuthError.invalidClient(reason: "the assertion is a token of another kind")
        }
        guard let iss = unverified.iss, let sub = unverified.sub, iss.isExactly(sub) else {
            throw OAuthError.invalidClient(reason: "iss and sub of the assertion are not one client")
        }
        // One that came before costs its client nothing of its share; the write decides all the same.
        let digest = unverified.jti.map { Self.digest(of: $0, iss) }
        let found = try await store.lookUp { [clients] tx in
            try clients.find(iss, in: tx).map { ($0, try digest.map { try tx.tokens.isSeen(digest: $0) } ?? false) }
        }
        guard let (client, wasSeen) = found else {
            throw OAuthError.invalidClient(reason: "unknown or disabled client")
        }
        guard !wasSeen else { throw Self.seen }
        try checkMethod(jws, client)
        let claims = try await verified(jws, client)
        return (client, try check(claims, client, path, now))
    }

    /// What the client registered decides, never the header (attack 67).
    private func checkMethod(_ jws: JWS, _ client: Client) throws(OAuthError) {
        let isRightKind =
            switch client.metadata.tokenEndpointAuthMethod {
            case .privateKeyJWT: !jws.algorithm.isSymmetric
            case .clientSecretJWT: jws.algorithm.isSymmetric
            case .basic, .post, .none: false
            }
        guard isRightKind else { throw OAuthError.invalidClient(reason: "another method than the registered one") }
        let security = client.metadata.security
        if let only = security.assertionAlgorithm, jws.algorithm != only {
            throw OAuthError.invalidClient(reason: "another algorithm than the registered one")
        }
        guard security.profile != .fapi2 || ClientSecurity.strongAlgorithms.contains(jws.algorithm) else {
            throw OAuthError.invalidClient(reason: "FAPI 2.0 does not allow the algorithm")
        }
    }

    private func verified(_ jws: JWS, _ client: Client) async throws -> Claims {
        do {
            guard let key = try await clients.keys.key(for: jws, of: client) else {
                throw OAuthError.invalidClient(reason: "no key of the client has that kid")
            }
            return try Claims(json: jws.verify(with: key))
        } catch let error as TokenError {
            throw OAuthError.invalidClient(reason: "the assertion: \(error.code.rawValue)")
        } catch let error as KeyError {
            throw OAuthError.invalidClient(reason: "the client's keys: \(error.code.rawValue)")
        } catch let error as KeyringError {
            throw OAuthError.invalidClient(reason: "the client's secret does not open: \(error)")
        }
    }

    private func check(_ claims: Claims, _ client: Client, _ path: String, _ now: Timestamp) throws(OAuthError)
        -> SignedOnce
    {
        guard isForUs(claims, client.metadata.security.profile, path) else {
            throw OAuthError.invalidClient(reason: "the assertion's aud is another's")
        }
        let times = SignedTimes(leeway: SignedTimes.usualLeeway)
        do {
            try times.check(claims, now: now, maximumLifetime: Self.maximumLifetime)
        } catch {
            throw OAuthError.invalidClient(reason: "the assertion: \(error.reason)")
        }
        guard let exp = claims.exp, let jti = claims.jti, (1...512).contains(jti.utf8.count) else {
            throw OAuthError.invalidClient(reason: "the assertion has no jti")
        }
        return SignedOnce(
            digest: Self.digest(of: jti, client.id.text), endsAt: exp.adding(seconds: SignedTimes.usualLeeway),
            seen: Self.seen)
    }

    /// Items 40 and 75 of the conformance tests contradict each other: the profile decides.
    private func isForUs(_ claims: Claims, _ profile: ClientSecurity.Profile, _ path: String) -> Bool {
        if profile == .fapi2 { return claims["aud"]?.string?.isExactly(issuer) ?? false }
        let ours = [issuer, issuer + "/oauth2/token", issuer + path]
        func isOurs(_ audience: String) -> Bool { ours.contains { $0.isExactly(audience) } }
        if profile == .legacy { return claims.aud.contains(where: isOurs) }
        return claims.aud.count == 1 && claims.aud.allSatisfy(isOurs)
    }

    private static func digest(of jti: String, _ client: String) -> String {
        StoredSecret.digest("\(client) \(jti)", of: .clientAssertion)
    }

    private static var seen: OAuthError { .invalidClient(reason: "the assertion was used before") }
}
