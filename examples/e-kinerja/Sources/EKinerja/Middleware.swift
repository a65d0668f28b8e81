import HTTPTypes
import Hummingbird

/// No script, no other host, no frame, nothing kept. A form may end at the gateway, because signing out leads there.
struct PageHeaders<Context: RequestContext>: RouterMiddleware {
    let policy: String

    init(issuer: String) {
        let parts = issuer.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        let gateway = parts.prefix(3).joined(separator: "/")
        policy =
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' \(gateway); "
            + "frame-ancestors 'none'; base-uri 'none'"
    }

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        response.headers[.contentSecurityPolicy] = policy
        response.headers[.xContentTypeOptions] = "nosniff"
        if let name = HTTPField.Name("Referrer-Policy") { response.headers[name] = "same-origin" }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
        return response
    }
}

/// The one way out for errors: a page with what to do; the reason goes to the log.
struct ProblemPages<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let problem as Problem {
            context.logger.warning("problem", metadata: ["kind": "\(problem.kind)", "reason": "\(problem.reason)"])
            return .page(Page.problem(problem.kind), status: status(problem.kind))
        } catch let error as HTTPError {
            return .page(Page.problem(error.status == .notFound ? .missing : .form), status: error.status)
        } catch {
            context.logger.error("fault", metadata: ["error": "\(error)"])
            return .page(Page.problem(.fault), status: .internalServerError)
        }
    }

    private func status(_ kind: Problem.Kind) -> HTTPResponse.Status {
        switch kind {
        case .setup, .fault: .internalServerError
        case .denied: .forbidden
        case .unavailable, .signout: .serviceUnavailable
        case .expired, .refused, .form: .badRequest
        case .missing: .notFound
        }
    }
}

extension Response {
    static func page(_ html: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: html)))
    }

    /// 303: the browser follows with GET, whatever it sent here.
    static func seeOther(_ address: String) -> Response {
        Response(status: .seeOther, headers: [.location: address])
    }
}
