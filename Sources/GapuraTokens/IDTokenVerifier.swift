/// Checks ID tokens for one client: OIDC Core section 3.1.3.7.
public struct IDTokenVerifier: Sendable {
    /// The client that the tokens are for.
    public let clientID: String
    /// The checks that are every token's.
    public let tokens: TokenVerifier

    /// For one client of one issuer.
    ///
    /// - Parameter algorithms: what the client is registered for; RS256 where it said nothing.
    public init(
        issuer: String, clientID: String, keys: KeySource, algorithms: Set<SigningAlgorithm> = [.rs256],
        leeway: Int64 = 10
    ) {
        var expectations = TokenExpectations(issuer: issuer, audiences: [clientID], types: [nil, .jwt])
        expectations.algorithms = algorithms
        expectations.leeway = leeway
        expectations.requiredTexts = ["sub"]
        expectations.requiredMoments = ["iat"]
        self.clientID = clientID
        tokens = TokenVerifier(expectations, keys: keys)
    }

    /// What the sign-in that the token answers had asked for.
    public struct Request: Sendable {
        /// The `nonce` that was sent; nil where none was, and then the token has none either.
        public var nonce: String?
        /// The `max_age` that was sent, in seconds.
        public var maximumAge: Int64?
        /// The access token that came along; `at_hash` is checked against it where the ID token has one.
        public var accessToken: String?
        /// The code that came along; `c_hash` likewise.
        public var code: String?

        /// What was sent with the sign-in, and what came along with the token.
        public init(nonce: String?, maximumAge: Int64? = nil, accessToken: String? = nil, code: String? = nil) {
            self.nonce = nonce
            self.maximumAge = maximumAge
            self.accessToken = accessToken
            self.code = code
        }
    }

    /// With the keys at hand.
    public func verify(
        _ token: some StringProtocol, for request: Request, now: Timestamp = .now()
    ) throws(TokenError) -> VerifiedToken {
        let verified = try tokens.verify(token, now: now)
        try check(verified, request, now)
        return verified
    }

    /// As `verify(_:for:now:)`, and fetches keys where needed.
    public func verifyFetchingKeys(
        _ token: some StringProtocol, for request: Request, now: Timestamp = .now()
    ) async throws(TokenError) -> VerifiedToken {
        let verified = try await tokens.verifyFetchingKeys(token, now: now)
        try check(verified, request, now)
        return verified
    }

    private func check(_ token: VerifiedToken, _ request: Request, _ now: Timestamp) throws(TokenError) {
        let claims = token.claims
        if let azp = try claims.text("azp"), !azp.isExactly(clientID) {
            throw TokenError(.audience, "azp is another's")
        }
        guard claims["events"] == nil else { throw TokenError(.type, "an ID token with events") }
        switch (request.nonce, try claims.text("nonce")) {
        case (nil, nil):
            break
        case (.some(let sent), .some(let came)) where constantTimeEquals(sent.utf8, came.utf8):
            break
        default:
            throw TokenError(.claims, "another nonce")
        }
        let authenticated = try claims.moment("auth_time")
        if let maximumAge = request.maximumAge {
            guard let authenticated else { throw TokenError(.claims, "no auth_time") }
            let latest = authenticated.adding(seconds: maximumAge).adding(seconds: tokens.expectations.leeway)
            guard now <= latest else { throw TokenError(.claims, "auth_time is too long ago") }
        }
        try checkHash(token, "at_hash", request.accessToken)
        try checkHash(token, "c_hash", request.code)
    }

    private func checkHash(_ token: VerifiedToken, _ name: String, _ value: String?) throws(TokenError) {
        guard let value, let hash = try token.claims.text(name) else { return }
        guard hash.isExactly(token.algorithm.leftHalfHash(value)) else { throw TokenError(.claims, "another \(name)") }
    }
}
