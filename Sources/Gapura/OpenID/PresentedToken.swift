import GapuraFormats
import GapuraStore
import GapuraTokens
import Hummingbird

/// How an access token is sent to a resource.
enum TokenScheme: String, Sendable {
    /// RFC 6750 section 2.1.
    case bearer = "Bearer"
    /// RFC 9449 section 7.1.
    case dpop = "DPoP"
}

extension OAuthError {
    /// `WWW-Authenticate` of a resource: RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470 section 3.
    var challenge: String {
        var start = #"\#((scheme ?? .bearer).rawValue) realm="gapura", error="\#(code.rawValue)""#
        if let maxAge { start += #", max_age="\#(maxAge)""# }
        guard scheme == .dpop else { return start }
        return start + #", algs="\#(ClientSecurity.strongAlgorithms.map(\.rawValue).joined(separator: " "))""#
    }
}

/// An access token as a request brings it, with the proof beside it where it is bound to a key.
struct PresentedToken: Sendable {
    let text: String
    let scheme: TokenScheme
    let proof: DPoPProof?

    /// A token is as good as it is sent: one that is bound to a key only with a proof of that key, any other only
    /// without (RFC 9449 section 7.2).
    /// - Throws: `OAuthError` `invalid_token`.
    func check(_ live: LiveAccessToken) throws(OAuthError) {
        switch (live.jkt, proof?.jkt) {
        case (nil, nil): return
        case (let bound?, let proven?) where bound.isExactly(proven): return
        default: throw OAuthError.invalidToken(reason: "the token is bound to another key, or to none")
        }
    }
}

/// Reads access tokens from requests (RFC 6750 section 2): the header or a form body, never the query.
struct PresentedTokenReader: Sendable {
    private static let maximumBytes = 20_000

    private let proofs: DPoPReader

    init(_ services: Services) { proofs = DPoPReader(services) }

    func read(_ request: Request, at now: Timestamp) async throws -> PresentedToken? {
        var token = try header(of: request, at: now)
        // Beside a token in the header, a body of another kind says nothing here.
        if request.method == .post, request.headers[.contentType] != nil,
            token == nil || RequestParameters.isForm(request)
        {
            let form = try await RequestParameters(form: request)
            try form.refuseDuplicates()
            if let posted = form["access_token"] {
                guard token == nil else { throw OAuthError.invalidRequest("Send the token one way only.") }
                token = PresentedToken(text: posted, scheme: .bearer, proof: nil)
            }
        }
        return token
    }

    /// The token in the header, the one place where APIs look. Schemes have no case.
    func header(of request: Request, at now: Timestamp) throws(OAuthError) -> PresentedToken? {
        let headers = request.headers[values: .authorization]
        guard headers.count <= 1 else { throw OAuthError.invalidRequest("Send one Authorization header.") }
        guard let header = headers.first else { return nil }
        let bytes = Array(header.utf8)
        guard bytes.count <= Self.maximumBytes, let space = bytes.firstIndex(of: 0x20),
            let scheme = Self.scheme(bytes[..<space])
        else { throw OAuthError.invalidToken(reason: "the Authorization header is neither Bearer nor DPoP") }
        let text = String(decoding: bytes[space...].drop { $0 == 0x20 }, as: UTF8.self)
        guard scheme == .dpop else { return PresentedToken(text: text, scheme: scheme, proof: nil) }
        do throws(OAuthError) {
            guard let proof = try proofs.read(request, for: text, at: now) else { throw DPoPReader.invalid("missing") }
            return PresentedToken(text: text, scheme: scheme, proof: proof)
        } catch {
            throw error.atResource(.dpop)
        }
    }

    private static func scheme(_ word: ArraySlice<UInt8>) -> TokenScheme? {
        let lower = word.map { $0 | 0x20 }
        if lower.elementsEqual("bearer".utf8) { return .bearer }
        return lower.elementsEqual("dpop".utf8) ? .dpop : nil
    }
}
