/// What a token says: a JSON object with the claims of RFC 7519 section 4.1 as properties.
public struct Claims: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// All claims, in order.
    public var object: JSONObject

    /// Names that only the issuer itself may set: no attribute mapping and no feed gives them a value.
    public static let reserved = [
        "iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "nonce", "auth_time", "acr", "amr", "sid", "at_hash",
        "c_hash", "s_hash", "client_id", "scope", "cnf", "act", "may_act", "events", "roles",
    ]

    /// Whether a name is one of `reserved`, but for `roles`, which the gateway tells of a person.
    package static func isProtocol(_ name: String) -> Bool {
        !name.isExactly("roles") && reserved.contains { $0.isExactly(name) }
    }

    public init(_ object: JSONObject = JSONObject()) {
        self.object = object
    }

    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        object = JSONObject(elements)
    }

    /// From the payload of a token.
    public init(json: some Collection<UInt8>) throws(TokenError) {
        let value: JSONValue
        do {
            value = try StrictJSON.parse(json, maximumDepth: 32, maximumBytes: JWS.maximumBytes)
        } catch {
            throw TokenError(.malformed, "the payload: \(error)")
        }
        guard let object = value.object else { throw TokenError(.malformed, "the payload is not an object") }
        self.object = object
    }

    /// A claim by its name.
    public subscript(_ name: String) -> JSONValue? {
        get { object[name] }
        set { object[name] = newValue }
    }

    // MARK: Claims as properties; a claim of the wrong JSON type reads as nil, and `TokenVerifier` has refused it
    // before.

    /// Who issued the token.
    public var iss: String? {
        get { object["iss"]?.string }
        set { object["iss"] = newValue.map { .string($0) } }
    }

    /// Whom it is about.
    public var sub: String? {
        get { object["sub"]?.string }
        set { object["sub"] = newValue.map { .string($0) } }
    }

    /// One audience is written as a string, several as an array.
    public var aud: [String] {
        get { object["aud"]?.string.map { [$0] } ?? object["aud"]?.strings ?? [] }
        set {
            switch newValue.count {
            case 0: object["aud"] = nil
            case 1: object["aud"] = newValue.first.map { .string($0) }
            default: object["aud"] = .array(newValue.map { .string($0) })
            }
        }
    }

    /// From when on it is dead; whole seconds are written.
    public var exp: Timestamp? {
        get { Self.moment(object["exp"]) }
        set { object["exp"] = newValue.map { .integer($0.seconds) } }
    }

    /// Before when it is not valid; whole seconds are written.
    public var nbf: Timestamp? {
        get { Self.moment(object["nbf"]) }
        set { object["nbf"] = newValue.map { .integer($0.seconds) } }
    }

    /// When it was issued; whole seconds are written.
    public var iat: Timestamp? {
        get { Self.moment(object["iat"]) }
        set { object["iat"] = newValue.map { .integer($0.seconds) } }
    }

    /// The token's own name.
    public var jti: String? {
        get { object["jti"]?.string }
        set { object["jti"] = newValue.map { .string($0) } }
    }

    /// `client_id`, RFC 8693 section 4.3.
    public var clientID: String? {
        get { object["client_id"]?.string }
        set { object["client_id"] = newValue.map { .string($0) } }
    }

    /// The session, OIDC Back-Channel Logout section 2.1.
    public var sid: String? {
        get { object["sid"]?.string }
        set { object["sid"] = newValue.map { .string($0) } }
    }

    /// The words of `scope`, RFC 8693 section 4.2.
    public var scopes: [String] {
        get { object["scope"]?.string?.utf8.split(separator: 0x20).compactMap { String($0) } ?? [] }
        set { object["scope"] = newValue.isEmpty ? nil : .string(newValue.joined(separator: " ")) }
    }

    // MARK: Claims that must be right

    /// The text of a claim, nil where it is absent; another JSON type and empty text are refused.
    public func text(_ name: String) throws(TokenError) -> String? {
        guard let value = object[name] else { return nil }
        guard let text = value.string, !text.isEmpty else { throw TokenError(.claims, "\(name) is not text") }
        return text
    }

    /// The moment of a claim, nil where it is absent. Numbers before 1970 or after the year 9999 are refused.
    public func moment(_ name: String) throws(TokenError) -> Timestamp? {
        guard let value = object[name] else { return nil }
        guard let moment = Self.moment(value) else { throw TokenError(.claims, "\(name) is not a moment") }
        return moment
    }

    /// `aud` as a list: never empty, nothing but texts.
    public func audiences() throws(TokenError) -> [String] {
        let audiences = aud
        guard !audiences.isEmpty else { throw TokenError(.audience, "no aud") }
        return audiences
    }

    private static let latest: Int64 = 253_402_300_799

    private static func moment(_ value: JSONValue?) -> Timestamp? {
        switch value {
        case .integer(let seconds):
            return (0...latest).contains(seconds) ? Timestamp(seconds: seconds) : nil
        case .double(let seconds):
            return (0...Double(latest)).contains(seconds) ? Timestamp(milliseconds: Int64(seconds * 1000)) : nil
        default:
            return nil
        }
    }
}
