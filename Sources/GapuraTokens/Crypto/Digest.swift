internal import COpenSSL

/// A hash function, fetched from OpenSSL once: fetching by name in every call is its known slow path.
///
/// `@unchecked Sendable`: a fetched `EVP_MD` is never changed and never freed, and OpenSSL counts its users atomically.
struct Digest: @unchecked Sendable {
    /// Old hashes of other programs only; nothing of ours rests on it.
    static let md5 = Digest("MD5", fallback: EVP_md5(), size: 16)
    static let sha1 = Digest("SHA1", fallback: EVP_sha1(), size: 20)
    static let sha256 = Digest("SHA256", fallback: EVP_sha256(), size: 32)
    static let sha384 = Digest("SHA384", fallback: EVP_sha384(), size: 48)
    static let sha512 = Digest("SHA512", fallback: EVP_sha512(), size: 64)

    let name: String
    let method: OpaquePointer?
    /// Bytes of a hash value.
    let size: Int

    private init(_ name: String, fallback: OpaquePointer?, size: Int) {
        self.name = name
        self.size = size
        method = EVP_MD_fetch(nil, name, nil) ?? fallback
    }

    /// Hashes into memory of at least `size` bytes.
    func hash(_ message: UnsafeRawBufferPointer, into output: UnsafeMutablePointer<UInt8>) -> Bool {
        EVP_Digest(message.baseAddress, message.count, output, nil, method, nil) == 1
    }

    func hash(_ message: some Collection<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: size) { output, count in
            guard let start = output.baseAddress else { return }
            let isHashed = message.withBytes { hash($0, into: start) }
            count = isHashed ? size : 0
        }
    }
}

/// SHA-256 (FIPS 180-4), what stored codes and tokens are kept as.
public enum SHA256 {
    /// 32 bytes.
    public static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        Digest.sha256.hash(bytes)
    }

    /// Of the text's UTF-8: 32 bytes.
    public static func hash(_ text: some StringProtocol) -> [UInt8] {
        Digest.sha256.hash(text.utf8)
    }
}

/// SHA-256 over bytes that come piece by piece: a file of any size.
///
/// Not `Sendable`: a stream belongs to whoever feeds it.
package final class SHA256Stream {
    private let context: OpaquePointer?
    private var isWhole: Bool

    package init() {
        context = EVP_MD_CTX_new()
        isWhole = context != nil && EVP_DigestInit_ex(context, Digest.sha256.method, nil) == 1
    }

    deinit {
        EVP_MD_CTX_free(context)
    }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard isWhole, !bytes.isEmpty else { return }
        isWhole = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1
    }

    /// 32 bytes; none if OpenSSL failed. Nothing may follow.
    package func finish() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Digest.sha256.size) { output, count in
            isWhole = isWhole && EVP_DigestFinal_ex(context, output.baseAddress, nil) == 1
            count = isWhole ? Digest.sha256.size : 0
        }
    }
}

/// SHA-1, only where a foreign protocol asks for it (lists of leaked passwords); it protects nothing.
package enum SHA1 {
    /// 20 bytes.
    package static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        Digest.sha1.hash(bytes)
    }
}

/// MD5 (RFC 1321), only to recompute old hashes of other programs; it protects nothing.
package enum MD5 {
    /// 16 bytes.
    package static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        Digest.md5.hash(bytes)
    }
}

/// SHA-384 (FIPS 180-4).
package enum SHA384 {
    /// 48 bytes.
    package static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        Digest.sha384.hash(bytes)
    }
}

/// SHA-512 (FIPS 180-4).
package enum SHA512 {
    /// 64 bytes.
    package static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        Digest.sha512.hash(bytes)
    }
}

extension Collection<UInt8> {
    /// The bytes in one piece, copied only where the collection does not already hold them so.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        if let result = withContiguousStorageIfAvailable({ body(UnsafeRawBufferPointer($0)) }) {
            return result
        }
        return Array(self).withUnsafeBytes(body)
    }
}
