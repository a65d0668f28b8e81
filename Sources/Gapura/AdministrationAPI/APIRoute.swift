import GapuraFormats
package import HTTPTypes

/// One route of the administration API: a method and a path, the operation that it runs, and what of the request becomes
/// which argument. Router, OpenAPI document and tests read the same table.
package struct APIRoute: Sendable {
    package let method: HTTPRequest.Method
    /// Below `/api/v1`, with parameters in braces: `/accounts/{name}`.
    package let path: String
    /// The name of the operation; each field has the name of one of its arguments.
    package let operation: String
    /// One line of English for the document.
    package let summary: String
    package let fields: [APIField]
    let page: Page?
    /// The showing operation of the thing that is shown or changed: its answers have an `ETag`, and `If-Match` is
    /// looked at in the transaction that changes it.
    let resource: String?
    /// Arguments that the operation gets from no request.
    let fixed: JSONObject
    /// What the body may hold, in bytes.
    let bodyLimit: Int

    /// How a long list is walked: the member that lists, and the argument that says where to go on, which is the member
    /// `key` of the last one.
    struct Page: Sendable {
        let list: String
        let argument: String
        let key: String
    }

    /// A route.
    init(
        _ method: HTTPRequest.Method, _ path: String, _ operation: String, _ summary: String,
        query: [APIField] = [], body: [APIField] = [], page: Page? = nil, resource: String? = nil,
        fixed: JSONObject = [:], bodyLimit: Int = 64 * 1024
    ) {
        self.method = method
        self.path = path
        self.operation = operation
        self.summary = summary
        self.page = page
        self.resource = resource
        self.fixed = fixed
        self.bodyLimit = bodyLimit
        fields =
            Self.parameters(of: path).map { APIField($0, .text, "", in: .path, isRequired: true) }
            + query.map { $0.placed(.query) } + body.map { $0.placed(.body) }
    }

    package func fields(in place: APIField.Place) -> [APIField] { fields.filter { $0.place == place } }

    /// Whether it changes something.
    package var isWriting: Bool { method != .get }

    /// `/api/v1/accounts/:1`: parameters by their place, since routes name the same place differently.
    var routerPath: String {
        var number = 0
        let segments = path.utf8.split(separator: UInt8(ascii: "/")).map { segment -> String in
            guard segment.first == UInt8(ascii: "{") else { return String(Substring(segment)) }
            number += 1
            return ":\(number)"
        }
        return ([APIRoutes.base] + segments).joined(separator: "/")
    }

    private static func parameters(of path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).filter { $0.first == UInt8(ascii: "{") }
            .map { String(Substring($0.dropFirst().dropLast())) }
    }
}

/// One argument as a request brings it.
package struct APIField: Sendable {
    package enum Place: String, Sendable {
        case path
        case query
        case body
    }

    package enum Kind: Sendable {
        case text
        case texts
        case flag
        case integer(ClosedRange<Int64>)
        /// `2026-12-31`.
        case day
        /// One of these.
        case word([String])
        case object
        /// Objects, at most so many.
        case objects(Int)
    }

    /// Characters of a text in a path or a query.
    static let maximumInURL: Int64 = 500

    package let name: String
    package let kind: Kind
    /// One line of English.
    package let summary: String
    package let place: Place
    package let isRequired: Bool

    init(_ name: String, _ kind: Kind, _ summary: String, in place: Place = .body, isRequired: Bool = false) {
        self.name = name
        self.kind = kind
        self.summary = summary
        self.place = place
        self.isRequired = isRequired
    }

    /// Has to be there.
    var required: APIField { APIField(name, kind, summary, in: place, isRequired: true) }

    fileprivate func placed(_ place: Place) -> APIField {
        APIField(name, kind, summary, in: place, isRequired: isRequired)
    }

    /// The bounds of the API are narrower than those of the operations. What else is wrong the operation says.
    func checked(_ value: JSONValue) throws(APIProblem) -> JSONValue {
        if place != .body, let text = value.string, text.unicodeScalars.count > Self.maximumInURL {
            throw APIProblem.invalid("\(name) is too long.", id: "\(name) terlalu panjang.")
        }
        guard case .integer(let range) = kind, !value.isNull else { return value }
        guard let number = value.integer, range.contains(number) else {
            let text = "\(range.lowerBound)…\(range.upperBound)"
            throw APIProblem.invalid(
                "\(name) must be a whole number, \(text).", id: "\(name) harus berupa bilangan bulat, \(text).")
        }
        return value
    }

    /// What stands in a path or a query, as the argument. Texts that are no number or truth stay texts: the operation
    /// says what it wants.
    func value(_ text: String) -> JSONValue {
        switch kind {
        case .integer:
            let isNumber = text.utf8.count <= 19 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2d }
            return isNumber ? Int64(text).map { .integer($0) } ?? .string(text) : .string(text)
        case .flag:
            if text.isExactly("true") { return true }
            return text.isExactly("false") ? false : .string(text)
        case .text, .texts, .day, .word, .object, .objects: return .string(text)
        }
    }
}
