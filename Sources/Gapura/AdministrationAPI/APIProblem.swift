import GapuraFormats
package import HTTPTypes
import Hummingbird
import NIOCore

/// What is answered where the administration API does not do what was asked: problem details of RFC 9457, with the
/// reason in two languages.
package struct APIProblem: OperationInterruption, Sendable, Equatable {
    package let status: HTTPResponse.Status
    /// A word for programs, the end of `type`.
    package let code: String
    package let detail: String
    package let indonesian: String
    package let headers: HTTPFields

    init(
        _ status: HTTPResponse.Status, _ code: String, _ detail: String, id indonesian: String,
        headers: HTTPFields = [:]
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.indonesian = indonesian
        self.headers = headers
    }

    /// What an operation threw.
    init(_ error: OperationError) {
        let status: HTTPResponse.Status =
            switch error.code {
            case .invalid: .badRequest
            case .notFound: .notFound
            case .conflict, .refused: .conflict
            case .forbidden: .forbidden
            case .unavailable: .serviceUnavailable
            case .failed: .internalServerError
            }
        self.init(
            status, error.code.rawValue, error.message, id: error.indonesian,
            headers: error.code == .unavailable ? [.retryAfter: "2"] : [:])
    }

    /// What the gateway itself refuses before a route is found, or after one failed.
    init(_ status: HTTPResponse.Status, allow: String? = nil) {
        let (code, detail, indonesian) =
            switch status {
            case .notFound: ("not_found", "There is no such path.", "Tidak ada alamat itu.")
            case .methodNotAllowed:
                ("method_not_allowed", "The path has other methods; see Allow.", "Alamat ini memakai metode lain.")
            case .contentTooLarge:
                ("too_large", "The body is larger than this path takes.", "Isi permintaan terlalu besar.")
            case .serviceUnavailable:
                ("unavailable", "The gateway is busy; try again.", "Gerbang sedang sibuk; coba lagi.")
            case .misdirectedRequest:
                ("misdirected", "This host is not served here.", "Host ini tidak dilayani di sini.")
            default:
                status.kind == .clientError
                    ? ("invalid", "The request cannot be understood.", "Permintaan tidak dapat dipahami.")
                    : ("failed", "The request could not be served.", "Permintaan tidak dapat dilayani.")
            }
        var headers: HTTPFields = [:]
        if let allow { headers[.allow] = allow }
        if status == .serviceUnavailable { headers[.retryAfter] = "2" }
        self.init(status, code, detail, id: indonesian, headers: headers)
    }

    static func invalid(_ detail: String, id indonesian: String) -> APIProblem {
        APIProblem(.badRequest, "invalid", detail, id: indonesian)
    }

    var jsonObject: JSONObject {
        [
            "type": .string("urn:gapura:problem:\(code)"), "title": .string(status.reasonPhrase),
            "status": .integer(Int64(status.code)), "code": .string(code), "detail": .string(detail),
            "pesan": .string(indonesian),
        ]
    }

    /// - Parameter requestID: the number under which the log knows the request.
    func answer(requestID: String) -> Response {
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        let bytes = JSONValue.object(jsonObject.adding("request_id", .string(requestID))).encoded()
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension APIProblem {
    /// RFC 6750 section 3.1, RFC 9470 section 3.
    init(_ error: OAuthError) {
        switch error.code {
        case .insufficientScope:
            self.init(
                .forbidden, "insufficient_scope", error.text, id: "Token ini tidak memiliki cakupan yang diperlukan.",
                headers: [.wwwAuthenticate: error.challenge + #", scope="admin""#])
        case .invalidToken, .invalidDPoPProof:
            self.init(
                .unauthorized, error.code.rawValue, error.text, id: "Token tidak dapat dipakai.",
                headers: [.wwwAuthenticate: error.challenge])
        case .insufficientUserAuthentication:
            self.init(
                .unauthorized, error.code.rawValue, error.text, id: "Tindakan ini memerlukan login yang baru.",
                headers: [.wwwAuthenticate: error.challenge])
        case .tooManyRequests:
            self.init(
                .tooManyRequests, error.code.rawValue, error.text, id: "Terlalu banyak permintaan; coba lagi nanti.",
                headers: [.retryAfter: "\(error.retryAfter ?? 60)"])
        default:
            self.init(.badRequest, "invalid", error.text, id: "Permintaan tidak sah.")
        }
    }

    /// Who sends no token is told how, not what was wrong.
    static var noToken: APIProblem {
        APIProblem(
            .unauthorized, "no_token", "Send an access token of scope admin: Authorization: Bearer …",
            id: "Kirim token akses dengan cakupan admin: Authorization: Bearer …",
            headers: [.wwwAuthenticate: #"Bearer realm="gapura", scope="admin""#])
    }
}
