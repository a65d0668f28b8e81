/// A key as JSON, RFC 7517 and RFC 8037.
public struct JSONWebKey: Sendable, Equatable {
    /// All members, private ones included.
    public let members: JSONObject

    /// The members that only the owner of a key may see.
    public static let privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]

    /// A key whose `kty` is there; the rest is checked when the key is used.
    public init(_ members: JSONObject) throws(KeyError) {
        guard members["kty"]?.string != nil else { throw KeyError(.malformed, "a JWK without kty") }
        for name in ["kid", "alg", "use"] {
            if let value = members[name], value.string == nil {
                throw KeyError(.malformed, "\(name) is not a string")
            }
        }
        self.members = members
    }

    /// From JSON text.
    public init(json: some Collection<UInt8>) throws(KeyError) {
        guard let object = try? StrictJSON.parse(json, maximumDepth: 8, maximumBytes: 1 << 16).object else {
            throw KeyError(.malformed, "a JWK is not a JSON object")
        }
        try self.init(object)
    }

    private init(known members: JSONObject) {
        self.members = members
    }

    /// The kind of key.
    public var kty: String { members["kty"]?.string ?? "" }
    /// The key's name.
    public var kid: String? { members["kid"]?.string }
    /// The one algorithm the key is for.
    public var alg: String? { members["alg"]?.string }
    /// `sig` or `enc`.
    public var use: String? { members["use"]?.string }

    /// Whether it holds a private member, or a secret.
    public var isPrivate: Bool {
        Self.privateMembers.contains { members.contains($0) }
    }

    /// As JSON text, private members included.
    public func encoded() -> [UInt8] {
        members.encoded()
    }

    /// RFC 7638, with SHA-256: the same for the private and the public form.
    public func thumbprint() throws(KeyError) -> String {
        let names: [String]
        switch kty {
        case "RSA": names = ["e", "kty", "n"]
        case "EC": names = ["crv", "kty", "x", "y"]
        case "OKP": names = ["crv", "kty", "x"]
        case "oct": names = ["k", "kty"]
        default: throw KeyError(.unsupported, "kty is not one we use")
        }
        var required = JSONObject()
        for name in names {
            guard let value = members[name]?.string else { throw KeyError(.malformed, "\(name) is missing") }
            required[name] = .string(value)
        }
        return Base64URL.encode(SHA256.hash(required.encoded()))
    }

    /// Whether it may check signatures at all: `use` and `key_ops` can say no.
    var isForSignatures: Bool {
        if let use, !use.isExactly("sig") { return false }
        if let operations = members["key_ops"] {
            return operations.strings?.contains { $0 == "verify" || $0 == "sign" } ?? false
        }
        return true
    }

    /// The algorithm that `alg` names, else the only one the key can have, else the caller's; all that are there
    /// must agree.
    func algorithm(fallback: SigningAlgorithm?) throws(KeyError) -> SigningAlgorithm {
        var named: SigningAlgorithm?
        if let alg {
            named = SigningAlgorithm(name: alg)
            guard named != nil else { throw KeyError(.unsupported, "alg is not one we use") }
        } else if kty == "EC" {
            named = EllipticCurve(rawValue: members["crv"]?.string ?? "")?.algorithm
        } else if kty == "OKP" {
            named = .edDSA
        }
        guard let algorithm = named ?? fallback else { throw KeyError(.algorithm, "the key names no algorithm") }
        guard fallback == nil || fallback == algorithm else {
            throw KeyError(.algorithm, "the key is for another algorithm")
        }
        return algorithm
    }
}

extension JSONWebKey: CustomStringConvertible, CustomReflectable {
    /// Public members only, so that no log shows a private key.
    public var description: String {
        var members = members
        for name in Self.privateMembers where members.contains(name) {
            members[name] = "•••"
        }
        return members.encodedText()
    }

    /// Nothing for `dump` to show.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

// MARK: To and from OpenSSL

extension JSONWebKey {
    func material() throws(KeyError) -> KeyMaterial {
        switch kty {
        case "oct":
            return .secret(try bytes("k"))
        case "RSA":
            return .pair(try KeyBuilder.rsa(n: bytes("n"), e: bytes("e"), privatePart: rsaPrivatePart()))
        case "EC":
            guard let curve = EllipticCurve(rawValue: try text("crv")) else {
                throw KeyError(.unsupported, "crv is not one we use")
            }
            let d = members.contains("d") ? try bytes("d", size: curve.size) : nil
            let x = try bytes("x", size: curve.size)
            let y = try bytes("y", size: curve.size)
            return .pair(try KeyBuilder.ec(curve, x: x, y: y, d: d))
        case "OKP":
            guard try text("crv") == "Ed25519" else { throw KeyError(.unsupported, "crv is not one we use") }
            let d = members.contains("d") ? try bytes("d", size: 32) : nil
            return .pair(try KeyBuilder.ed25519(x: bytes("x", size: 32), d: d))
        default:
            throw KeyError(.unsupported, "kty is not one we use")
        }
    }

    private func rsaPrivatePart() throws(KeyError) -> KeyBuilder.RSAPrivatePart? {
        guard members.contains("d") else { return nil }
        guard !members.contains("oth") else { throw KeyError(.unsupported, "an RSA key of more than two primes") }
        return KeyBuilder.RSAPrivatePart(
            d: try bytes("d"), p: try bytes("p"), q: try bytes("q"), dp: try bytes("dp"), dq: try bytes("dq"),
            qi: try bytes("qi"))
    }

    private func text(_ name: String) throws(KeyError) -> String {
        guard let text = members[name]?.string else { throw KeyError(.malformed, "\(name) is missing") }
        return text
    }

    private func bytes(_ name: String, size: Int? = nil) throws(KeyError) -> [UInt8] {
        guard let bytes = try? Base64URL.decode(text(name)), !bytes.isEmpty, bytes.count <= 1024,
            size == nil || bytes.count == size
        else { throw KeyError(.malformed, "\(name) is not what it should be") }
        return bytes
    }

    /// Members of the standard and nothing else. A secret has no public part, and this throws.
    init(publicPartOf material: KeyMaterial) throws(KeyError) {
        guard case .pair(let key) = material else { throw KeyError(.unsupported, "a secret has no public form") }
        self.init(known: try KeyBuilder.publicMembers(key))
    }

    init(privatePartOf material: KeyMaterial) throws(KeyError) {
        switch material {
        case .secret(let secret):
            self.init(known: ["kty": "oct", "k": .string(Base64URL.encode(secret))])
        case .pair(let key):
            self.init(known: try KeyBuilder.privateMembers(key))
        }
    }

    /// The name that a key was given, or its thumbprint.
    static func name(_ kid: String?, _ material: KeyMaterial) throws(KeyError) -> String {
        if let kid { return kid }
        return try JSONWebKey(publicPartOf: material).thumbprint()
    }

    func naming(_ kid: String?, _ algorithm: SigningAlgorithm) -> JSONWebKey {
        var members = members
        if let kid {
            members["kid"] = .string(kid)
        }
        members["use"] = "sig"
        members["alg"] = .string(algorithm.rawValue)
        return JSONWebKey(known: members)
    }
}
