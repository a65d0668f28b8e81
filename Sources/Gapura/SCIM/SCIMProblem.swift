import GapuraDirectory
import GapuraFormats
import GapuraStore
package import HTTPTypes
import Hummingbird
import NIOCore

/// What SCIM answers where it does not do what was asked: RFC 7644 section 3.12.
package struct SCIMProblem: Error, Sendable, Equatable {
    /// The words of table 9.
    package enum Kind: String, Sendable {
        case invalidFilter
        case tooMany
        case uniqueness
        case mutability
        case invalidSyntax
        case invalidPath
        case noTarget
        case invalidValue
    }

    package let status: HTTPResponse.Status
    package let kind: Kind?
    package let detail: String
    package let headers: HTTPFields

    init(_ status: HTTPResponse.Status, _ kind: Kind? = nil, _ detail: String, headers: HTTPFields = [:]) {
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = headers
    }

    /// 400 of a kind.
    init(_ kind: Kind, _ detail: String) { self.init(.badRequest, kind, detail) }

    static let schema = "urn:ietf:params:scim:api:messages:2.0:Error"

    var jsonObject: JSONObject {
        var json: JSONObject = ["schemas": [.string(Self.schema)], "status": .string("\(status.code)")]
        if let kind { json["scimType"] = .string(kind.rawValue) }
        json["detail"] = .string(detail)
        return json
    }

    func answer() -> Response { SCIMAnswer.make(jsonObject, status: status, headers: headers) }
}

extension SCIMProblem {
    /// What was thrown on the way, in the words of SCIM.
    init(_ error: any Error) {
        switch error {
        case let error as SCIMProblem: self = error
        case let error as APIProblem: self.init(error.status, nil, error.detail, headers: error.headers)
        case let error as ProvisioningFilterError: self.init(.invalidFilter, error.text)
        case let error as SCIMSyntaxError: self.init(.invalidFilter, "The filter: \(error).")
        default: self.init(APIProblem(OperationError(error)))
        }
    }

    static let changed = SCIMProblem(
        .preconditionFailed, nil, "It was changed since you read it; read it again, and send the new version.")
    static let unknown = SCIMProblem(.notFound, nil, "There is no such resource.")
}

/// Answers of `application/scim+json`.
enum SCIMAnswer {
    static func make(_ json: JSONObject, status: HTTPResponse.Status = .ok, headers more: HTTPFields = [:]) -> Response
    {
        var headers = more
        headers[.contentType] = "application/scim+json"
        headers[.cacheControl] = "no-store"
        let bytes = JSONValue.object(json).encoded()
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
