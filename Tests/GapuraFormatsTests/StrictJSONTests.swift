import GapuraFormats
import Testing

@Suite("Strict JSON")
struct StrictJSONTests {
    private func kind(_ text: String, depth: Int = 64) -> JSONError.Kind? {
        do {
            _ = try StrictJSON.parse(text.utf8, maximumDepth: depth)
            return nil
        } catch {
            return error.kind
        }
    }

    @Test("what RFC 8259 allows is read, in the order of the text")
    func readsAll() throws {
        let text =
            #" {"a":[1,-2,3.5,1e2,true,false,null,"\u00e9\ud83d\ude00\n\/"],"b":{"":{}} ,"c":9223372036854775807} "#
        let value = try StrictJSON.parse(text.utf8)
        #expect(value.object?.keys == ["a", "b", "c"])
        #expect(value["a"] == [1, -2, 3.5, 100.0, true, false, nil, "é😀\n/"])
        #expect(value["b"]?[""] == [:])
        #expect(value["c"]?.integer == Int64.max)
        #expect(
            value.encodedText()
                == #"{"a":[1,-2,3.5,100.0,true,false,null,"é😀\n/"],"b":{"":{}},"c":9223372036854775807}"#)
    }

    @Test("whole numbers beyond 64 bits become doubles, and the ends of the range stay whole")
    func largeIntegers() throws {
        #expect(try StrictJSON.parse("-9223372036854775808".utf8) == .integer(.min))
        #expect(try StrictJSON.parse("9223372036854775808".utf8) == .double(9_223_372_036_854_775_808))
        #expect(try StrictJSON.parse("-9223372036854775809".utf8).integer == Int64.min)
        #expect(try StrictJSON.parse("9223372036854775808".utf8).integer == nil)
    }

    @Test(
        "what is not RFC 8259 is refused",
        arguments: [
            "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,}", "{a:1}", "{'a':1}",
            "01", "-", "-01", "1.", ".5", "1e", "1e+", "+1", "0x1", "NaN", "Infinity", "-Infinity", "1e999", "tru",
            "truefalse", "nulL", "\"", "\"\\", "\"\\u12", "\"\\u12g4\"", "\"\\x41\"", "\"\t\"", "\"\u{1}\"", "1 2",
            "[1]]", "{}{}",
            "\u{feff}{}", "/**/1", "[1 2]", "{\"a\" 1}", "{1:1}", "\u{a0}1",
        ])
    func refuses(text: String) {
        #expect(kind(text) != nil)
    }

    @Test("attack 116: equal names in one object are refused, after unescaping and as bytes")
    func duplicateKeys() throws {
        #expect(kind(#"{"sub":"a","sub":"admin"}"#) == .duplicateKey)
        #expect(kind(#"{"alg":"none","\u0061lg":"ES256"}"#) == .duplicateKey)
        #expect(kind(#"{"a":{"b":1,"b":1}}"#) == .duplicateKey)
        #expect(kind("{\"\":1,\"\":2}") == .duplicateKey)
        // Two normal forms of "é" are two names.
        let twins = try StrictJSON.parse("{\"\u{e9}\":1,\"e\u{301}\":2}".utf8)
        #expect(twins.object?.count == 2)
        #expect(twins["\u{e9}"]?.integer == 1)
        #expect(twins["e\u{301}"]?.integer == 2)
        let many = (0..<1000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(kind("{\(many)}") == nil)
        #expect(kind("{\(many),\"k7\":1}") == .duplicateKey)
    }

    @Test("attack 287: nesting is limited, whatever the caller asks for", arguments: [65, 513, 100_000])
    func depth(levels: Int) {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels)
            #expect(kind(text) == .tooDeep)
            #expect(kind(text, depth: .max) == (levels > StrictJSON.deepest ? .tooDeep : nil))
            #expect(kind(String(repeating: open, count: levels)) == .tooDeep)
        }
        #expect(kind(String(repeating: "[", count: 64) + String(repeating: "]", count: 64)) == nil)
    }

    @Test("attack 287: numbers of ten million digits, a million names and lone surrogates are refused")
    func size() throws {
        #expect(kind(String(repeating: "1", count: 10_000_000)) == .tooLarge)
        #expect(kind(String(repeating: "1", count: 100_000)) == .badNumber)
        #expect(kind("0." + String(repeating: "1", count: 100_000)) == .badNumber)
        #expect(kind("{" + (0..<1_000_000).map { "\"\($0)\":0" }.joined(separator: ",") + "}") == .tooLarge)
        for text in [#""\ud800""#, #""\udc00""#, #""\ud800\ud800""#, #""\ud800x""#, #""\ud800\n""#, #""\udc00\ud800""#]
        {
            #expect(kind(text) == .loneSurrogate)
        }
    }

    @Test("attack 287: 1.5 read as a whole number is nil, and does not trap")
    func fraction() throws {
        let value = try StrictJSON.parse(#"{"a":1.5,"b":3.0,"c":1e300,"d":"1"}"#.utf8)
        #expect(value["a"]?.integer == nil)
        #expect(value["b"]?.integer == 3)
        #expect(value["c"]?.integer == nil)
        #expect(value["d"]?.integer == nil)
        #expect(value["a"]?.number == 1.5)
    }

    @Test(
        "bytes that are not UTF-8 are refused",
        arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try StrictJSON.parse([0x22] + bytes + [0x22]) }
        #expect(throws: JSONError.self) { try StrictJSON.parse([0x22, 0x5c, 0x6e] + bytes + [0x22]) }
    }

    @Test("every prefix and every changed byte of a text is read or refused, and never traps")
    func mutations() throws {
        let text = Array(#"{"iss":"https://a","n":[-1.5e3,{"x":"\ud83d\ude00\\"}],"t":true,"z":null}"#.utf8)
        for end in 0..<text.count {
            #expect(throws: JSONError.self) { try StrictJSON.parse(text[..<end]) }
        }
        for position in text.indices {
            for byte in [0, 0x20, 0x22, 0x2c, 0x30, 0x5c, 0x5d, 0x7b, 0x80, 0xff] as [UInt8] {
                var changed = text
                changed[position] = byte
                if let value = try? StrictJSON.parse(changed) {
                    #expect(try StrictJSON.parse(value.encoded()) == value)
                }
            }
        }
    }

    @Test("an object keeps its order, replaces in place, and removes")
    func object() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["a"] = 3
        object["c"] = "x"
        object["b"] = nil
        #expect(object.keys == ["a", "c"])
        #expect(object.removing("a") == ["c": "x"])
        #expect(object == ["c": "x", "a": 3])
        for number in 0..<100 {
            object["n\(number)"] = .integer(Int64(number))
        }
        object["n50"] = nil
        #expect(object["n50"] == nil)
        #expect(object["n99"]?.integer == 99)
        #expect(object.count == 101)
    }

    @Test("the writer escapes control characters, and gives back what the reader read")
    func writer() throws {
        let text = String(String.UnicodeScalarView((0..<0x80).compactMap { Unicode.Scalar($0) })) + "é\u{2028}😀"
        let bytes = JSONValue.string(text).encoded()
        #expect(bytes.allSatisfy { $0 >= 0x20 })
        #expect(try StrictJSON.parse(bytes) == .string(text))
        #expect(JSONValue.double(.nan).encodedText() == "null")
        #expect(JSONValue.string("a/b\"\\\u{1f}").encodedText() == #""a/b\"\\\u001f""#)
    }
}
