import ArgumentParser
import GapuraFormats
import Testing

@testable import GapuraServer

@Suite("Command line: posts, managers, units")
struct OrganisationCommandTests {
    private func request<Command: OperationCommand>(
        _ type: Command.Type, _ arguments: String...
    ) throws -> (operation: String, arguments: JSONObject) {
        let command = try #require(try GapuraCommand.parseAsRoot(arguments) as? Command)
        return try command.request()
    }

    @Test("appointment add takes a letter as flags, and what is not given is left out")
    func add() throws {
        let (operation, arguments) = try request(
            AppointmentCommand.Add.self, "appointment", "add", "--kind", "PLT", "--nip", "1", "--unit", "Dinas",
            "--from", "2026-09-01", "--to", "2026-11-30", "--letter", "800/1")
        #expect(operation == "appointment.add")
        #expect(
            arguments == [
                "kind": "PLT", "nip": "1", "unit": "Dinas", "from": "2026-09-01", "to": "2026-11-30", "letter": "800/1",
            ])
    }

    @Test("files go by their absolute path, because the gateway may run elsewhere; nothing is applied unless said")
    func files() throws {
        let load = try request(AppointmentCommand.Load.self, "appointment", "load", "a.csv").arguments
        #expect(load["file"]?.string?.hasPrefix("/") == true)
        #expect(load["apply"] == nil)
        let draft = try request(
            UnitCommand.Draft.Load.self, "unit", "draft", "load", "a.csv", "--on", "2027-01-01", "--merge", "A=B",
            "--merge", "C=D", "--confirm-closed", "9")
        #expect(draft.operation == "unit.draft-load")
        #expect(draft.arguments["file"]?.string?.hasPrefix("/") == true)
        #expect(draft.arguments["merges"]?.strings == ["A=B", "C=D"])
        #expect(draft.arguments["confirm_closed"]?.integer == 9)
    }

    @Test("each further command is its operation")
    func others() throws {
        #expect(
            try request(AppointmentCommand.List.self, "appointment", "list", "--on", "2026-09-01").arguments == [
                "on": "2026-09-01"
            ])
        #expect(
            try request(AppointmentCommand.End.self, "appointment", "end", "x", "--on", "2026-09-01").arguments == [
                "id": "x", "on": "2026-09-01",
            ])
        #expect(
            try request(ManagerCommand.Set.self, "manager", "set", "1", "2").arguments == [
                "person": "1", "manager": "2",
            ])
        #expect(try request(ManagerCommand.Clear.self, "manager", "clear", "1").operation == "manager.clear")
        #expect(try request(ManagerCommand.Show.self, "manager", "show", "1").operation == "manager.show")
        #expect(try request(ManagerCommand.Missing.self, "manager", "missing").arguments == ["limit": 100])
        #expect(try request(UnitCommand.List.self, "unit", "list", "--closed").arguments == ["closed": true])
        #expect(try request(UnitCommand.History.self, "unit", "history", "A").operation == "unit.history")
        #expect(try request(UnitCommand.Draft.Show.self, "unit", "draft", "show").arguments.isEmpty)
        #expect(
            try request(UnitCommand.Draft.Cancel.self, "unit", "draft", "cancel", "x").operation == "unit.draft-cancel")
    }

    @Test(
        "wrong usage exits with 2",
        arguments: [
            ["appointment", "add", "--kind", "PLT"], ["appointment", "end", "x"], ["manager", "set", "1"],
            ["unit", "draft", "load", "a.csv"], ["appointment", "load"],
        ])
    func usage(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try GapuraCommand.parseAsRoot(arguments) }
        #expect(error.map { Failure.report($0) } == Failure.usage)
    }
}
