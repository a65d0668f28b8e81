import ArgumentParser
import GapuraFormats
import Testing

@testable import GapuraServer

@Suite("Command line: first passwords and other people")
struct ActivationCommandTests {
    private func request<Command: OperationCommand>(_ type: Command.Type, _ arguments: [String]) throws -> JSONObject {
        let command = try #require(try GapuraCommand.parseAsRoot(arguments) as? Command)
        return try command.request().arguments
    }

    @Test("codes go to a unit, to all or to accounts by name, and files are named absolutely")
    func codes() throws {
        let arguments = try request(
            AccountCommand.Codes.self,
            ["account", "codes", "--unit", "Dinas Kesehatan", "--sheet", "a.html", "--csv", "/b.csv"])
        #expect(arguments["unit"] == "Dinas Kesehatan")
        #expect(arguments["sheet"]?.string?.hasPrefix("/") == true)
        #expect(arguments["csv"] == "/b.csv")
        #expect(arguments["again"] == nil)
        #expect(
            try request(AccountCommand.Codes.self, ["account", "codes", "ujang", "siti", "--again"])
                == ["names": ["ujang", "siti"], "again": true])
        #expect(try request(AccountCommand.Codes.self, ["account", "codes", "--all", "--csv", "/b"])["all"] == true)
    }

    @Test("pending, extend and ending give what was given")
    func others() throws {
        #expect(
            try request(AccountCommand.Pending.self, ["account", "pending", "--unit", "A"]) == [
                "unit": "A", "limit": 100,
            ])
        #expect(
            try request(AccountCommand.Extend.self, ["account", "extend", "vendor", "--until", "2027-01-31"])
                == ["name": "vendor", "until": "2027-01-31"])
        #expect(try request(AccountCommand.Ending.self, ["account", "ending"]) == ["days": 30])
    }

    @Test(
        "wrong usage exits with 2",
        arguments: [
            ["account", "codes"], ["account", "codes", "--all"], ["account", "codes", "--unit", "A"],
            ["account", "codes", "--all", "--unit", "A", "--csv", "b"],
            ["account", "codes", "ujang", "--all", "--csv", "b"],
            ["account", "extend", "vendor"], ["account", "extend", "--until", "2027-01-31"],
            ["account", "ending", "--days", "soon"],
        ])
    func usage(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try GapuraCommand.parseAsRoot(arguments) }
        #expect(error.map { Failure.report($0) } == Failure.usage)
    }
}
