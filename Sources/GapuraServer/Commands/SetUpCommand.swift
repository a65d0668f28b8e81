import ArgumentParser
import GapuraFormats

struct SetUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "setup",
        abstract: "Makes the database, the keys and the first admin, once.",
        discussion: """
            Prints a one-time link with which the first admin sets a password. The link is dead once it is used or after the time of
            `set_up_link_lifetime`; `gapura account link admin` issues another one. Doing it again changes nothing.

              gapura setup
              gapura setup --json
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var output: OutputOptions
    @Flag(help: "Make new keys although the database was in use with others: only if the keys folder is lost for good.")
    var newKeys = false

    func run() async throws {
        var runner = OperationRunner(settings: try await common.load().settings)
        runner.makesKeys = newKeys
        let result = try await runner.run("setup", JSONObject())
        if output.json { return Console.json(result) }
        guard result["new"]?.bool == true else {
            Console.line(
                "This gateway has been set up before; nothing was changed. `gapura account link admin` issues a link.")
            return
        }
        Console.line(
            "The database and the keys are made. The first admin is `\(TerminalText.of(result, "user_name"))`.")
        Console.line("Set the password here, once, before \(TerminalText.of(result, "link_expires_at")):")
        Console.line("  \(TerminalText.of(result, "link"))")
    }
}
