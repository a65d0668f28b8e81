import GapuraFormats

/// One way to get tokens: a file beside this one, and a line in `Grants.all`.
package protocol Grant: Sendable {
    /// `grant_type`.
    var type: String { get }
    /// Checks the request and issues tokens for it. The client is authenticated and may use this grant.
    /// - Throws: `OAuthError`.
    func exchange(_ form: RequestParameters, _ client: Client, _ context: GapuraContext) async throws -> TokenAnswer
}

/// The grants of this gateway; endpoint and metadata read this list.
package enum Grants {
    static func all(_ services: Services) -> [any Grant] {
        [AuthorizationCodeGrant(services), RefreshTokenGrant(services), ClientCredentialsGrant(services)]
    }
}

/// What the token endpoint answers (RFC 6749 section 5.1).
package struct TokenAnswer: Sendable {
    var accessToken: String
    /// Seconds.
    var expiresIn: Int64
    var scope: String
    var idToken: String?
    var refreshToken: String?

    var json: JSONValue {
        var object: JSONObject = [
            "access_token": .string(accessToken), "token_type": "Bearer", "expires_in": .integer(expiresIn),
        ]
        if !scope.isEmpty { object["scope"] = .string(scope) }
        object["id_token"] = idToken.map(JSONValue.string)
        object["refresh_token"] = refreshToken.map(JSONValue.string)
        return .object(object)
    }
}
