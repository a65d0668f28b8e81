import ArgumentParser
import GapuraFormats

struct LegacyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "legacy", abstract: "Old applications' user tables: local ids, and passwords that sign in once.",
        subcommands: [Import.self, List.self, Queue.self, Match.self, Forget.self]
    )

    struct Import: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what an old application's user table would bring in, and brings it in with --apply.",
            discussion: """
                FILE is CSV or .xlsx with the columns username, nip, local_id, scheme, hash, email, and salt where a scheme needs it. A row
                belongs to the one person with its NIP, of today or earlier; the others wait in `gapura legacy queue`.

                scheme: md5, sha1, sha256, sha1md5, sha256-userid, ionauth-sha1, ionauth-sha1-col, mysql41, wp-phpass, crypt, bcrypt, mythauth,
                wp-bcrypt, argon2i, argon2id. Passwords in the clear, or that can be turned back, are refused; so are hashes of the NIP.

                Hashing 10,000 passwords takes about three minutes on two cores. Sign-ins go on meanwhile; an import that was interrupted goes on
                where it was. Delete FILE when it is done.

                  gapura legacy import e-absensi e-absensi-users.csv
                  gapura legacy import e-absensi e-absensi-users.csv --apply
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The slug of the application.") var application: String
        @Argument(help: "Its user table, CSV or .xlsx.") var file: String
        @Flag(help: "Bring it in.") var apply = false
        @Option(help: ArgumentHelp("Days that unused old passwords are kept; 180 if not given.", valueName: "days"))
        var keepDays: Int64?

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "legacy.import",
                .given([
                    ("application", .string(application)), ("file", .string(LocalFile.absolute(file))),
                    ("apply", .optional(apply)), ("keep_days", keepDays.map { .integer($0) }),
                ])
            )
        }

        func show(_ result: JSONValue) {
            let counts = result["counts"] ?? .null
            for (label, member) in [
                ("Baris / rows", "rows"), ("Cocok / matched", "matched"), ("Antre / queued", "queued"),
                ("Ditolak / refused", "refused"), ("Kata sandi lama / old passwords", "passwords"),
                ("Sudah punya kata sandi / have one already", "has_password"),
                ("Tidak berubah / unchanged", "unchanged"),
            ] {
                Console.line("\(label): \(TerminalText.of(counts, member))")
            }
            LegacyCommand.showFindings("Ditolak / refused", result["refused"])
            LegacyCommand.showFindings("Antre / queued", result["queued"])
            if result["applied"]?.bool == true {
                Console.line("Diterapkan; hapus berkasnya / applied; delete the file.")
            } else {
                Console.line("Belum diterapkan; ulangi dengan --apply / nothing was changed; repeat with --apply.")
            }
        }
    }

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists applications with what was brought in, and how many old passwords nobody has used yet.",
            discussion: "  gapura legacy list")

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions

        func request() throws -> (operation: String, arguments: JSONObject) { ("legacy.list", JSONObject()) }

        func show(_ result: JSONValue) {
            let members = ["application", "matched", "queued", "refused", "passwords"]
            let rows = (result["applications"]?.array ?? []).map { item in members.map { TerminalText.of(item, $0) } }
            Console.table(members.map { $0.uppercased() }, rows)
        }
    }

    struct Queue: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists local accounts whose owner is not known, with who it may be.",
            discussion: """
                  gapura legacy queue
                  gapura legacy queue e-absensi --limit 1000 --json
                """)

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The slug of one application.") var application: String?
        @Option(help: "How many at most.") var limit: Int64 = 100

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("legacy.queue", .given([("application", .optional(application)), ("limit", .integer(limit))]))
        }

        func show(_ result: JSONValue) {
            let members = ["application", "local_id", "user_name", "nip", "email", "reason"]
            let rows = (result["queue"]?.array ?? []).map { item in
                let candidates = (item["candidates"]?.array ?? []).map { candidate in
                    "\(TerminalText.of(candidate, "name")) \(TerminalText.of(candidate, "nip")) (\(TerminalText.of(candidate, "by")))"
                }
                return members.map { TerminalText.of(item, $0) } + [candidates.joined(separator: "; ")]
            }
            Console.table(members.map { $0.uppercased() } + ["CANDIDATES"], rows)
        }
    }

    struct Match: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says whose a local account is. Make sure before: its old password may sign in.",
            discussion: "  gapura legacy match e-absensi 1040 189001011915011001")

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The slug of the application.") var application: String
        @Argument(help: "The id in the application.") var localID: String
        @Argument(help: "NIP, user name, verified email or id of the account.") var name: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "legacy.match",
                ["application": .string(application), "local_id": .string(localID), "name": .string(name)]
            )
        }

        func show(_ result: JSONValue) {
            Console.members(result.object ?? JSONObject())
        }
    }

    struct Forget: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Throws the unused old passwords of an application away; local ids stay.",
            discussion: "  gapura legacy forget e-absensi")

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The slug of the application.") var application: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("legacy.forget", ["application": .string(application)])
        }

        func show(_ result: JSONValue) {
            Console.line("Dibuang / thrown away: \(TerminalText.of(result, "forgotten"))")
        }
    }

    private static func showFindings(_ title: String, _ findings: JSONValue?) {
        let findings = findings?.array ?? []
        guard !findings.isEmpty else { return }
        Console.line("\(title):")
        for finding in findings {
            Console.line(
                "  \(TerminalText.of(finding, "row")): \(TerminalText.of(finding, "pesan")) / \(TerminalText.of(finding, "message"))"
            )
        }
    }
}
