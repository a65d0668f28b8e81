/// Why a profile cannot be used. Nothing was read with it.
package struct PersonnelProfileError: Error, Sendable, Equatable, CustomStringConvertible {
    package let message: String
    package let indonesian: String

    package init(_ message: String, id indonesian: String) {
        self.message = message
        self.indonesian = indonesian
    }

    package var description: String { message }
}
