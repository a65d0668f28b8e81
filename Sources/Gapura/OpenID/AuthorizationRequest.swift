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
        case subject(String)
        /// Not ours, or not readable: it names nobody who could be signed in.
        case unusable
    }

    package let client: Client
    package let target: ResponseTarget
    /// Granted scopes, space-separated.
    package let scope: String
    package let nonce: String?
    /// PKCE, always S256.
    package let challenge: String?
    package let prompts: Set<Prompt>
    package let maxAge: Int64?
    package let hint: Hint
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

    /// The parameters that are read here; others are ignored (RFC 6749 section 3.1).
    static let names = [
        "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge",
        "code_challenge_method",
        "prompt", "max_age", "id_token_hint", "login_hint", "ui_locales", "request", "request_uri", "registration",
    ]

    private let store: Store
    private let clients: ClientReader
    private let hints: IDTokenHintReader

    package init(_ services: Services, clients: ClientReader) {
        store = services.store
        self.clients = clients
        hints = IDTokenHintReader(services, clients: clients)
    }

    package func read(_ parameters: RequestParameters) async throws -> AuthorizationRequest {
        let client = try await client(parameters)  // 1 who asks
        let redirectURI = try redirectURI(parameters, client)  // 2 where answers go; from here errors are redirected
        var target = ResponseTarget(redirectURI: redirectURI, mode: .query, state: nil)
        do {
            target.state = Self.saneState(parameters)  // 3 with what: errors carry it too
            target.mode = try responseMode(parameters, redirectURI)  // 4 how
            try refuseInsaneState(parameters, target.state)
            try refuseRequestObjects(parameters)  // 5 before anything else is believed
            try parameters.refuseDuplicates()  // 6
            try responseType(parameters, client)  // 7 for what
            let scopes = try Scope.granted(parameters["scope"], to: client)  // 8
            let nonce = try nonce(parameters)  // 9
            let challenge = try challenge(parameters, client)  // 10 bound to whom
            let prompts = try prompts(parameters)  // 11 how the person is asked
            let maxAge = try maxAge(parameters, client)  // 12
            let hint = try await hints.hint(parameters["id_token_hint"])  // 13
            return AuthorizationRequest(
                client: client, target: target, scope: scopes.joined(separator: " "), nonce: nonce,
                challenge: challenge, prompts: prompts,
                maxAge: maxAge, hint: hint, loginHint: parameters["login_hint"], uiLocales: parameters["ui_locales"]
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
        guard let client = try await store.read({ [clients] in try clients.find(id, in: $0) }) else {
            throw PageError(.badRequest, hint: "The client is not known here.", reason: "unknown or disabled client")
        }
        return client
    }

    private func redirectURI(_ parameters: RequestParameters, _ client: Client) throws -> String {
        let name = client.metadata.clientName
        guard !parameters.isRepeated("redirect_uri"), let uri = parameters["redirect_uri"] else {
            throw PageError(
                .badRequest, hint: "redirect_uri is missing or was sent twice.", reason: "no redirect_uri",
                applicationName: name)
        }
        guard RedirectURI.matches(uri, registered: client.metadata.redirectURIs, isNative: client.metadata.isNative)
        else {
            throw PageError(
                .badRequest, hint: "The redirect_uri is not one that this client registered, byte for byte.",
                reason: "redirect_uri not registered", applicationName: name
            )
        }
        return uri
    }

    // MARK: 3 to 12, to the application

    private func responseMode(_ parameters: RequestParameters, _ redirectURI: String) throws -> ResponseTarget.Mode {
        guard let text = parameters["response_mode"] else { return .query }
        guard !parameters.isRepeated("response_mode"), let mode = ResponseTarget.Mode(rawValue: text) else {
            throw OAuthError.invalidRequest("response_mode must be query or form_post.")
        }
        // A form cannot be posted to an application's private scheme.
        guard mode != .formPost || redirectURI.utf8.starts(with: "http".utf8) else {
            throw OAuthError.invalidRequest("form_post needs a redirect_uri of https.")
        }
        return mode
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

    private func refuseRequestObjects(_ parameters: RequestParameters) throws {
        let hasObject = parameters["request"] != nil
        let hasReference = parameters["request_uri"] != nil
        if hasObject, hasReference { throw OAuthError.invalidRequest("request and request_uri exclude each other.") }
        if hasObject { throw OAuthError(.requestNotSupported, "Request objects are not supported.") }
        if hasReference { throw OAuthError(.requestURINotSupported, "request_uri is not supported.") }
        if parameters["registration"] != nil {
            throw OAuthError(.registrationNotSupported, "registration is not supported.")
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
