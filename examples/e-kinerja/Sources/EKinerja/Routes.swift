import GapuraTokens
import HTTPTypes
import Hummingbird

/// Every address of e-kinerja.
struct Routes: Sendable {
    let settings: Settings
    let gateway: Gateway
    let sessions: Sessions

    func add<Context: RequestContext>(to router: Router<Context>) {
        router.get("/") { request, _ in try await home(request) }
        router.get("/login") { request, _ in try await signIn(request) }
        router.get("/callback") { request, _ in try await finishSignIn(request) }
        router.post("/activities") { request, _ in try await addActivity(request) }
        router.post("/logout") { request, _ in try await signOut(request) }
        router.post("/backchannel-logout") { request, context in await endSession(request, context) }
        router.get("/style.css") { _, _ in asset(PackageResources.style_css, "text/css; charset=utf-8") }
        router.get("/icon.svg") { _, _ in asset(PackageResources.icon_svg, "image/svg+xml") }
    }

    // MARK: Pages

    private func home(_ request: Request) async throws -> Response {
        if let (_, session) = await session(request) {
            return .page(Page.home(session))
        }
        let parameters = try Parameters(query: request.uri.query)
        if let state = parameters["state"], let asked = cookie("signed-out", request), ExactText(state) == asked {
            return .page(Page.signedOut())
        }
        return try await startSignIn(request)
    }

    private func addActivity(_ request: Request) async throws -> Response {
        guard let (id, session) = await session(request) else { return try await startSignIn(request) }
        let form = try await Parameters(form: request)
        try demandFormToken(form, session)
        let activity = String((form["activity"] ?? "").prefix(200))
        if !activity.isEmpty { await sessions.add(activity: activity, to: id) }
        return .seeOther(settings.baseURL + "/")
    }

    // MARK: Sign-in

    /// For the portal's tile (`initiate_login_uri`, OpenID Connect Core section 4).
    private func signIn(_ request: Request) async throws -> Response {
        let parameters = try Parameters(query: request.uri.query)
        if let issuer = parameters["iss"], !issuer.isExactly(settings.issuer) {
            throw Problem(.refused, "sign-in was asked for with another gateway")
        }
        if await session(request) != nil { return .seeOther(settings.baseURL + "/") }
        return try await startSignIn(request)
    }

    /// To the gateway with `state`, `nonce` and a PKCE challenge; the flow cookie binds all three to this browser.
    private func startSignIn(_ request: Request) async throws -> Response {
        if let mode = HTTPField.Name("Sec-Fetch-Mode").flatMap({ request.headers[$0] }), mode != "navigate" {
            return Response(status: .unauthorized)
        }
        let endpoint = try await gateway.metadata().authorizationEndpoint
        let browser = cookie("flow", request) ?? ExactText(SecureRandom.text())
        let (state, flow) = await sessions.begin(browser: browser, now: .now())
        var response = Response.seeOther(
            address(
                endpoint,
                [
                    ("response_type", "code"), ("client_id", settings.clientID), ("redirect_uri", settings.redirectURI),
                    ("scope", "openid profile asn"), ("state", state), ("nonce", flow.nonce),
                    ("code_challenge", Base64URL.encode(SHA256.hash(flow.verifier))), ("code_challenge_method", "S256"),
                ]))
        setCookie("flow", browser.text, on: &response)
        return response
    }

    /// The redirect URI, step by step.
    private func finishSignIn(_ request: Request) async throws -> Response {
        let parameters = try Parameters(query: request.uri.query)
        // 1 our own state, in the browser that it was given to, once
        let browser = cookie("flow", request)
        guard let flow = await sessions.take(state: parameters["state"] ?? "", browser: browser, now: .now()) else {
            if await session(request) != nil { return .seeOther(settings.baseURL + "/") }
            throw Problem(.expired, "state is unknown or too old")
        }
        // 2 an answer of our gateway (RFC 9207)
        let metadata = try await gateway.metadata()
        if metadata.sendsIssuer || parameters["iss"] != nil {
            guard let issuer = parameters["iss"], issuer.isExactly(settings.issuer) else {
                throw Problem(.refused, "iss of the response is not our gateway")
            }
        }
        // 3 an error
        if let error = parameters["error"] {
            let kinds: [String: Problem.Kind] = [
                "access_denied": .denied, "temporarily_unavailable": .unavailable, "server_error": .unavailable,
                "login_required": .expired,
            ]
            throw Problem(kinds[error] ?? .refused, "gateway says \(error.prefix(40))")
        }
        // 4 the code for tokens, the ID token verified, the person's data of the same subject
        let tokens = try await gateway.redeem(code: parameters["code"] ?? "", verifier: flow.verifier)
        let identity = try await gateway.identity(tokens, nonce: flow.nonce)
        let person = try await gateway.person(accessToken: tokens.accessToken, subject: identity.subject)
        // 5 a session of our own, under a new id
        if let (old, _) = await session(request) { await sessions.close(old) }
        let now = Timestamp.now()
        let session = Session(
            person: person, sid: identity.sid, issuedAt: identity.issuedAt, idToken: tokens.idToken,
            formToken: SecureRandom.text(), signedInAt: now, lastSeen: now)
        guard let id = await sessions.open(session, settings: settings) else {
            throw Problem(.expired, "the session ended while it began")
        }
        var response = Response.seeOther(settings.baseURL + "/")
        setCookie("session", id.text, on: &response)
        setCookie("signed-out", "", maxAge: 0, on: &response)
        return response
    }

