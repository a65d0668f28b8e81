import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird

/// Finds out which client asks, at the token, introspection and revocation endpoints (RFC 6749 section 2.3).
package struct ClientAuthentication: Sendable {
    private let store: Store
    private let clients: ClientReader
    private let assertions: ClientAssertionReader
    private let limits: RequestLimits

    package init(_ services: Services, clients: ClientReader) {
        store = services.store
        limits = services.limits
        self.clients = clients
        assertions = ClientAssertionReader(services, clients: clients)
    }

    /// What a request says about its client.
    enum Credentials: Sendable {
        case basic(id: String, secret: String)
        case post(id: String, secret: String)
        /// The one whose key signed an assertion that was checked.
        case assertion(Client)
        case none(id: String)

        fileprivate var id: String {
            switch self {
            case .basic(let id, _), .post(let id, _), .none(let id): id
            case .assertion(let client): client.id.text
            }
        }
    }

    /// - Throws: `OAuthError` `invalid_client` (401) for anything that is not the registered method with the right
    ///   secret, `invalid_request` for more than one method at once, `too_many_requests` (429).
    package func authenticate(
        _ form: RequestParameters, _ request: Request, _ context: GapuraContext
    ) async throws -> Client {
        let ledger = SigningLedger(store)
        return try await ledger.settling { try await authenticate(form, request, context, ledger) }
    }

    /// The same where the caller spends what is signed.
    func authenticate(
        _ form: RequestParameters, _ request: Request, _ context: GapuraContext, _ ledger: SigningLedger
    ) async throws -> Client {
        let credentials = try await credentials(form, request, context, ledger)
        if case .assertion(let client) = credentials {
            // As it was a moment ago; what is issued looks at it again.
            try limits.admit(client, from: context.sourceAddress, at: context.now)
            return client
        }
        return try await store.lookUp { [self] tx in try authenticate(credentials, context, in: tx) }
    }

    /// The same within a transaction that goes on to read what the client asks for.
    func authenticate(_ credentials: Credentials, _ context: GapuraContext, in tx: Transaction) throws -> Client {
        guard let client = try clients.find(credentials.id, in: tx) else {
            throw OAuthError.invalidClient(reason: "unknown or disabled client")
        }
        switch (credentials, client.metadata.tokenEndpointAuthMethod) {
        case (.basic(_, let secret), .basic), (.post(_, let secret), .post):
            let digest = StoredSecret.digest(secret, of: .clientSecret)
            guard let stored = client.record.secretDigest, constantTimeEquals(Array(digest.utf8), Array(stored.utf8))
            else {
                throw OAuthError.invalidClient(reason: "wrong secret")
            }
        case (.assertion(let signer), let registered) where signer.metadata.tokenEndpointAuthMethod == registered:
            break
        case (.none, .none):
            break
        default:
            throw OAuthError.invalidClient(reason: "another method than the registered one")
        }
        try limits.admit(client, from: context.sourceAddress, at: context.now)
        return client
    }

    /// What a request says, with an assertion spent.
    /// - Throws: `OAuthError` for what can be refused without knowing the client.
    func credentials(
        _ form: RequestParameters, _ request: Request, _ context: GapuraContext
    ) async throws -> Credentials {
        let ledger = SigningLedger(store)
        return try await ledger.settling { try await credentials(form, request, context, ledger) }
    }

    private func credentials(
        _ form: RequestParameters, _ request: Request, _ context: GapuraContext, _ ledger: SigningLedger
    ) async throws -> Credentials {
        let headers = request.headers[values: .authorization]
        if form["client_assertion"] != nil || form["client_assertion_type"] != nil {
            guard headers.isEmpty, form["client_secret"] == nil else {
                throw OAuthError.invalidRequest("Use one way to authenticate the client.")
            }
            return try await assertion(form, request, context, ledger)
        }
        if let header = headers.first {
            guard headers.count == 1, form["client_secret"] == nil else {
                throw OAuthError.invalidRequest("Use one way to authenticate the client.")
            }
            let basic = try Self.basic(header)
            if let named = form["client_id"], !named.isExactly(basic.user) {
                throw OAuthError.invalidRequest("Two different clients are named.")
            }
            return .basic(id: basic.user, secret: basic.password)
        }
        guard let id = form["client_id"] else { throw OAuthError.invalidClient(reason: "no client is named") }
        return form["client_secret"].map { .post(id: id, secret: $0) } ?? .none(id: id)
    }

    /// RFC 7521 section 4.2: `client_id` may stand beside an assertion, and is the same then.
    private func assertion(
        _ form: RequestParameters, _ request: Request, _ context: GapuraContext, _ ledger: SigningLedger
    ) async throws -> Credentials {
        guard let assertion = form["client_assertion"], let type = form["client_assertion_type"] else {
            throw OAuthError.invalidRequest("client_assertion and client_assertion_type belong together.")
        }
        guard type.isExactly(ClientAssertionReader.type) else {
            throw OAuthError.invalidClient(reason: "an unknown client_assertion_type")
        }
        let (client, signed) = try await assertions.read(assertion, at: request.uri.path, now: context.now)
        if let named = form["client_id"], !named.isExactly(client.id.text) {
            throw OAuthError.invalidClient(reason: "client_id is not the assertion's")
        }
        ledger.add(signed)
        return .assertion(client)
    }

    /// - Throws: `OAuthError` `invalid_client`.
    private static func basic(_ header: String) throws(OAuthError) -> BasicCredentials {
        do {
            return try BasicCredentials(header)
        } catch {
            throw OAuthError.invalidClient(reason: error.rawValue)
        }
    }
}
