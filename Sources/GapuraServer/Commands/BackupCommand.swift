import ArgumentParser
import Gapura
import GapuraDirectory
import GapuraFormats

struct BackupCommand: OperationCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Writes the whole database into one file while the gateway works.",
        discussion: """
            The file (mode 0600) is restored on trial before it gets its name, and never overwrites another. It holds no keys, so that one
            stolen file is not everything: copy the keys folder to another place, once and after each `gapura keys rotate`. A restore works
            without it, but then clients with an HS secret need a new one and all tokens are dead.
            While the gateway runs, it writes the file: it must be able to.

              gapura backup /var/backups/gapura-2026-09-30.db
              cp -a keys /media/safe/
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The file to write.") var file: String

    func request() throws -> (operation: String, arguments: JSONObject) {
        ("backup.write", ["file": .string(LocalFile.absolute(file))])
    }

    func show(_ result: JSONValue) {
        let rows = result["rows"]?.object?.members.reduce(Int64(0)) { $0 + ($1.value.integer ?? 0) } ?? 0
        Console.line(
            "\(TerminalText.of(result, "file")): \(rows) rows, \(TerminalText.of(result, "audit_events")) audit events, restored on trial."
        )
        Console.line("Keep the keys folder too, in another place: \(TerminalText.of(result, "keys_folder"))")
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Puts a backup into an empty database.",
        discussion: """
            The gateway must be stopped, and the database that the settings name must not be there (or be empty, on PostgreSQL). All sessions,
            tokens and links of the backup are dead afterwards. Load the newest personnel data before people sign in: who left since the
            backup is active again until then. A restore that was interrupted is begun anew by the same command. Exit code 1 if what was restored
            has problems.

              gapura restore /var/backups/gapura-2026-09-30.db
              cp -a /media/safe/keys .
              gapura personnel load siasn.xlsx --units unor.csv --apply
              gapura serve
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "The backup.") var file: String

    func run() async throws {
        let settings = try await common.load().settings
        if try SocketClient(folder: settings.dataFolder).isListening() {
            throw OperationError(
                .refused, "The gateway runs on this data folder; stop it first.",
                id: "Gerbang sedang berjalan dengan folder data ini; hentikan dahulu."
            )
        }
        let result = try await BackupRestore.run(file, settings, by: .command(user: SystemUser.acting))
        if output.json {
            Console.json(.object(result))
        } else {
            show(result, settings)
        }
        if result["problems"]?.array?.isEmpty != true { throw ExitCode(Failure.refused) }
    }

    private func show(_ result: JSONObject, _ settings: GatewaySettings) {
        let json = JSONValue.object(result)
        Console.line(
            "Restored: \(TerminalText.of(json, "audit_events")) audit events, the last of \(TerminalText.of(json, "last_change"))."
        )
        for problem in result["problems"]?.strings ?? [] { Console.error("FAIL \(TerminalText.plain(problem))") }
        if result["keys_found"]?.bool == false {
            Console.error(
                "WARN No keys in \(settings.keysFolder): copy the keys folder there, or run `gapura setup --new-keys` if it is lost for good."
            )
        }
        let clients = result["clients_without_secret"]?.strings ?? []
        if !clients.isEmpty {
            Console.error(
                "WARN These clients need a new secret (`gapura client secret ID`) unless their keys come back: \(clients.joined(separator: ", "))"
            )
        }
        if let niks = result["unreadable_niks"]?.integer, niks > 0 {
            Console.error(
                "WARN \(niks) NIKs do not open with the keys in \(settings.keysFolder): copy the keys of that time there."
            )
        }
        Console.line("All sessions, tokens and links are dead. Load the newest personnel data before people sign in.")
    }
}
