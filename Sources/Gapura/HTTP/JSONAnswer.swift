package import GapuraFormats
package import Hummingbird
import NIOCore

/// Answers in JSON.
package enum JSONAnswer {
    package static func make(
        _ value: JSONValue, status: HTTPResponse.Status = .ok, noStore: Bool = true, headers more: HTTPFields = [:]
    ) -> Response {
        make(bytes: value.encoded(), status: status, noStore: noStore, headers: more)
    }

    package static func make(
        bytes: [UInt8], status: HTTPResponse.Status = .ok, noStore: Bool = true, headers more: HTTPFields = [:]
    ) -> Response {
        var headers = more
        headers[.contentType] = "application/json"
        if noStore { headers[.cacheControl] = "no-store" }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// RFC 6749 section 5.2: only `invalid_client` is 401, and says how to authenticate.
    static func error(_ error: OAuthError) -> Response {
        let body: JSONValue = ["error": .string(error.code.rawValue), "error_description": .string(error.text)]
        switch error.code {
        case .invalidClient:
            return make(body, status: .unauthorized, headers: [.wwwAuthenticate: #"Basic realm="gapura""#])
        case .invalidToken:
            return make(body, status: .unauthorized, headers: [.wwwAuthenticate: error.challenge])
        case .insufficientScope:
            return make(body, status: .forbidden, headers: [.wwwAuthenticate: error.challenge])
        case .tooManyRequests:
            return make(body, status: .tooManyRequests, headers: [.retryAfter: "\(error.retryAfter ?? 60)"])
        case .invalidDPoPProof where error.scheme != nil:
            return make(body, status: .unauthorized, headers: [.wwwAuthenticate: error.challenge])
        case .serverError:
            return make(body, status: .internalServerError)
        case .temporarilyUnavailable:
            return make(body, status: .serviceUnavailable, headers: [.retryAfter: "2"])
        default:
            return make(body, status: .badRequest)
        }
    }
}
