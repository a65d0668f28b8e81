import ArgumentParser
import Gapura
import GapuraFormats

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct PersonnelRefreshCommand: OperationCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh", abstract: "Asks SIASN's web service about some people, between two monthly loads.",
        discussion: """
            One call a second and a little, one person after the other. What has come is kept for a day in the data folder, so that after
            a fault --resume goes on where it stopped. Nothing is changed without --apply; who is not asked for is not touched.

            Two secrets are needed: the consumer secret of the agency, and the SSO token of an operator who is signed in at SIASN. They are
            taken from GAPURA_SIASN_CONSUMER_SECRET and GAPURA_SIASN_SSO_TOKEN, or asked for on the terminal without showing them, or read
            from the standard input, one a line. They are never written down.

              gapura personnel refresh --nip 187908221911022001
              gapura personnel refresh --missing
              gapura personnel refresh --resume --apply
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var output: OutputOptions
    @Option(
        name: .customLong("nip"), parsing: .upToNextOption,
        help: ArgumentHelp("Whom to ask for, by NIP or NI PPPK.", valueName: "nip"))
    var nips: [String] = []
    @Option(help: ArgumentHelp("Everybody in a unit and below, by name or id.", valueName: "unit")) var unit: String?
    @Flag(help: "Everybody who was missing in a load and is not suspended yet.") var missing = false
    @Flag(help: "Go on with what was begun.") var resume = false
    @Flag(help: "Drop what was begun.") var discard = false
    @Flag(help: "Change it.") var apply = false
    @Option(help: ArgumentHelp("The number of accounts that may lose their sign-in.", valueName: "n"))
    var confirmVanished: Int64?

    func validate() throws {
        let orders = [!nips.isEmpty, unit != nil, missing, resume, discard]
        guard orders.count(where: { $0 }) == 1 else {
            throw ValidationError("Give one of --nip, --unit, --missing, --resume and --discard.")
        }
    }

    func request() throws -> (operation: String, arguments: JSONObject) {
        (
            "personnel.refresh",
            .given([
                ("nips", .optional(nips)), ("unit", .optional(unit)), ("missing", .optional(missing)),
                ("resume", .optional(resume)), ("discard", .optional(discard)), ("apply", .optional(apply)),
                ("confirm_vanished", confirmVanished.map { .integer($0) }), ("complete", .optional(output.json)),
            ])
        )
    }

    /// Asks first whether secrets are needed at all: nobody pastes a token to be told of a misspelt unit.
    func run() async throws {
        var (operation, arguments) = try request()
        let runner = OperationRunner(settings: try await common.load().settings)
        var probe = arguments
        probe["probe"] = true
        if !discard, try await runner.run(operation, probe)["needs_secrets"]?.bool == true {
            for (member, value) in try PersonnelRefreshSecrets.read() { arguments[member] = .string(value) }
        }
        let result = try await runner.run(operation, arguments)
        if output.json { Console.json(result) } else { show(result) }
    }

    func show(_ result: JSONValue) {
        if let discarded = result["discarded"]?.bool {
            return Console.line(discarded ? "Dibuang / dropped." : "Tidak ada yang perlu dibuang / nothing to drop.")
        }
        Console.line("asked: \(TerminalText.of(result, "asked"))")
        PersonnelCommand.showCounts(result["counts"])
        for line in PersonnelPreview.lines(result) { Console.line(line) }
        for person in result["unknown"]?.array ?? [] {
            let name = person["name"]?.string.map { " \(TerminalText.plain($0))" } ?? ""
            Console.line("  \(TerminalText.of(person, "nip"))\(name): \(TerminalText.of(person, "pesan"))")
            Console.line("    \(TerminalText.of(person, "message"))")
        }
        PersonnelCommand.showFindings("Ditolak / rejected", result["rejected"])
        PersonnelCommand.showFindings("Peringatan / warnings", result["warnings"])
        PersonnelCommand.showStop(result["stop"])
        if result["applied"]?.bool == true {
            Console.line("Diterapkan / applied: \(TerminalText.of(result, "load"))")
            Console.line("Membatalkan / to take it back: gapura personnel undo \(TerminalText.of(result, "load"))")
        } else if result["counts"] != nil {
            Console.line("Belum diterapkan; ulangi dengan --resume --apply dalam sehari.")
            Console.line("Nothing was changed; repeat with --resume --apply within a day.")
        }
    }
}

/// The two secrets of a refresh: from the environment, from a terminal that does not show them, or from the standard
/// input. Never from the arguments: those stand in the list of processes and in the history of commands.
enum PersonnelRefreshSecrets {
    private static let all = [
        (
            member: "consumer_secret", variable: "GAPURA_SIASN_CONSUMER_SECRET",
            prompt: "Consumer secret SIASN (tidak ditampilkan / not shown): "
        ),
        (
            member: "sso_token", variable: "GAPURA_SIASN_SSO_TOKEN",
            prompt: "Token SSO operator (tidak ditampilkan / not shown): "
        ),
    ]

    static let variables = all.map(\.variable)

    static func read() throws -> [(member: String, value: String)] {
        try all.map { secret in
            if let value = ProcessInfo.processInfo.environment[secret.variable], !value.isEmpty {
                return (secret.member, value)
            }
            return (secret.member, try SecretPrompt.read(secret.prompt))
        }
    }
}
