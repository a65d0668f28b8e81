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
        guard try !Self.isSmallOrder(KeyBuilder.ed25519Public(key)) else {
            throw KeyError(.weak, "an Ed25519 point of small order")
        }
        self.key = key
    }

    /// The points whose order divides 8, as y in little-endian bytes, the two that are written in a second way too. With
    /// one of them as the key anybody can make signatures, up to one for every message.
    private static let smallOrders: [[UInt8]] = {
        let zeros = [UInt8](repeating: 0, count: 30)
        let ones = [UInt8](repeating: 0xff, count: 30)
        let eighth: [UInt8] = [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ]
        let other: [UInt8] = [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ]
        return [
            [0] + zeros + [0], [1] + zeros + [0], eighth, other, [0xec] + ones + [0x7f], [0xed] + ones + [0x7f],
            [0xee] + ones + [0x7f],
        ]
    }()

    /// The highest bit is the sign of x.
    private static func isSmallOrder(_ point: [UInt8]) -> Bool {
        guard let last = point.last else { return true }
        return smallOrders.contains(point.dropLast() + [last & 0x7f])
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
