import GapuraFormats
package import Hummingbird
import NIOCore

/// The parameters of one request, read once: flat, decoded strictly, and with duplicates known.
///
/// A parameter without a value counts as not sent (RFC 6749 section 3.1).
package struct RequestParameters: Sendable {
    package let pairs: [(name: String, value: String)]
    /// The first name that was sent twice; `resource` may be (RFC 8707).
    package let duplicate: String?

    package init(_ pairs: [(name: String, value: String)]) {
        self.pairs = pairs
        duplicate = Self.firstDuplicate(pairs)
    }

    /// From the query of the URL.
    /// - Throws: `OAuthError.invalidRequest` if it is not a form of UTF-8.
    package init(query request: Request) throws {
        self.init(try Self.parse(Array((request.uri.query ?? "").utf8)))
    }

    /// From a body of `application/x-www-form-urlencoded`.
    /// - Throws: `OAuthError.invalidRequest` for another media type or a broken body, `HTTPError` 413 for more than
    ///   `limit` bytes.
    package init(form request: Request, limit: Int = 64 * 1024) async throws {
        guard Self.isForm(request) else {
            throw OAuthError.invalidRequest("The body must be application/x-www-form-urlencoded.")
        }
        var buffer = try await request.body.collect(upTo: limit)
        self.init(try Self.parse(buffer.readBytes(length: buffer.readableBytes) ?? []))
    }

    /// The value sent under a name, or nothing if it was empty or not sent.
    package subscript(_ name: String) -> String? {
        for pair in pairs where pair.name.isExactly(name) {
            return pair.value.isEmpty ? nil : pair.value
        }
        return nil
    }

    /// Whether a name was sent more than once.
    package func isRepeated(_ name: String) -> Bool {
        pairs.lazy.filter { $0.name.isExactly(name) }.prefix(2).count == 2
    }

    /// Refuses requests with a parameter sent twice (RFC 6749 sections 3.1 and 3.2).
    package func refuseDuplicates() throws {
        if duplicate != nil { throw OAuthError.invalidRequest("A parameter was sent more than once.") }
    }

    /// Whether the body says of itself that it is a form.
    package static func isForm(_ request: Request) -> Bool {
        hasBody(request, of: "application/x-www-form-urlencoded")
    }

    /// Whether the body says of itself that it is of one of some media types, whatever its parameters.
    static func hasBody(_ request: Request, of types: String...) -> Bool {
        guard let type = request.headers[.contentType] else { return false }
        let essence = type.utf8.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
            .map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        return types.contains { essence.elementsEqual($0.utf8) }
    }

    private static func parse(_ bytes: [UInt8]) throws -> [(name: String, value: String)] {
        do {
            return try FormURLEncoded.parse(bytes)
        } catch {
            throw OAuthError.invalidRequest("The parameters are not a form of UTF-8 text.", reason: "\(error)")
        }
    }

    /// Those that specifications let come more than once: RFC 8707 section 2, RFC 8693 section 2.1.
    private static let repeatable = ["resource", "audience"]

    private static func firstDuplicate(_ pairs: [(name: String, value: String)]) -> String? {
        for (index, pair) in pairs.enumerated() where !repeatable.contains(where: { $0.isExactly(pair.name) }) {
            if pairs[..<index].contains(where: { $0.name.isExactly(pair.name) }) { return pair.name }
        }
        return nil
    }
}
