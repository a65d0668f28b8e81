internal import COpenSSL

/// A key that signs, with its one algorithm: a private key, or a secret shared with one partner.
public struct SigningKey: Sendable {
    /// What checks the signatures of this key.
    public let verificationKey: VerificationKey

    /// The key's name in headers and key sets.
    public var kid: String? { verificationKey.kid }
    /// The one algorithm.
    public var algorithm: SigningAlgorithm { verificationKey.algorithm }

    private var material: KeyMaterial { verificationKey.material }

    init(_ material: KeyMaterial, _ algorithm: SigningAlgorithm, kid: String?) throws(KeyError) {
        if case .pair(let key) = material, !key.isPrivate {
            throw KeyError(.malformed, "a public key cannot sign")
        }
        verificationKey = try VerificationKey(material, algorithm, kid: kid)
    }

    /// A new key. Without a `kid`, a pair is named by its thumbprint, and a secret has no name.
    ///
    /// - Parameter bits: the size of an RSA key, 2048 to 4096.
    public static func generate(
        _ algorithm: SigningAlgorithm, kid: String? = nil, bits: Int = 2048
    ) throws(KeyError) -> SigningKey {
        let pair: OpaquePointer?
        switch algorithm.family {
        case .hmac:
            return try SigningKey(secret: SecureRandom.bytes(algorithm.digest.size), algorithm: algorithm, kid: kid)
        case .rsaPKCS1, .rsaPSS:
            guard RSASignature.sizes.contains(bits) else { throw KeyError(.weak, "an RSA key of \(bits) bits") }
            pair = gapura_generate_rsa(bits)
        case .ecdsa:
            pair = gapura_generate_ec(algorithm.curve?.opensslName)
        case .edDSA:
            pair = gapura_generate_ed25519()
        }
        guard let pair else {
            ERR_clear_error()
            throw KeyError(.failed, "no new key for \(algorithm.rawValue)")
        }
        let material = KeyMaterial.pair(EVPKey(adopting: pair, isPrivate: true))
        return try SigningKey(material, algorithm, kid: try JSONWebKey.name(kid, material))
    }

    /// A secret for HS256, HS384 or HS512, at least as long as the hash.
    public init(secret: [UInt8], algorithm: SigningAlgorithm, kid: String? = nil) throws(KeyError) {
        try self.init(.secret(secret), algorithm, kid: kid)
    }

    /// A private key in PEM (PKCS #8, or an older form that OpenSSL reads; never an encrypted one).
    public init(pem: String, algorithm: SigningAlgorithm, kid: String? = nil) throws(KeyError) {
        let material = KeyMaterial.pair(try PEM.privateKey(pem))
        try self.init(material, algorithm, kid: try JSONWebKey.name(kid, material))
    }

    /// A private key, or a secret, as a JWK.
    public init(_ jwk: JSONWebKey, algorithm: SigningAlgorithm? = nil) throws(KeyError) {
        let material = try jwk.material()
        try self.init(material, try jwk.algorithm(fallback: algorithm), kid: jwk.kid)
    }

    /// The signature of these bytes: the signature step alone.
    public func sign(_ message: some Collection<UInt8>) throws(KeyError) -> [UInt8] {
        guard let signature = message.withBytes({ verificationKey.scheme.sign($0) }) else {
            throw KeyError(.failed, "no signature by \(algorithm.rawValue)")
        }
        return signature
    }

    /// The private key in PEM (PKCS #8), not encrypted.
    public func pem() throws(KeyError) -> String {
        guard case .pair(let key) = material else { throw KeyError(.unsupported, "a secret has no PEM form") }
        return try PEM.encodePrivate(key)
    }

    /// The whole key, private members too. What is published is `verificationKey.jsonWebKey()`.
    public func privateJSONWebKey() throws(KeyError) -> JSONWebKey {
        try JSONWebKey(privatePartOf: material).naming(kid, algorithm)
    }
}

extension SigningKey: CustomStringConvertible, CustomReflectable {
    /// Algorithm and name: neither a secret nor a private key is ever shown.
    public var description: String { verificationKey.description }

    /// Nothing for `dump` to show.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
