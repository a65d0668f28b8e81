internal import COpenSSL

/// RS256 to RS512 and PS256 to PS512: RFC 7518 sections 3.3 and 3.5.
///
/// A context may sign and verify many times once it is set up (EVP_PKEY_sign(3)), which saves a fifth of the time
/// of verifying; hence the pools.
final class RSASignature: SignatureScheme {
    static let sizes = 2048...4096

    private let digest: Digest
    private let size: Int
    private let signing: ContextPool?
    private let verifying: ContextPool

    init(_ key: EVPKey, _ algorithm: SigningAlgorithm) throws(KeyError) {
        guard key.kind == EVP_PKEY_RSA else {
            throw KeyError(.algorithm, "the key is not one for \(algorithm.rawValue)")
        }
        try Self.checkStrength(key)
        digest = algorithm.digest
        size = Int(EVP_PKEY_get_size(key.pointer))
        signing = key.isPrivate ? Self.pool(key, algorithm) { EVP_PKEY_sign_init($0) } : nil
        verifying = Self.pool(key, algorithm) { EVP_PKEY_verify_init($0) }
    }

    func sign(_ message: UnsafeRawBufferPointer) -> [UInt8]? {
        withHash(message) { hash in
            signing?.with { context in
                let signature = [UInt8](unsafeUninitializedCapacity: size) { output, count in
                    var length = size
                    let result = EVP_PKEY_sign(context, output.baseAddress, &length, hash, digest.size)
                    count = result == 1 ? length : 0
                }
                return signature.count == size ? signature : nil
            }
        }
    }

    func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        guard signature.count == size else { return false }
        let bytes = signature.assumingMemoryBound(to: UInt8.self).baseAddress
        let result = withHash(message) { hash in
            verifying.with { EVP_PKEY_verify($0, bytes, size, hash, digest.size) }
        }
        if result != 1 {
            ERR_clear_error()
        }
        return result == 1
    }

    private func withHash<Result>(
        _ message: UnsafeRawBufferPointer, _ body: (UnsafePointer<UInt8>) -> Result?
    ) -> Result? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            guard let hash = buffer.baseAddress, digest.hash(message, into: hash) else { return nil }
            return body(hash)
        }
    }

    private static func pool(
        _ key: EVPKey, _ algorithm: SigningAlgorithm, _ start: @escaping @Sendable (OpaquePointer) -> Int32
    ) -> ContextPool {
        ContextPool {
            guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil) else { return nil }
            let isPSS = algorithm.family == .rsaPSS
            let method = algorithm.digest.method
            guard start(context) == 1,
                EVP_PKEY_CTX_set_rsa_padding(context, isPSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1,
                EVP_PKEY_CTX_set_signature_md(context, method) == 1,
                !isPSS
                    || (EVP_PKEY_CTX_set_rsa_mgf1_md(context, method) == 1
                        && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1)
            else {
                EVP_PKEY_CTX_free(context)
                return nil
            }
            return context
        } free: {
            EVP_PKEY_CTX_free($0)
        }
    }

    // MARK: Strength

    /// Too short or too long a modulus, an exponent below 65537, and the primes of broken smart cards (ROCA) are
    /// refused.
    private static func checkStrength(_ key: EVPKey) throws(KeyError) {
        let bits = key.bits
        guard sizes.contains(bits) else { throw KeyError(.weak, "an RSA key of \(bits) bits") }
        let exponent = try key.number("e")
        let value = exponent.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard exponent.count <= 8, value >= 65537, value % 2 == 1 else { throw KeyError(.weak, "the RSA exponent") }
        let modulus = try key.number("n")
        guard (modulus.last ?? 0) % 2 == 1 else { throw KeyError(.weak, "an even RSA modulus") }
        guard !isROCA(modulus) else { throw KeyError(.weak, "an RSA key of a broken generator (ROCA)") }
    }

    /// The fingerprint of CVE-2017-15361: modulo each of these primes, the modulus is a power of 65537. By chance
    /// that is one key in 100 million.
    private static func isROCA(_ modulus: [UInt8]) -> Bool {
        let primes = [
            3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
            109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
        ]
        return primes.allSatisfy { prime in
            let rest = modulus.reduce(0) { ($0 << 8 | Int($1)) % prime }
            var power = 1
            repeat {
                if power == rest { return true }
                power = power * 65537 % prime
            } while power != 1
            return false
        }
    }
}
