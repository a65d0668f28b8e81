import GapuraDirectory
import GapuraFormats
import GapuraStore

/// The parameters that an authorization request consists of, wherever they stood.
package struct SentRequest: Sendable {
    package let parameters: RequestParameters
    /// Digest of the handle, where the client pushed it.
    package var pushed: String?
    /// In an object that a key of the client signed.
    package var isSigned = false
    /// It waited here for a sign-in, and was checked when it came.
    package var isKept = false
    /// The client is just pushing it.
    package var isBeingPushed = false

    package init(_ parameters: RequestParameters) { self.parameters = parameters }

    /// A request that waited.
    init(kept flow: AuthorizationFlow) {
        parameters = flow.parameters
        pushed = flow.pushed
        isKept = true
    }
}

/// Finds what a request consists of: the query itself, an object in it (RFC 9101), or what was pushed (RFC 9126).
struct SentRequestReader: Sendable {
    /// What our handles begin with; any other `request_uri` would be one to fetch.
    static let handlePrefix = "urn:ietf:params:oauth:request_uri:"

    private let store: Store
    private let objects: RequestObjectReader

    init(_ services: Services, clients: ClientReader) {
        store = services.store
        objects = RequestObjectReader(services, clients: clients)
    }

    /// - Throws: `PageError` `invalid_request_uri` for a handle that is none of this client's, or spent, or too old;
    ///   `OAuthError` for what can be told to the application.
    func read(_ parameters: RequestParameters, of client: Client, at now: Timestamp) async throws -> SentRequest {
        let (object, reference) = (parameters["request"], parameters["request_uri"])
        guard !parameters.isRepeated("request"), !parameters.isRepeated("request_uri") else {
            throw OAuthError.invalidRequest("request or request_uri was sent twice.")
        }
        guard object == nil || reference == nil else {
            throw OAuthError.invalidRequest("request and request_uri exclude each other.")
        }
        if let reference {
            guard reference.utf8.starts(with: Self.handlePrefix.utf8) else {
                throw OAuthError(.requestURINotSupported, "Only a request_uri of this server is supported.")
            }
            return try await pushed(reference, client, now)
        }
        guard let object else { return SentRequest(parameters) }
        guard client.metadata.security.keys != nil else {
            throw OAuthError(.requestNotSupported, "This client registered no keys for request objects.")
        }
        return try await signed(object, client, now)
    }

    /// What is in a signed object.
    func signed(_ object: String, _ client: Client, _ now: Timestamp) async throws -> SentRequest {
        var sent = SentRequest(try await objects.parameters(object, of: client, at: now))
        sent.isSigned = true
        return sent
    }

    /// It is not spent here: opening a page is no answer (attack 14).
    private func pushed(_ reference: String, _ client: Client, _ now: Timestamp) async throws -> SentRequest {
        let digest = StoredSecret.digest(reference, of: .pushedRequest)
        guard let found = try await store.lookUp({ try $0.pushed.find(digest: digest) }), found.clientID == client.id,
            found.usedAt == nil, now < found.expiresAt
        else { throw Self.unusable }
        var sent = SentRequest(RequestParameters(try FormURLEncoded.parse(Array(found.request.utf8))))
        sent.pushed = digest
        return sent
    }

    /// The one answer for every reason that a handle is no good.
    static var unusable: PageError {
        PageError(
            .badRequest, code: "invalid_request_uri",
            hint: "The request_uri is unknown, expired, used, or another client's. Push the request again.",
            reason: "request_uri is not usable")
    }
}
