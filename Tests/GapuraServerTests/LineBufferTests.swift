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

    @Test("a long line in small chunks is searched once")
    func longLine() {
        let chunk = [UInt8](repeating: 0x61, count: 256)
        var buffer = LineBuffer()
        let time = ContinuousClock().measure {
            for _ in 0..<16_384 {
                buffer.append(chunk)
                #expect(buffer.next() == nil)
            }
            buffer.append([0x0a])
        }
        #expect(buffer.next()?.count == 4 << 20)
        // Searched from the start for each chunk it would take many minutes.
        #expect(time < .seconds(20))
    }
}
