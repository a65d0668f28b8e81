internal import COpenSSL

/// AES-256-GCM, for what must be stored and read back. A sealed value is nonce (12 bytes), ciphertext, tag (16).
package enum AESGCM {
    /// One error for all: what was wrong helps only an attacker.
    package struct Failure: Error, Equatable, Sendable {}

    private static let nonceSize = 12
    private static let tagSize = 16

    /// Fetched once. `@unchecked Sendable`: a fetched `EVP_CIPHER` is never changed and never freed.
    private struct Method: @unchecked Sendable {
        let pointer = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    }
    private static let method = Method()

    /// Seals under a new random nonce, with a key of 32 bytes.
    ///
    /// - Parameter associated: what the value belongs to (a row, a client); opening it under another fails.
    package static func seal(_ plain: [UInt8], key: [UInt8], associated: [UInt8] = []) throws -> [UInt8] {
        let nonce = SecureRandom.bytes(nonceSize)
        var tag = [UInt8](repeating: 0, count: tagSize)
        let cipher = try run(plain, key, nonce, associated, isSealing: true) { context in
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagSize), &tag) == 1
        }
        return nonce + cipher + tag
    }

    /// What `seal` sealed with the same key for the same `associated`; anything else throws.
    package static func open(_ sealed: [UInt8], key: [UInt8], associated: [UInt8] = []) throws -> [UInt8] {
        guard sealed.count >= nonceSize + tagSize else { throw Failure() }
        let nonce = Array(sealed.prefix(nonceSize))
        var tag = Array(sealed.suffix(tagSize))
        let cipher = Array(sealed.dropFirst(nonceSize).dropLast(tagSize))
        return try run(cipher, key, nonce, associated, isSealing: false) { context in
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagSize), &tag) == 1
        }
    }

    private static func run(
        _ input: [UInt8], _ key: [UInt8], _ nonce: [UInt8], _ associated: [UInt8], isSealing: Bool,
        tag: (OpaquePointer) -> Bool
    ) throws -> [UInt8] {
        guard key.count == 32, input.count < Int32.max / 2, associated.count < Int32.max / 2,
            let context = EVP_CIPHER_CTX_new()
        else { throw Failure() }
        defer {
            EVP_CIPHER_CTX_free(context)
            ERR_clear_error()
        }
        var output = [UInt8](repeating: 0, count: input.count + 16)
        var written: Int32 = 0
        var last: Int32 = 0
        guard EVP_CipherInit_ex2(context, method.pointer, key, nonce, isSealing ? 1 : 0, nil) == 1,
            associated.isEmpty || EVP_CipherUpdate(context, nil, &last, associated, Int32(associated.count)) == 1,
            input.isEmpty || EVP_CipherUpdate(context, &output, &written, input, Int32(input.count)) == 1,
            isSealing || tag(context)
        else { throw Failure() }
        let isFinished = output.withUnsafeMutableBufferPointer { output in
            // GCM gives nothing at the end; the call checks the tag.
            EVP_CipherFinal_ex(context, output.baseAddress?.advanced(by: Int(written)), &last) == 1
        }
        guard isFinished, !isSealing || tag(context) else { throw Failure() }
        return Array(output.prefix(Int(written)))
    }
}
