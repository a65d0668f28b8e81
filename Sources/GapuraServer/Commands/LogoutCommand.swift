import ArgumentParser
import GapuraFormats

struct LogoutCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout", abstract: "Sign-outs: which application was told.", subcommands: [List.self]
    )

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the ledger, newest first.",
            discussion: """
                  gapura logout list
                  gapura logout list --session 01991c2e-… --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Only those of this session.") var session: String?
        @Option(help: "How many at most.") var limit: Int64 = 50

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("logout.list", .given([("session", .optional(session)), ("limit", .integer(limit))]))
        }

        func show(_ result: JSONValue) {
            let members = ["created_at", "client_id", "state", "tries", "status", "problem", "session"]
            let deliveries = result["deliveries"]?.array ?? []
            Console.table(
                members.map { $0.uppercased() }, deliveries.map { item in members.map { TerminalText.of(item, $0) } })
        }
    }
}
