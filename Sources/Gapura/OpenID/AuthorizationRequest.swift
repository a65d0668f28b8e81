import GapuraFormats
import GapuraStore
import GapuraTokens

/// Where the answer to an authorization request goes, known once client and redirect URI are checked.
package struct ResponseTarget: Sendable {
    package enum Mode: String, Sendable {
        case query
        case formPost = "form_post"
    }

    package let redirectURI: String
    package var mode: Mode
    /// Goes back byte for byte, and only if it was sent.
    package var state: String?
}

/// An authorization request whose every parameter has been checked (RFC 6749 section 4.1.1, OpenID Connect Core section
/// 3.1.2.1).
package struct AuthorizationRequest: Sendable {
    /// What `id_token_hint` says about who should be signed in.
    package enum Hint: Sendable, Equatable {
        case none
        /// By which the client that it was issued to knows them.
        case subject(String, sector: String?)
        /// Not ours, or not readable: it names nobody who could be signed in.
        case unusable
    }

    package let client: Client
    /// What it was read from.
    package let sent: SentRequest
    package let target: ResponseTarget
    /// Granted scopes, space-separated.
    package let scope: String
    package let nonce: String?
    /// PKCE, always S256.
    package let challenge: String?
    package let prompts: Set<Prompt>
    package let maxAge: Int64?
    package let hint: Hint
    /// For which resources its tokens will be (RFC 8707).
    package let resources: [String]
    /// What was asked for by name.
    package let claims: RequestedClaims
    /// Thumbprint of the key that has to be proven with the code (RFC 9449 section 10).
    package let jkt: String?
    package let loginHint: String?
    package let uiLocales: String?

    package enum Prompt: String, Sendable {
        case none
        case login
        case consent
        case selectAccount = "select_account"
    }
}

/// A request that failed a check after its redirect URI was known good: the error goes to the application.
package struct RedirectableError: Error {
    package let error: OAuthError
    package let target: ResponseTarget
    package let clientID: String
}

