import GapuraFormats
package import Hummingbird

/// Token endpoint: RFC 6749 section 3.2.
package struct TokenEndpoint: Sendable {
    private let clients: ClientAuthentication
    private let grants: [any Grant]

    package init(_ services: Services, clients: ClientReader) {
        self.clients = ClientAuthentication(services, clients: clients)
        grants = Grants.all(services)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.only(.post, "/oauth2/token") { request, context in try await exchange(request, context) }
    }

    private func exchange(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request)  // 1 parse once
        try form.refuseDuplicates()
        guard let type = form["grant_type"] else { throw OAuthError.invalidRequest("grant_type is missing.") }
        let client = try await clients.authenticate(form, request)  // 2 who asks
        guard let grant = grants.first(where: { $0.type.isExactly(type) }) else {
            throw OAuthError(.unsupportedGrantType, "The grant_type is not supported.")
        }
        guard client.metadata.grantTypes.contains(where: { $0.isExactly(type) }) else {  // 3 may it ask this way
            throw OAuthError(.unauthorizedClient, "The client may not use this grant_type.")
        }
        return JSONAnswer.make(try await grant.exchange(form, client, context).json)  // 4 the only line that differs
    }
}
