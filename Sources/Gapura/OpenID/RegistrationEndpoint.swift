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
        let metadata = try registry.prepare(right.limited(try await Self.body(request)))
        try await sectors.check(metadata)

        let logo = await logos.fetch(metadata)
        let (id, token) = (ClientID("c-" + SecureRandom.text(16)), SecureRandom.text(32))
        let secret = ClientRegistry.makeSecret()
        let registry = registry
        let made: ClientRegistry.Registered = try await store.write { tx in
            // As it is now: it may have been used up or ended meanwhile.
            guard try tx.registrations.use(found.id, at: now),
                let application = try tx.applications.find(found.applicationID), application.state == .aktif
            else { throw OAuthError.invalidToken(reason: "no right to register clients any more") }
            let made = try registry.add(
                metadata, application: application, clientID: id.text, secret: secret, by: .system, in: tx, at: now)
            try tx.clients.setRegistration(
                of: id, by: found.id, digest: StoredSecret.digest(token, of: .registrationAccess))
            try tx.logos.set(logo, of: id, at: now)
            return made
        }
        var json = made.jsonObject
        json["registration_access_token"] = .string(token)
        json["registration_client_uri"] = .string(address(of: id))
        return JSONAnswer.make(.object(Self.answer(json)), status: .created)
    }

    // MARK: RFC 7592

    private func manage(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let digest = StoredSecret.digest(try token(request, context.now), of: .registrationAccess)
        let id = ClientID(context.parameters.get("client_id") ?? "")
        guard let record = try await store.read({ try $0.clients.find(id, registration: digest) }) else {
            throw OAuthError.invalidToken(reason: "no registration of that client")
        }
        switch request.method {
        case .delete:
            let (registry, now) = (registry, context.now)
            try await store.write { tx in
                guard try tx.clients.find(id, registration: digest) != nil else { return }
                try registry.setState(id, .disabled, by: .client(id.text), in: tx, at: now)
                try tx.clients.endRegistration(of: id)
            }
            return Response(status: .noContent, headers: [.cacheControl: "no-store"])
        case .put: return try await replace(record, digest, request, context.now)
        default: return JSONAnswer.make(.object(try answer(record)))
        }
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
        guard let given = try await store.read({ try $0.registrations.find(ofClient: id) }) else {
            throw OAuthError.invalidToken(reason: "no right to register clients")
        }
        let metadata = try registry.prepare(Self.right(given).limited(asked))
        try await sectors.check(metadata)
        let logo = await logos.fetch(metadata)
        let (registry, secret) = (registry, ClientRegistry.makeSecret())
        let made: ClientRegistry.Registered = try await store.write { tx in
            guard try tx.clients.find(id, registration: digest) != nil else {
                throw OAuthError.invalidToken(reason: "no registration of that client any more")
            }
            try tx.logos.set(logo, of: id, at: now)
            return try registry.update(id, metadata, secret: secret, by: .client(id.text), in: tx, at: now)
        }
        var json = made.jsonObject
        json["registration_client_uri"] = .string(address(of: id))
        json["registration_access_token"] = .string(try token(request, now))
        return JSONAnswer.make(.object(Self.answer(json)))
    }

    private func answer(_ record: ClientRecord) throws -> JSONObject {
        let known = ClientRegistry.Registered(
            record: record, metadata: try clients.client(record).metadata, secret: nil, isNew: false)
        var json = known.jsonObject
        json["registration_client_uri"] = .string(address(of: record.id))
        return Self.answer(json)
    }

    // MARK: Steps

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
