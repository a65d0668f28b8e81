/// The signature algorithms of RFC 7518 section 3.1 and RFC 8037. `none` is not among them.
public enum SigningAlgorithm: String, CaseIterable, Hashable, Sendable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    /// EdDSA with Ed25519.
    case edDSA = "EdDSA"

    /// By the name in a header, compared as bytes.
    public init?(name: some StringProtocol) {
        guard let algorithm = Self.allCases.first(where: { $0.rawValue.isExactly(name) }) else { return nil }
        self = algorithm
    }

    /// Whether both sides hold the same secret.
    public var isSymmetric: Bool { family == .hmac }

    enum Family {
        case hmac, rsaPKCS1, rsaPSS, ecdsa, edDSA
    }

    var family: Family {
        switch self {
        case .hs256, .hs384, .hs512: .hmac
        case .rs256, .rs384, .rs512: .rsaPKCS1
        case .ps256, .ps384, .ps512: .rsaPSS
        case .es256, .es384, .es512: .ecdsa
        case .edDSA: .edDSA
        }
    }

    var digest: Digest {
        switch self {
        case .hs256, .rs256, .ps256, .es256: .sha256
        case .hs384, .rs384, .ps384, .es384: .sha384
        case .hs512, .rs512, .ps512, .es512, .edDSA: .sha512
        }
    }

    /// The curve of an elliptic algorithm.
    var curve: EllipticCurve? {
        switch self {
        case .es256: .p256
        case .es384: .p384
        case .es512: .p521
        default: nil
        }
    }

    /// `at_hash`, `c_hash` and `s_hash`: the left half of the hash that belongs to the algorithm, OIDC Core section
    /// 3.1.3.6.
    public func leftHalfHash(_ text: some StringProtocol) -> String {
        let hash = digest.hash(text.utf8)
        return Base64URL.encode(hash.prefix(hash.count / 2))
    }
}

/// The curves of RFC 7518 section 6.2.1.1 with OpenSSL's names for them.
enum EllipticCurve: String, CaseIterable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"

    var opensslName: String {
        switch self {
        case .p256: "prime256v1"
        case .p384: "secp384r1"
        case .p521: "secp521r1"
        }
    }

    /// Bytes of a coordinate, of a private key, and of each half of a signature.
    var size: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    var algorithm: SigningAlgorithm {
        switch self {
        case .p256: .es256
        case .p384: .es384
        case .p521: .es512
        }
    }
}
