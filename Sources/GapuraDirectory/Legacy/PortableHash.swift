import GapuraTokens

/// The portable hashes of phpass (Openwall's "Portable PHP password hashing framework"): MD5, 2^n times, and an
/// alphabet of its own.
enum PortableHash {
    private static let alphabet = Array("./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
    /// Bytes of `$P$`, the letter of the count, and the salt.
    static let settingBytes = 12
    /// Bytes of setting and hash.
    static let bytes = 34

    /// The binary logarithm of how often MD5 is applied; nothing if the setting is none.
    static func count(_ setting: String) -> Int? {
        let bytes = Array(setting.utf8)
        guard bytes.count >= settingBytes, bytes.starts(with: "$P$".utf8) || bytes.starts(with: "$H$".utf8) else {
            return nil
        }
        return alphabet.firstIndex(of: bytes[3])
    }

    static func compute(_ password: [UInt8], setting: String) -> String? {
        guard let count = count(setting), count <= LegacyHash.highestPortableCount else { return nil }
        let salt = setting.utf8.dropFirst(4).prefix(8)
        var hash = MD5.hash(Array(salt) + password)
        for _ in 0..<(1 << count) { hash = MD5.hash(hash + password) }
        return String(decoding: setting.utf8.prefix(settingBytes), as: UTF8.self) + encode(hash)
    }

    /// Three bytes are four letters, the lowest bits first.
    private static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var position = 0
        while position < bytes.count {
            let group = bytes[position..<min(position + 3, bytes.count)]
            let value = group.reversed().reduce(0) { $0 << 8 | Int($1) }
            for letter in 0...group.count { text.append(alphabet[value >> (6 * letter) & 0x3f]) }
            position += 3
        }
        return String(decoding: text, as: UTF8.self)
    }
}
