import ArgumentParser
import GapuraFormats

struct UnitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unit", abstract: "The organisation tree: what is, what was, and what is to come.",
        subcommands: [List.self, Show.self, History.self, Draft.self]
    )

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists units, parents before what is below them.",
            discussion: """
                  gapura unit list --agency "Dinas Kesehatan"
                  gapura unit list --closed --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Name or id of an agency.") var agency: String?
        @Option(help: "A part of the name.") var search: String?
        @Flag(help: "Those that were closed.") var closed = false
        @Option(help: "How many at most.") var limit: Int64?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "unit.list",
                .given([
                    ("agency", .optional(agency)), ("search", .optional(search)), ("closed", .optional(closed)),
                    ("limit", limit.map { .integer($0) }),
                ])
            )
        }

        func show(_ result: JSONValue) {
            let rows = (result["units"]?.array ?? []).map { unit in
                let indent = String(repeating: "  ", count: Int(min(max(unit["depth"]?.integer ?? 0, 0), 32)))
                return [indent + TerminalText.of(unit, "name")]
                    + ["kind", "people", "source_id"].map { TerminalText.of(unit, $0) }
            }
            Console.table(["NAME", "KIND", "PEOPLE", "ID"], rows)
        }
    }

    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a unit, its head and who acts in it today.",
            discussion: "  gapura unit show \"Bagian Hukum\""
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "Name or id.") var unit: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("unit.show", ["unit": .string(unit)])
        }

        func show(_ result: JSONValue) {
            Console.members(result.object ?? JSONObject(), except: ["acting"])
            for acting in result["acting"]?.array ?? [] {
                Console.line(
                    "acting: \(TerminalText.of(acting, "kind")) \(TerminalText.of(acting, "post")): \(TerminalText.of(acting, "person")), "
                        + "\(TerminalText.of(acting, "from")) - \(TerminalText.of(acting, "to")), \(TerminalText.of(acting, "letter"))"
                )
            }
        }
    }

    struct History: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "What happened to a unit: names, moves, merges, the latest first.",
            discussion: "  gapura unit history \"Dinas Perindustrian dan Perdagangan\""
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "Name or id; by id also one that was closed.") var unit: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("unit.history", ["unit": .string(unit)])
        }

        func show(_ result: JSONValue) {
            let members = ["at", "kind", "before", "after", "by"]
            Console.table(
                members.map { $0.uppercased() },
                (result["events"]?.array ?? []).map { item in members.map { TerminalText.of(item, $0) } })
        }
    }

    struct Draft: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "draft", abstract: "A reorganisation that waits for its day.",
            subcommands: [Load.self, List.self, Show.self, Cancel.self]
        )

        struct Load: OperationCommand {
            static let configuration = CommandConfiguration(
                abstract: "Keeps a tree for a day, and shows what it would do.",
                discussion: """
                    FILE has the shape of ref-unor and holds the whole tree as it will be: units it leaves out are closed on that day. --merge
                    sends the people of a closed unit to another one. On the day the gateway applies it by itself, all of it or nothing; until
                    then `gapura unit draft cancel` takes it back. Appointments in closed units end with them.

                      gapura unit draft load ref-unor-2027.csv --on 2027-01-01 --merge 6C25…=895A…
                    """
            )

            @OptionGroup var common: CommonOptions
            @OptionGroup var output: OutputOptions
            @Argument(help: "The tree, CSV or .xlsx.") var file: String
            @Option(help: "The first day, such as 2027-01-01.") var on: String
            @Option(help: ArgumentHelp("Ids in personnel data; may be repeated.", valueName: "old=new"))
            var merge: [String] = []
            @Option(help: ArgumentHelp("How many units close, where that is more than a tenth.", valueName: "n"))
            var confirmClosed: Int64?

            func request() throws -> (operation: String, arguments: JSONObject) {
                (
                    "unit.draft-load",
                    .given([
                        ("file", .string(LocalFile.absolute(file))), ("on", .string(on)), ("merges", .optional(merge)),
                        ("confirm_closed", confirmClosed.map { .integer($0) }),
                    ])
                )
            }

            func show(_ result: JSONValue) {
                Console.line(
                    result["new"]?.bool == true
                        ? "Rancangan disimpan / the draft is kept."
                        : "Rancangan sudah ada / the draft was there already."
                )
                UnitCommand.showDraft(result)
            }
        }

        struct List: OperationCommand {
            static let configuration = CommandConfiguration(
                abstract: "Lists drafts.", discussion: "  gapura unit draft list")

            @OptionGroup var common: CommonOptions
            @OptionGroup var output: OutputOptions

            func request() throws -> (operation: String, arguments: JSONObject) { ("unit.draft-list", JSONObject()) }

            func show(_ result: JSONValue) {
                let members = ["draft", "on", "state", "file", "recorded_by"]
                Console.table(
                    members.map { $0.uppercased() },
                    (result["drafts"]?.array ?? []).map { item in members.map { TerminalText.of(item, $0) } })
            }
        }

        struct Show: OperationCommand {
            static let configuration = CommandConfiguration(
                abstract: "Shows what a draft would do today; the next one if none is named.",
                discussion: "  gapura unit draft show"
            )

            @OptionGroup var common: CommonOptions
            @OptionGroup var output: OutputOptions
            @Argument(help: "The id of a draft.") var draft: String?

            func request() throws -> (operation: String, arguments: JSONObject) {
                ("unit.draft-show", .given([("draft", .optional(draft))]))
            }

            func show(_ result: JSONValue) { UnitCommand.showDraft(result) }
        }

        struct Cancel: OperationCommand {
            static let configuration = CommandConfiguration(
                abstract: "Takes a draft back that was not applied yet.",
                discussion: "  gapura unit draft cancel 0199…"
            )

            @OptionGroup var common: CommonOptions
            @OptionGroup var output: OutputOptions
            @Argument(help: "The id of a draft.") var draft: String

            func request() throws -> (operation: String, arguments: JSONObject) {
                ("unit.draft-cancel", ["draft": .string(draft)])
            }

            func show(_ result: JSONValue) { UnitCommand.showDraft(result) }
        }
    }

    private static func showDraft(_ result: JSONValue) {
        let lists = ["added", "renamed", "moved", "closed"]
        Console.members(result.object ?? JSONObject(), except: Set(lists + ["new"]))
        for list in lists {
            guard let units = result[list]?.array else { continue }
            Console.line("\(list): \(units.count)")
            for unit in units {
                let more = ["before", "from", "to", "into", "people"].compactMap { member in
                    unit[member].flatMap { $0.isNull ? nil : "\(member) \(TerminalText.of($0))" }
                }
                Console.line(
                    "  \(TerminalText.of(unit, "source_id")) \(TerminalText.of(unit, "name"))"
                        + (more.isEmpty ? "" : " (\(more.joined(separator: "; ")))"))
            }
        }
    }
}
