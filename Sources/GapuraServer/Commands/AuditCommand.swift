import ArgumentParser
import GapuraFormats

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "The record of what was done.",
        subcommands: [List.self, Verify.self, Export.self, Purge.self]
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
        @Option(parsing: .unconditional, help: "Only events about this id.") var subject: String?
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
            abstract: "Checks the hash chain from the first event, or the last that was purged, to the newest.",
            discussion: "  gapura audit verify"
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

    struct Export: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the events before a day into a file, with the hashes that chain them.",
            discussion: """
                One line of JSON an event, oldest first: SHA-256 (base64url) over [seq, at, event, actor, subject, client_id, detail, previous] is
                its hash, and the hash of one is `previous` of the next. The gateway writes the file, mode 0600, and never over another. What was
                purged before is in the file of that time.

                  gapura audit export --before 2025-01-01 /srv/arsip/audit-2024.jsonl
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "A day, such as 2025-01-01: what is older.") var before: String
        @Argument(help: "The file to make.") var file: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("audit.export", ["before": .string(before), "file": .string(LocalFile.absolute(file))])
        }

        func show(_ result: JSONValue) { Console.members(result.object ?? JSONObject()) }
    }

    struct Purge: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Removes the events before a day from the database, once they are exported.",
            discussion: """
                Shows how many; with --yes removes them. The hash of the last one stays, so that `gapura audit verify` still proves the rest.
                With the setting audit_days the gateway does it by itself, as far as an export reaches.

                  gapura audit purge --before 2025-01-01
                  gapura audit purge --before 2025-01-01 --yes
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "A day, such as 2025-01-01: what is older.") var before: String
        @Flag(help: "Do it.") var yes = false

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("audit.purge", .given([("before", .string(before)), ("confirmed", .optional(yes))]))
        }

        func show(_ result: JSONValue) { Console.members(result.object ?? JSONObject()) }
    }
}
