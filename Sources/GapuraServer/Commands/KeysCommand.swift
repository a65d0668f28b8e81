import ArgumentParser
import GapuraFormats

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "The keys that sign tokens.", subcommands: [List.self, Rotate.self]
    )

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the published keys.", discussion: "  gapura keys list --json")

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions

        func request() throws -> (operation: String, arguments: JSONObject) { ("keys.list", JSONObject()) }
        func show(_ result: JSONValue) { KeysCommand.show(result) }
    }

    struct Rotate: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Makes the next key the one that signs; the old one stays published until its last token is dead.",
            discussion: """
                  gapura keys rotate
                  gapura keys rotate --algorithm RS256
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Only keys of this algorithm.") var algorithm: String?

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("keys.rotate", .given([("algorithm", .optional(algorithm))]))
        }
        func show(_ result: JSONValue) { KeysCommand.show(result) }
    }

    private static func show(_ result: JSONValue) {
        let members = ["kid", "algorithm", "state", "active_since", "published_until"]
        let keys = result["keys"]?.array ?? []
        Console.table(members.map { $0.uppercased() }, keys.map { key in members.map { TerminalText.of(key, $0) } })
    }
}
