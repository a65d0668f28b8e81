import GapuraFormats
import GapuraTokens

/// How an old application hashed passwords. The raw value is what the column `scheme` of an import says: no hash tells
/// it by itself, since `md5` looks like any 32 digits, and `mythauth` like `bcrypt`.
package enum LegacyScheme: String, Sendable, CaseIterable {
    /// Hexadecimal MD5, as in many applications of CodeIgniter 2 and plain PHP.
    case md5
    case sha1
    case sha256
    /// `sha1(md5(p))`, the inner one as hexadecimal text.
    case sha1MD5 = "sha1md5"
    /// `sha256(md5(user id) . p)`.
    case sha256UserID = "sha256-userid"
    /// CodeIgniter Ion Auth 2 with the salt in the hash: ten characters, then 30 digits of `sha1(salt . p)`.
    case ionAuth = "ionauth-sha1"
    /// The same with a column `salt`: `sha1(p . salt)`.
    case ionAuthColumn = "ionauth-sha1-col"
    /// MySQL's `PASSWORD()` since 4.1: `*` and the SHA-1 of the SHA-1 in capitals.
    case mySQL = "mysql41"
    /// WordPress before 6.8 and phpBB: `$P$`, `$H$`.
    case phpass = "wp-phpass"
    /// crypt(3) with MD5, SHA-256 or SHA-512: `$1$`, `$5$`, `$6$`.
    case crypt
    /// `$2y$`, `$2a$`, `$2b$`: PHP's `password_hash`, Laravel, Yii 2, CodeIgniter 3.
    case bcrypt
    /// CodeIgniter 4 with Myth/Auth: bcrypt of `base64(sha384(p))`.
    case mythAuth = "mythauth"
    /// WordPress since 6.8: `$wp$2y$`, bcrypt of `base64(hmac-sha384(p, "wp-sha384"))`.
    case wordPress = "wp-bcrypt"
    case argon2i
    case argon2id

    /// What becomes of such a hash at import.
    enum Form: Sendable {
        /// Quick to guess at: only `argon2id(old hash)` is stored.
        case wrapped
        /// Slow by its own making; stored as it is.
        case bcrypt
        case argon2
    }

    var form: Form {
        switch self {
        case .md5, .sha1, .sha256, .sha1MD5, .sha256UserID, .ionAuth, .ionAuthColumn, .mySQL, .phpass, .crypt: .wrapped
        case .bcrypt, .mythAuth, .wordPress: .bcrypt
        case .argon2i, .argon2id: .argon2
        }
    }

    /// How long one takes, for deciding how many guesses are tried at import.
    enum Speed: Sendable {
        /// A microsecond.
        case quick
        /// Milliseconds.
        case iterated
        /// Tens or hundreds of milliseconds.
        case slow
    }

    var speed: Speed {
        switch self {
        case .md5, .sha1, .sha256, .sha1MD5, .sha256UserID, .ionAuth, .ionAuthColumn, .mySQL: .quick
        case .phpass, .crypt: .iterated
        case .bcrypt, .mythAuth, .wordPress, .argon2i, .argon2id: .slow
        }
    }

    /// Reads the word of a column, whatever its case; nothing for a scheme that is not here.
    init?(word: String) {
        let key = word.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        guard let found = Self.allCases.first(where: { $0.rawValue.utf8.elementsEqual(key) }) else { return nil }
        self = found
    }

    /// Words for what can be turned back into the password; such a value is refused and kept nowhere.
    static func isReversible(_ word: String) -> Bool {
        let words = [
            "plain", "plaintext", "text", "base64", "aes", "aes_mysql", "aes-mysql", "3des", "3des-ecb", "des",
        ]
        let key = word.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
        return words.contains { $0.utf8.elementsEqual(key) }
    }

    /// The hash that the old application would have stored for a password, in the spelling of `LegacyHash.text`.
    ///
    /// - Parameter parameter: salt, user id or setting, as `LegacyHash.parameter` has it.
    /// - Returns: nothing where the old application could not have hashed that password, and for Argon2, which has no
    ///   text to compare.
    func compute(_ password: [UInt8], _ parameter: String) -> String? {
        let salt = parameter.utf8
        switch self {
        case .md5: return Hex.lower(MD5.hash(password))
        case .sha1: return Hex.lower(SHA1.hash(password))
        case .sha256: return Hex.lower(SHA256.hash(password))
        case .sha1MD5: return Hex.lower(SHA1.hash(Hex.lower(MD5.hash(password)).utf8))
        case .sha256UserID: return Hex.lower(SHA256.hash(Array(Hex.lower(MD5.hash(salt)).utf8) + password))
        case .ionAuth:
            return parameter + String(decoding: Hex.lower(SHA1.hash(salt + password)).utf8.prefix(30), as: UTF8.self)
        case .ionAuthColumn: return Hex.lower(SHA1.hash(password + salt))
        case .mySQL: return "*" + Hex.upper(SHA1.hash(SHA1.hash(password)))
        case .phpass: return PortableHash.compute(Self.trimmed(password), setting: parameter)
        case .crypt: return CryptFunction.compute(password, setting: parameter)
        case .bcrypt: return CryptFunction.bcrypt(password, setting: parameter)
        case .mythAuth: return CryptFunction.bcrypt(Base64Text.encode(SHA384.hash(password)), setting: parameter)
        case .wordPress:
            let code = HMACSHA384.code(Self.trimmed(password), key: Array("wp-sha384".utf8))
            return CryptFunction.bcrypt(Base64Text.encode(code), setting: parameter)
        case .argon2i, .argon2id: return nil
        }
    }

    /// As PHP's `trim`, which WordPress applies to what is typed.
    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        func isSpace(_ byte: UInt8) -> Bool {
            byte == 0x20 || (0x09...0x0b).contains(byte) || byte == 0x0d || byte == 0
        }
        var rest = bytes.drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return Array(rest)
    }
}

/// Hexadecimal digits of bytes.
enum Hex {
    static func lower(_ bytes: [UInt8]) -> String { text(bytes, letters: UInt8(ascii: "a")) }
    static func upper(_ bytes: [UInt8]) -> String { text(bytes, letters: UInt8(ascii: "A")) }

    private static func text(_ bytes: [UInt8], letters: UInt8) -> String {
        func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : letters + value - 10 }
        return String(decoding: bytes.flatMap { [digit($0 >> 4), digit($0 & 0xf)] }, as: UTF8.self)
    }
}

/// Base64 with padding (RFC 4648 section 4), as PHP's `base64_encode` writes it.
enum Base64Text {
    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text = Base64URL.encode(bytes).utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: byte
            }
        }
        while !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
        return text
    }
}
