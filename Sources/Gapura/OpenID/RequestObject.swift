import GapuraFormats
import GapuraTokens

/// Request objects: RFC 9101 section 6, signed with a key of the client. Not encrypted ones, and none by reference.
struct RequestObjectReader: Sendable {
    /// Seconds (attack 11).
    private static let maximumLifetime: Int64 = 3600

    /// Members that say something about the object and nothing about the request.
    private static let ownMembers = ["iss", "aud", "exp", "nbf", "iat", "jti", "sub"]

    private let issuer: String
    private let keys: ClientKeys

    init(_ services: Services, clients: ClientReader) {
        issuer = services.settings.issuer
        keys = clients.keys
    }

    /// The parameters in an object. They are the whole request: what stands beside it is not looked at (section 6.3).
    /// - Throws: `OAuthError` `invalid_request_object`.
    func parameters(_ text: String, of client: Client, at now: Timestamp) async throws -> RequestParameters {
        let claims = try await verified(text, client)
        try check(claims, client, now)
        var pairs: [(name: String, value: String)] = []
        for (name, value) in claims.object.members where !Self.ownMembers.contains(where: { $0.isExactly(name) }) {
            for text in try Self.texts(value) { pairs.append((name, text)) }
        }
        let parameters = RequestParameters(pairs)
        guard parameters["request"] == nil, parameters["request_uri"] == nil else {
            throw Self.invalid("a request object in a request object")
        }
        if let named = parameters["client_id"] {
            guard named.isExactly(client.id.text) else { throw Self.invalid("client_id is another's") }
            return parameters
        }
        return RequestParameters([("client_id", client.id.text)] + pairs)
    }

    private func verified(_ text: String, _ client: Client) async throws -> Claims {
        do {
            let jws = try JWS(text)
            guard jws.type == nil || jws.type == .jwt || jws.type == .requestObject else {
                throw Self.invalid("a token of another kind")
            }
            let security = client.metadata.security
            guard ClientSecurity.requestObjectAlgorithms.contains(jws.algorithm),
                security.requestObjectAlgorithm.map({ $0 == jws.algorithm }) ?? true,
                security.profile != .fapi2 || ClientSecurity.strongAlgorithms.contains(jws.algorithm)
            else { throw Self.invalid("an algorithm that this client does not use") }
            guard let key = try await keys.key(for: jws, of: client) else {
                throw Self.invalid("no key of the client has that kid")
            }
            return try Claims(json: jws.verify(with: key))
        } catch let error as TokenError {
            throw Self.invalid(error.code.rawValue)
        } catch let error as KeyError {
            throw Self.invalid(error.code.rawValue)
        }
    }

    private func check(_ claims: Claims, _ client: Client, _ now: Timestamp) throws(OAuthError) {
        // Section 4 recommends iss and aud, and libraries leave them out; what is there has to be right.
        let isStrict = client.metadata.security.profile == .fapi2
        guard claims.iss?.isExactly(client.id.text) ?? (claims["iss"] == nil && !isStrict) else {
            throw Self.invalid("iss is not the client")
        }
        guard claims.aud.contains(where: { $0.isExactly(issuer) }) || (claims["aud"] == nil && !isStrict) else {
            throw Self.invalid("aud is another's")
        }
        do {
            let times = SignedTimes(leeway: SignedTimes.usualLeeway)
            try times.check(claims, now: now, maximumLifetime: Self.maximumLifetime)
        } catch {
            throw Self.invalid(error.reason)
        }
        guard let nbf = claims.nbf else {
            if client.metadata.security.profile == .fapi2 { throw Self.invalid("no nbf") }
            return
        }
        let oldest = now.adding(seconds: -Self.maximumLifetime - SignedTimes.usualLeeway)
        guard nbf >= oldest, let exp = claims.exp, exp <= nbf.adding(seconds: Self.maximumLifetime) else {
            throw Self.invalid("valid for more than an hour")
        }
    }

    /// A member as the parameter that it would be in a query.
    private static func texts(_ value: JSONValue) throws(OAuthError) -> [String] {
        switch value {
        case .null: return []
        case .string(let text): return [text]
        case .integer(let number): return ["\(number)"]
        case .bool(let truth): return ["\(truth)"]
        case .object: return [value.encodedText()]
        case .array:
            guard let texts = value.strings else { throw invalid("a list of something else than texts") }
            return texts
        default: throw invalid("a number that is not whole")
        }
    }

    private static func invalid(_ reason: String) -> OAuthError {
        OAuthError(.invalidRequestObject, "The request object is not usable.", reason: "request object: \(reason)")
    }
}
