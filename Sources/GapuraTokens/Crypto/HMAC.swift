internal import COpenSSL

/// HMAC, RFC 2104, of one key: the key is prepared once.
final class HMAC: Sendable {
    private let pool: ContextPool
    private let digest: Digest

    /// The algorithm, fetched once. `@unchecked Sendable` as `Digest`.
    private struct Method: @unchecked Sendable {
        let pointer = EVP_MAC_fetch(nil, "HMAC", nil)
    }
    private static let method = Method()

    init(key: [UInt8], digest: Digest) {
        self.digest = digest
        pool = ContextPool {
            guard let context = EVP_MAC_CTX_new(Self.method.pointer) else { return nil }
            // The parameter list points at both texts.
            var name = Array(digest.name.utf8CString)
            let isReady = "digest".withCString { label in
                name.withUnsafeMutableBufferPointer { name in
                    let parameters = [
                        OSSL_PARAM_construct_utf8_string(label, name.baseAddress, 0), OSSL_PARAM_construct_end(),
                    ]
                    // A null key would mean "the key as before": an empty one needs a place to point at.
                    return EVP_MAC_init(context, key + [0], key.count, parameters) == 1
                }
            }
            guard isReady else {
                EVP_MAC_CTX_free(context)
                return nil
            }
            return context
        } free: {
            EVP_MAC_CTX_free($0)
        }
    }

    /// The code of a message; nil only where OpenSSL fails.
    func code(_ message: UnsafeRawBufferPointer) -> [UInt8]? {
        pool.with { context in
            // Without a key: start again with the one it has.
            guard EVP_MAC_init(context, nil, 0, nil) == 1,
                EVP_MAC_update(context, message.assumingMemoryBound(to: UInt8.self).baseAddress, message.count) == 1
            else { return nil }
            let code = [UInt8](unsafeUninitializedCapacity: digest.size) { output, count in
                guard EVP_MAC_final(context, output.baseAddress, &count, digest.size) == 1 else {
                    count = 0
                    return
                }
            }
            return code.count == digest.size ? code : nil
        }
    }
}

/// HMAC with SHA-256.
package enum HMACSHA256 {
    /// Empty only where OpenSSL fails, and `constantTimeEquals` with a stored code is then false.
    package static func code(_ message: some Collection<UInt8>, key: [UInt8]) -> [UInt8] {
        let hmac = HMAC(key: key, digest: .sha256)
        return message.withBytes { hmac.code($0) } ?? []
    }

    /// HMAC with SHA-1, for one-time passwords (RFC 6238) as the authenticator applications compute them.
    package static func sha1Code(_ message: some Collection<UInt8>, key: [UInt8]) -> [UInt8] {
        let hmac = HMAC(key: key, digest: .sha1)
        return message.withBytes { hmac.code($0) } ?? []
    }
}

/// HMAC with SHA-384.
package enum HMACSHA384 {
    /// Empty only where OpenSSL fails.
    package static func code(_ message: some Collection<UInt8>, key: [UInt8]) -> [UInt8] {
        let hmac = HMAC(key: key, digest: .sha384)
        return message.withBytes { hmac.code($0) } ?? []
    }
}

/// HKDF with SHA-256, RFC 5869: several keys from one.
package enum HKDFSHA256 {
    /// Up to 8,160 bytes; more is nothing that the standard has, and gives none.
    package static func derive(
        from key: [UInt8], salt: [UInt8] = [], info: some StringProtocol, count: Int = 32
    ) -> [UInt8] {
        guard (0...255 * 32).contains(count) else { return [] }
        let extracted = HMACSHA256.code(key, key: salt.isEmpty ? [UInt8](repeating: 0, count: 32) : salt)
        let expansion = HMAC(key: extracted, digest: .sha256)
        var output: [UInt8] = []
        var block: [UInt8] = []
        var number: UInt8 = 1
        while output.count < count {
            guard let next = (block + Array(info.utf8) + [number]).withBytes({ expansion.code($0) }) else { return [] }
            block = next
            output += block
            number &+= 1
        }
        return Array(output.prefix(count))
    }
}
