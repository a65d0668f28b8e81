import Foundation
import GapuraFormats
import HTTPTypes
import Hummingbird
import NIOCore

/// One request of SCIM, read once.
struct SCIMRequest: Sendable {
    let method: HTTPRequest.Method
    let ifMatch: String?
    let ifNoneMatch: String?
    private let body: [UInt8]
    private let isJSON: Bool
    private let parameters: RequestParameters
    private let rawSegment: String?

    /// What a list is asked for.
    struct Search: Sendable {
        var query = SCIMDirectory.Query()
        var attributes: String?
        var excluded: String?

        /// Whether members are asked for by name.
        var wantsMembers: Bool {
            guard let attributes else { return false }
            return attributes.lowercased().utf8.firstRange(of: "members".utf8) != nil
        }
    }

    /// - Throws: `SCIMProblem` 400, 413.
    init(_ request: Request, _ context: GapuraContext) async throws {
        method = request.method == .head ? .get : request.method
        ifMatch = request.headers[.ifMatch]
        ifNoneMatch = request.headers[.ifNoneMatch]
        rawSegment = context.parameters.get("1")
        do {
            parameters = try RequestParameters(query: request)
        } catch {
            throw SCIMProblem(.invalidSyntax, "The query is not a form of UTF-8.")
        }
        do {
            var buffer = try await request.body.collect(upTo: SCIMEndpoint.maximumBytes)
            body = buffer.readBytes(length: buffer.readableBytes) ?? []
        } catch is NIOTooManyBytesError {
            throw SCIMProblem(.contentTooLarge, nil, "At most \(SCIMEndpoint.maximumBytes) bytes are taken at once.")
        }
        isJSON = RequestParameters.hasBody(request, of: "application/scim+json", "application/json")
    }

    /// The id in the path.
    func segment() throws(SCIMProblem) -> String {
        guard let text = rawSegment?.removingPercentEncoding else { throw SCIMProblem.unknown }
        return text
    }

    /// The body.
    func object() throws(SCIMProblem) -> JSONObject {
        guard isJSON else {
            throw SCIMProblem(.unsupportedMediaType, nil, "Send Content-Type: application/scim+json.")
        }
        guard let object = try? StrictJSON.parse(body, maximumBytes: SCIMEndpoint.maximumBytes).object else {
            throw SCIMProblem(.invalidSyntax, "The body is no strict JSON object.")
        }
        return object
    }

    /// What the query asks for.
    func query() throws(SCIMProblem) -> Search {
        if let name = parameters.duplicate { throw SCIMProblem(.invalidValue, "\(name.prefix(64)) is there twice.") }
        var search = Search()
        search.attributes = parameters["attributes"]
        search.excluded = parameters["excludedAttributes"]
        if let text = parameters["filter"] { search.query.filter = try Self.filter(text) }
        if let text = parameters["startIndex"] { search.query.startIndex = max(1, try Self.number(text)) }
        if let text = parameters["count"] { search.query.count = min(Self.maximumCount, max(0, try Self.number(text))) }
        return search
    }

    /// What the body of `.search` asks for (RFC 7644 section 3.4.3).
    func search() throws(SCIMProblem) -> Search {
        let body = try object()
        func list(_ name: String) throws(SCIMProblem) -> String? {
            guard let value = body.member(name), !value.isNull else { return nil }
            guard let names = value.strings else { throw SCIMProblem(.invalidValue, "\(name) is an array of strings.") }
            return names.joined(separator: ",")
        }
        var search = Search()
        search.attributes = try list("attributes")
        search.excluded = try list("excludedAttributes")
        if let filter = body.member("filter"), !filter.isNull {
            guard let text = filter.string else { throw SCIMProblem(.invalidFilter, "filter is a string.") }
            search.query.filter = try Self.filter(text)
        }
        func number(_ name: String) throws(SCIMProblem) -> Int64? {
            guard let value = body.member(name), !value.isNull else { return nil }
            guard let number = value.number else { throw SCIMProblem(.invalidValue, "\(name) is a number.") }
            return Int64(min(max(number, -1), 1e15))
        }
        search.query.startIndex = max(1, try number("startIndex") ?? 1)
        search.query.count = min(Self.maximumCount, max(0, try number("count") ?? search.query.count))
        return search
    }

    static let maximumCount: Int64 = 200

    private static func filter(_ text: String) throws(SCIMProblem) -> SCIMFilter {
        do {
            return try SCIMFilter(text)
        } catch {
            throw SCIMProblem(.invalidFilter, "The filter: \(error).")
        }
    }

    /// A number of any size: what is larger than anything is as good as the largest (attack 238).
    private static func number(_ text: String) throws(SCIMProblem) -> Int64 {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        guard (1...100).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw SCIMProblem(.invalidValue, "startIndex and count are whole numbers.")
        }
        let isNegative = digits.count < text.utf8.count
        return isNegative ? -1 : min(Int64(String(Substring(digits))) ?? .max, 1_000_000_000_000)
    }
}
