import ArgumentParser
import GapuraFormats

struct RegistrationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registration", abstract: "Rights to register clients over the network (RFC 7591).",
        subcommands: [Add.self, List.self, End.self]
    )

    struct Add: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives whoever builds an application a token with which it registers its clients.",
            discussion: """
                The token is told once, and is good for so many clients and so many days; what they may be is decided here.

                  gapura registration add --application e-absensi --host absensi.vendor.id
                  gapura registration add --application e-absensi --host absensi.vendor.id --profile fapi2 --uses 3 --days 30
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Slug of the application that they belong to.") var application: String
        @Option(help: "A host of their redirect URIs; may be repeated.") var host: [String] = []
        @Option(help: "The scopes that they may have, separated by spaces.") var scope: String?
        @Option(help: "standard, fapi2 or legacy.") var profile: String?
        @Flag(help: "The city's own: nobody is asked before they learn something.") var trusted = false
        @Option(help: "For how many days.") var days: Int64?
        @Option(help: "For how many clients.") var uses: Int64?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "registration.add",
                .given([
                    ("application", .string(application)), ("hosts", .optional(host)), ("scope", .optional(scope)),
                    ("profile", .optional(profile)), ("trusted", .optional(trusted)),
                    ("days", days.map { .integer($0) }), ("uses", uses.map { .integer($0) }),
                ])
            )
        }

        func show(_ result: JSONValue) {
            Console.members(result.object ?? JSONObject())
            Console.error("The initial access token is told this once.")
        }
    }

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the rights that were given, the latest first.", discussion: "  gapura registration list")

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions

        func request() throws -> (operation: String, arguments: JSONObject) { ("registration.list", [:]) }

        func show(_ result: JSONValue) {
            let members = ["id", "application", "open", "uses_left", "expires_at", "hosts"]
            Console.table(
                ["ID", "APPLICATION", "OPEN", "USES_LEFT", "UNTIL", "HOSTS"],
                (result["registrations"]?.array ?? []).map { one in members.map { TerminalText.of(one, $0) } })
        }
    }

    struct End: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a right; its clients stay, but their registrations can be replaced no longer.",
            discussion: "  gapura registration end 0192f3a1-7c11-7000-8000-000000000000")

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "As `gapura registration list` shows it.") var id: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("registration.end", ["id": .string(id)])
        }

        func show(_ result: JSONValue) { Console.line("Ended.") }
    }
}
