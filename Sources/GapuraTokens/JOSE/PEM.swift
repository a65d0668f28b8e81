internal import COpenSSL

/// PEM: PKCS #8 for private keys, SubjectPublicKeyInfo for public ones (RFC 7468).
enum PEM {
    private static let longest = 16384

    static func privateKey(_ text: String) throws(KeyError) -> EVPKey {
        try read(text, isPrivate: true) { bio in
            // OpenSSL would ask the terminal for a password: an encrypted key is refused instead.
            PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
        }
    }

    static func publicKey(_ text: String) throws(KeyError) -> EVPKey {
        try read(text, isPrivate: false) { bio in
            PEM_read_bio_PUBKEY(bio, nil, { _, _, _, _ in -1 }, nil)
        }
    }

    static func encodePrivate(_ key: EVPKey) throws(KeyError) -> String {
        guard key.isPrivate else { throw KeyError(.malformed, "a public key has no private form") }
        return try write { PEM_write_bio_PKCS8PrivateKey($0, key.pointer, nil, nil, 0, nil, nil) }
    }

    static func encodePublic(_ key: EVPKey) throws(KeyError) -> String {
        try write { PEM_write_bio_PUBKEY($0, key.pointer) }
    }

    private static func read(
        _ text: String, isPrivate: Bool, _ read: (OpaquePointer) -> OpaquePointer?
    ) throws(KeyError) -> EVPKey {
        let bytes = Array(text.utf8)
        guard bytes.count <= longest else { throw KeyError(.malformed, "a PEM text of \(bytes.count) bytes") }
        guard !text.contains("ENCRYPTED") else { throw KeyError(.unsupported, "an encrypted key") }
        let pointer = bytes.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
            defer { BIO_free(bio) }
            return read(bio)
        }
        ERR_clear_error()
        guard let pointer else { throw KeyError(.malformed, "not a key in PEM") }
        let key = EVPKey(adopting: pointer, isPrivate: isPrivate)
        try KeyBuilder.check(key)
        return key
    }

    private static func write(_ write: (OpaquePointer) -> Int32) throws(KeyError) -> String {
        guard let bio = BIO_new(BIO_s_mem()) else { throw KeyError(.failed, "no memory for a PEM text") }
        defer { BIO_free(bio) }
        var start: UnsafePointer<CChar>?
        guard write(bio) == 1 else {
            ERR_clear_error()
            throw KeyError(.failed, "the key has no PEM form")
        }
        let count = gapura_memory_bytes(bio, &start)
        let bytes = UnsafeRawBufferPointer(start: start, count: max(0, count))
        return String(decoding: bytes, as: UTF8.self)
    }
}
