import GapuraDirectory
import GapuraFormats
import GapuraStore
package import Hummingbird

/// Sign-out started by an application: OpenID Connect RP-Initiated Logout 1.0.
package struct EndSessionEndpoint: Sendable {
    private let store: Store
    private let hints: IDTokenHintReader
    private let answers: PageAnswers
    private let doorbell: LogoutDoorbell
    private let subjects: Subjects
    private let frontChannel: FrontChannelLogout

    package init(_ services: Services, clients: ClientReader, doorbell: LogoutDoorbell) {
        store = services.store
        hints = IDTokenHintReader(services, clients: clients)
        answers = PageAnswers(services)
        subjects = Subjects(services)
        frontChannel = FrontChannelLogout(services, clients: clients)
        self.doorbell = doorbell
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/oauth2/logout") { request, context in
            try await answer(RequestParameters(query: request), isConfirmed: false, request, context)
        }
        router.post("/oauth2/logout") { request, context in
            let form = try await RequestParameters(form: request)
            // Our own confirmation form, or an application that posts its request.
            let isConfirmed = form["confirmed"] != nil
            if isConfirmed { try answers.browser.checkForm(form, request) }
            return try await answer(form, isConfirmed: isConfirmed, request, context)
        }
    }

    private func answer(
        _ parameters: RequestParameters, isConfirmed: Bool, _ request: Request, _ context: GapuraContext
    ) async throws -> Response {
        try parameters.refuseDuplicates()  // 1
        let hint = try await hint(parameters)  // 2 who asks
        let next = try await next(parameters, hint)  // 3 where to go afterwards
        let signedIn = try await answers.browser.signedIn(request, context)
        guard let session = try await session(hint, signedIn) else {  // 4 what is to end: nothing any more
            return try frontChannel.leave(to: next ?? Self.done, [], for: request)
        }
        let isHinted = session.isNamedByHint && (signedIn == nil || signedIn?.session.id == session.id)
        guard isConfirmed || isHinted else {  // 5 does the person want it
            return try confirmation(parameters, hint, request, uiLocales: parameters["ui_locales"])
        }
        var frames = try await end(session.id, by: hint?.client, at: context.now)  // 6
        // They name the person's other applications: for their own browser alone, not for whoever holds an ID token.
        if signedIn?.session.id != session.id { frames = [] }
        return try frontChannel.leave(  // 7
            to: next ?? Self.done, frames, for: request, uiLocales: parameters["ui_locales"])
    }

    /// Where a sign-out ends that no application waits for.
    private static let done = "/keluar/selesai"

    private func hint(_ parameters: RequestParameters) async throws -> IDTokenHintReader.Known? {
        guard let token = parameters["id_token_hint"] else { return nil }
        guard let known = try await hints.read(token) else {
            throw PageError(
                .badRequest, hint: "id_token_hint is not an ID token of this issuer.", reason: "bad id_token_hint")
        }
        if let named = parameters["client_id"], !named.isExactly(known.client.id.text) {
            throw PageError(
                .badRequest, hint: "client_id and id_token_hint name two clients.",
                reason: "client_id is not the hint's")
        }
        return known
    }

    /// Only with a good hint, and only to an address that its client registered, compared as bytes.
    private func next(_ parameters: RequestParameters, _ hint: IDTokenHintReader.Known?) async throws -> String? {
        guard let uri = parameters["post_logout_redirect_uri"] else { return nil }
        guard let client = hint?.client else {
            throw PageError(
                .badRequest, hint: "post_logout_redirect_uri needs an id_token_hint.", reason: "no hint but a URI")
        }
        guard client.metadata.postLogoutRedirectURIs.contains(ExactText(uri)) else {
            throw PageError(
                .badRequest,
                hint: "The post_logout_redirect_uri is not one that this client registered, byte for byte.",
                reason: "post_logout_redirect_uri not registered", applicationName: client.metadata.clientName,
                diagnosis: RequestDiagnosis(
                    parameter: "post_logout_redirect_uri", sent: uri,
                    registered: client.metadata.postLogoutRedirectURIs.map(\.text))
            )
        }
        guard try await store.lookUp({ try $0.clients.findUsable(client.id) }) != nil else {
            throw PageError(.badRequest, hint: "The client is not known here.", reason: "unknown or disabled client")
        }
        guard let state = parameters["state"] else { return uri }
        guard state.utf8.count <= AuthorizationRequestReader.maximumText else {
            throw PageError(.badRequest, hint: "state is longer than 2048 bytes.", reason: "long state")
        }
        let joint = uri.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
        return uri + joint + "state=" + FormURLEncoded.percentEncode(state)
    }

    /// The browser's session, else the one the hint names.
    private func session(
        _ hint: IDTokenHintReader.Known?, _ signedIn: SignedIn?
    ) async throws -> (id: SessionID, isNamedByHint: Bool)? {
        var named: SessionID?
        if let hint, let sid = hint.sid {
            // A client signs HS hints itself: the session has to be one of that client's and that person's.
            named = try await store.read { [subjects] tx in
                guard let client = try tx.sessions.clientSession(sid: sid), client.clientID == hint.client.id,
                    let session = try tx.sessions.find(client.sessionID), session.endedAt == nil,
                    let account = try tx.accounts.find(session.accountID),
                    subjects.sub(account.sub, for: hint.client).isExactly(hint.sub)
                else { return nil }
                return session.id
            }
        }
        if let signedIn { return (signedIn.session.id, named == signedIn.session.id) }
        return named.map { ($0, true) }
    }

    private func confirmation(
        _ parameters: RequestParameters, _ hint: IDTokenHintReader.Known?, _ request: Request, uiLocales: String?
    ) throws -> Response {
        var fields: [(name: String, value: String)] = [("confirmed", "1")]
        for name in ["id_token_hint", "post_logout_redirect_uri", "state", "client_id"] {
            if let value = parameters[name] { fields.append((name, value)) }
        }
        let model = SignOutModel(
            action: "/oauth2/logout", fields: fields, applicationName: hint?.client.metadata.clientName)
        return try answers.page(.signOut(model), for: request, uiLocales: uiLocales)
    }

    /// - Returns: the frames through which the browser tells of it.
    private func end(_ id: SessionID, by client: Client?, at now: Timestamp) async throws -> [String] {
        let actor: Actor = client.map { .client($0.id.text) } ?? .system
        let frontChannel = frontChannel
        let frames: [String] = try await store.write { tx in
            guard let session = try tx.sessions.find(id), let account = try tx.accounts.find(session.accountID) else {
                return []
            }
            let frames = try frontChannel.frames(of: id, in: tx)
            try SessionEnding.end(
                id, of: account, reason: client == nil ? .signedOut : .signedOutByApplication, by: actor, in: tx,
                at: now
            )
            return frames
        }
        doorbell.ring()
        return frames
    }
}
