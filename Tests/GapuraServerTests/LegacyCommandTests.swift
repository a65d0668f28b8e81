import ArgumentParser
import GapuraFormats
import Testing

@testable import GapuraServer

@Suite("Command line: old accounts")
struct LegacyCommandTests {
    private func request<Command: OperationCommand>(_ type: Command.Type, _ arguments: [String]) throws
        -> (operation: String, arguments: JSONObject)
    {
        try #require(try GapuraCommand.parseAsRoot(arguments) as? Command).request()
    }

    @Test("legacy import previews unless --apply is given, and names the file by its whole path")
    func load() throws {
        let preview = try request(LegacyCommand.Import.self, ["legacy", "import", "e-absensi", "users.csv"])
        #expect(preview.operation == "legacy.import")
        #expect(preview.arguments["application"]?.string == "e-absensi")
        #expect(preview.arguments["file"]?.string?.hasPrefix("/") == true)
        #expect(preview.arguments["apply"] == nil && preview.arguments["keep_days"] == nil)
        let apply = try request(
            LegacyCommand.Import.self, ["legacy", "import", "e-absensi", "/x.csv", "--apply", "--keep-days", "30"])
        #expect(apply.arguments["apply"] == true && apply.arguments["keep_days"] == 30)
        #expect(throws: (any Error).self) { try GapuraCommand.parseAsRoot(["legacy", "import", "e-absensi"]) }
    }

    @Test("queue, match and forget say what they are about")
    func others() throws {
        #expect(try request(LegacyCommand.Queue.self, ["legacy", "queue"]).arguments == ["limit": 100])
        #expect(
            try request(LegacyCommand.Queue.self, ["legacy", "queue", "simpeg", "--limit", "5"]).arguments
                == ["application": "simpeg", "limit": 5])
        let match = try request(LegacyCommand.Match.self, ["legacy", "match", "simpeg", "41", "ujang"])
        #expect(match.arguments == ["application": "simpeg", "local_id": "41", "name": "ujang"])
        #expect(try request(LegacyCommand.Forget.self, ["legacy", "forget", "simpeg"]).operation == "legacy.forget")
        #expect(try request(LegacyCommand.List.self, ["legacy", "list"]).operation == "legacy.list")
    }
}
