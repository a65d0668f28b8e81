import GapuraFormats
import GapuraStore
package import Hummingbird

/// Introspection: RFC 7662. A client may look at its own tokens, a resource server at tokens whose `aud` names it;
/// everything else is `{"active":false}` and nothing more (attack 103).
package struct IntrospectionEndpoint: Sendable {
    private let store: Store
    private let issuer: String
    private let clients: ClientAuthentication
    private let tokens: AccessTokenReader
    private let subjects: Subjects
    private let reader: ClientReader

    package init(_ services: Services, clients: ClientReader) {
        store = services.store
        issuer = services.settings.issuer
        self.clients = ClientAuthentication(services, clients: clients)
        tokens = AccessTokenReader(services)
        subjects = Subjects(services)
        reader = clients
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.only(.post, "/oauth2/introspect") { request, context in try await answer(request, context) }
    }

    private func answer(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request)
        try form.refuseDuplicates()
        let credentials = try await clients.credentials(form, request, context)
        let (clients, tokens, subjects, reader, now) = (clients, tokens, subjects, reader, context.now)
        let found: (LiveAccessToken, sub: String)? = try await store.lookUp { tx in
            let client = try clients.authenticate(credentials, context, in: tx)
            guard !client.isPublic else { throw OAuthError.invalidClient(reason: "public clients do not introspect") }
            guard let token = form["token"] else { throw OAuthError.invalidRequest("token is missing.") }
            guard let presented = tokens.present(token), let live = try tokens.live(presented, in: tx, at: now),
                Self.mayLook(client, live)
            else { return nil }
            let owner = try reader.find(live.clientID.text, in: tx)
            var told = live
            if let owner { told.scope = Scope.left(of: live.scope, to: owner) }
            let sub = live.standing.map { subjects.sub($0.account.sub, in: owner?.metadata.sector) }
            return (told, sub ?? live.clientID.text)
        }
        return found.map { JSONAnswer.make(.object(description($0.0, $0.sub))) } ?? Self.inactive
    }

    private static let inactive = JSONAnswer.make(["active": false])

    static func mayLook(_ client: Client, _ token: LiveAccessToken) -> Bool {
        if token.clientID == client.id { return true }
        return client.metadata.isResourceServer && isMeant(for: client, token)
    }

    /// Whether a token names a client as one that it is for.
    static func isMeant(for client: Client, _ token: LiveAccessToken) -> Bool {
        let names = [client.id.text] + client.metadata.audience
        return token.audience.contains { audience in names.contains { $0.isExactly(audience) } }
    }

    private func description(_ token: LiveAccessToken, _ sub: String) -> JSONObject {
        var answer: JSONObject = [
            "active": true, "iss": .string(issuer), "sub": .string(sub),
            "client_id": .string(token.clientID.text),
            "token_type": .string(token.jkt == nil ? "Bearer" : "DPoP"), "iat": .integer(token.issuedAt.seconds),
            "exp": .integer(token.expiresAt.seconds),
            "aud": token.audience.count == 1
                ? .string(token.audience.first ?? "") : .array(token.audience.map(JSONValue.string)),
        ]
        if !token.scope.isEmpty { answer["scope"] = .string(token.scope) }
        answer["jti"] = token.jti.map(JSONValue.string)
        if let actor = token.actor { answer["act"] = ["sub": .string(actor)] }
        if let jkt = token.jkt { answer["cnf"] = ["jkt": .string(jkt)] }
        if let standing = token.standing {
            answer["sid"] = .string(standing.family.sid)
            answer["auth_time"] = .integer(standing.family.authTime.seconds)
            answer["acr"] = .string(standing.family.acr)
            // It is one of the claims of that scope, and names the person across sectors.
            if token.scope.holds(.profile) { answer["username"] = standing.account.userName.map(JSONValue.string) }
        }
        return answer
    }
}
