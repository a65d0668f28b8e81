/// An error of a protocol endpoint: what the world is told, and what the log knows.
///
/// "Unknown", "expired", "used" and "another's" have the same public text. Texts are fixed, ASCII 0x20-0x7E without `"`
/// and `\`, and never hold foreign text (RFC 6749 section 5.2).
public struct OAuthError: Error, Sendable, Equatable {
    /// RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1, RFC 9449 section 12.2, OpenID Connect Core section
    /// 3.1.2.6, OpenID Connect Core Error Code unmet_authentication_requirements 1.0.
    public enum Code: String, Sendable {
        case invalidRequest = "invalid_request"
        case invalidClient = "invalid_client"
        case invalidGrant = "invalid_grant"
        case unauthorizedClient = "unauthorized_client"
        case unsupportedGrantType = "unsupported_grant_type"
        case unsupportedResponseType = "unsupported_response_type"
        case invalidScope = "invalid_scope"
        case accessDenied = "access_denied"
        case serverError = "server_error"
        case temporarilyUnavailable = "temporarily_unavailable"
        case loginRequired = "login_required"
        case consentRequired = "consent_required"
        case requestNotSupported = "request_not_supported"
        case requestURINotSupported = "request_uri_not_supported"
        case invalidRequestObject = "invalid_request_object"
        case unmetAuthenticationRequirements = "unmet_authentication_requirements"
        case invalidDPoPProof = "invalid_dpop_proof"
        /// RFC 8628 section 3.5.
        case authorizationPending = "authorization_pending"
        case slowDown = "slow_down"
        case expiredToken = "expired_token"
        /// RFC 8707 section 2.
        case invalidTarget = "invalid_target"
        /// RFC 9470 section 3.
        case insufficientUserAuthentication = "insufficient_user_authentication"
        /// RFC 9126 section 2.3: with status 429.
        case tooManyRequests = "too_many_requests"
        case registrationNotSupported = "registration_not_supported"
        case invalidToken = "invalid_token"
        case insufficientScope = "insufficient_scope"
        case invalidRedirectURI = "invalid_redirect_uri"
        case invalidClientMetadata = "invalid_client_metadata"
    }

    public let code: Code
    /// For the other side's developer.
    public let text: String
    /// For our log.
    public let reason: String
    /// The way in which a resource says that a token is sent: the scheme of its `WWW-Authenticate`.
    var scheme: TokenScheme?
    /// Seconds after which it may go better.
    var retryAfter: Int64?
    /// How old a sign-in may be where this one is too old.
    var maxAge: Int64?

    public init(_ code: Code, _ text: String, reason: String? = nil) {
        self.code = code
        self.text = text
        self.reason = reason ?? text
    }

    static func invalidRequest(_ text: String, reason: String? = nil) -> OAuthError {
        OAuthError(.invalidRequest, text, reason: reason)
    }

    static func tooManyRequests(seconds: Int64, reason: String) -> OAuthError {
        var error = OAuthError(.tooManyRequests, "Too many requests; try again later.", reason: reason)
        error.retryAfter = seconds
        return error
    }

    /// RFC 9470 section 3.
    static func signInTooOld(maxAge: Int64) -> OAuthError {
        var error = OAuthError(
            .insufficientUserAuthentication, "This needs a sign-in that is not longer ago than max_age.")
        error.maxAge = maxAge
        return error
    }

    /// The one text for every reason a code or refresh token is no good.
    static func invalidGrant(reason: String) -> OAuthError {
        OAuthError(.invalidGrant, "The grant is not usable.", reason: reason)
    }

    /// The one text for every reason a client is not who it says.
    static func invalidClient(reason: String) -> OAuthError {
        OAuthError(.invalidClient, "The client could not be authenticated.", reason: reason)
    }

    /// As a resource says it, to who sent a token in some way.
    func atResource(_ scheme: TokenScheme) -> OAuthError {
        var error = self
        error.scheme = scheme
        return error
    }

    /// The one text for every reason an access token is no good.
    static func invalidToken(reason: String) -> OAuthError {
        OAuthError(.invalidToken, "The access token is not usable.", reason: reason)
    }
}
