/// Mints tokens in the name of one issuer.
public struct TokenIssuer: Sendable {
    /// `iss`.
    public let issuer: String
    private let signingKey: @Sendable (SigningAlgorithm?) throws -> SigningKey

    /// With one key for everything.
    public init(issuer: String, key: SigningKey) {
        self.init(issuer: issuer) { algorithm in
            guard algorithm == nil || algorithm == key.algorithm else {
                throw KeyError(.algorithm, "no key for that algorithm")
            }
            return key
        }
    }

    /// - Parameter signingKey: the key of the moment for an algorithm, or for none in particular; it is asked for
    ///   every token, so that keys can rotate.
    public init(issuer: String, signingKey: @escaping @Sendable (SigningAlgorithm?) throws -> SigningKey) {
        self.issuer = issuer
        self.signingKey = signingKey
    }

    /// A signed token. `iss` is set here, and comes first; claims that name another issuer are refused.
    public func issue(_ claims: Claims, type: TokenType, algorithm: SigningAlgorithm? = nil) throws -> String {
        try issue(claims, type: type, key: try signingKey(algorithm))
    }

    /// With a key of the caller's choice, such as the secret of one client.
    public func issue(_ claims: Claims, type: TokenType, key: SigningKey) throws -> String {
        var whole: JSONObject = ["iss": .string(issuer)]
        for member in claims.object.members {
            guard member.key.isExactly("iss") else {
                whole[member.key] = member.value
                continue
            }
            guard member.value == .string(issuer) else { throw TokenError(.issuer, "claims of another issuer") }
        }
        return try JWS.sign(whole.encoded(), with: key, header: ["typ": .string(type.headerText)])
    }
}
