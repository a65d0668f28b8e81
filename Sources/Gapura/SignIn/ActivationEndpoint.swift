import GapuraDirectory
import GapuraFormats
import GapuraStore
package import Hummingbird
package import Metrics

/// `/akun/aktivasi`: the first time, with an NIP and a code on paper. A right code leads to the page that sets a
/// password; the code is spent when that is done, so whoever is interrupted types it again.
package struct ActivationEndpoint: Sendable {
    private let authenticator: Authenticator
    private let answers: PageAnswers
    private let refusals: RefusalLog

    package init(_ services: Services, refusals: RefusalLog, metrics: any MetricsFactory) {
        authenticator = Authenticator(services, metrics: metrics)
        answers = PageAnswers(services)
        self.refusals = refusals
    }

    package static let path = "/akun/aktivasi"

    package func addRoutes(to router: some RouterMethods<GapuraContext>) {
        router.get("/akun/aktivasi") { request, _ in try answers.page(.activation(ActivationModel()), for: request) }
        router.post("/akun/aktivasi") { request, context in try await activate(request, context) }
    }

    private func activate(_ request: Request, _ context: GapuraContext) async throws -> Response {
        let form = try await RequestParameters(form: request, limit: 16 * 1024)  // 1
        try form.refuseDuplicates()
        let isFresh = try answers.browser.isFresh(form, request)  // 2 it is our form, in this browser
        let name = form["username"] ?? ""
        let typed = form["code"] ?? ""
        func again(
            _ problem: ActivationModel.Problem, _ status: HTTPResponse.Status, retryAfter: Int64? = nil
        ) throws -> Response {
            // The code is not given back: whoever mistyped it reads it off the paper again.
            let model = ActivationModel(problem: problem, name: SignInEndpoint.shownName(name))
            var response = try answers.page(.activation(model), status: status, for: request)
            if let retryAfter { response.headers[.retryAfter] = "\(retryAfter)" }
            return response
        }
        guard isFresh else {
            await refusals.record("stale_form", path: Self.path, context)
            return try again(.stale, .forbidden)
        }
        guard name.utf8.count <= Authenticator.longestName, typed.utf8.count <= ActivationCode.longestTyped else {  // 3
            return try again(.tooLong, .badRequest)
        }
        // What can be no code is nobody's guess: it costs no try, whoever's name stands beside it.
        guard let code = ActivationCode(typed: typed) else { return try again(.malformed, .unprocessableContent) }
        let device = answers.browser.cookies.secret(answers.browser.cookies.device, in: request)
        let outcome = try await authenticator.activate(  // 4 is it they
            name: name, code: code, device: device, address: context.sourceAddress, at: context.now)
        switch outcome {
        case .wrong(let tried):
            await record("wrong_code", tried, context)
            return try again(.wrong, .unprocessableContent)
        case .wait(let seconds, let tried):
            await record("too_many_tries", tried, context)
            return try again(.wait(seconds: Int(seconds)), .tooManyRequests, retryAfter: seconds)
        case .right(let link):
            let cookies = answers.browser.cookies
            let cookie = cookies.header(cookies.link, link, maxAge: AccountDirectory.activationLinkLifetime)
            return answers.redirect(to: "/akun/kata-sandi", cookies: [cookie])
        }
    }

    private func record(_ code: String, _ tried: Authenticator.Tried?, _ context: GapuraContext) async {
        await refusals.record(
            code, path: Self.path, context, event: .signInFailed, subject: tried?.account?.text, about: tried?.key)
    }
}
