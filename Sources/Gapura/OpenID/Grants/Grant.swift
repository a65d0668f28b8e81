import GapuraFormats

/// One way to get tokens: a file beside this one, and a line in `Grants.all`.
package protocol Grant: Sendable {
    /// `grant_type`.
    var type: String { get }
    /// Checks the request and issues tokens for it. The client is authenticated and may use this grant.
    /// - Throws: `OAuthError`.
    func exchange(_ asked: TokenRequest) async throws -> TokenAnswer
}

/// What a grant has to go by.
package struct TokenRequest: Sendable {
    let form: RequestParameters
    let client: Client
    /// Of a key that the tokens will be bound to (RFC 9449 section 5).
    let proof: DPoPProof?
    /// What is signed in it: a grant writes through this.
    let ledger: SigningLedger
    let now: Timestamp
}

/// The grants of this gateway; endpoint and metadata read this list.
package enum Grants {
    static func all(_ services: Services, clients: ClientReader) -> [any Grant] {
        [
            AuthorizationCodeGrant(services, clients: clients), RefreshTokenGrant(services, clients: clients),
            ClientCredentialsGrant(services, clients: clients), DeviceCodeGrant(services, clients: clients),
            TokenExchangeGrant(services, clients: clients),
        ]
    }
}

/// What the token endpoint answers (RFC 6749 section 5.1).
package struct TokenAnswer: Sendable {
    var accessToken: String
    var scheme: TokenScheme
    /// Seconds.
    var expiresIn: Int64
    var scope: String
    var idToken: String?
    var refreshToken: String?
    /// RFC 8693 section 2.2.1.
    var issuedTokenType: String?

    var json: JSONValue {
        var object: JSONObject = [
            "access_token": .string(accessToken), "token_type": .string(scheme.rawValue),
            "expires_in": .integer(expiresIn),
        ]
        if !scope.isEmpty { object["scope"] = .string(scope) }
        object["id_token"] = idToken.map(JSONValue.string)
        object["refresh_token"] = refreshToken.map(JSONValue.string)
        object["issued_token_type"] = issuedTokenType.map(JSONValue.string)
        return .object(object)
    }
}
