/// What a token must be to be accepted: the checks of RFC 8725, RFC 7519 section 4.1 and RFC 9068 section 4, as one
/// value.
public struct TokenExpectations: Sendable {
    /// `iss`, byte for byte.
    public var issuer: String
    /// We are each of these; `aud` must name one, byte for byte.
    public var audiences: [String]
    /// Whether `aud` may name others besides: off, because a token for two can be used at the other by each of them.
    public var allowsOtherAudiences = false
    /// The `typ` values that are right. Nil among them: the header may say nothing.
    public var types: [TokenType?]
    /// The algorithms that are right; nil: the key's.
    public var algorithms: Set<SigningAlgorithm>?
    /// Seconds by which clocks may differ.
    public var leeway: Int64 = 10
    /// From `iat` to `exp`, in seconds.
    public var maximumLifetime: Int64?
    /// Claims that must be there as text that is not empty.
    public var requiredTexts: [String] = []
    /// Claims that must be there as moments, besides `exp`.
    public var requiredMoments: [String] = []
    /// Seconds after a sign-in (`auth_time`) within which the token is good enough; nil: always.
    public var maximumAuthenticationAge: Int64?
    /// Ways of signing in (`acr`) of which one has to be the token's; none: any.
    public var acrValues: [String] = []

    /// Checks of `iss`, `aud`, `typ`, `exp`, `nbf` and `iat`; more are set on the value.
    public init(issuer: String, audiences: [String], types: [TokenType?]) {
        self.issuer = issuer
        self.audiences = audiences
        self.types = types
    }

    /// An access token for a resource server, RFC 9068 section 4.
    public static func accessToken(issuer: String, audience: String) -> TokenExpectations {
        var expectations = TokenExpectations(issuer: issuer, audiences: [audience], types: [.accessToken])
        expectations.requiredTexts = ["sub", "client_id", "jti"]
        expectations.requiredMoments = ["iat"]
        return expectations
    }

    /// What the header alone can show to be wrong.
    func check(_ jws: JWS) throws(TokenError) {
        guard types.contains(jws.type) else {
            throw TokenError(.type, "typ is \(jws.type?.name ?? "absent")")
        }
        if let algorithms, !algorithms.contains(jws.algorithm) {
            throw TokenError(.algorithm, "\(jws.algorithm.rawValue) is not expected here")
        }
    }

    /// All claims, for a token whose signature is right.
    public func check(_ claims: Claims, now: Timestamp) throws(TokenError) {
        guard let iss = try claims.text("iss"), iss.isExactly(issuer) else { throw TokenError(.issuer, "another iss") }
        try checkAudience(claims)
        try checkTimes(claims, now: now)
        for name in requiredTexts {
            guard try claims.text(name) != nil else { throw TokenError(.claims, "no \(name)") }
        }
        for name in requiredMoments {
            guard try claims.moment(name) != nil else { throw TokenError(.claims, "no \(name)") }
        }
        try checkAuthentication(claims, now: now)
    }

    /// Last, because a token that is no good for another reason is not mended by signing in again.
    private func checkAuthentication(_ claims: Claims, now: Timestamp) throws(TokenError) {
        if !acrValues.isEmpty {
            let acr = try claims.text("acr") ?? ""
            guard acrValues.contains(where: { $0.isExactly(acr) }) else {
                throw TokenError(.authentication, "acr is another")
            }
        }
        guard let maximumAuthenticationAge else { return }
        guard let moment = try claims.moment("auth_time") else { throw TokenError(.authentication, "no auth_time") }
        guard now <= moment.adding(seconds: maximumAuthenticationAge).adding(seconds: leeway) else {
            throw TokenError(.authentication, "the sign-in was at \(moment.seconds), now is \(now.seconds)")
        }
    }

    /// What a resource server answers, with status 401, to a token whose person has to sign in again or in another way:
    /// the value of `WWW-Authenticate`, RFC 9470 section 3. The application sends `acr_values` and `max_age` on to the
    /// authorization endpoint.
    public var stepUpChallenge: String {
        var text = #"Bearer error="insufficient_user_authentication""#
        // Names with a quotation mark would be a header of their own making.
        let names = acrValues.filter { $0.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != 0x22 && $0 != 0x5c } }
        if !names.isEmpty { text += #", acr_values="\#(names.joined(separator: " "))""# }
        if let maximumAuthenticationAge { text += #", max_age="\#(maximumAuthenticationAge)""# }
        return text
    }

    private func checkAudience(_ claims: Claims) throws(TokenError) {
        let named = try claims.audiences()
        func isOurs(_ audience: String) -> Bool {
            audiences.contains { $0.isExactly(audience) }
        }
        guard named.contains(where: isOurs) else { throw TokenError(.audience, "aud is another's") }
        guard allowsOtherAudiences || named.allSatisfy(isOurs) else {
            throw TokenError(.audience, "aud names others too")
        }
    }

    private func checkTimes(_ claims: Claims, now: Timestamp) throws(TokenError) {
        let early = now.adding(seconds: -leeway)
        let late = now.adding(seconds: leeway)
        guard let exp = try claims.moment("exp") else { throw TokenError(.claims, "no exp") }
        guard exp > early else { throw TokenError(.expired, "exp was \(exp.seconds), now is \(now.seconds)") }
        if let nbf = try claims.moment("nbf"), nbf > late {
            throw TokenError(.notYetValid, "nbf is \(nbf.seconds), now is \(now.seconds)")
        }
        let iat = try claims.moment("iat")
        if let iat, iat > late {
            throw TokenError(.notYetValid, "iat is \(iat.seconds), now is \(now.seconds)")
        }
        if let maximumLifetime, exp > (iat ?? now).adding(seconds: maximumLifetime) {
            throw TokenError(.claims, "exp is too far ahead")
        }
    }
}
