import GapuraFormats

/// A hash of an old application, read from an import and found to be one of its scheme.
struct LegacyHash: Sendable, Equatable {
    /// MD5 applied 2^15 times: four times what WordPress does.
    static let highestPortableCount = 15
    /// Rounds of `$5$` and `$6$`; 5,000 by default.
    static let highestCryptRounds = 20_000
    /// bcrypt of Yii 2 has 13, of Laravel 10 or 12. One more doubles the time of every failed sign-in.
    static let bcryptCosts = 4...13
    /// KiB times passes; PHP's default is 65,536 times 4.
    static let highestArgon2Work: Int64 = 524_288

    let scheme: LegacyScheme
    /// What computing needs beside the password: salt, user id or setting. Empty where nothing is needed.
    let parameter: String
    /// The hash in the spelling of `LegacyScheme.compute`.
    let text: String
    /// bcrypt's binary logarithm of its rounds; 0 for others.
    var cost = 0
    /// KiB times passes of an Argon2 hash; 0 for others.
    var work: Int64 = 0

    /// - Parameters:
    ///   - salt: the column `salt`, if the file has one.
    ///   - localID: what stands in for the user id of `sha256-userid` without a column `salt`.
    init(_ scheme: LegacyScheme, _ hash: String, salt: String?, localID: String) throws(LegacyReason) {
        self.scheme = scheme
        let bytes = Array(hash.utf8)
        guard bytes.count <= 512 else { throw .hashMalformed }
        switch scheme {
        case .md5: (parameter, text) = ("", try Self.digits(hash, 32))
        case .sha1, .sha1MD5: (parameter, text) = ("", try Self.digits(hash, 40))
        case .sha256: (parameter, text) = ("", try Self.digits(hash, 64))
        case .sha256UserID: (parameter, text) = (salt ?? localID, try Self.digits(hash, 64))
        case .ionAuthColumn:
            guard let salt else { throw .saltMissing }
            (parameter, text) = (salt, try Self.digits(hash, 40))
        case .ionAuth:
            guard bytes.count == 40, bytes.allSatisfy(Self.isSaltLetter) else { throw .hashMalformed }
            parameter = String(decoding: bytes.prefix(10), as: UTF8.self)
            text = parameter + (try Self.digits(String(decoding: bytes.dropFirst(10), as: UTF8.self), 30))
        case .mySQL:
            guard bytes.first == UInt8(ascii: "*") else { throw .hashMalformed }
            let digits = try Self.digits(String(decoding: bytes.dropFirst(), as: UTF8.self), 40)
            (parameter, text) = ("", "*" + digits.uppercased())
        case .phpass:
            guard bytes.count == PortableHash.bytes, let count = PortableHash.count(hash) else { throw .hashMalformed }
            guard bytes.dropFirst(3).allSatisfy(Self.isSaltLetter) else { throw .hashMalformed }
            guard count <= Self.highestPortableCount else { throw .tooCostly }
            (parameter, text) = (String(decoding: bytes.prefix(PortableHash.settingBytes), as: UTF8.self), hash)
        case .crypt: (parameter, text) = (try Self.cryptSetting(bytes), hash)
        case .bcrypt, .mythAuth, .wordPress:
            let core = scheme == .wordPress ? try Self.without("$wp", bytes) : bytes
            cost = try Self.bcryptCost(core)
            (parameter, text) = (
                String(decoding: core.prefix(29), as: UTF8.self), String(decoding: core, as: UTF8.self)
            )
        case .argon2i, .argon2id:
            guard let found = PasswordHasher.parameters(of: hash, kind: scheme.rawValue) else { throw .hashMalformed }
            let limit = Argon2Parameters.limit
            guard found.memory <= limit.memory, found.passes <= limit.passes, found.lanes <= limit.lanes,
                Int64(found.memory) * Int64(found.passes) <= Self.highestArgon2Work
            else { throw .tooCostly }
            guard found.memory > 0, found.passes > 0, found.lanes > 0 else { throw .hashMalformed }
            (parameter, text) = ("", hash)
            work = Int64(found.memory) * Int64(found.passes)
        }
    }

    /// So many hexadecimal digits, in lower case.
    private static func digits(_ text: String, _ count: Int) throws(LegacyReason) -> String {
        let lower = text.utf8.map { (0x41...0x46).contains($0) ? $0 | 0x20 : $0 }
        guard lower.count == count, lower.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { throw .hashMalformed }
        return String(decoding: lower, as: UTF8.self)
    }

    /// The letters of crypt's own base64.
    private static func isSaltLetter(_ byte: UInt8) -> Bool {
        (0x2e...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    private static func without(_ prefix: String, _ bytes: [UInt8]) throws(LegacyReason) -> [UInt8] {
        guard bytes.starts(with: prefix.utf8) else { throw .hashMalformed }
        return Array(bytes.dropFirst(prefix.utf8.count))
    }

    /// `$2y$10$` and 53 letters. `$2x$` marks hashes of an implementation whose defect let other passwords in.
    private static func bcryptCost(_ bytes: [UInt8]) throws(LegacyReason) -> Int {
        guard bytes.count == 60, bytes.starts(with: "$2".utf8), "aby".utf8.contains(bytes[2]),
            bytes[3] == UInt8(ascii: "$"), bytes[6] == UInt8(ascii: "$"),
            bytes.dropFirst(7).allSatisfy(isSaltLetter),
            let cost = Int(String(decoding: bytes[4..<6], as: UTF8.self)), bytes[4] >= 0x30, bytes[5] >= 0x30,
            cost >= bcryptCosts.lowerBound
        else { throw .hashMalformed }
        guard bcryptCosts.contains(cost) else { throw .tooCostly }
        return cost
    }

    /// All but the hash behind the last `$`.
    private static func cryptSetting(_ bytes: [UInt8]) throws(LegacyReason) -> String {
        let parts = bytes.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard parts.count == 4 || parts.count == 5, parts[0].isEmpty, let hash = parts.last, let kind = parts[1].first,
            parts[1].count == 1, hash.allSatisfy(isSaltLetter)
        else { throw .hashMalformed }
        let lengths: [UInt8: Int] = [0x31: 22, 0x35: 43, 0x36: 86]
        guard lengths[kind] == hash.count else { throw .hashMalformed }
        if parts.count == 5 {
            let rounds = parts[2]
            guard kind != 0x31, rounds.starts(with: "rounds=".utf8), rounds.count <= 16,
                let number = Int(String(decoding: rounds.dropFirst(7), as: UTF8.self)), number > 0
            else { throw .hashMalformed }
            guard number <= highestCryptRounds else { throw .tooCostly }
        }
        guard parts[parts.count - 2].allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: ":") }) else {
            throw .hashMalformed
        }
        return String(decoding: bytes.dropLast(hash.count), as: UTF8.self)
    }
}
