import GapuraDirectory
import GapuraFormats
import GapuraStore

/// `client_credentials`: RFC 6749 section 4.4. A token of the client itself: no person, no session, no refresh token.
struct ClientCredentialsGrant: Grant {
    let type = "client_credentials"

    private let store: Store
    private let maker: TokenMaker
    private let targets: ResourceIndicators

    init(_ services: Services, clients: ClientReader) {
        targets = ResourceIndicators(services, clients: clients)
        store = services.store
        maker = TokenMaker(services)
    }

    func exchange(_ asked: TokenRequest) async throws -> TokenAnswer {
        let (client, now) = (asked.client, asked.now)
        let scopes = try Scope.granted(asked.form["scope"], to: client).filter { token in
            Scope(rawValue: token).map { $0 == .personnel } ?? true
        }
        let scope = scopes.joined(separator: " ")
        let resources = try ResourceIndicators.read(asked.form)
        if !resources.isEmpty {
            // Nobody saw what a client that is not the city's own asks for here; an admin names its resources.
            let own = client.metadata.audience
            guard client.metadata.isTrusted || resources.allSatisfy({ one in own.contains { $0.isExactly(one) } })
            else {
                throw ResourceIndicators.invalid("not one of the client's own")
            }
            let targets = targets
            try await store.read { tx in try targets.check(resources, in: tx) }
        }
        let access = maker.access(
            for: client, sub: client.id.text, scope: scope, family: nil, jkt: asked.proof?.jkt,
            audience: resources, at: now)
        // A client that signs for itself was looked up before its keys were, which may take seconds.
        let check: @Sendable (Transaction) throws -> Void = { tx in
            guard try tx.clients.findUsable(client.id) != nil else {
                throw OAuthError.invalidClient(reason: "disabled meanwhile")
            }
        }
        if let row = access.row {
            try await asked.ledger.write { tx in
                try check(tx)
                try tx.tokens.insert(row)
                try tx.record(
                    .tokensIssued, by: .client(client.id.text), clientID: client.id,
                    detail: ["grant": "client_credentials"], at: now
                )
            }
        } else {
            try await asked.ledger.spend(check)
        }
        return TokenAnswer(
            accessToken: try maker.sign(access, for: client), scheme: access.scheme, expiresIn: access.seconds(at: now),
            scope: scope)
    }
}
