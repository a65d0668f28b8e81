/// Why the keys folder is not used, or not changed. One line for an operator: the path, what is wrong, what to do.
package struct KeyringError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// Somebody else could read or change it.
        case permissions
        /// A file that must be there is not.
        case missing
        /// A file that is not what it should be.
        case damaged
        /// No key for that algorithm, or no key of that name.
        case noKey
        /// The next key is not published long enough to sign.
        case early
        /// More published keys than verifiers accept.
        case crowded
        /// The file system refused.
        case system
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }

    /// What to do about a missing or damaged file.
    static let restore = "restore the keys folder from a backup"
}
