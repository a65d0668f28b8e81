internal import COpenSSL

/// EdDSA with Ed25519: RFC 8037 section 3.1. It takes the whole message, so its contexts are digest contexts.
final class EdDSASignature: SignatureScheme {
    private static let size = 64

    private let key: EVPKey
    private let contexts = ContextPool {
        EVP_MD_CTX_new()
    } free: {
        EVP_MD_CTX_free($0)
    }

    init(_ key: EVPKey) throws(KeyError) {
        guard key.kind == EVP_PKEY_ED25519 else { throw KeyError(.algorithm, "the key is not one for EdDSA") }
        self.key = key
    }

    func sign(_ message: UnsafeRawBufferPointer) -> [UInt8]? {
        guard key.isPrivate else { return nil }
        return contexts.with { context in
            guard EVP_DigestSignInit(context, nil, nil, nil, key.pointer) == 1 else { return nil }
            let signature = [UInt8](unsafeUninitializedCapacity: Self.size) { output, count in
                var length = Self.size
                let bytes = message.assumingMemoryBound(to: UInt8.self).baseAddress
                let result = EVP_DigestSign(context, output.baseAddress, &length, bytes, message.count)
                count = result == 1 ? length : 0
            }
            return signature.count == Self.size ? signature : nil
        }
    }

    func isValid(_ signature: UnsafeRawBufferPointer, for message: UnsafeRawBufferPointer) -> Bool {
        guard signature.count == Self.size else { return false }
        let result = contexts.with { context -> Int32? in
            guard EVP_DigestVerifyInit(context, nil, nil, nil, key.pointer) == 1 else { return nil }
            return EVP_DigestVerify(
                context, signature.assumingMemoryBound(to: UInt8.self).baseAddress, signature.count,
                message.assumingMemoryBound(to: UInt8.self).baseAddress, message.count)
        }
        if result != 1 {
            ERR_clear_error()
        }
        return result == 1
    }
}
