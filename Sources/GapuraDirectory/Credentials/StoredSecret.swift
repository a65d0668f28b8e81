import GapuraFormats
import GapuraTokens

/// How random secrets are stored: only their SHA-256, with the kind of secret inside the hash, so that a value from one
/// store is worthless in another (a code is no refresh token, a link no session).
package enum StoredSecret {
    package enum Kind: String, Sendable {
        case session
        case flow
        case oneTimeLink = "one-time-link"
        case code
        case refreshToken = "refresh-token"
        case accessToken = "access-token"
        case clientSecret = "client-secret"
        case device
        case pushedRequest = "pushed-request"
        case clientAssertion = "client-assertion"
        case dpopProof = "dpop-proof"
        case deviceCode = "device-code"
        case userCode = "user-code"
        case registration
        case registrationAccess = "registration-access"
    }

    /// Base64url of SHA-256 over kind, NUL and secret.
    package static func digest(_ secret: String, of kind: Kind) -> String {
        var bytes = Array(kind.rawValue.utf8)
        bytes.append(0)
        bytes.append(contentsOf: secret.utf8)
        return Base64URL.encode(SHA256.hash(bytes))
    }
}
