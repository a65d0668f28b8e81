internal import COpenSSL

/// ES256, ES384 and ES512: RFC 7518 section 3.4. A JOSE signature is r and s, each as long as the curve; OpenSSL's
/// is DER.
final class ECDSASignature: SignatureScheme {
    private let digest: Digest
    private let half: Int
    private let longestDER: Int
    private let signing: ContextPool?
    private let verifying: ContextPool

    init(_ key: EVPKey, _ algorithm: SigningAlgorithm) throws(KeyError) {
        guard key.kind == EVP_PKEY_EC, let curve = key.curve, curve == algorithm.curve else {
            throw KeyError(.algorithm, "the key is not one for \(algorithm.rawValue)")
        }
        digest = algorithm.digest
        half = curve.size
        longestDER = Int(EVP_PKEY_get_size(key.pointer))
        signing = key.isPrivate ? Self.pool(key) { EVP_PKEY_sign_init($0) } : nil
        verifying = Self.pool(key) { EVP_PKEY_verify_init($0) }
    }

    func sign(_ message: UnsafeRawBufferPointer) -> [UInt8]? {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64 + longestDER) { buffer in
            guard let hash = buffer.baseAddress, digest.hash(message, into: hash) else { return nil }
            let output = hash.advanced(by: 64)
            var length = longestDER
            let result = signing?.with { context in
                EVP_PKEY_sign(context, output, &length, hash, digest.size) == 1 ? true : nil
            }
            guard result == true else { return nil }
            return raw(UnsafePointer(output), length)
        }
    }

    func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        guard signature.count == 2 * half, let bytes = signature.assumingMemoryBound(to: UInt8.self).baseAddress else {
            return false
        }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { buffer in
            guard let hash = buffer.baseAddress, digest.hash(message, into: hash) else { return false }
            let result = withDER(bytes) { der, length in
                verifying.with { EVP_PKEY_verify($0, der, length, hash, digest.size) }
            }
            if result != 1 {
                ERR_clear_error()
            }
            return result == 1
        }
    }

    // MARK: Both forms; not private, because they are fuzzed

    func raw(_ der: UnsafePointer<UInt8>, _ length: Int) -> [UInt8]? {
        var cursor: UnsafePointer<UInt8>? = der
        guard let pair = d2i_ECDSA_SIG(nil, &cursor, length) else {
            ERR_clear_error()
            return nil
        }
        defer { ECDSA_SIG_free(pair) }
        let signature = [UInt8](unsafeUninitializedCapacity: 2 * half) { output, count in
            guard let start = output.baseAddress,
                BN_bn2binpad(ECDSA_SIG_get0_r(pair), start, Int32(half)) == Int32(half),
                BN_bn2binpad(ECDSA_SIG_get0_s(pair), start.advanced(by: half), Int32(half)) == Int32(half)
            else { return }
            count = 2 * half
        }
        return signature.isEmpty ? nil : signature
    }

    func withDER<Result>(
        _ raw: UnsafePointer<UInt8>, _ body: (UnsafePointer<UInt8>, Int) -> Result?
    ) -> Result? {
        guard let pair = ECDSA_SIG_new() else { return nil }
        defer { ECDSA_SIG_free(pair) }
        let r = BN_bin2bn(raw, Int32(half), nil)
        let s = BN_bin2bn(raw.advanced(by: half), Int32(half), nil)
        guard let r, let s, ECDSA_SIG_set0(pair, r, s) == 1 else {
            BN_free(r)
            BN_free(s)
            return nil
        }
        var der: UnsafeMutablePointer<UInt8>?
        let length = i2d_ECDSA_SIG(pair, &der)
        guard length > 0, let der else { return nil }
        defer { CRYPTO_free(der, #file, Int32(#line)) }
        return body(der, Int(length))
    }

    private static func pool(
        _ key: EVPKey, _ start: @escaping @Sendable (OpaquePointer) -> Int32
    ) -> ContextPool {
        ContextPool {
            guard let context = EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil) else { return nil }
            guard start(context) == 1 else {
                EVP_PKEY_CTX_free(context)
                return nil
            }
            return context
        } free: {
            EVP_PKEY_CTX_free($0)
        }
    }
}
