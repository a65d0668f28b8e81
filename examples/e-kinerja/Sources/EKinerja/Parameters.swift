import GapuraTokens
import Hummingbird

/// Parameters of a query or a form, read once and strictly; one that comes twice is refused.
struct Parameters: Sendable {
    private let values: [ExactText: String]

    init(query: String?) throws {
        try self.init(Array((query ?? "").utf8))
    }

    init(form request: Request) async throws {
        let type = request.headers[.contentType]?.lowercased() ?? ""
        guard type.hasPrefix("application/x-www-form-urlencoded") else {
            throw Problem(.form, "the body is no form")
        }
        let body = try await request.body.collect(upTo: 65536)
        try self.init(Array(body.readableBytesView))
    }

    private init(_ bytes: [UInt8]) throws {
        var values: [ExactText: String] = [:]
        do {
            for (name, value) in try FormURLEncoded.parse(bytes) {
                guard values.updateValue(value, forKey: ExactText(name)) == nil else {
                    throw Problem(.form, "a parameter comes twice")
                }
            }
        } catch let error as FormError {
            throw Problem(.form, "parameters are not readable: \(error)")
        }
        self.values = values
    }

    subscript(_ name: String) -> String? { values[ExactText(name)] }
}
