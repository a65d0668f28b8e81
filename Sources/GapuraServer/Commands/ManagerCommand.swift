import ArgumentParser
import GapuraFormats

struct ManagerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manager", abstract: "Who is whose manager (atasan langsung).",
        subcommands: [Show.self, Set.self, Clear.self, Missing.self]
    )

    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a person's manager of today, and by which rule.",
            discussion: """
                In this order: named by `gapura manager set`; Plt, Plh or Pj of the head post of the person's unit; the head of that unit;
                the same one unit further up. Whoever leads a unit has a manager above it.

                  gapura manager show 187908221911022001
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, pns_id or user name.") var person: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("manager.show", ["person": .string(person)])
        }

        func show(_ result: JSONValue) { ManagerCommand.show(result) }
    }

    struct Set: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Names a person's manager, over what posts say.",
            discussion: "  gapura manager set 187908221911022001 189308241923091001"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, pns_id or user name of the person.") var person: String
        @Argument(help: "NIP, pns_id or user name of the manager.") var manager: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("manager.set", ["person": .string(person), "manager": .string(manager)])
        }

        func show(_ result: JSONValue) { ManagerCommand.show(result) }
    }

    struct Clear: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets posts say again who the manager is.",
            discussion: "  gapura manager clear 187908221911022001"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, pns_id or user name of the person.") var person: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("manager.clear", ["person": .string(person)])
        }

        func show(_ result: JSONValue) { ManagerCommand.show(result) }
    }

    struct Missing: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists people in service without a manager.",
            discussion: """
                Reasons: no_unit (personnel data has no unit for them), no_leader (nobody leads a unit above them), loop (going from manager to
                manager comes back to them).

                  gapura manager missing --limit 0 --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "How many at most; 0 for all.") var limit: Int64 = 100

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("manager.missing", ["limit": .integer(limit)])
        }

        func show(_ result: JSONValue) {
            let members = ["nip", "name", "unit", "reason"]
            Console.table(
                members.map { $0.uppercased() },
                (result["rows"]?.array ?? []).map { item in members.map { TerminalText.of(item, $0) } })
            Console.line("\(TerminalText.of(result, "missing")) / \(TerminalText.of(result, "people"))")
        }
    }

    private static func show(_ result: JSONValue) {
        Console.members(result.object ?? JSONObject(), except: ["manager"])
        guard let manager = result["manager"]?.object else {
            Console.line("manager: -")
            return
        }
        for (key, value) in manager.members { Console.line("manager \(key): \(TerminalText.of(value))") }
    }
}
