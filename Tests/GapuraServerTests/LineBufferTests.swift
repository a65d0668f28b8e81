import Testing

@testable import GapuraServer

@Suite("Lines of the socket")
struct LineBufferTests {
    @Test("lines are the same however they are cut into chunks", arguments: 1...12)
    func cuts(_ size: Int) {
        let text = Array("satu\n\ndua tiga\nempat\nsisa".utf8)
        var buffer = LineBuffer()
        var lines: [String] = []
        for start in stride(from: 0, to: text.count, by: size) {
            buffer.append(text[start..<min(start + size, text.count)])
            while let line = buffer.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        }
        #expect(lines == ["satu", "", "dua tiga", "empat"])
        #expect(buffer.rest == 4)
    }

    @Test("a line of megabytes in small chunks comes out whole, and what follows it is the next")
    func longLine() {
        let chunk = [UInt8](repeating: 0x61, count: 256)
        var buffer = LineBuffer()
        for index in 0..<16_384 {
            buffer.append(chunk)
            if buffer.next() != nil { Issue.record("a line without an end at chunk \(index)") }
        }
        #expect(buffer.rest == 4 << 20)
        buffer.append([0x0a, 0x62])
        let line = buffer.next()
        #expect(line?.count == 4 << 20)
        #expect(line?.allSatisfy { $0 == 0x61 } == true)
        #expect(buffer.next() == nil)
        #expect(buffer.rest == 1)
    }
}
