/// Checks logout tokens for one client: OIDC Back-Channel Logout section 2.6. Whether a `jti` came before is the
/// caller's to remember.
public struct LogoutTokenVerifier: Sendable {
    /// The member of `events` that makes a token a logout token.
    public static let event = "http://schemas.openid.net/event/backchannel-logout"

    /// The checks that are every token's.
    public let tokens: TokenVerifier

    /// For one client of one issuer.
    ///
    /// - Parameter allowsAbsentType: for issuers from before `logout+jwt`, which give these tokens no type.
    public init(
        issuer: String, clientID: String, keys: KeySource, algorithms: Set<SigningAlgorithm> = [.rs256],
        leeway: Int64 = 10, allowsAbsentType: Bool = false
    ) {
        let types: [TokenType?] = allowsAbsentType ? [.logoutToken, .jwt, nil] : [.logoutToken]
        var expectations = TokenExpectations(issuer: issuer, audiences: [clientID], types: types)
        expectations.algorithms = algorithms
        expectations.leeway = leeway
        expectations.requiredTexts = ["jti"]
        expectations.requiredMoments = ["iat"]
        tokens = TokenVerifier(expectations, keys: keys)
    }

    /// With the keys at hand.
    public func verify(_ token: some StringProtocol, now: Timestamp = .now()) throws(TokenError) -> VerifiedToken {
        let verified = try tokens.verify(token, now: now)
        try Self.check(verified.claims)
        return verified
    }

    /// As `verify(_:now:)`, and fetches keys where needed.
    public func verifyFetchingKeys(
        _ token: some StringProtocol, now: Timestamp = .now()
    ) async throws(TokenError) -> VerifiedToken {
        let verified = try await tokens.verifyFetchingKeys(token, now: now)
        try Self.check(verified.claims)
        return verified
    }

    private static func check(_ claims: Claims) throws(TokenError) {
        guard claims["events"]?[event]?.object != nil else { throw TokenError(.type, "no logout event") }
        guard claims["nonce"] == nil else { throw TokenError(.type, "a logout token with nonce") }
        let sub = try claims.text("sub")
        let sid = try claims.text("sid")
        guard sub != nil || sid != nil else { throw TokenError(.claims, "neither sub nor sid") }
    }
}
