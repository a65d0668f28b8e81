/// Why a token is not accepted.
///
/// The code may leave the process; the reason is for the log alone, because it tells an attacker how far they came.
public struct TokenError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: String, Sendable {
        /// Not a compact JWS with a JSON header, or too large.
        case malformed
        /// Something that we never do: `crit`, `zip`, encryption, an unknown algorithm or none.
        case unsupported
        /// The key that the header names is not there.
        case unknownKey
        /// The header names another algorithm than the key's.
        case algorithm
        /// Not signed by that key, or changed since.
        case signature
        /// A token of another kind, by its `typ`.
        case type
        /// `iss` is another's.
        case issuer
        /// `aud` is another's, or names others too.
        case audience
        /// `exp` is past.
        case expired
        /// `nbf` or `iat` lies ahead.
        case notYetValid
        /// A claim is missing, is of the wrong JSON type, or says the wrong thing.
        case claims
        /// The person signed in too long ago, or in another way than is needed (`stepUpChallenge`).
        case authentication
        /// The issuer's keys could not be fetched.
        case keysUnavailable
    }

    /// What is wrong; may leave the process.
    public let code: Code
    /// For the log only.
    public let reason: String

    /// A refusal with its reason.
    public init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    public var description: String { "\(code.rawValue): \(reason)" }
}
