internal import COpenSSL

/// One key with its one algorithm, ready to sign and to verify. One file per family.
protocol SignatureScheme: Sendable {
    /// Nil where OpenSSL fails, or the key is a public one.
    func sign(_ message: UnsafeRawBufferPointer) -> [UInt8]?
    func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool
}

/// What a key consists of.
enum KeyMaterial: Sendable {
    case secret([UInt8])
    case pair(EVPKey)

    /// Checks that key and algorithm fit, and that neither is weak.
    func scheme(_ algorithm: SigningAlgorithm) throws(KeyError) -> any SignatureScheme {
        switch (self, algorithm.family) {
        case (.secret(let secret), .hmac):
            return try HMACSignature(secret, algorithm)
        case (.pair(let key), .rsaPKCS1), (.pair(let key), .rsaPSS):
            return try RSASignature(key, algorithm)
        case (.pair(let key), .ecdsa):
            return try ECDSASignature(key, algorithm)
        case (.pair(let key), .edDSA):
            return try EdDSASignature(key)
        default:
            throw KeyError(.algorithm, "the key is not one for \(algorithm.rawValue)")
        }
    }
}

/// An `EVP_PKEY`, loaded once.
///
/// `@unchecked Sendable`: nothing changes the key after `init`; OpenSSL 3 counts its references atomically and
/// guards what it caches inside a key
/// (provider copies, RSA blinding) with locks of its own, so that threads may share it for signing and verifying.
final class EVPKey: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Whether it holds the private part.
    let isPrivate: Bool

    /// Takes over the key and frees it.
    init(adopting pointer: OpaquePointer, isPrivate: Bool) {
        self.pointer = pointer
        self.isPrivate = isPrivate
    }

    deinit {
        EVP_PKEY_free(pointer)
    }

    var kind: Int32 { EVP_PKEY_get_base_id(pointer) }
    var bits: Int { Int(EVP_PKEY_get_bits(pointer)) }

    var curve: EllipticCurve? {
        var name = [CChar](repeating: 0, count: 80)
        var count = 0
        guard EVP_PKEY_get_group_name(pointer, &name, name.count, &count) == 1 else { return nil }
        let text = String(decoding: name.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return EllipticCurve.allCases.first { $0.opensslName == text || $0.rawValue == text }
    }

    /// A number of the key as big-endian bytes without leading zeros, or filled up to a size.
    func number(_ name: String, size: Int? = nil) throws(KeyError) -> [UInt8] {
        var number: OpaquePointer?
        guard EVP_PKEY_get_bn_param(pointer, name, &number) == 1, let number else {
            ERR_clear_error()
            throw KeyError(.failed, "the key has no \(name)")
        }
        defer { BN_clear_free(number) }
        let size = size ?? Int(gapura_bn_byte_count(number))
        var bytes = [UInt8](repeating: 0, count: size)
        guard BN_bn2binpad(number, &bytes, Int32(size)) == Int32(size) else {
            throw KeyError(.failed, "\(name) is longer than the key")
        }
        return bytes
    }
}
