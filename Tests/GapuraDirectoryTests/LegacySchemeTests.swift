import GapuraFormats
import GapuraStore
import Testing

@testable import GapuraDirectory

/// How old applications hashed, against vectors of the schemes' own publications, of PHP and of OpenSSL.
@Suite("Old hashes")
struct LegacySchemeTests {
    private struct Vector: Sendable {
        let scheme: LegacyScheme
        let password: String
        let hash: String
        var salt: String?
        var localID = "1"
    }

    private static let vectors: [Vector] = [
        // RFC 1321 appendix A.5, FIPS 180-4.
        Vector(scheme: .md5, password: "abc", hash: "900150983cd24fb0d6963f7d28e17f72"),
        Vector(scheme: .md5, password: "abc", hash: "900150983CD24FB0D6963F7D28E17F72"),
        Vector(scheme: .sha1, password: "abc", hash: "a9993e364706816aba3e25717850c26c9cd0d89d"),
        Vector(
            scheme: .sha256, password: "abc",
            hash: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        // MySQL's manual, PASSWORD().
        Vector(scheme: .mySQL, password: "mypass", hash: "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4"),
        // phpass's own test.php.
        Vector(scheme: .phpass, password: "test12345", hash: "$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"),
        // crypt_blowfish's wrapper.c: 72 bytes count, the rest does not.
        Vector(scheme: .bcrypt, password: "U*U", hash: "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        Vector(
            scheme: .bcrypt,
            password:
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored",
            hash: "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui"),
        // Drepper's sha-crypt strings and MD5's, by `openssl passwd`.
        Vector(
            scheme: .crypt, password: "Hello world!",
            hash: "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        Vector(
            scheme: .crypt, password: "Hello world!",
            hash:
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"),
        Vector(scheme: .crypt, password: "kuda lumping merah", hash: "$1$abcdefgh$rnzkpGsxKIcAHIpUPE0b8/"),
        // PHP 8.2.
        Vector(scheme: .sha1MD5, password: "kuda lumping merah", hash: "80f5754c7f39ba05c846d0fa01ed3da440f837c7"),
        Vector(
            scheme: .sha256UserID, password: "kuda lumping merah",
            hash: "8867e1a3cd7454ed01cb503bd2cdaee24a6efa04aef912766f20696ac32d4d28", localID: "1007"),
        Vector(
            scheme: .sha256UserID, password: "kuda lumping merah",
            hash: "8867e1a3cd7454ed01cb503bd2cdaee24a6efa04aef912766f20696ac32d4d28", salt: "1007"),
        Vector(scheme: .ionAuth, password: "kuda lumping merah", hash: "6f53075d125000d1aa7c559f7dfbf567c51dfc50"),
        Vector(
            scheme: .ionAuthColumn, password: "kuda lumping merah", hash: "34c13dd0444554a2de5b1b62817a2f488527aacf",
            salt: "9462e8eee0"),
        Vector(
            scheme: .bcrypt, password: "kuda lumping merah",
            hash: "$2y$05$fSDWmnHzcpKHULikdW9Sbe7kEbZdtwEiZ6Y5GDpj8ZGLoRy7bPZ6C"),
        Vector(
            scheme: .mythAuth, password: "kuda lumping merah",
            hash: "$2y$05$tehMsidVGHFVL36s5Zi7feP/VZEcwIvnqdznkXTq10kL3ugXxU44G"),
        Vector(
            scheme: .wordPress, password: " kuda lumping merah\n",
            hash: "$wp$2y$05$XfzRataOwEIseDrjx6td1OUdnDF94DLAcwM9n4rMFnaZBx7FeXcMK"),
        Vector(
            scheme: .argon2i, password: "kuda lumping merah",
            hash: "$argon2i$v=19$m=1024,t=2,p=1$SXN4R25oYjdleURsWEtPSQ$tiAs6/C1EpgYq4JnxCwwIYQe/6OL1gDv9DnK+TwH1/I"),
        Vector(
            scheme: .argon2id, password: "kuda lumping merah",
            hash: "$argon2id$v=19$m=1024,t=2,p=1$VTluWlhNLjlPWkhTVzJjMg$xbUYlpgFz/XbejS7oF/GKuHBnlMveLizHYM8kg44plM"),
    ]

    @Test("attack 161: every scheme finds its own password and no other", arguments: vectors.indices)
    func computes(_ index: Int) throws {
        let vector = Self.vectors[index]
        let hash = try LegacyHash(vector.scheme, vector.hash, salt: vector.salt, localID: vector.localID)
        #expect(hash.isOf(vector.password))
        #expect(!hash.isOf("x" + vector.password))
        #expect(!hash.isOf(""))
    }

    @Test("every scheme has a vector")
    func complete() {
        #expect(Set(Self.vectors.map(\.scheme)) == Set(LegacyScheme.allCases))
    }

    @Test("a password of the old application is composed, and its spaces stay as they are")
    func normalForm() throws {
        let hash = try LegacyHash(
            .md5, "3f7e941c849d34a6f68fa2c433c827b1", salt: nil, localID: "1")
        #expect(hash.isOf("kata sandi dengan spasi \u{e9}"))
        #expect(hash.isOf("kata sandi dengan spasi e\u{301}"))
        #expect(!hash.isOf("kata sandi dengan\u{a0}spasi \u{e9}"))
    }

    @Test("attack 161: bcrypt counts 72 bytes, and a NUL does not end a password early")
    func cut() throws {
        let long = String(repeating: "panjang é ", count: 9)
        let hash = try LegacyHash(
            .bcrypt, "$2y$04$dSANvV5zGdY0DJM4lMU5OePrDqcSl3YyHumhB7zDe4VZC9qBFf306", salt: nil, localID: "1")
        #expect(hash.isOf(long))
        #expect(!hash.isOf(String(long.prefix(60))))
        let short = try LegacyHash(
            .bcrypt, "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", salt: nil, localID: "1")
        #expect(!short.isOf("U*U\u{0}"))
        #expect(!short.isOf("U*U\u{0}lain"))
    }

    @Test(
        "attack 161: what is no hash of its scheme, or asks for too much, is refused",
        arguments: [
            (.md5, "900150983cd24fb0d6963f7d28e17f7", .hashMalformed),
            (.md5, "900150983cd24fb0d6963f7d28e17f7g", .hashMalformed),
            (.md5, "", .hashMalformed), (.sha1, "900150983cd24fb0d6963f7d28e17f72", .hashMalformed),
            (.ionAuthColumn, "34c13dd0444554a2de5b1b62817a2f488527aacf", .saltMissing),
            (.mySQL, "6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4", .hashMalformed),
            (.phpass, "$P$UIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", .tooCostly),
            (.phpass, "$P$zIQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", .tooCostly),
            (.phpass, "$X$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", .hashMalformed),
            (.bcrypt, "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .hashMalformed),
            (.bcrypt, "$2y$14$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .tooCostly),
            (.bcrypt, "$2y$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .tooCostly),
            (.bcrypt, "$2y$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .tooCostly),
            (.bcrypt, "$2y$+5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .hashMalformed),
            (.bcrypt, "$2y$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .hashMalformed),
            (.bcrypt, "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", .hashMalformed),
            (.wordPress, "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", .hashMalformed),
            (.crypt, "$5$rounds=999999999$salt$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", .tooCostly),
            (.crypt, "$5$rounds=x$salt$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", .hashMalformed),
            (.crypt, "$y$salt$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", .hashMalformed),
            (.crypt, "$5$salt", .hashMalformed), (.crypt, "$", .hashMalformed),
            (.argon2id, "$argon2id$v=19$m=4294967295,t=1,p=1$VTluWlhNLjlPWkhTVzJjMg$xbUY", .tooCostly),
            (.argon2id, "$argon2id$v=19$m=262144,t=10,p=1$VTluWlhNLjlPWkhTVzJjMg$xbUY", .tooCostly),
            (.argon2id, "$argon2i$v=19$m=1024,t=2,p=1$VTluWlhNLjlPWkhTVzJjMg$xbUY", .hashMalformed),
            (.argon2i, "$argon2i$v=16$m=1024,t=2,p=1$VTluWlhNLjlPWkhTVzJjMg$xbUY", .hashMalformed),
        ] as [(LegacyScheme, String, LegacyReason)])
    func refused(scheme: LegacyScheme, text: String, reason: LegacyReason) {
        #expect(throws: reason) { try LegacyHash(scheme, text, salt: nil, localID: "1") }
    }

    @Test("a word is a scheme by its letters, and what can be turned back is none")
    func words() {
        #expect(LegacyScheme(word: "MD5") == .md5)
        #expect(LegacyScheme(word: "Ionauth-SHA1") == .ionAuth)
        for word in ["", "md4", "plain", "bcrypt "] { #expect(LegacyScheme(word: word) == nil) }
        for word in ["plain", "PLAIN", "base64", "aes_mysql", "3des-ecb"] { #expect(LegacyScheme.isReversible(word)) }
        for scheme in LegacyScheme.allCases { #expect(!LegacyScheme.isReversible(scheme.rawValue)) }
    }

    @Test("reasons are stable words, with a sentence of their own in each language")
    func reasons() {
        for reason in LegacyReason.allCases {
            #expect(reason.rawValue.utf8.allSatisfy { (0x61...0x7a).contains($0) || $0 == 0x5f })
            #expect(!reason.indonesian.isEmpty && !reason.english.isEmpty)
        }
        #expect(Set(LegacyReason.allCases.map(\.indonesian)).count == LegacyReason.allCases.count)
        #expect(Set(LegacyReason.allCases.map(\.english)).count == LegacyReason.allCases.count)
    }

    @Test(
        "the NIP, what stands in it, and the user name are guesses, however they are written",
        arguments: [
            ("189001011915011001", true), ("18900101 191501 1 001", true), ("915011001", true), ("18900101", true),
            ("01011890", true), ("01-01-1890", true), ("1890/01/01", true), ("010190", true), ("1501", true),
            ("ujang.m", true), ("UJANG.M", true), ("123456", true), ("RAHASIA", true), ("99", true),
            ("189001011915011002", false), ("ujang", false), ("kuda lumping merah", false), ("", false),
            ("!!!!!!!!!!!!", false), ("a18900101", false),
        ])
    func guesses(_ typed: String, _ isGuess: Bool) {
        #expect(LegacyGuesses(numbers: ["189001011915011001"], names: ["ujang.m"]).holds(typed) == isGuess)
        #expect(LegacyGuesses.none.holds("189001011915011001") == false)
    }
}
