import GapuraFormats
import Hummingbird

/// Sends the answer of an authorization request to where the client registered: 303 with parameters in the query, or a
/// form that posts them. `iss` is in every one of them (RFC 9207), `state` exactly where it was sent.
package struct AuthorizationResponses: Sendable {
    private let answers: PageAnswers
    private let issuer: String

    package init(_ services: Services) {
        answers = PageAnswers(services)
        issuer = services.settings.issuer
    }

    func code(_ code: String, to target: ResponseTarget, for request: Request, cookies: [String] = []) throws
        -> Response
    {
        try send([("code", code)], to: target, for: request, cookies: cookies)
    }

    func error(_ error: OAuthError, to target: ResponseTarget, for request: Request, cookies: [String] = []) throws
        -> Response
    {
        try send(
            [("error", error.code.rawValue), ("error_description", error.text)], to: target, for: request,
            cookies: cookies)
    }

    private func send(
        _ parameters: [(name: String, value: String)], to target: ResponseTarget, for request: Request,
        cookies: [String]
    ) throws -> Response {
        var parameters = parameters
        if let state = target.state { parameters.append(("state", state)) }
        parameters.append(("iss", issuer))
        switch target.mode {
        case .query:
            let joint = target.redirectURI.utf8.contains(UInt8(ascii: "?")) ? "&" : "?"
            let query = parameters.map { "\($0.name)=\(FormURLEncoded.percentEncode($0.value))" }.joined(separator: "&")
            return answers.redirect(to: target.redirectURI + joint + query, cookies: cookies)
        case .formPost:
            return try answers.page(
                .formPost(FormPostModel(action: target.redirectURI, fields: parameters)), for: request, cookies: cookies
            )
        }
    }
}
