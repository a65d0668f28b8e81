import GapuraDirectory
import GapuraFormats
import GapuraStore
package import Hummingbird

/// Revocation: RFC 7009. A refresh token takes its whole family with it; an access token goes alone. Unknown tokens are
/// answered 200.
package struct RevocationEndpoint: Sendable {
    private let store: Store
    private let clients: ClientAuthentication
    private let tokens: AccessTokenReader

    package init(_ services: Services, clients: ClientReader) {
        store = services.store
        self.clients = ClientAuthentication(services, clients: clients)
        tokens = AccessTokenReader(services)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.only(.post, "/oauth2/revoke") { request, context in try await answer(request, context) }
    }

    private func answer(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request)
        try form.refuseDuplicates()
        let client = try await clients.authenticate(form, request, context)
        guard let token = form["token"] else { throw OAuthError.invalidRequest("token is missing.") }
        let presented = tokens.present(token)
        let refreshDigest = StoredSecret.digest(token, of: .refreshToken)
        let accessDigest = StoredSecret.digest(token, of: .accessToken)
        let (tokens, now) = (tokens, context.now)
        try await store.write { tx in
            if let refresh = try tx.tokens.findRefreshToken(digest: refreshDigest) {
                guard refresh.clientID == client.id,
                    try tx.tokens.revoke(refresh.familyID, reason: "revoked_by_client", at: now)
                else { return }
                try Self.record("refresh_token", family: refresh.familyID, client, in: tx, at: now)
                return
            }
            guard let presented, let (access, family) = try tokens.issued(presented, in: tx, at: now),
                access.clientID == client.id
            else { return }
            if let jti = access.jti {
                try tx.tokens.insertRevoked(jti: jti, expiresAt: access.expiresAt)
            } else {
                try tx.tokens.deleteAccessToken(digest: accessDigest)
            }
            try Self.record("access_token", family: family, client, in: tx, at: now)
        }
        return Response(status: .ok, headers: [.cacheControl: "no-store"])
    }

    private static func record(
        _ kind: String, family: FamilyID?, _ client: Client, in tx: Transaction, at now: Timestamp
    ) throws {
        var detail: JSONObject = ["token": .string(kind)]
        detail["family"] = family.map { .string($0.text) }
        try tx.record(.tokensRevoked, by: .client(client.id.text), clientID: client.id, detail: detail, at: now)
    }
}
