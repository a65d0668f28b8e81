/// Why a key, or a set of keys, is not used.
public struct KeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: String, Sendable {
        /// Not a key in that format.
        case malformed
        /// A kind of key, a curve or an algorithm that we do not use.
        case unsupported
        /// Too short, or made so that it can be forged.
        case weak
        /// The key is not one for that algorithm.
        case algorithm
        /// Private members where only public ones belong.
        case privateMembers
        /// Two keys of a set with one `kid`.
        case duplicateKid
        /// Too many keys in a set.
        case tooMany
        /// OpenSSL failed.
        case failed
    }

    /// What is wrong.
    public let code: Code
    /// For the log; it may quote the key's public parts, never private ones.
    public let reason: String

    /// A refusal with its reason.
    public init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    public var description: String { "\(code.rawValue): \(reason)" }
}