    // MARK: Sign-out

    /// Ends our session, then the gateway's (RP-Initiated Logout 1.0).
    private func signOut(_ request: Request) async throws -> Response {
        guard let (id, session) = await session(request) else { return .seeOther(settings.baseURL + "/") }
        try demandFormToken(try await Parameters(form: request), session)
        await sessions.close(id)
        let endpoint: String
        do {
            endpoint = try await gateway.metadata().endSessionEndpoint
        } catch let problem as Problem {
            throw Problem(.signout, "only the local session ended: \(problem.reason)")
        }
        let state = SecureRandom.text()
        var response = Response.seeOther(
            address(
                endpoint,
                [
                    ("id_token_hint", session.idToken), ("client_id", settings.clientID),
                    ("post_logout_redirect_uri", settings.postLogoutRedirectURI), ("state", state),
                ]))
        setCookie("session", "", maxAge: 0, on: &response)
        setCookie("signed-out", state, maxAge: 600, on: &response)
        return response
    }

    /// Back-channel logout: the gateway, not a browser, says which session is over.
    private func endSession(_ request: Request, _ context: some RequestContext) async -> Response {
        do {
            let form = try await Parameters(form: request)
            let ended = try await gateway.endedSession(logoutToken: form["logout_token"] ?? "")
            await sessions.end(
                sid: ended.sid, subject: ended.subject, issuedAt: ended.issuedAt, settings: settings, now: .now())
            return Response(status: .ok)
        } catch {
            let problem = error as? Problem ?? Problem(.refused, "\(error)")
            let isOurFault = problem.kind == .unavailable || problem.kind == .setup
            context.logger.warning("back-channel logout not done", metadata: ["reason": "\(problem.reason)"])
            let body = "{\"error\":\"\(isOurFault ? "temporarily_unavailable" : "invalid_request")\"}"
            // 503: the gateway shall try again.
            return Response(
                status: isOurFault ? .serviceUnavailable : .badRequest, headers: [.contentType: "application/json"],
                body: .init(byteBuffer: ByteBuffer(string: body)))
        }
    }

    // MARK: Small things

    private func session(_ request: Request) async -> (ExactText, Session)? {
        guard let id = cookie("session", request) else { return nil }
        guard let session = await sessions.find(id, settings: settings, now: .now()) else { return nil }
        return (id, session)
    }

    private func demandFormToken(_ form: Parameters, _ session: Session) throws {
        guard constantTimeEquals(Array((form["csrf"] ?? "").utf8), Array(session.formToken.utf8)) else {
            throw Problem(.form, "form token is missing or old")
        }
    }

    private func cookie(_ name: String, _ request: Request) -> ExactText? {
        guard let value = request.cookies[settings.cookieName(name)]?.value, !value.isEmpty else { return nil }
        let isOurs =
            value.utf8.count == 43
            && value.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        return isOurs ? ExactText(value) : nil
    }

    private func setCookie(_ name: String, _ value: String, maxAge: Int? = nil, on response: inout Response) {
        response.setCookie(
            Cookie(
                name: settings.cookieName(name), value: value, maxAge: maxAge, path: "/", secure: settings.isSecure,
                httpOnly: true, sameSite: .lax))
    }

    private func address(_ endpoint: String, _ parameters: [(name: String, value: String)]) -> String {
        endpoint + (endpoint.utf8.contains(UInt8(ascii: "?")) ? "&" : "?") + FormURLEncoded.encode(parameters)
    }

    private func asset(_ bytes: [UInt8], _ type: String) -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .cacheControl: "max-age=3600"],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
