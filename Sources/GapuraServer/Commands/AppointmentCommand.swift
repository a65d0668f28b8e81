import ArgumentParser
import GapuraFormats

struct AppointmentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "appointment", abstract: "Posts that people hold for a time: Plt, Plh, Pj, further duties.",
        subcommands: [Load.self, Add.self, List.self, End.self]
    )

    struct Load: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what a list of letters would change, and records the good rows with --apply.",
            discussion: """
                FILE is CSV or .xlsx with the columns jenis, pns_id, nip, unor_id, jabatan, mulai, selesai, nomor_surat. jenis is D, TT, PLT,
                PLH or PJ; days are those of the city, the last one included. Refused rows are listed with their reasons and stay out; the
                others are recorded in one transaction. The same file again records nothing twice.

                  gapura appointment load penugasan-2026-09.csv
                  gapura appointment load penugasan-2026-09.csv --apply
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The list of letters, CSV or .xlsx.") var file: String
        @Flag(help: "Record them.") var apply = false

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "appointment.load",
                .given([("file", .string(LocalFile.absolute(file))), ("apply", .optional(apply))])
            )
        }

        func show(_ result: JSONValue) {
            for member in ["rows", "new", "present", "refused"] {
                Console.line("\(member): \(TerminalText.of(result, member))")
            }
            AppointmentCommand.showFindings("Ditolak / rejected", result["rejected"])
            AppointmentCommand.showFindings("Peringatan / warnings", result["warnings"])
            Console.line(
                result["applied"]?.bool == true
                    ? "Dicatat / recorded: \(TerminalText.of(result, "new"))"
                    : "Belum dicatat; ulangi dengan --apply / nothing was changed; repeat with --apply.")
        }
    }

    struct Add: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Records one letter. The same call again answers the same appointment.",
            discussion: """
                  gapura appointment add --kind PLT --nip 187908221911022001 --unit "Kelurahan Contoh 15-4" \\
                    --from 2026-09-01 --to 2026-11-30 --letter 800/001/BKPSDM/2026
                  gapura appointment add --json-input surat.json --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "D, TT, PLT, PLH or PJ.") var kind: String?
        @Option(help: "NIP or NI PPPK of the person.") var nip: String?
        @Option(help: "The person's id in personnel data.") var pnsId: String?
        @Option(help: "Name or id of the unit.") var unit: String?
        @Option(help: "Name of the post; the unit's head post if not given.") var post: String?
        @Option(help: "First day, such as 2026-09-01.") var from: String?
        @Option(help: "Last day, included.") var to: String?
        @Option(help: "Number of the letter.") var letter: String?
        @Option(
            help: ArgumentHelp(
                "JSON object with the same members; flags win; - for the standard input.", valueName: "file"))
        var jsonInput: String?

        func validate() throws {
            guard
                jsonInput != nil
                    || (kind != nil && (nip ?? pnsId) != nil && unit != nil && from != nil && letter != nil)
            else {
                throw ValidationError(
                    "Give --kind, --nip or --pns-id, --unit, --from and --letter, or --json-input.")
            }
        }

        func request() throws -> (operation: String, arguments: JSONObject) {
            var arguments = try jsonInput.map(JSONObject.read) ?? JSONObject()
            let flags = JSONObject.given([
                ("kind", .optional(kind)), ("nip", .optional(nip)), ("pns_id", .optional(pnsId)),
                ("unit", .optional(unit)), ("post", .optional(post)), ("from", .optional(from)), ("to", .optional(to)),
                ("letter", .optional(letter)),
            ])
            for (key, value) in flags.members { arguments[key] = value }
            return ("appointment.add", arguments)
        }

        func show(_ result: JSONValue) {
            Console.line(result["new"]?.bool == true ? "Recorded." : "The letter was recorded already.")
            Console.members(result.object ?? JSONObject(), except: ["new", "warnings"])
            for warning in result["warnings"]?.array ?? [] {
                Console.error("\(TerminalText.of(warning, "pesan")) / \(TerminalText.of(warning, "message"))")
            }
        }
    }

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists appointments, the latest first.",
            discussion: """
                  gapura appointment list --on 2026-09-15
                  gapura appointment list --unit "Dinas Kesehatan" --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Name or id of a unit; units below it too.") var unit: String?
        @Option(help: "NIP, pns_id or user name of a person.") var person: String?
        @Option(help: "Only what holds on a day, such as 2026-09-15.") var on: String?
        @Option(help: "How many at most.") var limit: Int64?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "appointment.list",
                .given([
                    ("unit", .optional(unit)), ("person", .optional(person)), ("on", .optional(on)),
                    ("limit", limit.map { .integer($0) }),
                ])
            )
        }

        func show(_ result: JSONValue) {
            let members = ["id", "kind", "post", "unit", "person", "nip", "from", "to", "letter", "state"]
            Console.table(
                members.map { $0.uppercased() },
                (result["appointments"]?.array ?? []).map { item in members.map { TerminalText.of(item, $0) } })
        }
    }

    struct End: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends an appointment before its time; a day before its first takes it back.",
            discussion: "  gapura appointment end 0199… --on 2026-10-15"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The id; see `gapura appointment list`.") var id: String
        @Option(help: "The last day, included.") var on: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("appointment.end", ["id": .string(id), "on": .string(on)])
        }

        func show(_ result: JSONValue) { Console.members(result.object ?? JSONObject()) }
    }

    private static func showFindings(_ title: String, _ findings: JSONValue?) {
        guard let findings = findings?.array, !findings.isEmpty else { return }
        Console.line("\(title): \(findings.count)")
        for finding in findings {
            let other = finding["other_letter"]?.string.map { " (\(TerminalText.plain($0)))" } ?? ""
            Console.line(
                "  baris \(TerminalText.of(finding, "row")) \(TerminalText.of(finding, "letter")): \(TerminalText.of(finding, "reason")): "
                    + "\(TerminalText.of(finding, "pesan"))\(other)")
        }
    }
}
