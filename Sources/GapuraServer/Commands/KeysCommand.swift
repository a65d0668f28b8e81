import ArgumentParser
import GapuraFormats

struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "The keys that sign tokens.", subcommands: [List.self, Rotate.self, Revoke.self]
    )

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the published keys, and which clients get tokens of each algorithm.",
            discussion: "  gapura keys list --json")

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
                The next key signs only once it is published for ten minutes, so that applications that keep the key set
                know it. A key that leaked is not rotated but revoked.

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

        func show(_ result: JSONValue) {
            KeysCommand.show(result)
            for early in result["early"]?.array ?? [] {
                Console.line("Not rotated, applications may not know the next key yet: \(TerminalText.of(early)).")
            }
        }
    }

    struct Revoke: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Takes a key that somebody else may know out of the set at once; without --yes, says what breaks.",
            discussion: """
                An emergency; else use `rotate`. Whatever the key signed is refused from now on: access tokens, and ID tokens that an application
                still shows. Applications that keep the key set take the new key when they fetch it again, at the latest after their cache's time.
                A gateway that runs on this machine takes it back at once, further nodes within a minute.

                  gapura keys list
                  gapura keys revoke KID
                  gapura keys revoke KID --yes

                A name that begins with - comes last, after two dashes: gapura keys revoke --yes -- KID
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The kid of a published key.") var kid: String
        @Flag(help: "Do it.") var yes = false

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("keys.revoke", .given([("kid", .string(kid)), ("confirmed", .optional(yes))]))
        }

        func show(_ result: JSONValue) {
            let algorithm = TerminalText.of(result, "algorithm")
            guard result["revoked"]?.bool == true else {
                Console.line(
                    "This is the \(TerminalText.of(result, "state")) key for \(algorithm), which \(TerminalText.of(result, "clients")) clients use."
                )
                Console.line(
                    "Every token that it signed would be refused at once. Nothing was changed; add --yes to revoke it.")
                return
            }
            Console.line(
                "Revoked. Tokens that it signed are refused; \(TerminalText.of(result, "clients")) clients use \(algorithm)."
            )
            KeysCommand.show(result)
        }
    }

    private static func show(_ result: JSONValue) {
        let keys = result["keys"]?.array ?? []
        var members = ["kid", "algorithm", "state", "active_since", "published_until"]
        if keys.contains(where: { $0["clients"] != nil }) { members.append("clients") }
        Console.table(members.map { $0.uppercased() }, keys.map { key in members.map { TerminalText.of(key, $0) } })
    }
}
