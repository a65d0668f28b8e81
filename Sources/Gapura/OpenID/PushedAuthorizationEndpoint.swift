import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird

/// Pushed authorization requests: RFC 9126. Checked as at the authorization endpoint, before a browser comes with it.
package struct PushedAuthorizationEndpoint: Sendable {
    /// Seconds until a browser has to come.
    static let lifetime: Int64 = 90
    /// Requests of one client that wait at a time; of a public client, which anybody can pretend to be, from one network.
    static let limit: Int64 = 2000
    static let publicLimit: Int64 = 200

    private let room: TableRoom
    private let store: Store
    private let clients: ClientAuthentication
    private let requests: AuthorizationRequestReader
    private let proofs: DPoPReader

    package init(_ services: Services, clients: ClientReader) {
        room = TableRoom(limit: services.settings.flowLimit)
        store = services.store
        self.clients = ClientAuthentication(services, clients: clients)
        requests = AuthorizationRequestReader(services, clients: clients)
        proofs = DPoPReader(services)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.only(.post, "/oauth2/par") { request, context in try await push(request, context) }
    }

    private func push(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request)
        try form.refuseDuplicates()
        let ledger = SigningLedger(store)
        let client = try await clients.authenticate(form, request, context, ledger)
        let handle = try await ledger.settling { try await keep(form, of: client, request, ledger, context) }
        return JSONAnswer.make(
            ["request_uri": .string(handle), "expires_in": .integer(Self.lifetime)], status: .created)
    }

    /// Checks and keeps a request. - Returns: the handle with which a browser may come.
    private func keep(
        _ form: RequestParameters, of client: Client, _ request: Request, _ ledger: SigningLedger,
        _ context: GapuraContext
    ) async throws -> String {
        guard form["request_uri"] == nil else {
            throw OAuthError.invalidRequest("request_uri does not belong into a pushed request.")
        }
        let proof = try proofs.read(request, at: context.now)
        if let proof { ledger.add(proof.once) }
        let asked = try await read(form, client, context.now)
        let pairs = try bound(asked, to: proof)

        let handle = SentRequestReader.handlePrefix + SecureRandom.text(32)
        let now = context.now
        let pushed = PushedRequest(
            digest: StoredSecret.digest(handle, of: .pushedRequest), clientID: client.id,
            network: client.isPublic ? FlowRoom.network(of: context.sourceAddress) : "",
            request: FormURLEncoded.encode(pairs), createdAt: now, expiresAt: now.adding(seconds: Self.lifetime))
        try await ledger.write { [self] tx in
            try makeRoom(for: pushed, of: client, tx)
            try tx.pushed.insert(pushed)
        }
        return handle
    }

    /// Everything that a browser would be told is told here.
    private func read(_ form: RequestParameters, _ client: Client, _ now: Timestamp) async throws
        -> AuthorizationRequest
    {
        do {
            return try await requests.read(pushed: form, by: client, at: now)
        } catch let error as RedirectableError {
            throw error.error
        } catch let error as PageError {
            throw OAuthError.invalidRequest(
                error.developerHint ?? "The request is not usable.", reason: error.reason)
        }
    }

    /// - Throws: `OAuthError` `too_many_requests` (attack 314).
    private func makeRoom(for pushed: PushedRequest, of client: Client, _ tx: Transaction) throws {
        let limit = client.isPublic ? Self.publicLimit : Self.limit
        let waiting = try tx.pushed.countOpen(of: pushed.clientID, from: pushed.network, at: pushed.createdAt)
        guard waiting < limit else {
            throw OAuthError(.tooManyRequests, "Too many requests of this client wait.")
        }
        try room.check(at: pushed.createdAt, count: tx.pushed.count) {
            try tx.pushed.deleteExpired(at: $0, limit: TableRoom.portion)
        }
    }

    /// The parameters that are kept, with the key that the code will be bound to (RFC 9449 section 10.1).
    private func bound(_ asked: AuthorizationRequest, to proof: DPoPProof?) throws(OAuthError) -> [(String, String)] {
        let names = AuthorizationRequestReader.names
        var pairs = asked.sent.parameters.pairs.filter { pair in names.contains { $0.isExactly(pair.name) } }
        // Who says it by Basic may leave it out, and a sign-in on the way reads it again.
        if asked.sent.parameters["client_id"] == nil { pairs.append(("client_id", asked.client.id.text)) }
        guard let proof else { return pairs }
        if let named = asked.jkt {
            guard named.isExactly(proof.jkt) else { throw DPoPReader.invalid("dpop_jkt is another key's") }
            return pairs
        }
        pairs.append(("dpop_jkt", proof.jkt))
        return pairs
    }
}
