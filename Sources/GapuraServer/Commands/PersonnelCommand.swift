import ArgumentParser
import GapuraFormats

struct PersonnelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "personnel", abstract: "Personnel data: who works where.",
        subcommands: [Load.self, List.self, Show.self]
    )

    struct Load: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what a file of personnel data would change, and changes it with --apply.",
            discussion: """
                FILE is SIASN's export as .xlsx or CSV, --units the list of units (ref-unor). Everything is applied or nothing. A load that would
                take the sign-in from too many accounts stops and says a number; --confirm-vanished with that number lets it go on.
                While the gateway runs, it reads the files and writes the list of --findings: it must be able to.

                An --apply is one transaction, and other changes (every sign-in is one) wait for it: a third of a second for 10,000 people,
                about 2 seconds for 100,000. They give up after 5 seconds: load a province of several hundred thousand people at night.

                  gapura personnel load siasn-2026-09.xlsx --units ref-unor-2026-09.csv --findings temuan-2026-09.csv
                  gapura personnel load siasn-2026-09.xlsx --units ref-unor-2026-09.csv --apply
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The export, .xlsx or CSV.") var file: String
        @Option(help: ArgumentHelp("The list of units, CSV.", valueName: "file")) var units: String?
        @Option(
            help: ArgumentHelp(
                "A new file for refused rows and warnings, CSV that is safe to open in Excel.", valueName: "file"))
        var findings: String?
        @Flag(help: "Change it.") var apply = false
        @Option(help: ArgumentHelp("The number of accounts that may lose their sign-in.", valueName: "n"))
        var confirmVanished: Int64?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "personnel.load",
                .given([
                    ("file", .string(LocalFile.absolute(file))), ("units", .optional(units.map(LocalFile.absolute))),
                    ("apply", .optional(apply)),
                    ("confirm_vanished", confirmVanished.map { .integer($0) }),
                    ("findings", .optional(findings.map(LocalFile.absolute))),
                ])
            )
        }

        func show(_ result: JSONValue) {
            PersonnelCommand.showCounts(result["counts"])
            for change in result["state_changes"]?.array ?? [] {
                Console.line(
                    "accounts \(TerminalText.of(change, "from")) -> \(TerminalText.of(change, "to")): \(TerminalText.of(change, "accounts"))"
                )
            }
            for (code, count) in result["unknown_codes"]?.object?.members ?? [] {
                Console.line("kedudukan_hukum \(TerminalText.plain(code)) is unknown: \(TerminalText.of(count)) people")
            }
            PersonnelCommand.showFindings("Ditolak / rejected", result["rejected"])
            PersonnelCommand.showFindings("Peringatan / warnings", result["warnings"])
            if result["findings_file"]?.string != nil {
                Console.line("Daftar temuan / list of findings: \(TerminalText.of(result, "findings_file"))")
            }
            if let stop = result["stop"] {
                let number = TerminalText.of(stop, "accounts")
                Console.error(
                    "\(number) akun akan kehilangan hak masuk; jika benar, tambahkan --confirm-vanished \(number).")
                Console.error(
                    "\(number) accounts would lose their sign-in; if that is right, add --confirm-vanished \(number).")
            }
            if result["applied"]?.bool == true {
                Console.line("Diterapkan / applied: \(TerminalText.of(result, "load"))")
            } else if result["already_applied"]?.bool == true || result["repeated"]?.bool == true {
                Console.line("Berkas ini sudah diterapkan / these files have been applied already; nothing to do.")
            } else {
                Console.line("Belum diterapkan; ulangi dengan --apply / nothing was changed; repeat with --apply.")
            }
        }
    }

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the loads that were applied.", discussion: "  gapura personnel list")

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "How many at most.") var limit: Int64 = 20

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("personnel.list", ["limit": .integer(limit)])
        }

        func show(_ result: JSONValue) {
            let rows = (result["loads"]?.array ?? []).map { load in
                [
                    TerminalText.of(load, "id"), TerminalText.of(load, "applied_at"), TerminalText.of(load, "file"),
                    TerminalText.of(load["counts"] ?? .null, "accepted"),
                    TerminalText.of(load["counts"] ?? .null, "rejected"),
                ]
            }
            Console.table(["LOAD", "APPLIED", "FILE", "ACCEPTED", "REJECTED"], rows)
        }
    }

    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a load with every refused row; the last one if none is named.",
            discussion: "  gapura personnel show"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The id of a load.") var load: String?

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("personnel.show", .given([("load", .optional(load))]))
        }

        func show(_ result: JSONValue) {
            Console.members(result.object ?? JSONObject(), except: ["counts", "findings"])
            PersonnelCommand.showCounts(result["counts"])
            PersonnelCommand.showFindings("Temuan / findings", result["findings"])
        }
    }

    private static func showCounts(_ counts: JSONValue?) {
        for (key, value) in counts?.object?.members ?? [] where value.object == nil {
            Console.line("\(key): \(TerminalText.of(value))")
        }
    }

    private static func showFindings(_ title: String, _ findings: JSONValue?) {
        guard let findings = findings?.array, !findings.isEmpty else { return }
        Console.line("\(title): \(findings.count)")
        for finding in findings {
            Console.line("  baris \(TerminalText.of(finding, "row")): \(TerminalText.of(finding, "pesan"))")
            Console.line(
                "    row \(TerminalText.of(finding, "row")): \(TerminalText.of(finding, "message")) (\(TerminalText.of(finding, "reason")))"
            )
        }
    }
}
