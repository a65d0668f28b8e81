import GapuraFormats
import GapuraTokens
import Testing

@Suite("Crypto")
struct CryptoTests {
    private func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("SHA-256 and HMAC give the values of FIPS 180-4 and RFC 4231")
    func hashes() {
        #expect(hexadecimal(SHA256.hash("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(hexadecimal(SHA256.hash("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        let code = HMACSHA256.code("what do ya want for nothing?".utf8, key: Array("Jefe".utf8))
        #expect(hexadecimal(code) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        #expect(HMACSHA256.code([UInt8](), key: []).count == 32)
    }

    @Test("HKDF gives the values of RFC 5869 A.1")
    func hkdf() {
        let output = HKDFSHA256.derive(
            from: [UInt8](repeating: 0x0b, count: 22), salt: Array(0...12),
            info: "\u{0}", count: 0)
        #expect(output.isEmpty)
        let key = [UInt8](repeating: 0x0b, count: 22)
        // A.3: no salt, no info.
        #expect(
            hexadecimal(HKDFSHA256.derive(from: key, info: "", count: 42))
                == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")
        #expect(HKDFSHA256.derive(from: key, info: "a") != HKDFSHA256.derive(from: key, info: "b"))
        #expect(HKDFSHA256.derive(from: key, info: "", count: 8161).isEmpty)
    }

    @Test("what AES-256-GCM seals it opens, and nothing that was changed, moved or cut")
    func sealing() throws {
        let key = SecureRandom.bytes(32)
        let plain = Array("a secret".utf8)
        for text in [plain, []] {
            let sealed = try AESGCM.seal(text, key: key, associated: [1])
            #expect(try AESGCM.open(sealed, key: key, associated: [1]) == text)
            #expect(sealed != (try AESGCM.seal(text, key: key, associated: [1])))
            #expect(throws: AESGCM.Failure.self) { try AESGCM.open(sealed, key: key, associated: [2]) }
            #expect(throws: AESGCM.Failure.self) { try AESGCM.open(sealed, key: key) }
            #expect(throws: AESGCM.Failure.self) {
                try AESGCM.open(sealed, key: SecureRandom.bytes(32), associated: [1])
            }
            for position in sealed.indices {
                var changed = sealed
                changed[position] ^= 1
                #expect(throws: AESGCM.Failure.self) { try AESGCM.open(changed, key: key, associated: [1]) }
                #expect(throws: AESGCM.Failure.self) {
                    try AESGCM.open(Array(sealed[..<position]), key: key, associated: [1])
                }
            }
        }
        #expect(throws: AESGCM.Failure.self) { try AESGCM.seal(plain, key: [1, 2, 3]) }
    }

    @Test("random bytes are as many as asked, and differ")
    func random() {
        #expect(SecureRandom.bytes(0).isEmpty)
        #expect(SecureRandom.bytes(-1).isEmpty)
        #expect(SecureRandom.bytes(33).count == 33)
        #expect(Set((0..<1000).map { _ in SecureRandom.text() }).count == 1000)
        #expect(SecureRandom.text().utf8.count == 43)
    }

    @Test("constant-time comparison is equality of bytes")
    func comparison() {
        #expect(constantTimeEquals([UInt8](), [UInt8]()))
        #expect(constantTimeEquals("abc".utf8, "abc".utf8))
        #expect(!constantTimeEquals("abc".utf8, "abd".utf8))
        #expect(!constantTimeEquals("abc".utf8, "ab".utf8))
        #expect(!constantTimeEquals("\u{e9}".utf8, "e\u{301}".utf8))
    }
}
