/// A set of keys, RFC 7517 section 5, that tokens name by `kid`.
public struct JSONWebKeySet: Sendable {
    /// More keys than any issuer has.
    public static let maximumKeys = 100

    /// The keys, in order.
    public let keys: [VerificationKey]
    private let byKid: [ExactText: VerificationKey]

    /// Every key has a `kid` of its own, unless it is the only one.
    public init(_ keys: [VerificationKey]) throws(KeyError) {
        guard keys.count <= Self.maximumKeys else { throw KeyError(.tooMany, "\(keys.count) keys") }
        var byKid: [ExactText: VerificationKey] = [:]
        for key in keys {
            guard let kid = key.kid else { continue }
            guard byKid.updateValue(key, forKey: ExactText(kid)) == nil else {
                throw KeyError(.duplicateKid, "two keys with one kid")
            }
        }
        self.keys = keys
        self.byKid = byKid
    }

    /// From what a `jwks_uri` answers. Keys of kinds we do not use, and keys not for signatures, are left out; a
    /// weak key or a private one
    /// refuses the set.
    ///
    /// - Parameter rsaAlgorithm: what RSA keys without `alg` are for.
    public init(
        json: some Collection<UInt8>, rsaAlgorithm: SigningAlgorithm = .rs256, maximumBytes: Int = 1 << 18
    ) throws(KeyError) {
        guard let object = try? StrictJSON.parse(json, maximumDepth: 8, maximumBytes: maximumBytes).object else {
            throw KeyError(.malformed, "a key set is not a JSON object")
        }
        try self.init(object, rsaAlgorithm: rsaAlgorithm)
    }

    /// As `init(json:)`, from the `jwks` member of a registration.
    public init(_ object: JSONObject, rsaAlgorithm: SigningAlgorithm = .rs256) throws(KeyError) {
        guard let values = object["keys"]?.array else { throw KeyError(.malformed, "a key set without keys") }
        guard values.count <= Self.maximumKeys else { throw KeyError(.tooMany, "\(values.count) keys") }
        var keys: [VerificationKey] = []
        for value in values {
            guard let members = value.object else { throw KeyError(.malformed, "a key is not a JSON object") }
            let jwk = try JSONWebKey(members)
            guard !jwk.isPrivate else { throw KeyError(.privateMembers, "a key set with private members") }
            guard jwk.isForSignatures else { continue }
            do {
                let fallback = jwk.kty == "RSA" && jwk.alg == nil ? rsaAlgorithm : nil
                keys.append(try VerificationKey(jwk, algorithm: fallback))
            } catch  where error.code == .unsupported {
                continue
            }
        }
        try self.init(keys)
    }

    /// The key that a header means. A name is looked up as bytes and nothing else; no name means the only key there is.
    public func key(_ kid: String?) -> VerificationKey? {
        guard let kid else { return keys.count == 1 ? keys.first : nil }
        return byKid[ExactText(kid)]
    }

    /// Public members only. Secrets are left out: they are nobody's to read.
    public func jsonObject() throws(KeyError) -> JSONObject {
        var values: [JSONValue] = []
        for key in keys where !key.algorithm.isSymmetric {
            values.append(.object(try key.jsonWebKey().members))
        }
        return ["keys": .array(values)]
    }

    /// As `jsonObject()`, as JSON text.
    public func encoded() throws(KeyError) -> [UInt8] {
        try jsonObject().encoded()
    }
}
