import ArgumentParser
import GapuraFormats

struct PersonnelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "personnel", abstract: "Personnel data: who works where.",
        subcommands: [
            Load.self, PersonnelRefreshCommand.self, Loads.self, Show.self, Undo.self, Bin.self,
            PersonnelProfileCommand.self,
        ]
    )

    struct Load: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what a file of personnel data would change, and changes it with --apply.",
            discussion: """
                FILE is SIASN's export as .xlsx or CSV, --units the list of units (ref-unor). A city's own SIMPEG is read with --from and a
                profile that says what its columns mean; the profile names the file or variable with the password, and the database is
                only read, in a transaction that cannot write. Everything is applied or nothing. A load that would
                take the sign-in from too many accounts stops and says a number; --confirm-vanished with that number lets it go on.
                The preview shows the first people; --json and --changes have everybody. What was applied can be taken back: personnel undo.
                While the gateway runs, it reads the files and writes the lists: it must be able to.

                An --apply is one transaction, and other changes (every sign-in is one) wait for it: a third of a second for 10,000 people,
                about 2 seconds for 100,000. They give up after 5 seconds: load a province of several hundred thousand people at night.

                  gapura personnel load siasn-2026-09.xlsx --units ref-unor-2026-09.csv --changes perubahan-2026-09.csv
                  gapura personnel load siasn-2026-09.xlsx --units ref-unor-2026-09.csv --apply
                  gapura personnel load pegawai.csv --profile simpeg-kota.yaml
                  gapura personnel load --from mysql://gapura@simpeg.kota.go.id/simpeg --view v_gapura --units-view v_unit \\
                    --profile simpeg-kota.yaml
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The export, .xlsx or CSV.") var file: String?
        @Option(
            help: ArgumentHelp(
                "A database instead of a file: mysql://USER@HOST/DATABASE or postgres://…, without a password.",
                valueName: "url"))
        var from: String?
        @Option(help: ArgumentHelp("The view or table with the people.", valueName: "name")) var view: String?
        @Option(help: ArgumentHelp("A file with one SELECT instead of a view.", valueName: "file")) var query: String?
        @Option(help: ArgumentHelp("The view or table with the units.", valueName: "name")) var unitsView: String?
        @Option(help: ArgumentHelp("A file with one SELECT for the units.", valueName: "file")) var unitsQuery: String?
        @Option(
            help: ArgumentHelp(
                "A built-in profile or a YAML file; see 'gapura personnel profile list'.", valueName: "profile"))
        var profile: String?
        @Option(help: ArgumentHelp("The list of units, CSV.", valueName: "file")) var units: String?
        @Option(
            help: ArgumentHelp(
                "A new file for refused rows and warnings, CSV that is safe to open in Excel.", valueName: "file"))
        var findings: String?
        @Option(
            help: ArgumentHelp(
                "A new file for everybody who changes, CSV that is safe to open in Excel.", valueName: "file"))
        var changes: String?
        @Flag(help: "Change it.") var apply = false
        @Option(help: ArgumentHelp("The number of accounts that may lose their sign-in.", valueName: "n"))
        var confirmVanished: Int64?

        func validate() throws {
            guard (file == nil) != (from == nil) else { throw ValidationError("Give FILE or --from, one of them.") }
            let options = [
                ("--view", view), ("--query", query), ("--units-view", unitsView), ("--units-query", unitsQuery),
            ]
            if from == nil, let given = options.first(where: { $0.1 != nil }) {
                throw ValidationError("\(given.0) goes with --from.")
            }
            if from != nil, (view == nil) == (query == nil) {
                throw ValidationError("Give --view or --query, one of them.")
            }
            guard [units, unitsView, unitsQuery].count(where: { $0 != nil }) <= 1 else {
                throw ValidationError("Give one of --units, --units-view and --units-query.")
            }
        }

        /// A query goes along as text: the gateway may not be able to read the file.
        private func statement(_ path: String?) throws -> JSONValue? {
            try path.map { path in
                let name = path.split(separator: "/").last.map(String.init) ?? path
                let text = String(decoding: try LocalFile.read(path, limit: 64 * 1024), as: UTF8.self)
                return ["name": .string(name), "text": .string(text)]
            }
        }

        func request() throws -> (operation: String, arguments: JSONObject) {
            let source: [(String, JSONValue?)] = [
                ("from", .optional(from)), ("view", .optional(view)), ("query", try statement(query)),
                ("units_view", .optional(unitsView)), ("units_query", try statement(unitsQuery)),
            ]
            let profile = try profile.map { try ProfileArgument($0).members } ?? []
            return (
                "personnel.load",
                .given(
                    source + profile + [
                        ("file", .optional(file.map(LocalFile.absolute))),
                        ("units", .optional(units.map(LocalFile.absolute))),
                        ("apply", .optional(apply)),
                        ("confirm_vanished", confirmVanished.map { .integer($0) }),
                        ("findings", .optional(findings.map(LocalFile.absolute))),
                        ("changes", .optional(changes.map(LocalFile.absolute))),
                        ("complete", .optional(output.json)),
                    ])
            )
        }

        func show(_ result: JSONValue) {
            PersonnelCommand.showCounts(result["counts"])
            for line in PersonnelPreview.lines(result) { Console.line(line) }
            PersonnelCommand.showFindings("Ditolak / rejected", result["rejected"])
            PersonnelCommand.showFindings("Peringatan / warnings", result["warnings"])
            if result["findings_file"]?.string != nil {
                Console.line("Daftar temuan / list of findings: \(TerminalText.of(result, "findings_file"))")
            }
            if result["changes_file"]?.string != nil {
                Console.line("Daftar perubahan / list of changes: \(TerminalText.of(result, "changes_file"))")
            }
            PersonnelCommand.showStop(result["stop"])
            if result["applied"]?.bool == true {
                Console.line("Diterapkan / applied: \(TerminalText.of(result, "load"))")
                Console.line(
                    "Membatalkan / to take it back: gapura personnel undo \(TerminalText.of(result, "load"))")
            } else if result["already_applied"]?.bool == true || result["repeated"]?.bool == true {
                Console.line("Berkas ini sudah diterapkan / these files have been applied already; nothing to do.")
            } else {
                Console.line("Belum diterapkan; ulangi dengan --apply / nothing was changed; repeat with --apply.")
            }
        }
    }

    struct Loads: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the loads that were applied, and those that took another back.",
            discussion: "  gapura personnel loads", aliases: ["list"])

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "How many at most.") var limit: Int64 = 20

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("personnel.list", ["limit": .integer(limit)])
        }

        func show(_ result: JSONValue) {
            let rows = (result["loads"]?.array ?? []).map { load in
                [
                    TerminalText.of(load, "id"), TerminalText.of(load, "applied_at"), what(load),
                    TerminalText.of(load, "actor"), TerminalText.of(load["counts"] ?? .null, "accepted"),
                    TerminalText.of(load["counts"] ?? .null, "rejected"), TerminalText.of(load, "undone_by"),
                ]
            }
            Console.table(["LOAD", "APPLIED", "FILE", "BY", "ACCEPTED", "REJECTED", "UNDONE BY"], rows)
        }

        private func what(_ load: JSONValue) -> String {
            let file = TerminalText.of(load, "file")
            return load["kind"]?.string == "undo" ? "undo of \(file)" : file
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

    struct Undo: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes a load back: what it changed becomes what it was.",
            discussion: """
                What something newer touched stays as it is and is listed. Accounts that the load made are closed and go into the recycle bin;
                nothing is deleted. The undo is a load of its own: it stands in `personnel loads`, and can be taken back too.

                  gapura personnel loads
                  gapura personnel undo 019a5b0e-7c1d-7a52-9b7e-2f6f0e6c1a11 --preview
                  gapura personnel undo 019a5b0e-7c1d-7a52-9b7e-2f6f0e6c1a11
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The id of a load; see `gapura personnel loads`.") var load: String
        @Flag(help: "Only show what it would do.") var preview = false
        @Option(help: ArgumentHelp("The number of accounts that may lose their sign-in.", valueName: "n"))
        var confirmVanished: Int64?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "personnel.undo",
                .given([
                    ("load", .string(load)), ("preview", .optional(preview)),
                    ("confirm_vanished", confirmVanished.map { .integer($0) }),
                ])
            )
        }

        func show(_ result: JSONValue) {
            if result["already_undone"]?.bool == true {
                return Console.line(
                    "Sudah dibatalkan sebelumnya / taken back already: \(TerminalText.of(result, "undo"))")
            }
            PersonnelCommand.showCounts(result["restored"])
            for left in result["left"]?.array ?? [] {
                let name = left["name"]?.string ?? left["id"]?.string ?? ""
                Console.line(
                    "  dibiarkan / left: \(TerminalText.plain(name)) (\(TerminalText.of(left, "entity")) \(TerminalText.of(left, "columns")))"
                )
                Console.line("    \(TerminalText.of(left, "pesan"))")
                Console.line("    \(TerminalText.of(left, "message"))")
            }
            PersonnelCommand.showStop(result["stop"])
            if result["undo"]?.string != nil {
                Console.line("Dibatalkan / taken back: \(TerminalText.of(result, "undo"))")
            } else {
                Console.line("Belum diubah; ulangi tanpa --preview / nothing was changed; repeat without --preview.")
            }
        }
    }

    struct Bin: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists the accounts that personnel data closed, and until when.",
            discussion: """
                An account is put back with `gapura account state`. After the day listed it is no longer shown here, and stays as it is.

                  gapura personnel bin
                  gapura account state ACCOUNT aktif
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "How many at most.") var limit: Int64 = 100

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("personnel.bin", ["limit": .integer(limit)])
        }

        func show(_ result: JSONValue) {
            let rows = (result["accounts"]?.array ?? []).map { account in
                ["account", "name", "state_before", "state", "reason", "since", "until"].map {
                    TerminalText.of(account, $0)
                }
            }
            Console.table(["ACCOUNT", "NAME", "WAS", "IS", "REASON", "SINCE", "UNTIL"], rows)
        }
    }

    static func showStop(_ stop: JSONValue?) {
        guard let stop else { return }
        let number = TerminalText.of(stop, "accounts")
        Console.error("\(number) akun akan kehilangan hak masuk; jika benar, tambahkan --confirm-vanished \(number).")
        Console.error(
            "\(number) accounts would lose their sign-in; if that is right, add --confirm-vanished \(number).")
        if stop["second_admin"]?.bool == true {
            Console.error("Dua admin: yang pertama meminta dengan --apply, yang lain mengulang dengan nomor itu.")
            Console.error("Two admins: the first asks with --apply, another repeats it with that number.")
        }
    }

    static func showCounts(_ counts: JSONValue?) {
        for (key, value) in counts?.object?.members ?? [] where value.object == nil {
            Console.line("\(key): \(TerminalText.of(value))")
        }
    }

    static func showFindings(_ title: String, _ findings: JSONValue?) {
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
