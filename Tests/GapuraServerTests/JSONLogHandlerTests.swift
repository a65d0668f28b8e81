import GapuraFormats
import Logging
import Synchronization
import Testing

@testable import GapuraServer

@Suite("JSON log")
struct JSONLogHandlerTests {
    private final class Lines: Sendable {
        private let all = Mutex<[[UInt8]]>([])
        func add(_ line: [UInt8]) { all.withLock { $0.append(line) } }
        var lines: [[UInt8]] { all.withLock { $0 } }
    }

    private func log(_ body: (Logger) -> Void) throws -> [JSONObject] {
        let lines = Lines()
        body(Logger(label: "gapura") { JSONLogHandler(label: $0, level: .info, write: lines.add) })
        return try lines.lines.map { line in
            #expect(line.last == 0x0a)
            #expect(line.filter { $0 == 0x0a }.count == 1)
            return try #require(try StrictJSON.parse(Array(line.dropLast())).object)
        }
    }

    @Test("one object per line: time, level, message, metadata")
    func oneObject() throws {
        let line = try #require(
            try log { logger in
                var logger = logger
                logger[metadataKey: "request"] = "abc"
                logger.info("signed in", metadata: ["count": "\(3)", "list": ["a", "b"], "more": ["x": "y"]])
            }.first
        )
        #expect(line["message"]?.string == "signed in")
        #expect(line["level"]?.string == "info")
        #expect(line["request"]?.string == "abc")
        #expect(line["list"]?.strings == ["a", "b"])
        #expect(line["more"]?["x"]?.string == "y")
        let time = try #require(line["time"]?.string)
        #expect(time.utf8.count == 24 && time.hasSuffix("Z"))
    }

    @Test("line feeds and quotes in values cannot forge a line")
    func noForging() throws {
        let lines = try log { $0.warning("a\nb", metadata: ["x": "\"}\n{\"level\":\"info\"}"]) }
        #expect(lines.count == 1)
        #expect(lines.first?["message"]?.string == "a\nb")
    }

    @Test("metadata does not replace time, level or message")
    func reserved() throws {
        let line = try log { $0.error("real", metadata: ["message": "false", "level": "trace"]) }.first
        #expect(line?["message"]?.string == "real")
        #expect(line?["level"]?.string == "error")
    }

    @Test("levels below the setting are silent")
    func level() throws {
        #expect(try log { $0.debug("quiet") }.isEmpty)
    }
}
