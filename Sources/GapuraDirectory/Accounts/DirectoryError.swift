/// What a person who manages the directory did wrong, in words for them.
package struct DirectoryError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case invalid
        case notFound = "not_found"
        case conflict
        case refused
        /// Whoever asks may not do this, or not to this one.
        case forbidden
    }

    package let code: Code
    /// English, with what to do.
    package let message: String
    /// The same in Indonesian.
    package let indonesian: String

    package init(_ code: Code, _ message: String, id indonesian: String) {
        self.code = code
        self.message = message
        self.indonesian = indonesian
    }

    package var description: String { message }
}
