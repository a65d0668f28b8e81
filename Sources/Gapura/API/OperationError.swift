package import GapuraFormats

/// Why an operation did not do what was asked, in words for the one who asked: one line in each language, with what to
/// do.
package struct OperationError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case invalid
        case notFound = "not_found"
        case conflict
        case refused
        /// Whoever asks may not do this, or not to this one.
        case forbidden
        /// It may work later, or elsewhere: database, disk, network.
        case unavailable
        case failed
    }

    package let code: Code
    /// For whoever asked, wherever they are.
    package let message: String
    package let indonesian: String
    /// What the database or the system said; only for whoever sits at the server.
    package let cause: String?

    package init(_ code: Code, _ message: String, id indonesian: String, cause: String? = nil) {
        self.code = code
        self.message = Self.line(message)
        self.indonesian = Self.line(indonesian)
        self.cause = cause.map(Self.line)
    }

    /// With the cause.
    package var description: String { cause.map { "\(message) (\($0))" } ?? message }

    // MARK: On the wire

    package var jsonObject: JSONObject {
        ["code": .string(code.rawValue), "message": .string(description), "pesan": .string(indonesian)]
    }

    package init(json: JSONObject) {
        self.init(
            json["code"]?.string.flatMap(Code.init(rawValue:)) ?? .failed,
            json["message"]?.string ?? "The gateway gave no reason.",
            id: json["pesan"]?.string ?? "Gerbang tidak memberi alasan."
        )
    }

    /// One line, without control characters: what stands in it may come from a file.
    private static func line(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(1000) {
            let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            scalars.append(isControl ? " " : scalar)
        }
        return String(scalars)
    }
}
