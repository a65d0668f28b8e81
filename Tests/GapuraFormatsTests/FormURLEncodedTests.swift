import GapuraFormats
import Testing

@Suite("Forms")
struct FormURLEncodedTests {
    @Test("pairs are read in order, duplicates kept, plus and percent decoded")
    func reads() throws {
        let pairs = try FormURLEncoded.parse("a=1&b=x+y%26%3D&a=2&c&d=&&e=%C3%A9=z".utf8)
        #expect(pairs.map(\.name) == ["a", "b", "a", "c", "d", "e"])
        #expect(pairs.map(\.value) == ["1", "x y&=", "2", "", "", "é=z"])
        #expect(try FormURLEncoded.parse([]).isEmpty)
    }

    @Test("what is written is read back")
    func writes() throws {
        let body = FormURLEncoded.encode([("a b", "1+2&3=é"), ("c", "~-._*")])
        #expect(body == "a+b=1%2B2%263%3D%C3%A9&c=~-._%2A")
        let pairs = try FormURLEncoded.parse(body.utf8)
        #expect(pairs.map(\.name) == ["a b", "c"])
        #expect(pairs.map(\.value) == ["1+2&3=é", "~-._*"])
        #expect(FormURLEncoded.percentEncode("a b/é") == "a%20b%2F%C3%A9")
    }

    @Test(
        "attack 286: a percent sign without two hexadecimal digits is refused",
        arguments: ["a=%", "a=%4", "%=a", "a=%zz", "a=%4z", "a=%%41", "a=% 41", "%zz=1", "a=%4&b=1"])
    func percent(text: String) {
        #expect(throws: FormError.badPercentEncoding) { try FormURLEncoded.parse(text.utf8) }
    }

    @Test("attack 286: names do not nest, however they look, and more than 200 keys are refused")
    func flat() throws {
        let nested = "a" + String(repeating: "[_0][0]", count: 1100)
        let pairs = try FormURLEncoded.parse("\(nested)=1".utf8)
        #expect(pairs.map(\.name) == [nested])
        let full = (0..<200).map { "k\($0)=1" }.joined(separator: "&")
        #expect(try FormURLEncoded.parse(full.utf8).count == 200)
        #expect(throws: FormError.tooManyKeys) { try FormURLEncoded.parse((full + "&x=1").utf8) }
        let million = (0..<1_000_000).map { "\($0)" }.joined(separator: "&")
        #expect(throws: FormError.tooManyKeys) { try FormURLEncoded.parse(million.utf8) }
    }

    @Test("what is not UTF-8 is refused", arguments: ["a=%FF", "%C0%80=1", "a=%ED%A0%80"])
    func notUTF8(text: String) {
        #expect(throws: FormError.notUTF8) { try FormURLEncoded.parse(text.utf8) }
    }
}
