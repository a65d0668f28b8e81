/// Where the keys of an issuer come from.
public enum KeySource: Sendable {
    /// One key. If it has no `kid`, a token need not name it rightly: there is no other it could mean.
    case key(VerificationKey)
    /// Keys that tokens name by `kid`.
    case set(JSONWebKeySet)
    /// Keys fetched from the issuer.
    case cache(JWKSCache)

    /// The key that a header means, of those at hand; this never waits.
    func keyAtHand(_ kid: String?) -> VerificationKey? {
        switch self {
        case .key(let key):
            guard let kid, let name = key.kid else { return key }
            return name.isExactly(kid) ? key : nil
        case .set(let set):
            return set.key(kid)
        case .cache(let cache):
            return cache.keysAtHand()?.key(kid)
        }
    }
}

/// A token that passed every check.
public struct VerifiedToken: Sendable {
    /// What the token says.
    public let claims: Claims
    /// The header, for what is not a claim.
    public let header: JSONObject
    /// The algorithm that signed it.
    public let algorithm: SigningAlgorithm
    /// The name of the key that signed it.
    public let kid: String?
}

/// Checks tokens: form, type, key, signature, then claims.
///
/// ```swift
/// let verifier = TokenVerifier(
///     .accessToken(issuer: "https://masuk.kota.example", audience: "https://arsip.kota.example"),
///     keys: .cache(JWKSCache("https://masuk.kota.example/oauth2/jwks")))
/// let token = try await verifier.verifyFetchingKeys(bearer)
/// ```
public struct TokenVerifier: Sendable {
    /// What a token must be.
    public let expectations: TokenExpectations
    /// Whose signatures count.
    public let keys: KeySource

    /// Checks against these expectations, with these keys.
    public init(_ expectations: TokenExpectations, keys: KeySource) {
        self.expectations = expectations
        self.keys = keys
    }

    /// With the keys at hand, without waiting for anything.
    public func verify(_ token: some StringProtocol, now: Timestamp = .now()) throws(TokenError) -> VerifiedToken {
        try verify(bytes: token.utf8, now: now)
    }

    /// As `verify(_:now:)`, for a token in bytes.
    public func verify(bytes token: some Collection<UInt8>, now: Timestamp = .now()) throws(TokenError) -> VerifiedToken
    {
        let jws = try JWS(bytes: token)
        try expectations.check(jws)
        return try verify(jws, keys.keyAtHand(jws.kid), now)
    }

    /// As `verify(_:now:)`, and asks the issuer for its keys where the token names one that is not at hand (no more
    /// often than the cache allows).
    public func verifyFetchingKeys(
        _ token: some StringProtocol, now: Timestamp = .now()
    ) async throws(TokenError) -> VerifiedToken {
        let jws = try JWS(token)
        try expectations.check(jws)
        var key = keys.keyAtHand(jws.kid)
        if key == nil, case .cache(let cache) = keys {
            key = try await cache.refreshed().key(jws.kid)
        }
        return try verify(jws, key, now)
    }

    private func verify(_ jws: JWS, _ key: VerificationKey?, _ now: Timestamp) throws(TokenError) -> VerifiedToken {
        guard let key else {
            throw TokenError(.unknownKey, jws.kid == nil ? "no kid, and not one key" : "a kid that nobody has")
        }
        let claims = try Claims(json: jws.verify(with: key))
        try expectations.check(claims, now: now)
        return VerifiedToken(claims: claims, header: jws.header, algorithm: key.algorithm, kid: key.kid)
    }
}
