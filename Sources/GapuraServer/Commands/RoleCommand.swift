import ArgumentParser
import GapuraFormats

struct RoleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "role", abstract: "The roles that applications know, and which two nobody may hold together.",
        subcommands: [Add.self, List.self, Exclude.self, Exclusions.self]
    )

    struct Add: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds a role to an application. The same call again answers the same role.",
            discussion: """
                The name is what the application reads in the claim 'roles' of a client with the scope 'roles'.

                  gapura role add e-kinerja penilai --description "Menilai SKP bawahan"
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "Slug of the application.") var application: String
        @Argument(help: "1 to 64 characters a-z, A-Z, 0-9, '_', '-', '.'.") var name: String
        @Option(help: "One line about what it allows.") var description: String?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "role.add",
                .given([
                    ("application", .string(application)), ("name", .string(name)),
                    ("description", .optional(description)),
                ])
            )
        }

        func show(_ result: JSONValue) {
            Console.line(result["new"]?.bool == true ? "Added." : "The role was there already.")
        }
    }

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the roles of an application and what each excludes.",
            discussion: "  gapura role list e-kinerja"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "Slug of the application.") var application: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("role.list", ["application": .string(application)])
        }

        func show(_ result: JSONValue) {
            let members = ["name", "description", "excludes"]
            Console.table(
                members.map { $0.uppercased() },
                (result["roles"]?.array ?? []).map { item in members.map { TerminalText.of(item, $0) } })
        }
    }

    struct Exclude: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says that nobody may hold both roles (separation of duties).",
            discussion: """
                Refused while somebody holds both, with the first of them by account id. From then on a grant that would bring the two
                together is refused; where a transfer does, both roles are withheld until one has ended (see 'role exclusions').

                  gapura role exclude e-budgeting:bendahara e-budgeting:verifikator
                  gapura role exclude e-budgeting:bendahara e-lelang:pejabat-pengadaan
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "APPLICATION:ROLE") var first: String
        @Argument(help: "APPLICATION:ROLE") var second: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("role.exclude", ["first": .string(first), "second": .string(second)])
        }

        func show(_ result: JSONValue) {
            Console.line(result["new"]?.bool == true ? "From now on nobody may hold both." : "That was said already.")
        }
    }

    struct Exclusions: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the pairs, and how many people both roles reach all the same.",
            discussion: "  gapura role exclusions --json"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions

        func request() throws -> (operation: String, arguments: JSONObject) { ("role.exclusions", JSONObject()) }

        func show(_ result: JSONValue) {
            let pairs = result["exclusions"]?.array ?? []
            let members = ["first", "second", "people", "by", "at"]
            Console.table(
                members.map { $0.uppercased() }, pairs.map { item in members.map { TerminalText.of(item, $0) } })
            for pair in pairs {
                for conflict in pair["conflicts"]?.array ?? [] {
                    Console.line(
                        "account \(TerminalText.of(conflict, "account")): grants \(TerminalText.of(conflict, "grant")) and \(TerminalText.of(conflict, "other_grant"))"
                    )
                }
            }
        }
    }
}
