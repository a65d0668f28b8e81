import ArgumentParser
import GapuraFormats

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The record of what was done.", subcommands: [List.self, Verify.self]
    )

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists events, newest first.",
            discussion: """
                  gapura audit list --limit 20
                  gapura audit list --event account.state_changed --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Only events of this name.") var event: String?
        @Option(help: "Only events about this id.") var subject: String?
        @Option(help: "How many at most.") var limit: Int64 = 50
        @Option(help: ArgumentHelp("Only those before this place in the chain.", valueName: "seq")) var before: Int64?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "audit.list",
                .given([
                    ("event", .optional(event)), ("subject", .optional(subject)), ("limit", .integer(limit)),
                    ("before", before.map { .integer($0) }),
                ])
            )
        }

        func show(_ result: JSONValue) {
            let members = ["seq", "at", "event", "actor", "subject", "client_id", "detail"]
            let events = result["events"]?.array ?? []
            Console.table(
                members.map { $0.uppercased() }, events.map { event in members.map { TerminalText.of(event, $0) } })
        }
    }

    struct Verify: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks the hash chain from the first event to the last.", discussion: "  gapura audit verify"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions

        func request() throws -> (operation: String, arguments: JSONObject) { ("audit.verify", JSONObject()) }

        func show(_ result: JSONValue) {
            if result["whole"]?.bool == true {
                Console.line(
                    "Utuh / whole: \(TerminalText.of(result, "events")) events, head \(TerminalText.of(result, "head"))"
                )
            } else {
                let place = TerminalText.of(result, "first_break")
                Console.error(
                    "Galat: rantai audit putus di nomor \(place); simpan basis datanya dan bandingkan dengan cadangan.")
                Console.error(
                    "Error: the audit chain is broken at \(place); keep the database and compare it with a backup.")
            }
        }

        func exitCode(_ result: JSONValue) -> Int32 { result["whole"]?.bool == true ? 0 : Failure.refused }
    }
}
