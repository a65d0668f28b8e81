import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird
import NIOCore

/// Userinfo endpoint: OpenID Connect Core section 5.3, tokens as RFC 6750 and RFC 9449 send them. JSON, or a JWT signed
/// for a client that registered for one.
package struct UserinfoEndpoint: Sendable {
    private let store: Store
    private let tokens: AccessTokenReader
    private let claims: ClaimSource
    private let presented: PresentedTokenReader
    private let clients: ClientReader
    private let signer: ClientSigner
    private let issuer: TokenIssuer
    private let address: String
    private let limits: RequestLimits

    package init(_ services: Services, clients: ClientReader) {
        presented = PresentedTokenReader(services)
        self.clients = clients
        signer = ClientSigner(services)
        limits = services.limits
        address = services.settings.issuer
        let keyring = services.keyring
        issuer = TokenIssuer(issuer: services.settings.issuer) { try keyring.signingKey(for: $0 ?? .rs256) }
        store = services.store
        tokens = AccessTokenReader(services)
        claims = ClaimSource(services)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.allow([.get, .post], "/oauth2/userinfo") { request, context in try await answer(request, context) }
    }

    private func answer(_ request: Request, _ context: GapuraContext) async throws -> Response {
        guard let token = try await presented.read(request, at: context.now) else {
            // RFC 6750 section 3.1: who sends no token is told how, not what was wrong.
            return JSONAnswer.make(
                ["error": "invalid_request", "error_description": "Send an access token."], status: .unauthorized,
                headers: [.wwwAuthenticate: #"Bearer realm="gapura""#]
            )
        }
        do {
            return try await answer(token, context)
        } catch let error as OAuthError {
            throw error.atResource(token.scheme)
        }
    }

    private func answer(_ token: PresentedToken, _ context: GapuraContext) async throws -> Response {
        guard let readable = tokens.present(token.text) else {
            throw OAuthError.invalidToken(reason: "no token of ours")
        }
        let (tokens, claims, clients, limits, now) = (tokens, claims, clients, limits, context.now)
        let address = address
        let (answer, client): (JSONObject, Client) = try await store.lookUp { tx in
            guard let live = try tokens.live(readable, in: tx, at: now), let standing = live.standing,
                live.actor == nil
            else {
                throw OAuthError.invalidToken(reason: "revoked, expired, or a client's own")
            }
            try token.check(live)
            guard let client = try clients.find(live.clientID.text, in: tx) else {
                throw OAuthError.invalidToken(reason: "disabled client")
            }
            guard Self.isForUs(live, client, address) else {
                throw OAuthError.invalidToken(reason: "it was aimed at a resource")
            }
            let scope = Scope.left(of: live.scope, to: client)
            guard scope.holds(.openid) else {
                throw OAuthError(.insufficientScope, "The token was not issued for openid.")
            }
            try limits.admit(client, from: context.sourceAddress, at: now)
            let named = RequestedClaims(stored: standing.family.claims).userinfo
            let told = try claims.claims(
                for: standing.account, scope: scope, named: named, client: client, in: tx, at: now)
            return (told, client)
        }
        if let proof = token.proof { try await store.write { tx in try proof.once.spend(in: tx) } }
        guard let algorithm = client.metadata.userinfoAlgorithm else {
            return JSONAnswer.make(.object(answer))
        }
        return try signed(answer, for: client, algorithm)
    }

    /// Of tokens for others only the client's usual ones, which it asked for without naming a resource: what was aimed at
    /// one (RFC 8707) is no key to the person's data for whoever runs it (RFC 9068 section 4).
    private static func isForUs(_ token: LiveAccessToken, _ client: Client, _ issuer: String) -> Bool {
        if token.audience.contains(where: { $0.isExactly(issuer) }) { return true }
        return token.audience.map(ExactText.init) == client.metadata.audience.map(ExactText.init)
    }

    /// OpenID Connect Core section 5.3.2: with `iss` and `aud`, and nothing of an ID token.
    private func signed(_ claims: JSONObject, for client: Client, _ algorithm: SigningAlgorithm) throws -> Response {
        var whole = Claims(claims)
        whole.aud = [client.id.text]
        let jwt = try issuer.issue(whole, type: .jwt, key: signer.key(for: client, algorithm))
        return Response(
            status: .ok, headers: [.contentType: "application/jwt", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: jwt)))
    }
}
