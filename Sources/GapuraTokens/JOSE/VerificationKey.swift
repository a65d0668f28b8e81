/// A key that checks signatures, with the one algorithm it does that by: no header of a token can choose another.
public struct VerificationKey: Sendable {
    /// The key's name in headers and key sets; nil for a key that stands alone.
    public let kid: String?
    /// The one algorithm.
    public let algorithm: SigningAlgorithm

    let material: KeyMaterial
    let scheme: any SignatureScheme

    init(_ material: KeyMaterial, _ algorithm: SigningAlgorithm, kid: String?) throws(KeyError) {
        self.init(material, algorithm, kid: kid, scheme: try material.scheme(algorithm))
    }

    init(_ material: KeyMaterial, _ algorithm: SigningAlgorithm, kid: String?, scheme: any SignatureScheme) {
        self.material = material
        self.algorithm = algorithm
        self.kid = kid
        self.scheme = scheme
    }

    /// A secret for HS256, HS384 or HS512, at least as long as the hash. It belongs to one partner and is never
    /// published.
    public init(secret: [UInt8], algorithm: SigningAlgorithm, kid: String? = nil) throws(KeyError) {
        try self.init(.secret(secret), algorithm, kid: kid)
    }

    /// A public key in PEM (SubjectPublicKeyInfo). Without a `kid` it is named by its thumbprint.
    public init(pem: String, algorithm: SigningAlgorithm, kid: String? = nil) throws(KeyError) {
        let material = KeyMaterial.pair(try PEM.publicKey(pem))
        try self.init(material, algorithm, kid: try JSONWebKey.name(kid, material))
    }

    /// A public key, or a secret, as a JWK.
    ///
    /// - Parameter algorithm: for an RSA key or a secret whose JWK names none; where both are there, they must agree.
    public init(_ jwk: JSONWebKey, algorithm: SigningAlgorithm? = nil) throws(KeyError) {
        let material = try jwk.material()
        try self.init(material, try jwk.algorithm(fallback: algorithm), kid: jwk.kid)
    }

    /// Whether the signature is this key's for exactly these bytes: the signature step alone.
    public func isValid(signature: some Collection<UInt8>, for message: some Collection<UInt8>) -> Bool {
        signature.withBytes { signature in
            message.withBytes { message in
                scheme.isValid(signature, for: message)
            }
        }
    }

    /// The public key with `kid`, `use` and `alg`. A secret has no public form, and this throws.
    public func jsonWebKey() throws(KeyError) -> JSONWebKey {
        try JSONWebKey(publicPartOf: material).naming(kid, algorithm)
    }

    /// The public key in PEM (SubjectPublicKeyInfo). A secret has no public form, and this throws.
    public func pem() throws(KeyError) -> String {
        guard case .pair(let key) = material else { throw KeyError(.unsupported, "a secret has no PEM form") }
        return try PEM.encodePublic(key)
    }

    /// RFC 7638, with SHA-256.
    public func thumbprint() throws(KeyError) -> String {
        try JSONWebKey(publicPartOf: material).thumbprint()
    }
}

extension VerificationKey: CustomStringConvertible, CustomReflectable {
    /// Algorithm and name: a secret is never shown.
    public var description: String { "\(algorithm.rawValue) key \(kid ?? "without a name")" }

    /// Nothing for `dump` to show.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
