import ArgumentParser
import GapuraFormats

struct GrantCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant",
        abstract: "Who holds which role in which application, from when to when, by which letter.",
        subcommands: [Add.self, List.self, End.self, ShowFor.self]
    )

    struct Add: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives a role: to an account, a post, a unit with all below it, or a kind of employment.",
            discussion: """
                Rights that follow a post (--post), a unit (--unit) or a kind of employment (--kind) need no ending: whoever leaves loses them,
                whoever comes has them, and whoever stands in at the post (Plt, Plh, Pj) has them for as long as that lasts. A right for one
                account with --in-unit ends on the day on which its holder is transferred out of that unit. A role that excludes another one
                is refused for whoever holds that. The same call again answers the same grant.

                  gapura grant add e-kinerja penilai --post 8AE4829 --letter 800/123/BKPSDM/2026
                  gapura grant add e-surat tata-usaha --account 187001012001011001 --in-unit "Dinas Kesehatan" \\
                    --from 2026-12-01 --until 2027-11-30 --letter 800/124/BKPSDM/2026
                  gapura grant add e-absensi pegawai --kind PNS --in-unit "Dinas Kesehatan" --letter 1/SK/2026
                  gapura grant add --json-input grant.json --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "Slug of the application.") var application: String?
        @Argument(help: "Name of the role, see 'gapura role list'.") var role: String?
        @Option(help: ArgumentHelp("NIP, user name, verified email, or id.", valueName: "name")) var account: String?
        @Option(help: ArgumentHelp("Id of a post in personnel data.", valueName: "id")) var post: String?
        @Option(help: ArgumentHelp("Name or id of a unit; everything below it counts.", valueName: "id"))
        var unit: String?
        @Option(help: "PNS, CPNS, PPPK, PPPK_PW or NON_ASN.") var kind: String?
        @Option(help: ArgumentHelp("Only while the holder works in this unit or below.", valueName: "id"))
        var inUnit: String?
        @Option(help: ArgumentHelp("First day in the city's time zone; today if not given.", valueName: "day"))
        var from: String?
        @Option(help: ArgumentHelp("Last day; without it the grant has no end.", valueName: "day"))
        var until: String?
        @Option(help: ArgumentHelp("Number of the letter it rests on.", valueName: "number")) var letter: String?
        @Option(
            help: ArgumentHelp(
                "JSON object with the members application, role, account, post, unit, kind, in_unit, from, until, letter; flags win; - for the standard input.",
                valueName: "file"))
        var jsonInput: String?

        func validate() throws {
            guard jsonInput != nil || (application != nil && role != nil && letter != nil) else {
                throw ValidationError("Give APPLICATION, ROLE and --letter, or --json-input.")
            }
            let recipients = [account, post, unit, kind].count { $0 != nil }
            guard recipients == 1 || (jsonInput != nil && recipients == 0) else {
                throw ValidationError("Give exactly one of --account, --post, --unit and --kind.")
            }
        }

        func request() throws -> (operation: String, arguments: JSONObject) {
            var arguments = try jsonInput.map(JSONObject.read) ?? JSONObject()
            let flags = JSONObject.given([
                ("application", .optional(application)), ("role", .optional(role)), ("account", .optional(account)),
                ("post", .optional(post)), ("unit", .optional(unit)), ("kind", .optional(kind)),
                ("in_unit", .optional(inUnit)), ("from", .optional(from)), ("until", .optional(until)),
                ("letter", .optional(letter)),
            ])
            for (key, value) in flags.members { arguments[key] = value }
            return ("grant.add", arguments)
        }

        func show(_ result: JSONValue) {
            Console.line(result["new"]?.bool == true ? "Given." : "The grant was there already.")
            GrantCommand.show(result)
        }
    }

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists grants; of an account only those given to itself (see 'grant show-for').",
            discussion: """
                  gapura grant list --application e-kinerja --on 2026-12-31
                  gapura grant list --account 187001012001011001 --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Slug of an application.") var application: String?
        @Option(help: "NIP, user name, verified email, or id.") var account: String?
        @Option(help: ArgumentHelp("Only what counts at the end of this day.", valueName: "day")) var on: String?
        @Option(help: "How many at most; 1000 if not given.") var limit: Int?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "grant.list",
                .given([
                    ("application", .optional(application)), ("account", .optional(account)), ("on", .optional(on)),
                    ("limit", limit.map { .integer(Int64($0)) }),
                ])
            )
        }

        func show(_ result: JSONValue) {
            GrantCommand.table(result["grants"]?.array ?? [], [])
            if result["more"]?.bool == true { Console.error("There are more; raise --limit.") }
        }
    }

    struct End: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a grant now, or with a day.",
            discussion: """
                  gapura grant end 01990000-0000-7000-8000-000000000000
                  gapura grant end 01990000-0000-7000-8000-000000000000 --on 2026-12-31
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "Id of the grant.") var id: String
        @Option(help: ArgumentHelp("The last day on which it counts.", valueName: "day")) var on: String?

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("grant.end", .given([("id", .string(id)), ("on", .optional(on))]))
        }

        func show(_ result: JSONValue) {
            Console.line(result["changed"]?.bool == true ? "Ended." : "It had ended already.")
            GrantCommand.show(result)
        }
    }

    struct ShowFor: OperationCommand {
        static let configuration = CommandConfiguration(
            commandName: "show-for",
            abstract: "Shows every role that somebody holds now, and the grant each comes from.",
            discussion: "  gapura grant show-for 187001012001011001"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, verified email, or id.") var account: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("grant.show-for", ["name": .string(account)])
        }

        func show(_ result: JSONValue) {
            GrantCommand.table(result["roles"]?.array ?? [], ["withheld_by"])
        }
    }

    private static func show(_ result: JSONValue) {
        Console.members(result.object ?? JSONObject(), except: ["new", "changed"])
    }

    private static func table(_ grants: [JSONValue], _ more: [String]) {
        let members =
            ["application", "role", "kind", "subject", "subject_name", "in_unit", "from", "until", "letter"] + more + [
                "id"
            ]
        Console.table(members.map { $0.uppercased() }, grants.map { item in members.map { TerminalText.of(item, $0) } })
    }
}
