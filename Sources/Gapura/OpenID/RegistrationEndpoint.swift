import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird

/// Clients that register themselves (RFC 7591) and look after their registration (RFC 7592): only with an initial access
/// token that an admin gave for one application.
package struct RegistrationEndpoint: Sendable {
    private static let path = "/oauth2/register"
    private static let maximumBytes = 64 * 1024

    private let issuer: String
    private let store: Store
    private let clients: ClientReader
    private let registry: ClientRegistry
    private let presented: PresentedTokenReader
    private let sectors: SectorCheck
    private let logos: LogoFetcher
    /// What is asked of other hosts for one right: it must not become a way to send requests.
    private let outgoingRate = RequestRate(every: 5, atOnce: 20)

    package init(_ services: Services, clients: ClientReader) {
        issuer = services.settings.issuer
        store = services.store
        self.clients = clients
        registry = ClientRegistry(services)
        presented = PresentedTokenReader(services)
        sectors = SectorCheck(services)
        logos = LogoFetcher(services)
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.only(.post, "/oauth2/register") { request, context in try await register(request, context) }
        router.allow([.get, .put, .delete], "/oauth2/register/:client_id") { request, context in
            try await manage(request, context)
        }
    }

    // MARK: RFC 7591

    private func register(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let digest = StoredSecret.digest(try token(request, context.now), of: .registration)
        let now = context.now
        guard let found = try await store.read({ try $0.registrations.find(digest: digest) }),
            Self.isOpen(found, at: now)
        else { throw OAuthError.invalidToken(reason: "no right to register clients") }
        let right = try Self.right(found)
        let metadata = try await registry.prepare(right.limited(Self.body(request)))
        let logo = try await askOthers(metadata, of: found, at: now)
        let (id, token) = (ClientID("c-" + SecureRandom.text(16)), SecureRandom.text(32))
        let secret = ClientRegistry.makeSecret()
        let registry = registry
        let made: ClientRegistry.Registered = try await store.write { tx in
            // As it is now: it may have been used up or ended meanwhile.
            guard try tx.registrations.use(found.id, at: now),
                let application = try tx.applications.find(found.applicationID), application.state == .aktif
            else { throw OAuthError.invalidToken(reason: "no right to register clients any more") }
            let made = try registry.add(
                metadata, application: application, clientID: id.text, secret: secret, by: .system, in: tx, at: now,
                detail: ["registration": .string(found.id.text)])
            try tx.clients.setRegistration(
                of: id, by: found.id, digest: StoredSecret.digest(token, of: .registrationAccess))
            try tx.logos.set(logo, of: id, at: now)
            return made
        }
        return JSONAnswer.make(.object(managed(made.jsonObject, of: id, token)), status: .created)
    }

    // MARK: RFC 7592

    private func manage(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let digest = StoredSecret.digest(try token(request, context.now), of: .registrationAccess)
        let id = ClientID(context.parameters.get("client_id") ?? "")
        // One that may not act, or whose application may not, looks after nothing (RFC 7592 section 2.1).
        let found = try await store.read { tx in
            try tx.clients.findUsable(id) == nil ? nil : tx.clients.find(id, registration: digest)
        }
        guard let record = found else {
            throw OAuthError.invalidToken(reason: "no registration of that client")
        }
        switch request.method {
        case .delete: return try await remove(record, digest, context.now)
        case .put: return try await replace(record, digest, request, context.now)
        default:
            let known = ClientRegistry.Registered(
                record: record, metadata: try clients.client(record).metadata, secret: nil, isNew: false)
            return JSONAnswer.make(.object(managed(known.jsonObject, of: id, try token(request, context.now))))
        }
    }

    private func remove(_ record: ClientRecord, _ digest: String, _ now: Timestamp) async throws -> Response {
        let (registry, id) = (registry, record.id)
        try await store.write { tx in
            guard try tx.clients.find(id, registration: digest) != nil else { return }
            try registry.setState(id, .disabled, by: .client(id.text), in: tx, at: now)
            try tx.clients.endRegistration(of: id)
        }
        return Response(status: .noContent, headers: [.cacheControl: "no-store"])
    }

    /// The whole registration anew; what is left out is gone (RFC 7592 section 2.2).
    private func replace(
        _ record: ClientRecord, _ digest: String, _ request: Request, _ now: Timestamp
    ) async throws -> Response {
        let asked = try await Self.body(request)
        guard asked["client_id"]?.string?.isExactly(record.id.text) ?? false else {
            throw OAuthError.invalidRequest("client_id has to be the client's own.")
        }
        let decided = [
            "registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at",
        ]
        guard !decided.contains(where: { asked.contains($0) }) else {
            throw OAuthError.invalidRequest("What the server decides does not belong into an update.")
        }
        if let sent = asked["client_secret"]?.string {
            let stored = record.secretDigest ?? ""
            guard constantTimeEquals(Array(StoredSecret.digest(sent, of: .clientSecret).utf8), Array(stored.utf8))
            else { throw OAuthError.invalidRequest("client_secret is not the client's own.") }
        }
        let id = record.id
        guard let given = try await store.read({ try $0.registrations.find(ofClient: id) }), given.endedAt == nil else {
            throw OAuthError.invalidToken(reason: "an admin ended the right to register clients")
        }
        let known = try clients.client(record).metadata
        let metadata = try await registry.prepare(Self.right(given).limited(asked, known: known))
        let logo = try await askOthers(metadata, of: given, at: now)
        let (registry, secret) = (registry, ClientRegistry.makeSecret())
        let made: ClientRegistry.Registered = try await store.write { tx in
            guard let current = try tx.clients.find(id, registration: digest) else {
                throw OAuthError.invalidToken(reason: "no registration of that client any more")
            }
            guard current.settings.isExactly(record.settings), current.state == .active else {
                throw OAuthError.invalidRequest("The registration was changed meanwhile; read it and send it again.")
            }
            try tx.logos.set(logo, of: id, at: now)
            return try registry.update(id, metadata, secret: secret, by: .client(id.text), in: tx, at: now)
        }
        return JSONAnswer.make(.object(managed(made.jsonObject, of: id, try token(request, now))))
    }

    // MARK: Steps

    /// What other hosts have to say: the sector's addresses, and a picture.
    /// - Throws: `OAuthError` `too_many_requests` where one right asks too often.
    private func askOthers(_ metadata: ClientMetadata, of right: Registration, at now: Timestamp) async throws
        -> ClientLogo?
    {
        guard metadata.sectorIdentifierURI != nil || metadata.logoURI != nil else { return nil }
        if let seconds = outgoingRate.seconds(toWait: right.id.text, at: now) {
            throw OAuthError.tooManyRequests(seconds: seconds, reason: "too many registrations that ask other hosts")
        }
        try await sectors.check(metadata)
        return await logos.fetch(metadata)
    }

    /// With what RFC 7592 section 3 wants in each answer about a client.
    private func managed(_ json: JSONObject, of id: ClientID, _ token: String) -> JSONObject {
        var json = json
        json["registration_access_token"] = .string(token)
        json["registration_client_uri"] = .string(address(of: id))
        return Self.answer(json)
    }

    private func address(of id: ClientID) -> String { issuer + Self.path + "/" + id.text }

    /// Its state is for admins.
    private static func answer(_ json: JSONObject) -> JSONObject { json.removing("state") }

    private static func isOpen(_ found: Registration, at now: Timestamp) -> Bool {
        found.usesLeft > 0 && found.endedAt == nil && now < found.expiresAt
    }

    private static func right(_ found: Registration) throws -> RegistrationRight {
        guard let json = try StrictJSON.parse(Array(found.settings.utf8)).object else {
            throw StoreError(.corrupt, "registrations.settings is no object")
        }
        return try RegistrationRight(json)
    }

    private func token(_ request: Request, _ now: Timestamp) throws(OAuthError) -> String {
        guard let token = try presented.header(of: request, at: now), token.scheme == .bearer else {
            throw OAuthError.invalidToken(reason: "no bearer token")
        }
        return token.text
    }

    private static func body(_ request: Request) async throws -> JSONObject {
        guard RequestParameters.hasBody(request, of: "application/json") else {
            throw OAuthError.invalidRequest("The body must be application/json.")
        }
        var buffer = try await request.body.collect(upTo: maximumBytes)
        let bytes = buffer.readBytes(length: buffer.readableBytes) ?? []
        guard let object = (try? StrictJSON.parse(bytes, maximumDepth: 8))?.object else {
            throw OAuthError(.invalidClientMetadata, "The body must be one JSON object.")
        }
        return object
    }
}
