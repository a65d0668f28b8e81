import GapuraDirectory
import GapuraStore
package import Hummingbird
import Logging
import NIOHTTP1

/// The one way out for errors: whatever was thrown becomes a page for people or JSON for programs, and a line in the
/// log.
package struct ErrorAnswers: RouterMiddleware {
    package typealias Context = GapuraContext

    private let answers: PageAnswers
    private let refusals: RefusalLog
    private let logger: Logger

    package init(_ services: Services, refusals: RefusalLog) {
        answers = PageAnswers(services)
        self.refusals = refusals
        logger = services.logger
    }

    package func handle(
        _ request: Request, context: GapuraContext, next: (Request, GapuraContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch {
            return try await answer(to: error, request, context)
        }
    }

    private func answer(to error: any Error, _ request: Request, _ context: GapuraContext) async throws -> Response {
        if Self.speaksProblems(request.uri.path) || Self.speaksSCIM(request.uri.path) {
            return try await problem(error, request, context)
        }
        let wantsJSON = Self.speaksJSON(request.uri.path)
        switch error {
        case let error as OAuthError where wantsJSON:
            await note("\(error.code.rawValue)", error.reason, request, context)
            return JSONAnswer.error(error)
        case let error as OAuthError where error.code == .tooManyRequests:
            return try await page(
                PageError(.tooMany, reason: error.reason, retryAfter: Int(error.retryAfter ?? 60)), request, context)
        case let error as OAuthError:
            return try await page(
                PageError(.badRequest, code: error.code.rawValue, hint: error.text, reason: error.reason), request,
                context
            )
        case let error as PageError:
            return try await page(error, request, context)
        case is PasswordHasher.PasswordPoolFull:
            return try await page(
                PageError(.unavailable, reason: "the password queue is full", retryAfter: 2), request, context)
        case let error as StoreError:
            logger.error("store.error", metadata: ["request": "\(context.requestID)", "problem": "\(error.message)"])
            let kind: ErrorModel.Kind = error.isTemporary ? .unavailable : .internalError
            if wantsJSON {
                return JSONAnswer.error(
                    OAuthError(
                        error.isTemporary ? .temporarilyUnavailable : .serverError, "The request could not be served."))
            }
            return try await page(
                PageError(kind, reason: "store", retryAfter: error.isTemporary ? 2 : nil), request, context)
        case let error as any HTTPResponseError:
            return try await framework(error, wantsJSON, request, context)
        case is CancellationError:
            throw error
        case let error as HTTPParserError:
            // The body is no HTTP (attack 278).
            return try await framework(HTTPError(.badRequest, message: "\(error)"), wantsJSON, request, context)
        default:
            logger.error(
                "request.failed",
                metadata: ["request": "\(context.requestID)", "problem": "\(type(of: error)): \(error)"])
            if wantsJSON { return JSONAnswer.error(OAuthError(.serverError, "The request could not be served.")) }
            return try await page(PageError(.internalError, reason: "\(type(of: error))"), request, context)
        }
    }

    /// The administration API answers with problem details, SCIM in its own words.
    private func problem(_ error: any Error, _ request: Request, _ context: GapuraContext) async throws -> Response {
        let isSCIM = Self.speaksSCIM(request.uri.path)
        if let error = error as? SCIMProblem, error.status != .internalServerError {
            await note(error.kind?.rawValue ?? "scim_\(error.status.code)", error.detail, request, context)
            return error.answer()
        }
        let problem: APIProblem
        switch error {
        case let error as APIProblem: problem = error
        case let error as OAuthError: problem = APIProblem(error)
        case let error as SCIMProblem: problem = APIProblem(error.status, "failed", error.detail, id: error.detail)
        case let error as PageError:
            problem = APIProblem(HTTPResponse.Status(code: error.kind.status))
        case let error as any HTTPResponseError:
            problem = APIProblem(error.status, allow: (error as? MethodNotAllowed)?.allow)
        case is CancellationError: throw error
        case is HTTPParserError: problem = APIProblem(.badRequest)
        default:
            problem = APIProblem(OperationError(error))
        }
        if problem.status.kind == .serverError {
            logger.error(
                "request.failed", metadata: ["request": "\(context.requestID)", "problem": "\(problem.detail)"])
            // The log knows why; whoever asks needs to know only that.
            if problem.status == .internalServerError {
                let failure = APIProblem(.internalServerError)
                return isSCIM ? SCIMProblem(failure).answer() : failure.answer(requestID: context.requestID)
            }
        }
        await note(problem.code, problem.detail, request, context)
        return isSCIM ? SCIMProblem(problem).answer() : problem.answer(requestID: context.requestID)
    }

    /// What Hummingbird itself refuses: no such route, too large a body.
    private func framework(
        _ error: any HTTPResponseError, _ wantsJSON: Bool, _ request: Request, _ context: GapuraContext
    ) async throws -> Response {
        let kind: ErrorModel.Kind =
            switch error.status {
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .contentTooLarge: .tooLarge
            case .serviceUnavailable: .unavailable
            default: error.status.kind == .clientError ? .badRequest : .internalError
            }
        if wantsJSON {
            var answer = JSONAnswer.make(
                ["error": .string(kind.code), "error_description": "The request could not be served."],
                status: error.status
            )
            if let allow = (error as? MethodNotAllowed)?.allow { answer.headers[.allow] = allow }
            return answer
        }
        var response = try await page(PageError(kind, reason: "\(error.status.code)"), request, context)
        response.status = error.status
        if let allow = (error as? MethodNotAllowed)?.allow { response.headers[.allow] = allow }
        return response
    }

    private func page(_ error: PageError, _ request: Request, _ context: GapuraContext) async throws -> Response {
        await note(error.code, error.reason, request, context, about: error.diagnosis)
        let model = ErrorModel(
            kind: error.kind, code: error.code, developerHint: error.developerHint, requestID: context.requestID,
            applicationName: error.applicationName, diagnosis: await shown(error.diagnosis, request, context)
        )
        var response = try answers.page(
            .error(model), status: HTTPResponse.Status(code: error.kind.status), for: request, cookies: error.cookies
        )
        if let seconds = error.retryAfter { response.headers[.retryAfter] = "\(seconds)" }
        return response
    }

    /// What is registered is only for who may read it anyway.
    private func shown(_ diagnosis: RequestDiagnosis?, _ request: Request, _ context: GapuraContext) async
        -> RequestDiagnosis?
    {
        guard let diagnosis, let account = try? await answers.browser.signedIn(request, context)?.account,
            account.role.verbs.contains(.applicationsRead), account.roleUnitID == nil
        else { return nil }
        return diagnosis
    }

    private func note(
        _ code: String, _ reason: String, _ request: Request, _ context: GapuraContext,
        about diagnosis: RequestDiagnosis? = nil
    ) async {
        var metadata: Logger.Metadata = [
            "request": "\(context.requestID)", "code": "\(code)", "reason": "\(reason)",
            // Paths of these name people.
            "path": "\(Self.namesPeople(request.uri.path) ? Self.knownPath(context) : request.uri.path)",
        ]
        if let diagnosis { metadata["parameter"] = "\(diagnosis.logText)" }
        let isFirst = await refusals.record(code, path: Self.knownPath(context), context)
        // A flood is a line a minute, as in the audit.
        guard isFirst || !code.isExactly(OAuthError.Code.tooManyRequests.rawValue) else { return }
        logger.info("request.refused", metadata: metadata)
    }

    /// The pattern of the route, never what somebody wrote: paths that nobody has would each be a kind of their own
    /// (attack 329).
    private static func knownPath(_ context: GapuraContext) -> String {
        guard let pattern = context.endpointPath, pattern.utf8.first == UInt8(ascii: "/") else { return "-" }
        return pattern
    }

    /// Paths of the administration API.
    static func speaksProblems(_ path: String) -> Bool { path.utf8.starts(with: "/api/".utf8) }

    private static func namesPeople(_ path: String) -> Bool { speaksProblems(path) || speaksSCIM(path) }

    static func speaksSCIM(_ path: String) -> Bool { path.utf8.starts(with: "/scim/".utf8) }

    /// Programs ask these; everything else is for people.
    static func speaksJSON(_ path: String) -> Bool {
        if path.utf8.elementsEqual("/oauth2/authorize".utf8) || path.utf8.elementsEqual("/oauth2/logout".utf8) {
            return false
        }
        return ["/oauth2/", "/.well-known/", "/api/", "/scim/"].contains { path.utf8.starts(with: $0.utf8) }
    }
}

/// A known path was asked with a method it does not have.
struct MethodNotAllowed: HTTPResponseError {
    let allow: String
    var status: HTTPResponse.Status { .methodNotAllowed }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        Response(status: status, headers: [.allow: allow])
    }
}
