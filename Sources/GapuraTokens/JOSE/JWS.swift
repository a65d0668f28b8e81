/// A JWS in compact form, RFC 7515 section 7.1, read but not believed yet.
///
/// The header chooses among keys that we already trust, and nothing else: `jku`, `jwk`, `x5u` and `x5c` are not
/// looked at.
public struct JWS: Sendable {
    /// Longer tokens are refused before anything is decoded.
    public static let maximumBytes = 16384

    /// The header; nobody has vouched for it before `verify`.
    public let header: JSONObject
    /// What the header names, known but not yet the key's.
    public let algorithm: SigningAlgorithm
    /// The key that the header names.
    public let kid: String?
    /// What `typ` says, in its normal form.
    public let type: TokenType?

    private let bytes: [UInt8]
    private let payloadStart: Int
    private let payloadEnd: Int
    private let signature: [UInt8]

    /// Reads the form and the header, and refuses what could not be accepted with any key.
    public init(_ token: some StringProtocol) throws(TokenError) {
        try self.init(bytes: token.utf8)
    }

    /// As `init(_:)`, for a token in bytes.
    public init(bytes token: some Collection<UInt8>) throws(TokenError) {
        guard token.count <= Self.maximumBytes else { throw TokenError(.malformed, "\(token.count) bytes") }
        bytes = Array(token)
        (payloadStart, payloadEnd) = try Self.parts(bytes)
        header = try Self.header(bytes[..<(payloadStart - 1)])

        // RFC 7515 section 4.1.11: whoever does not know an extension must refuse. We know none, so the member
        // itself is enough.
        for name in ["crit", "b64", "zip", "enc"] where header.contains(name) {
            throw TokenError(.unsupported, "the header has \(name)")
        }
        guard let alg = header["alg"]?.string else { throw TokenError(.malformed, "alg is not a string") }
        guard let algorithm = SigningAlgorithm(name: alg) else { throw TokenError(.unsupported, "alg") }
        self.algorithm = algorithm
        kid = try Self.text(header, "kid")
        type = try Self.text(header, "typ").map { TokenType($0) }
        guard let signature = try? Base64URL.decode(bytes[(payloadEnd + 1)...]) else {
            throw TokenError(.malformed, "the signature is not base64url")
        }
        self.signature = signature
    }

    /// The payload, once the signature is the key's.
    public func verify(with key: VerificationKey) throws(TokenError) -> [UInt8] {
        guard key.algorithm == algorithm else {
            throw TokenError(.algorithm, "\(algorithm.rawValue) with a key for \(key.algorithm.rawValue)")
        }
        guard key.isValid(signature: signature, for: bytes[..<payloadEnd]) else {
            throw TokenError(.signature, "not signed by \(key.kid ?? "the key")")
        }
        return try payload()
    }

    /// The payload before anybody vouched for it: for choosing whose keys to ask, never for a decision.
    public func unverifiedPayload() throws(TokenError) -> [UInt8] {
        try payload()
    }

    /// Signs a payload. `alg` and `kid` are the key's and come first; `header` adds to them.
    public static func sign(
        _ payload: [UInt8], with key: SigningKey, header: JSONObject = JSONObject()
    ) throws(KeyError) -> String {
        var whole: JSONObject = ["alg": .string(key.algorithm.rawValue)]
        if let kid = key.kid {
            whole["kid"] = .string(kid)
        }
        for member in header.members where !member.key.isExactly("alg") && !member.key.isExactly("kid") {
            whole[member.key] = member.value
        }
        var token = Base64URL.encodedBytes(whole.encoded())
        token.append(UInt8(ascii: "."))
        token += Base64URL.encodedBytes(payload)
        let signature = try key.sign(token)
        token.append(UInt8(ascii: "."))
        token += Base64URL.encodedBytes(signature)
        return String(decoding: token, as: UTF8.self)
    }

    /// Where the payload starts and ends. The dots are counted before anything is decoded.
    private static func parts(_ bytes: [UInt8]) throws(TokenError) -> (start: Int, end: Int) {
        var first = 0
        var second = 0
        var dots = 0
        for (position, byte) in bytes.enumerated() where byte == UInt8(ascii: ".") {
            dots += 1
            if dots == 1 { first = position }
            if dots == 2 { second = position }
        }
        guard dots == 2 else {
            throw TokenError(dots == 4 ? .unsupported : .malformed, "\(dots) dots")
        }
        guard first > 0, second > first + 1, second < bytes.count - 1 else {
            throw TokenError(.malformed, "an empty part")
        }
        return (first + 1, second)
    }

    private static func header(_ encoded: ArraySlice<UInt8>) throws(TokenError) -> JSONObject {
        let json: [UInt8]
        do {
            json = try Base64URL.decode(encoded)
        } catch {
            throw TokenError(.malformed, "the header is not base64url")
        }
        let value: JSONValue
        do {
            value = try StrictJSON.parse(json, maximumDepth: 8)
        } catch {
            throw TokenError(.malformed, "the header: \(error)")
        }
        guard let object = value.object else { throw TokenError(.malformed, "the header is not an object") }
        return object
    }

    private static func text(_ header: JSONObject, _ name: String) throws(TokenError) -> String? {
        guard let value = header[name] else { return nil }
        guard let text = value.string else { throw TokenError(.malformed, "\(name) is not a string") }
        return text
    }

    private func payload() throws(TokenError) -> [UInt8] {
        do {
            return try Base64URL.decode(bytes[payloadStart..<payloadEnd])
        } catch {
            throw TokenError(.malformed, "the payload is not base64url")
        }
    }
}
