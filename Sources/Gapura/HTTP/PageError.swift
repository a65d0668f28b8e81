/// An error a person sees: one page of ours, no redirect.
package struct PageError: Error, Sendable {
    package let kind: ErrorModel.Kind
    /// `#error-code`.
    package let code: String
    package let developerHint: String?
    /// For our log.
    package let reason: String
    package let applicationName: String?
    package let retryAfter: Int?
    /// `Set-Cookie` values of what was done before the error, such as a sign-in.
    package let cookies: [String]
    /// For whoever looks after the application.
    package let diagnosis: RequestDiagnosis?

    package init(
        _ kind: ErrorModel.Kind, code: String? = nil, hint: String? = nil, reason: String,
        applicationName: String? = nil,
        retryAfter: Int? = nil, cookies: [String] = [], diagnosis: RequestDiagnosis? = nil
    ) {
        self.kind = kind
        self.code = code ?? kind.code
        developerHint = hint
        self.reason = reason
        self.applicationName = applicationName
        self.retryAfter = retryAfter
        self.cookies = cookies
        self.diagnosis = diagnosis
    }

    /// The same, with cookies of what was done before.
    func adding(_ more: [String]) -> PageError {
        PageError(
            kind, code: code, hint: developerHint, reason: reason, applicationName: applicationName,
            retryAfter: retryAfter, cookies: more + cookies, diagnosis: diagnosis)
    }
}

extension ErrorModel.Kind {
    /// The error code where no protocol names one.
    var code: String {
        switch self {
        case .badRequest: "invalid_request"
        case .noAccess: "access_denied"
        case .linkUnusable: "link_unusable"
        case .flowLost: "flow_lost"
        case .notFound: "not_found"
        case .forbidden: "forbidden"
        case .tooMany: "too_many_requests"
        case .unavailable: "temporarily_unavailable"
        case .internalError: "server_error"
        case .methodNotAllowed: "method_not_allowed"
        case .tooLarge: "too_large"
        case .misdirected: "misdirected_request"
        }
    }

    /// HTTP status of the page.
    package var status: Int {
        switch self {
        case .badRequest, .linkUnusable, .flowLost: 400
        case .noAccess, .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .tooLarge: 413
        case .misdirected: 421
        case .tooMany: 429
        case .internalError: 500
        case .unavailable: 503
        }
    }
}
