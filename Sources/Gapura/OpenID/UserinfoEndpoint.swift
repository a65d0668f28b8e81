import GapuraFormats
import GapuraStore
package import Hummingbird

/// Userinfo endpoint: OpenID Connect Core section 5.3, bearer tokens by RFC 6750.
package struct UserinfoEndpoint: Sendable {
    private let store: Store
    private let tokens: AccessTokenReader
    private let claims: ClaimSource

    package init(_ services: Services) {
        store = services.store
        tokens = AccessTokenReader(services)
        claims = ClaimSource(services)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.allow([.get, .post], "/oauth2/userinfo") { request, context in try await answer(request, context) }
    }

    private func answer(_ request: Request, _ context: GapuraContext) async throws -> Response {
        guard let token = try await BearerToken.read(request) else {
            // RFC 6750 section 3.1: who sends no token is told how, not what was wrong.
            return JSONAnswer.make(
                ["error": "invalid_request", "error_description": "Send an access token."], status: .unauthorized,
                headers: [.wwwAuthenticate: #"Bearer realm="gapura""#]
            )
        }
        guard let presented = tokens.present(token) else { throw OAuthError.invalidToken(reason: "no token of ours") }
        let (tokens, claims, now) = (tokens, claims, context.now)
        let answer: JSONObject = try await store.lookUp { tx in
            guard let live = try tokens.live(presented, in: tx, at: now), let account = live.standing?.account else {
                throw OAuthError.invalidToken(reason: "revoked, expired, or a client's own")
            }
            guard live.scope.holds(.openid) else {
                throw OAuthError(.insufficientScope, "The token was not issued for openid.")
            }
            return try claims.claims(for: account, scope: live.scope, client: live.clientID, in: tx, at: now)
        }
        return JSONAnswer.make(.object(answer))
    }
}

/// Where a bearer token stands in a request (RFC 6750 section 2): the header or a form body, never the query.
enum BearerToken {
    static func read(_ request: Request) async throws -> String? {
        var token = try header(of: request)
        // Beside a token in the header, a body of another kind says nothing here.
        if request.method == .post, request.headers[.contentType] != nil,
            token == nil || RequestParameters.isForm(request)
        {
            let form = try await RequestParameters(form: request)
            try form.refuseDuplicates()
            if let posted = form["access_token"] {
                guard token == nil else { throw OAuthError.invalidRequest("Send the token one way only.") }
                token = posted
            }
        }
        return token
    }

    /// The token in the header, the one place where APIs look.
    static func header(of request: Request) throws(OAuthError) -> String? {
        let headers = request.headers[values: .authorization]
        guard headers.count <= 1 else { throw OAuthError.invalidRequest("Send one Authorization header.") }
        guard let header = headers.first else { return nil }
        let bytes = Array(header.utf8)
        guard bytes.count <= 20_000, bytes.count > 7, bytes.prefix(7).map({ $0 | 0x20 }) == Array("bearer ".utf8) else {
            throw OAuthError.invalidToken(reason: "the Authorization header is not Bearer")
        }
        return String(decoding: bytes.dropFirst(7).drop { $0 == 0x20 }, as: UTF8.self)
    }
}
