import GapuraFormats
import Hummingbird
import NIOCore
import Synchronization

/// SIASN as its public clients document it, with the faults that it is known for: tokens at `/oauth2/token`, people at
/// `/apisiasn/1.0/pns/data-utama/NIP`.
final class SIASNStandIn: Sendable {
    enum Reply: Sendable {
        case person(String)
        /// The same with `code` as a text and `data` as a list.
        case lenient(String)
        case raw(HTTPResponse.Status, String)
        /// Nothing comes for as long as anybody waits.
        case slow
        /// Half of it comes.
        case cut(String)
        case oversized
    }

    static let consumerKey = "kunci-uji"
    static let consumerSecret = "SECRETCONSUMER"
    static let operatorToken = "SECRETOPERATOR." + String(repeating: "x", count: 6000)
    static let issued = "SECRETAPIM"

    struct State {
        var replies: [String: Reply] = [:]
        /// What the token endpoint answers instead of a token.
        var tokenReply: Reply?
        /// Tokens that are given and not good at once, from the first.
        var staleTokens = 0
        var tokens = 0
        var isOperatorKnown = true
        var lifetime = 3600
        /// NIPs that were asked for, in order; `token` for the other endpoint.
        var asked: [String] = []
    }

    private let state = Mutex(State())

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }
    var asked: [String] { state.withLock { $0.asked } }
    var tokens: Int { state.withLock { $0.tokens } }

    func answer(_ request: Request) async throws -> Response {
        let path = request.uri.path
        if path == "/oauth2/token" { return try await token(request) }
        let prefix = "/apisiasn/1.0/pns/data-utama/"
        guard path.hasPrefix(prefix), request.method == .get else { return .plain(.notFound, "no such path") }
        let number = String(path.dropFirst(prefix.count))
        let (isLetIn, reply) = state.withLock { state in
            state.asked.append(number)
            let authorization = request.headers[.authorization] ?? ""
            let isLetIn =
                authorization == "Bearer \(Self.issued)\(state.tokens)" && state.tokens > state.staleTokens
                && request.headers[.init("auth")!] == "bearer \(Self.operatorToken)" && state.isOperatorKnown
            return (isLetIn, state.replies[number])
        }
        guard isLetIn else {
            return .plain(
                .unauthorized, #"{"fault":{"code":900901,"message":"Invalid Credentials","description":"SECRETFAULT"}}"#
            )
        }
        return try await respond(reply ?? .raw(.notFound, #"{"code":0,"data":"Data tidak ditemukan"}"#))
    }

    private func token(_ request: Request) async throws -> Response {
        let body = String(buffer: try await request.body.collect(upTo: 4096))
        let basic = "Basic " + Self.base64("\(Self.consumerKey):\(Self.consumerSecret)")
        let (reply, number, lifetime) = state.withLock { state in
            state.asked.append("token")
            state.tokens += 1
            return (state.tokenReply, state.tokens, state.lifetime)
        }
        if let reply { return try await respond(reply) }
        guard request.method == .post, body == "grant_type=client_credentials",
            request.headers[.authorization] == basic
        else { return .plain(.unauthorized, #"{"error":"invalid_client"}"#) }
        return .plain(
            .ok, #"{"access_token":"\#(Self.issued)\#(number)","token_type":"Bearer","expires_in":\#(lifetime)}"#)
    }

    private func respond(_ reply: Reply) async throws -> Response {
        switch reply {
        case .person(let data): return .plain(.ok, #"{"code":1,"data":\#(data)}"#)
        case .lenient(let data): return .plain(.ok, #"{"code":"1","data":[\#(data)]}"#)
        case .raw(let status, let text): return .plain(status, text)
        case .slow:
            try await Task.sleep(for: .seconds(60))
            return .plain(.ok)
        case .cut(let data):
            let whole = #"{"code":1,"data":\#(data)}"#
            return Response(
                status: .ok,
                body: ResponseBody(contentLength: whole.utf8.count) { writer in
                    try await writer.write(ByteBuffer(string: String(whole.prefix(whole.utf8.count / 2))))
                    throw CancellationError()
                })
        case .oversized:
            return .plain(.ok, #"{"code":1,"data":""# + String(repeating: "x", count: 1 << 20) + "\"}")
        }
    }

    private static func base64(_ text: String) -> String {
        let plain = Base64URL.encode(Array(text.utf8)).replacing("-", with: "+").replacing("_", with: "/")
        return plain + String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
    }

    /// `data-utama` of somebody, with what nobody may keep.
    static func data(
        _ id: String, _ number: String, _ name: String, unit: String, status: String = "01", more: String = ""
    ) -> String {
        """
        {"id":"\(id)","nipBaru":"\(number)","nipLama":null,"nama":"\(name)","gelarDepan":"","gelarBelakang":"","tglLahir":null,
        "agama":"SECRETRELIGION","alamat":"SECRETSTREET","nik":"SECRETNIK","emailGov":"a@contoh.invalid","noHp":"000012345678",
        "kedudukanPnsId":"\(status)","kedudukanPnsNama":"Aktif","jenisKelamin":"","tmtPns":"01-03-1912","instansiKerjaId":"7299",
        "unorId":"\(unit)","jenisJabatanId":"4","jabatanNama":"Pengelola","jabatanFungsionalUmumId":"J7","tmtJabatan":"01-04-1920",
        "golRuangAkhir":"III/a"\(more)}
        """
    }
}
