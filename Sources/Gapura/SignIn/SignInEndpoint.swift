import GapuraDirectory
import GapuraFormats
import GapuraStore
package import Hummingbird
package import Metrics

/// `/masuk`: the sign-in form and what it posts.
package struct SignInEndpoint: Sendable {
    private let authenticator: Authenticator
    private let sessions: SessionStarter
    private let flows: AuthorizationFlows
    private let authorize: AuthorizeEndpoint
    private let answers: PageAnswers
    private let refusals: RefusalLog

    package init(
        _ services: Services, authorize: AuthorizeEndpoint, refusals: RefusalLog, metrics: any MetricsFactory
    ) {
        authenticator = Authenticator(services, metrics: metrics)
        sessions = SessionStarter(services)
        flows = AuthorizationFlows(services)
        answers = PageAnswers(services)
        self.authorize = authorize
        self.refusals = refusals
    }

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/masuk") { request, context in try await form(request, context) }
        router.post("/masuk") { request, context in try await signIn(request, context) }
    }

    // MARK: GET

    private func form(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let query = try RequestParameters(query: request)
        let signedIn = try await answers.browser.signedIn(request, context)
        guard let number = query["alur"] else {
            if signedIn != nil { return answers.redirect(to: "/portal") }
            return try page(SignInModel(), flow: nil, request)
        }
        let handle = answers.browser.handle(request)
        guard let flow = try await flows.find(number, in: handle, at: context.now) else {
            throw PageError(.flowLost, reason: "the flow is over, or another browser's")
        }
        let model = SignInModel(
            name: flow.parameters["login_hint"].map(Self.shownName) ?? "", again: signedIn != nil,
            application: await authorize.application(of: flow)
        )
        return try page(model, flow: number, uiLocales: flow.parameters["ui_locales"], request)
    }

    // MARK: POST

    private func signIn(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request, limit: 16 * 1024)  // 1
        try form.refuseDuplicates()
        let isFresh = try answers.browser.isFresh(form, request)  // 2 it is our form, in this browser
        let name = form["username"] ?? ""
        let password = form["password"] ?? ""
        let flow = try await flow(form["alur"], isFresh: isFresh, request, context)  // 3 for whom
        let number = flow == nil ? nil : form["alur"]
        let application = await flow.asyncMap { await authorize.application(of: $0) } ?? nil
        func again(_ problem: SignInModel.Problem, _ status: HTTPResponse.Status, retryAfter: Int64? = nil) throws
            -> Response
        {
            var response = try page(
                SignInModel(problem: problem, name: Self.shownName(name), again: false, application: application),
                flow: number,
                status: status, uiLocales: flow?.parameters["ui_locales"], request
            )
            if let retryAfter { response.headers[.retryAfter] = "\(retryAfter)" }
            return response
        }
        guard isFresh else {
            await refusals.record("stale_form", path: "/masuk", context)
            return try again(.stale, .forbidden)
        }
        guard name.utf8.count <= Authenticator.longestName, password.unicodeScalars.count <= PasswordPolicy.maximum
        else {  // 4
            return try again(.tooLong, .badRequest)
        }
        let device = answers.browser.cookies.secret(answers.browser.cookies.device, in: request)
        let outcome: Authenticator.Outcome
        do {
            outcome = try await authenticator.authenticate(  // 5 is it they
                name: name, password: password, device: device, address: context.sourceAddress, at: context.now
            )
        } catch is PasswordHasher.PasswordPoolFull {
            return try again(.busy, .serviceUnavailable, retryAfter: 2)
        }
        switch outcome {
        case .wrong(let tried):
            await record("wrong_credentials", tried, context)
            // Not 401: RFC 9110 section 15.5.2 wants `WWW-Authenticate` with it, and browsers a dialog for that.
            return try again(.wrongCredentials, .unprocessableContent)
        case .wait(let seconds, let tried):
            await record("too_many_tries", tried, context)
            return try again(.wait(seconds: Int(seconds)), .tooManyRequests, retryAfter: seconds)
        case .mayNotSignIn(let tried):
            await record("account_state", tried, context)
            return try again(.mayNotSignIn, .forbidden)
        case .mustSetPassword(let link):
            // No session yet: that comes with the new password.
            let cookies = answers.browser.cookies
            let cookie = cookies.header(cookies.link, link, maxAge: CookieNames.linkLifetime)
            return answers.redirect(to: "/akun/kata-sandi", cookies: [cookie])
        case .signedIn(let account):
            let old = try await answers.browser.signedIn(request, context)
            let started = try await sessions.start(  // 6 a session
                for: account, replacing: old, device: device, userAgent: request.headers[.userAgent], name: name,
                address: context.sourceAddress, at: context.now
            )
            guard let started else {
                await record("account_state", Authenticator.Tried(account), context)
                return try again(.mayNotSignIn, .forbidden)
            }
            guard let flow else { return answers.redirect(to: "/portal", cookies: started.cookies) }
            if let path = flow.ownPath { return answers.redirect(to: path, cookies: started.cookies) }
            return try await authorize.resume(  // 7 and on to the application
                flow, signedIn: started.signedIn, cookies: started.cookies, request, context
            )
        }
    }

    /// Writes a row for each account or name that was tried; tries that a place or everybody makes wait share one.
    private func record(_ code: String, _ tried: Authenticator.Tried?, _ context: GapuraContext) async {
        await refusals.record(
            code, path: "/masuk", context, event: .signInFailed, subject: tried?.account?.text, about: tried?.key)
    }

    /// The sign-in under way that the form names. Where that went away with the browser's cookies, what is to be said
    /// is that the form is old, or a browser without cookies would begin anew for ever.
    private func flow(
        _ number: String?, isFresh: Bool, _ request: Request, _ context: GapuraContext
    ) async throws -> AuthorizationFlow? {
        guard let number else { return nil }
        let flow = try await flows.find(number, in: answers.browser.handle(request), at: context.now)
        if flow == nil, isFresh { throw PageError(.flowLost, reason: "the flow is over, or another browser's") }
        return flow
    }

    private func page(
        _ model: SignInModel, flow: String?, status: HTTPResponse.Status = .ok, uiLocales: String? = nil,
        _ request: Request
    ) throws -> Response {
        var model = model
        model.flow = flow
        return try answers.page(.signIn(model), status: status, for: request, uiLocales: uiLocales)
    }

    /// What may stand in the name field again: printable, and no longer than a name can be.
    static func shownName(_ text: String) -> String {
        text.utf8.count <= Authenticator.longestName
            && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f } ? text : ""
    }
}

extension Optional {
    /// `map` with an asynchronous function.
    func asyncMap<T>(_ transform: (Wrapped) async throws -> T) async rethrows -> T? {
        switch self {
        case .some(let value): try await transform(value)
        case nil: nil
        }
    }
}