/// Checks authorization requests, step by step in the order below. Until the redirect URI is known good errors are
/// thrown as `PageError`, afterwards as `RedirectableError`.
package struct AuthorizationRequestReader: Sendable {
    /// Longest `state` and `nonce` that are taken (attack 23).
    static let maximumText = 2048
    /// Bytes of all parameters that are read, as they are kept for a sign-in.
    static let maximumBytes = 16 * 1024

    /// The parameters that are read here; others are ignored (RFC 6749 section 3.1).
    static let names = [
        "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method",
        "prompt", "max_age", "id_token_hint", "login_hint", "ui_locales", "claims", "dpop_jkt", "resource",
        "request", "request_uri", "registration",
    ]

    private let store: Store
    private let clients: ClientReader
    private let hints: IDTokenHintReader
    private let requests: SentRequestReader
    private let targets: ResourceIndicators

    package init(_ services: Services, clients: ClientReader) {
        store = services.store
        self.clients = clients
        hints = IDTokenHintReader(services, clients: clients)
        requests = SentRequestReader(services, clients: clients)
        targets = ResourceIndicators(services, clients: clients)
    }

    /// A request that a browser brings.
    func read(_ parameters: RequestParameters, at now: Timestamp) async throws -> AuthorizationRequest {
        let client = try await client(parameters)  // who asks
        let sent: SentRequest
        do {
            sent = try await requests.read(parameters, of: client, at: now)  // what was signed or pushed
        } catch let error as OAuthError {
            // Nothing in it is believed; an address that stands beside it is looked at like any other.
            guard let target = try? target(parameters, client) else {
                throw PageError(
                    .badRequest, code: error.code.rawValue, hint: error.text, reason: error.reason,
                    applicationName: client.metadata.clientName)
            }
            throw RedirectableError(error: error, target: target, clientID: client.id.text)
        }
        return try await read(sent, client)
    }

    /// A request that waited here for a sign-in.
    package func read(kept flow: AuthorizationFlow) async throws -> AuthorizationRequest {
        try await read(SentRequest(kept: flow), client(flow.parameters))
    }

    /// A request that an authenticated client pushes.
    func read(pushed form: RequestParameters, by client: Client, at now: Timestamp) async throws -> AuthorizationRequest
    {
        var sent = SentRequest(form)
        if let object = form["request"] { sent = try await requests.signed(object, client, now) }
        sent.isBeingPushed = true
        guard sent.parameters["client_id"]?.isExactly(client.id.text) ?? true else {
            throw OAuthError.invalidRequest("client_id is another client's.")
        }
        return try await read(sent, client)
    }

    private func read(_ sent: SentRequest, _ client: Client) async throws -> AuthorizationRequest {
        let parameters = sent.parameters
        let target = try target(parameters, client)  // 1 where answers go; from here errors are redirected
        do {
            try checkResponseMode(parameters, target)  // 2 how
            try refuseInsaneState(parameters, target.state)  // 3 with what
            try checkWay(sent, client)  // 4 on the way that the client registered
            try parameters.refuseDuplicates()  // 5
            try responseType(parameters, client)  // 6 for what
            let scopes = try Scope.granted(parameters["scope"], to: client)  // 7
            let nonce = try nonce(parameters)  // 8
            let challenge = try challenge(parameters, client)  // 9 bound to whom
            let jkt = try jkt(parameters)
            let prompts = try prompts(parameters)  // 10 how the person is asked
            let maxAge = try maxAge(parameters, client)  // 11
            let claims = try claims(parameters, client)  // 12
            let resources = try await resources(parameters)
            try checkSize(parameters)
            let hint = try await hints.hint(parameters["id_token_hint"])  // 13
            return AuthorizationRequest(
                client: client, sent: sent, target: target, scope: scopes.joined(separator: " "), nonce: nonce,
                challenge: challenge, prompts: prompts, maxAge: maxAge, hint: hint, resources: resources,
                claims: claims, jkt: jkt,
                loginHint: parameters["login_hint"], uiLocales: parameters["ui_locales"]
            )
        } catch let error as OAuthError {
            throw RedirectableError(error: error, target: target, clientID: client.id.text)
        }
    }

    // MARK: 1 and 2, on our own page

    private func client(_ parameters: RequestParameters) async throws -> Client {
        guard !parameters.isRepeated("client_id"), let id = parameters["client_id"] else {
            throw PageError(.badRequest, hint: "client_id is missing or was sent twice.", reason: "no client_id")
        }
        guard let client = try await store.lookUp({ [clients] in try clients.find(id, in: $0) }) else {
            throw PageError(
                .badRequest, hint: "The client is not known here.", reason: "unknown or disabled client",
                diagnosis: RequestDiagnosis(parameter: "client_id", sent: id, registered: []))
        }
        return client
    }

    private func redirectURI(_ parameters: RequestParameters, _ client: Client) throws -> String {
        let name = client.metadata.clientName
        guard !parameters.isRepeated("redirect_uri"), let uri = parameters["redirect_uri"] else {
            throw PageError(
                .badRequest, hint: "redirect_uri is missing or was sent twice.", reason: "no redirect_uri",
                applicationName: name, diagnosis: Self.diagnosis(nil, client))
        }
        guard RedirectURI.matches(uri, registered: client.metadata.redirectURIs, isNative: client.metadata.isNative)
        else {
            throw PageError(
                .badRequest, hint: "The redirect_uri is not one that this client registered, byte for byte.",
                reason: "redirect_uri not registered", applicationName: name, diagnosis: Self.diagnosis(uri, client)
            )
        }
        return uri
    }

    private static func diagnosis(_ sent: String?, _ client: Client) -> RequestDiagnosis {
        RequestDiagnosis(
            parameter: "redirect_uri", sent: sent, registered: client.metadata.redirectURIs.map(\.text))
    }

    /// Errors carry `state` too, and go the way that was asked for.
    private func target(_ parameters: RequestParameters, _ client: Client) throws -> ResponseTarget {
        let uri = try redirectURI(parameters, client)
        var target = ResponseTarget(redirectURI: uri, mode: .query, state: Self.saneState(parameters))
        if let mode = Self.responseMode(parameters), Self.suits(mode, uri) { target.mode = mode }
        return target
    }

    // MARK: To the application

    private static func responseMode(_ parameters: RequestParameters) -> ResponseTarget.Mode? {
        guard !parameters.isRepeated("response_mode") else { return nil }
        return parameters["response_mode"].map { ResponseTarget.Mode(rawValue: $0) } ?? .query
    }

    /// A form cannot be posted to an application's private scheme.
    private static func suits(_ mode: ResponseTarget.Mode, _ redirectURI: String) -> Bool {
        mode != .formPost || redirectURI.utf8.starts(with: "http".utf8)
    }

    private func checkResponseMode(_ parameters: RequestParameters, _ target: ResponseTarget) throws {
        guard let mode = Self.responseMode(parameters) else {
            throw OAuthError.invalidRequest("response_mode must be query or form_post.")
        }
        guard Self.suits(mode, target.redirectURI) else {
            throw OAuthError.invalidRequest("form_post needs a redirect_uri of https.")
        }
    }

    private static func saneState(_ parameters: RequestParameters) -> String? {
        guard let state = parameters["state"], !parameters.isRepeated("state"), isSane(state) else { return nil }
        return state
    }

    private func refuseInsaneState(_ parameters: RequestParameters, _ sane: String?) throws {
        guard parameters["state"] == nil || sane != nil else {
            throw OAuthError.invalidRequest(
                "state is longer than 2048 bytes, has control characters, or was sent twice.")
        }
    }

    /// What is kept and given back: neither too long nor with characters that a database or a header cannot hold.
    private static func isSane(_ text: String) -> Bool {
        text.utf8.count <= maximumText && !text.utf8.contains { $0 < 0x20 || $0 == 0x7f }
    }

    /// It is kept in a table that strangers fill.
    private func checkSize(_ parameters: RequestParameters) throws {
        let kept = parameters.pairs.filter { pair in Self.names.contains { $0.isExactly(pair.name) } }
        guard kept.reduce(0, { $0 + $1.value.utf8.count }) <= Self.maximumBytes else {
            throw OAuthError.invalidRequest("The request is larger than 16 KB.")
        }
    }

    /// A client that registered for more protection has no way around it.
    private func checkWay(_ sent: SentRequest, _ client: Client) throws {
        if sent.parameters["registration"] != nil {
            throw OAuthError(.registrationNotSupported, "registration is not supported.")
        }
        let security = client.metadata.security
        if security.requiresPushedRequest, !sent.isKept, !sent.isBeingPushed, sent.pushed == nil {
            throw OAuthError.invalidRequest(
                "This client has to push its requests: pushed_authorization_request_endpoint.")
        }
        if security.requiresSignedRequest, !sent.isKept, sent.pushed == nil, !sent.isSigned {
            throw OAuthError.invalidRequest("This client has to sign its requests.")
        }
    }

    private func responseType(_ parameters: RequestParameters, _ client: Client) throws {
        guard let type = parameters["response_type"] else {
            throw OAuthError.invalidRequest("response_type is missing.")
        }
        guard type.isExactly("code") else {
            throw OAuthError(.unsupportedResponseType, "The only response_type is code.")
        }
        guard client.metadata.grantTypes.contains("authorization_code") else {
            throw OAuthError(.unauthorizedClient, "This client may not sign people in.")
        }
    }

    private func nonce(_ parameters: RequestParameters) throws -> String? {
        guard let nonce = parameters["nonce"] else { return nil }
        guard Self.isSane(nonce) else {
            throw OAuthError.invalidRequest("nonce is longer than 2048 bytes or has control characters.")
        }
        return nonce
    }

    private func challenge(_ parameters: RequestParameters, _ client: Client) throws -> String? {
        guard let challenge = parameters["code_challenge"] else {
            if client.metadata.requiresPKCE { throw OAuthError.invalidRequest("code challenge required") }
            if parameters["code_challenge_method"] != nil {
                throw OAuthError.invalidRequest("code_challenge_method without code_challenge.")
            }
            return nil
        }
        guard parameters["code_challenge_method"]?.isExactly("S256") == true else {
            throw OAuthError.invalidRequest("code_challenge_method must be S256.")
        }
        guard (try? Base64URL.decode(challenge))?.count == 32 else {
            throw OAuthError.invalidRequest("code_challenge must be the base64url of a SHA-256 hash.")
        }
        return challenge
    }

    private func resources(_ parameters: RequestParameters) async throws -> [String] {
        let resources = try ResourceIndicators.read(parameters)
        guard !resources.isEmpty else { return [] }
        let targets = targets
        try await store.read { tx in try targets.check(resources, in: tx) }
        return resources
    }

    private func jkt(_ parameters: RequestParameters) throws -> String? {
        guard let jkt = parameters["dpop_jkt"] else { return nil }
        guard (try? Base64URL.decode(jkt))?.count == 32 else {
            throw OAuthError.invalidRequest("dpop_jkt must be the base64url of a SHA-256 hash.")
        }
        return jkt
    }

    /// An `acr` that has to be, and is none that a sign-in here can reach, is said at once.
    private func claims(_ parameters: RequestParameters, _ client: Client) throws -> RequestedClaims {
        guard let text = parameters["claims"] else { return RequestedClaims() }
        let claims = try RequestedClaims(text, for: client)
        if let level = claims.level, !AuthenticationLevel.canReach(level) {
            throw OAuthError(
                .unmetAuthenticationRequirements, "No sign-in here reaches an acr that was asked for.")
        }
        return claims
    }

    private func prompts(_ parameters: RequestParameters) throws -> Set<AuthorizationRequest.Prompt> {
        var prompts: Set<AuthorizationRequest.Prompt> = []
        for word in (parameters["prompt"] ?? "").utf8.split(separator: 0x20).prefix(8) {
            guard let prompt = AuthorizationRequest.Prompt(rawValue: String(decoding: word, as: UTF8.self)) else {
                throw OAuthError.invalidRequest("prompt has an unknown value.")
            }
            prompts.insert(prompt)
        }
        if prompts.contains(.none), prompts.count > 1 { throw OAuthError.invalidRequest("prompt none stands alone.") }
        return prompts
    }

    private func maxAge(_ parameters: RequestParameters, _ client: Client) throws -> Int64? {
        guard let text = parameters["max_age"] else { return client.metadata.defaultMaxAge }
        guard text.utf8.count <= 12, let seconds = Int64(text), seconds >= 0 else {
            throw OAuthError.invalidRequest("max_age must be a number of seconds.")
        }
        return seconds
    }
}
