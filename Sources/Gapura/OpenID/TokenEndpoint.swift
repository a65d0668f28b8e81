import GapuraFormats
import GapuraStore
package import Hummingbird

/// Token endpoint: RFC 6749 section 3.2.
package struct TokenEndpoint: Sendable {
    private let clients: ClientAuthentication
    private let proofs: DPoPReader
    private let store: Store
    private let grants: [any Grant]

    package init(_ services: Services, clients: ClientReader) {
        self.clients = ClientAuthentication(services, clients: clients)
        proofs = DPoPReader(services)
        store = services.store
        grants = Grants.all(services, clients: clients)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.only(.post, "/oauth2/token") { request, context in try await exchange(request, context) }
    }

    private func exchange(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request)  // 1 parse once
        try form.refuseDuplicates()
        guard let type = form["grant_type"] else { throw OAuthError.invalidRequest("grant_type is missing.") }
        let ledger = SigningLedger(store)
        let client = try await clients.authenticate(form, request, context, ledger)  // 2 who asks
        let answer = try await ledger.settling {
            try await exchange(type, form, client, request, ledger, at: context.now)
        }
        return JSONAnswer.make(answer.json)
    }

    private func exchange(
        _ type: String, _ form: RequestParameters, _ client: Client, _ request: Request, _ ledger: SigningLedger,
        at now: Timestamp
    ) async throws -> TokenAnswer {
        guard let grant = grants.first(where: { $0.type.isExactly(type) }) else {
            throw OAuthError(.unsupportedGrantType, "The grant_type is not supported.")
        }
        guard client.metadata.grantTypes.contains(where: { $0.isExactly(type) }) else {  // 3 may it ask this way
            throw OAuthError(.unauthorizedClient, "The client may not use this grant_type.")
        }
        let proof = try proof(of: client, request, now)  // 4 what the tokens are bound to
        if let proof { ledger.add(proof.once) }
        let asked = TokenRequest(form: form, client: client, proof: proof, ledger: ledger, now: now)
        return try await grant.exchange(asked)  // 5 the only line that differs
    }

    /// RFC 9449 section 5.
    private func proof(of client: Client, _ request: Request, _ now: Timestamp) throws -> DPoPProof? {
        guard let proof = try proofs.read(request, at: now) else {
            guard !client.metadata.security.bindsTokens else {
                throw DPoPReader.invalid("this client has to prove a key")
            }
            return nil
        }
        return proof
    }
}
