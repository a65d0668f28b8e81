import CCrypt

/// crypt(3) of libcrypt: bcrypt, and the hashes of MD5, SHA-256 and SHA-512. Why not our own:
/// `docs/decisions/0010-libcrypt.md`.
enum CryptFunction {
    /// What bcrypt looks at of a password; the rest counts for nothing, here as in the old application.
    static let bcryptBytes = 72

    static func bcrypt(_ password: [UInt8], setting: String) -> String? {
        // A NUL would end the password before its end: PHP refuses such ones too.
        guard !password.contains(0) else { return nil }
        return compute(Array(password.prefix(bcryptBytes)), setting: setting)
    }

    /// - Returns: nothing for a setting that libcrypt does not take, a NUL in the password, or more bytes than it looks
    ///   at.
    static func compute(_ password: [UInt8], setting: String) -> String? {
        guard !password.contains(0), password.count < Int(CRYPT_MAX_PASSPHRASE_SIZE) else { return nil }
        // Each call has its working memory to itself, 32 KiB; nothing of the password stays in it.
        let size = Int(gapura_crypt_data_size)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        defer {
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            memory.deallocate()
        }
        let phrase = password.map { CChar(bitPattern: $0) } + [0]
        guard let hash = crypt_rn(phrase, setting, memory, Int32(size)) else { return nil }
        return String(cString: hash)
    }
}
