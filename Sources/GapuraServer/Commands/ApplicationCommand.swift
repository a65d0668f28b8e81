import ArgumentParser
import GapuraFormats

struct ApplicationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "application", abstract: "The city's inventory of applications, and who may use which.",
        subcommands: [Add.self, Update.self, List.self, Show.self, State.self, Access.self]
    )

    /// What `add` and `update` share.
    struct Details: ParsableArguments {
        @Option(help: "The agency that owns it: its name or its id in personnel data.") var agency: String?
        @Option(help: "Whom to ask about it.") var contact: String?
        @Option(help: "Where its tile in the portal leads.") var url: String?
        @Option(help: "One line about it.") var description: String?

        var members: [(String, JSONValue?)] {
            [
                ("agency", .optional(agency)), ("contact", .optional(contact)), ("url", .optional(url)),
                ("description", .optional(description)),
            ]
        }
    }

    struct Add: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Adds an application to the inventory. The same call again answers the same application.",
            discussion: """
                  gapura application add --slug e-absensi --name e-Absensi --agency "Badan Kepegawaian" \\
                    --contact "Bidang Sistem Informasi" --url https://absensi.kota-contoh.go.id --state aktif
                  gapura application add --json-input e-absensi.json --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Short name: a-z, 0-9 and '-'.") var slug: String?
        @Option(help: "The name that people see.") var name: String?
        @OptionGroup var details: Details
        @Option(
            help: "diajukan, diverifikasi, disetujui, ditolak, aktif, ditangguhkan, diarsipkan; diajukan if not given.")
        var state: String?
        @Option(
            help: ArgumentHelp(
                "JSON object with the same members; flags win; - for the standard input.", valueName: "file"))
        var jsonInput: String?

        func validate() throws {
            guard jsonInput != nil || (slug != nil && name != nil) else {
                throw ValidationError("Give --slug and --name, or --json-input.")
            }
        }

        func request() throws -> (operation: String, arguments: JSONObject) {
            var arguments = try jsonInput.map(JSONObject.read) ?? JSONObject()
            let flags = JSONObject.given(
                [("slug", .optional(slug)), ("name", .optional(name)), ("state", .optional(state))] + details.members
            )
            for (key, value) in flags.members { arguments[key] = value }
            return ("application.add", arguments)
        }

        func show(_ result: JSONValue) {
            Console.line(result["new"]?.bool == true ? "Added." : "The application was there already.")
            ApplicationCommand.show(result)
        }
    }

    struct Update: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes what is given; the rest stays.",
            discussion: "  gapura application update e-absensi --contact \"Bidang Mutasi\""
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var slug: String
        @Option(help: "The name that people see.") var name: String?
        @OptionGroup var details: Details

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("application.update", .given([("slug", .string(slug)), ("name", .optional(name))] + details.members))
        }

        func show(_ result: JSONValue) { ApplicationCommand.show(result) }
    }

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the inventory.", discussion: "  gapura application list --json"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions

        func request() throws -> (operation: String, arguments: JSONObject) { ("application.list", JSONObject()) }

        func show(_ result: JSONValue) {
            let members = ["slug", "name", "state", "agency", "contact", "url"]
            let applications = result["applications"]?.array ?? []
            Console.table(
                members.map { $0.uppercased() }, applications.map { item in members.map { TerminalText.of(item, $0) } })
        }
    }

    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows an application, who may use it, and its clients.",
            discussion: "  gapura application show e-absensi"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var slug: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("application.show", ["slug": .string(slug)])
        }
        func show(_ result: JSONValue) { ApplicationCommand.show(result) }
    }

    struct State: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sets the state; only an active application signs anybody in.",
            discussion: "  gapura application state e-absensi ditangguhkan"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var slug: String
        @Argument(help: "diajukan, diverifikasi, disetujui, ditolak, aktif, ditangguhkan or diarsipkan.") var state:
            String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("application.state", ["slug": .string(slug), "state": .string(state)])
        }

        func show(_ result: JSONValue) { ApplicationCommand.show(result) }
    }

    struct Access: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says who may use an application; what was said before is replaced.",
            discussion: """
                Places (agencies and units, with everything below) are alternatives, and so are kinds of employment; where both are given,
                both must hold.

                  gapura application access e-kinerja --agency "Dinas Kesehatan" --agency "Dinas Pendidikan" --kind PNS --kind PPPK
                  gapura application access e-absensi --everyone
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var slug: String
        @Flag(help: "Everyone with an active account.") var everyone = false
        @Option(help: "Name or id of an agency; may be repeated.") var agency: [String] = []
        @Option(help: "Name or id of a unit; may be repeated.") var unit: [String] = []
        @Option(help: "PNS, CPNS, PPPK, PPPK_PW or NON_ASN; may be repeated.") var kind: [String] = []

        func validate() throws {
            guard everyone == (agency + unit + kind).isEmpty else {
                throw ValidationError("Give --everyone, or at least one of --agency, --unit and --kind.")
            }
        }

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "application.access",
                .given([
                    ("slug", .string(slug)), ("everyone", .optional(everyone)), ("agencies", .optional(agency)),
                    ("units", .optional(unit)),
                    ("kinds", .optional(kind)),
                ])
            )
        }

        func show(_ result: JSONValue) { ApplicationCommand.show(result) }
    }

    private static func show(_ result: JSONValue) {
        Console.members(result.object ?? JSONObject(), except: ["new", "access"])
        let rules = result["access"]?.array ?? []
        if rules.isEmpty { Console.line("access: everyone") }
        for rule in rules {
            let value = rule["name"]?.string ?? rule["value"]?.string ?? ""
            Console.line("access: \(TerminalText.of(rule, "kind")) \(TerminalText.plain(value))")
        }
    }
}
