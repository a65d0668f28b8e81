import GapuraFormats
import Testing

@Suite("Base64url")
struct Base64URLTests {
    @Test("the examples of RFC 4648 section 10, without padding, go both ways")
    func examples() throws {
        let pairs = [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ]
        for (plain, encoded) in pairs {
            #expect(Base64URL.encode(plain.utf8) == encoded)
            #expect(try Base64URL.decode(encoded) == Array(plain.utf8))
        }
        #expect(Base64URL.encode([0xfb, 0xff]) == "-_8")
    }

    @Test("every length up to 300 goes both ways")
    func lengths() throws {
        for count in 0...300 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ count) }
            #expect(try Base64URL.decode(Base64URL.encode(bytes)) == bytes)
        }
    }

    @Test(
        "attack 118: padding, the other alphabet, white space and all else outside the alphabet are refused",
        arguments: ["Zg==", "Zm8=", "+_8A", "-/8A", "Zm 9v", "Zm9v\n", "\nZm9v", "Zm9v\0", "Zm9é", "Zm.v", "Zm9v "])
    func alphabet(text: String) {
        #expect(throws: Base64URLError.self) { try Base64URL.decode(text) }
    }

    @Test(
        "attack 118: non-zero trailing bits are refused, so that one value has one text",
        arguments: ["Zh", "Zn", "Zm9", "Zm-"])
    func trailingBits(text: String) {
        #expect(throws: Base64URLError.trailingBits) { try Base64URL.decode(text) }
    }

    @Test("a length that no encoding has is refused", arguments: ["Z", "Zm9vY"])
    func length(text: String) {
        #expect(throws: Base64URLError.badLength) { try Base64URL.decode(text) }
    }

    @Test("of two letters, exactly those with zero trailing bits are read, over all bytes")
    func exhaustive() {
        var read = 0
        for first in UInt8.min...UInt8.max {
            for second in UInt8.min...UInt8.max where (try? Base64URL.decode([first, second])) != nil {
                read += 1
            }
        }
        #expect(read == 256)
    }
}
