internal import COpenSSL

/// Random bytes nobody can predict.
public enum SecureRandom {
    /// So many bytes; none where the number is negative.
    public static func bytes(_ count: Int) -> [UInt8] {
        let count = max(0, count)
        return [UInt8](unsafeUninitializedCapacity: count) { output, written in
            guard count > 0, let start = output.baseAddress else { return }
            if RAND_bytes(start, Int32(clamping: count)) != 1 {
                // OpenSSL has no randomness (it says so once in a machine's life, if ever): the kernel has.
                ERR_clear_error()
                var system = SystemRandomNumberGenerator()
                for position in 0..<count {
                    start[position] = system.next()
                }
            }
            written = count
        }
    }

    /// As base64url, the form of codes and tokens: 32 bytes are 43 letters.
    public static func text(_ count: Int = 32) -> String {
        Base64URL.encode(bytes(count))
    }
}

/// Whether both are the same bytes, in a time that depends on their lengths alone.
public func constantTimeEquals(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    left.withBytes { left in
        right.withBytes { right in
            left.count == right.count
                && (left.isEmpty || CRYPTO_memcmp(left.baseAddress, right.baseAddress, left.count) == 0)
        }
    }
}
