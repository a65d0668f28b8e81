import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTokens
package import Hummingbird
import Logging

/// Authorization endpoint: RFC 6749 section 3.1, OpenID Connect Core section 3.1.2.
package struct AuthorizeEndpoint: Sendable {
    private let requests: AuthorizationRequestReader
    private let responses: AuthorizationResponses
    private let flows: AuthorizationFlows
    private let codes: CodeIssuer
    private let store: Store
    private let subjects: Subjects
    private let answers: PageAnswers
    private let refusals: RefusalLog
    private let challenges = RecentChallenges()
    private let logger: Logger

    package init(_ services: Services, clients: ClientReader, refusals: RefusalLog) {
        requests = AuthorizationRequestReader(services, clients: clients)
        responses = AuthorizationResponses(services)
        flows = AuthorizationFlows(services)
        codes = CodeIssuer(services, clients: clients)
        subjects = Subjects(services)
        store = services.store
        answers = PageAnswers(services)
        self.refusals = refusals
        logger = services.logger
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/oauth2/authorize") { request, context in
            try await authorize(RequestParameters(query: request), request, context)
        }
        // The browser comes back with GET, and brings its cookies, which SameSite=Lax keeps from a post of another
        // site. Only what is read goes into the URL, so that a secret posted by mistake does not (attack 16).
        router.post("/oauth2/authorize") { request, _ in
            let pairs = try await RequestParameters(form: request).pairs.filter { pair in
                AuthorizationRequestReader.names.contains { $0.isExactly(pair.name) }
            }
            return answers.redirect(to: "/oauth2/authorize?" + FormURLEncoded.encode(pairs))
        }
    }

    private func authorize(_ parameters: RequestParameters, _ request: Request, _ context: GapuraContext) async throws
        -> Response
    {
        let signedIn = try await answers.browser.signedIn(request, context)
        return try await answer(signedIn: signedIn, flow: nil, request, context) {
            try await requests.read(parameters, at: context.now)
        }
    }

    /// Goes on with a request that waited, for a sign-in which has just happened or for what the person says to it.
    package func resume(
        _ flow: AuthorizationFlow, signedIn: SignedIn, cookies: [String], consent: ConsentDecision? = nil,
        _ request: Request, _ context: GapuraContext
    ) async throws -> Response {
        try await answer(signedIn: signedIn, flow: flow, cookies: cookies, consent: consent, request, context) {
            try await requests.read(kept: flow)
        }
    }

    /// The name of the application a flow is for, if the request is still good.
    package func application(of flow: AuthorizationFlow) async -> SignInApplication? {
        guard let request = try? await requests.read(kept: flow) else { return nil }
        return try? await store.read { tx in try SignInApplication(request.client, in: tx) }
    }

    /// The request of a flow, for the page that asks the person about it.
    /// - Throws: `PageError` where it is not good any more.
    func request(of flow: AuthorizationFlow) async throws -> AuthorizationRequest {
        do {
            return try await requests.read(kept: flow)
        } catch let error as RedirectableError {
            throw PageError(
                .badRequest, code: error.error.code.rawValue, hint: error.error.text, reason: error.error.reason)
        }
    }

    private func answer(
        signedIn: SignedIn?, flow: AuthorizationFlow?, cookies: [String] = [], consent: ConsentDecision? = nil,
        _ request: Request, _ context: GapuraContext, read: () async throws -> AuthorizationRequest
    ) async throws -> Response {
        do {
            let asked = try await read()
            guard let signedIn else { return try await signIn(asked, request, context) }
            if isAnother(than: asked, signedIn) {
                guard flow == nil else {
                    // Who signed in is not whom the hint names; asking again would go round and round.
                    throw RedirectableError(
                        error: OAuthError(.loginRequired, "Another person signed in than was asked for."),
                        target: asked.target,
                        clientID: asked.client.id.text
                    )
                }
                return try await signIn(asked, request, context)
            }
            if isTooOld(asked, signedIn, freshSince: flow?.startedAt, at: context.now) {
                guard let flow else { return try await signIn(asked, request, context) }
                // It got too old while the person read what is asked for.
                return answers.redirect(to: "/masuk?alur=\(flow.number)", cookies: cookies)
            }
            let outcome: CodeIssuer.Outcome
            switch consent {
            case .denied: outcome = try await codes.refuse(asked, signedIn, flow: flow, at: context.now)
            case .allowed(let shown):
                outcome = try await codes.issue(for: asked, signedIn, flow: flow, shown: shown, at: context.now)
            case nil where asked.prompts.contains(.consent) && !asked.client.metadata.isTrusted:
                outcome = .consentMissing
            case nil: outcome = try await codes.issue(for: asked, signedIn, flow: flow, shown: nil, at: context.now)
            }
            switch outcome {
            case .consentMissing:
                return try await askConsent(asked, flow, cookies, request, context)
            case .denied:
                throw RedirectableError(
                    error: OAuthError(.accessDenied, "The person did not allow it."), target: asked.target,
                    clientID: asked.client.id.text)
            case .code(let code):
                if let challenge = asked.challenge, challenges.isRepeated(challenge, of: asked.client.id) {
                    logger.notice(
                        "pkce.challenge_reused",
                        metadata: ["request": "\(context.requestID)", "client": "\(asked.client.id.text)"])
                }
                return try responses.code(code, to: asked.target, for: request, cookies: cookies)
            case .noAccess:
                if asked.prompts.contains(.none) {
                    throw RedirectableError(
                        error: OAuthError(.accessDenied, "This person may not use the application."),
                        target: asked.target,
                        clientID: asked.client.id.text
                    )
                }
                throw PageError(
                    .noAccess, reason: "no access rule admits the person",
                    applicationName: asked.client.metadata.clientName
                )
            case .signedOut:
                return try await signIn(asked, request, context)
            case .pushedSpent:
                throw SentRequestReader.unusable
            case .flowSpent:
                throw PageError(.flowLost, reason: "the flow was used before")
            }
        } catch let error as RedirectableError {
            await refusals.record(error.error.code.rawValue, path: "/oauth2/authorize", context)
            return try responses.error(error.error, to: error.target, for: request, cookies: cookies)
        } catch let error as PageError where !cookies.isEmpty {
            // The session was renewed on the way here: the person keeps it, whatever became of the request.
            throw error.adding(cookies)
        } catch let error as StoreError where !cookies.isEmpty {
            throw PageError(
                error.isTemporary ? .unavailable : .internalError, reason: "store: \(error.message)",
                retryAfter: error.isTemporary ? 2 : nil, cookies: cookies)
        }
    }

    /// Whether the session is somebody else's than the request is about.
    private func isAnother(than asked: AuthorizationRequest, _ signedIn: SignedIn) -> Bool {
        switch asked.hint {
        case .none: break
        case .subject(let sub, let sector):
            if !sub.isExactly(subjects.sub(signedIn.account.sub, in: sector)) { return true }
        case .unusable: if asked.prompts.contains(.none) { return true }
        }
        let sub = subjects.sub(signedIn.account.sub, for: asked.client)
        return asked.claims.subjects.map { !$0.contains { $0.isExactly(sub) } } ?? false
    }

    /// Whether the person has to sign in again for what was asked (OpenID Connect Core section 3.1.2.3).
    /// - Parameter freshSince: a sign-in after this moment answers `prompt=login` and `max_age=0`.
    private func isTooOld(
        _ asked: AuthorizationRequest, _ signedIn: SignedIn, freshSince: Timestamp?, at now: Timestamp
    ) -> Bool {
        if let freshSince, signedIn.session.authTime >= freshSince { return false }
        if asked.prompts.contains(.login) || asked.prompts.contains(.selectAccount) { return true }
        if let maxAge = asked.maxAge, now.seconds - signedIn.session.authTime.seconds >= max(maxAge, 1) { return true }
        if asked.maxAge == 0 { return true }
        return false
    }

    private func askConsent(
        _ asked: AuthorizationRequest, _ flow: AuthorizationFlow?, _ cookies: [String], _ request: Request,
        _ context: GapuraContext
    ) async throws -> Response {
        if asked.prompts.contains(.none) {
            throw RedirectableError(
                error: OAuthError(.consentRequired, "The person has to allow it first."), target: asked.target,
                clientID: asked.client.id.text)
        }
        if let flow { return answers.redirect(to: "/izin?alur=\(flow.number)", cookies: cookies) }
        let (number, handle) = try await start(asked, request, context)
        return answers.redirect(to: "/izin?alur=\(number)", cookies: cookies + handle)
    }

    /// Keeps the request. - Returns: its number, and the cookie that belongs to it where the browser has none yet.
    private func start(
        _ asked: AuthorizationRequest, _ request: Request, _ context: GapuraContext
    ) async throws -> (number: String, cookies: [String]) {
        let handle = answers.browser.handle(request)
        let number = try await flows.start(
            asked.sent, clientID: asked.client.id, in: handle, from: context.sourceAddress, at: context.now
        )
        let cookies = answers.browser.cookies
        return (number, handle.isNew ? [cookies.header(cookies.flow, handle.secret)] : [])
    }

    private func signIn(
        _ asked: AuthorizationRequest, _ request: Request, _ context: GapuraContext
    ) async throws -> Response {
        if asked.prompts.contains(.none) {
            throw RedirectableError(
                error: OAuthError(.loginRequired, "The person has to sign in."), target: asked.target,
                clientID: asked.client.id.text
            )
        }
        let (number, cookies) = try await start(asked, request, context)
        return answers.redirect(to: "/masuk?alur=\(number)", cookies: cookies)
    }
}
