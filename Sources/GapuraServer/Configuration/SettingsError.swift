/// Why the program does not start: what is wrong in the file or the variables, never with a value in it.
struct SettingsError: Error, Equatable, CustomStringConvertible {
    let message: String
    let indonesian: String

    init(_ message: String, id indonesian: String) {
        self.message = message
        self.indonesian = indonesian
    }

    var description: String { message }
}
