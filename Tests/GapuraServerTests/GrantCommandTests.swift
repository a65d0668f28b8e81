import ArgumentParser
import GapuraFormats
import Testing

@testable import GapuraServer

@Suite("Command line: grants")
struct GrantCommandTests {
    private func request<Command: OperationCommand>(_ type: Command.Type, _ arguments: [String]) throws -> JSONObject {
        let command = try #require(try GapuraCommand.parseAsRoot(arguments) as? Command)
        return try command.request().arguments
    }

    @Test("grant add takes one recipient and gives what was given")
    func add() throws {
        let arguments = try request(
            GrantCommand.Add.self,
            [
                "grant", "add", "e-surat", "tata-usaha", "--account", "ujang", "--in-unit", "U1", "--from",
                "2026-12-01",
                "--letter", "1/2026",
            ])
        #expect(
            arguments == [
                "application": "e-surat", "role": "tata-usaha", "account": "ujang", "in_unit": "U1",
                "from": "2026-12-01", "letter": "1/2026",
            ])
        #expect(try request(GrantCommand.End.self, ["grant", "end", "x"]) == ["id": "x"])
        #expect(try request(GrantCommand.ShowFor.self, ["grant", "show-for", "ujang"]) == ["name": "ujang"])
        #expect(
            try request(RoleCommand.Exclude.self, ["role", "exclude", "a:b", "c:d"]) == [
                "first": "a:b", "second": "c:d",
            ])
    }

    @Test(
        "wrong usage exits with 2",
        arguments: [
            ["grant", "add", "e-surat", "tu", "--letter", "1"], ["grant", "add", "e-surat", "tu", "--account", "a"],
            ["grant", "add", "e-surat", "tu", "--account", "a", "--kind", "PNS", "--letter", "1"],
            ["grant", "add"], ["grant", "end"], ["role", "exclude", "a:b"], ["role", "add", "e-surat"],
        ])
    func usage(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try GapuraCommand.parseAsRoot(arguments) }
        #expect(error.map { Failure.report($0) } == Failure.usage)
    }

    @Test("roles, grants and separation of duties from the command line")
    func program() async throws {
        let gapura = try GapuraProgram()
        try await gapura.succeed("setup")
        let files = try SmallCity.write(to: gapura.folder)
        try await gapura.succeed("personnel", "load", files.people, "--units", files.units, "--apply")
        try await gapura.succeed(
            "application", "add", "--slug", "e-uji", "--name", "e-Uji", "--agency", "Dinas Kesehatan", "--state",
            "aktif")
        try await gapura.succeed("role", "add", "e-uji", "bendahara", "--description", "Mencatat uang")
        try await gapura.succeed("role", "add", "e-uji", "verifikator")
        #expect(try await gapura.succeed("role", "add", "e-uji", "verifikator").output.contains("already"))
        try await gapura.succeed("role", "exclude", "e-uji:bendahara", "e-uji:verifikator")
        let given = try await gapura.succeed(
            "grant", "add", "e-uji", "bendahara", "--account", SmallCity.nip, "--in-unit", "Sekretariat Daerah",
            "--until", "2031-12-31", "--letter", "800/1/2026", "--json"
        ).json
        #expect(given["new"]?.bool == true)
        #expect(given["until"] == "2031-12-31")
        let refused = try await gapura.run(
            ["grant", "add", "e-uji", "verifikator", "--kind", "PNS", "--letter", "800/2/2026"])
        #expect(refused.code == 1)
        #expect(refused.errors.contains("e-uji:bendahara"))
        #expect(refused.errors.contains("mengecualikan"))
        let held = try await gapura.succeed("grant", "show-for", SmallCity.nip)
        #expect(held.output.contains("bendahara"))
        #expect(held.output.contains("800/1/2026"))
        #expect(try await gapura.succeed("role", "exclusions", "--json").json["exclusions"]?.array?.count == 1)
        #expect(try await gapura.succeed("role", "list", "e-uji").output.contains("Mencatat uang"))
        let id = try #require(given["id"]?.string)
        try await gapura.succeed("grant", "end", id)
        #expect(try await gapura.succeed("grant", "end", id).output.contains("already"))
        #expect(try await gapura.succeed("grant", "list", "--application", "e-uji").output.contains(id))
        let fromInput = try await gapura.run(
            ["grant", "add", "--json-input", "-", "--json"],
            input: #"{"application":"e-uji","role":"verifikator","kind":"PNS","letter":"800/2/2026"}"#)
        #expect(try fromInput.json["new"]?.bool == true)
        #expect(try await gapura.succeed("audit", "verify", "--json").json["whole"]?.bool == true)
    }
}
