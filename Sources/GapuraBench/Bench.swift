import ArgumentParser

/// The measuring program of `bin/bench`.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gapura-bench", abstract: "Measures Gapura against what the machine can do at most.",
        subcommands: [RunCommand.self, BareCommand.self], defaultSubcommand: RunCommand.self
    )
}

/// What can be measured, in the order of the report.
enum Part: String, CaseIterable, ExpressibleByArgument {
    case library, year, personnel, administration, start, signIn = "sign-in", token, strict, refresh, reading, parallel,
        memory, novelty, audit

    /// Those that set figures beside a bare signature.
    static let needingSignatures: Set<Part> = [.library, .token, .strict, .refresh]
    /// Those that need no gateway.
    static let alone: Set<Part> = [.library, .year]
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Measures every line and prints each with its mark and its ceiling; exit code 1 if one misses.",
        discussion: """
            Takes about fifteen minutes, five of them load on the gateway; with --quick four. Everything happens in a temporary folder and on 127.0.0.1.
            The figures are processor time, so that a busy machine blurs them less; on a quiet one they are still better.
            """
    )

    @Option(help: "The program to measure.") var gapura: String
    @Option(help: "The folder of the repository.") var root = "."
    @Flag(help: "30 seconds of load instead of five minutes, and shorter rounds.") var quick = false
    @Option(help: "Only these parts: \(Part.allCases.map(\.rawValue).joined(separator: ", ")); may be repeated.")
    var only: [Part] = []
    @Flag(help: "Keep the temporary folder.") var keep = false

    func run() async throws {
        let report = Report()
        report.machine()
        let parts = only.isEmpty ? Part.allCases : only
        var signatures: [Algorithm: SignatureCost] = [:]
        if !Part.needingSignatures.isDisjoint(with: parts) {
            signatures = try LibraryMeasurement(seconds: quick ? 0.3 : 1).run(report)
        }
        if parts.contains(.year) { try await YearMeasurement(quick: quick).run(report) }
        guard !Part.alone.isSuperset(of: parts) else { return try report.finish() }

        let city = try CityUnderTest(program: gapura, root: root)
        defer { if !keep { city.remove() } }
        try PersonnelMeasurement(city: city, root: root).setUp(report, large: parts.contains(.personnel))
        if parts.contains(.administration) {
            try await AdministrationMeasurement(program: gapura, root: root, quick: quick).run(report)
        }
        try city.registerClients()
        let gateway = try StartMeasurement(city: city).run(report)
        defer { gateway.stop() }
        let browser = BenchBrowser(city: city)
        do {
            let all = try await browser.people(quick ? 14 : 24)
            // Four sign in without a pause later on: their oldest sessions end, and with them what these were given.
            let (people, restless) = (Array(all.dropLast(4)), Array(all.suffix(4)))
            let tokens = try await SignInMeasurement(browser: browser, gateway: gateway, people: people, count: 200)
                .run(report)
            let load = LoadGenerator(folder: city.folder, seconds: quick ? 2 : 4)
            if parts.contains(.token) {
                try TokenMeasurement(city: city, gateway: gateway, load: load, signatures: signatures).run(report)
            }
            if let signature = signatures[.es256] {
                if parts.contains(.strict) {
                    try await StrictMeasurement(
                        city: city, gateway: gateway, browser: browser, signature: signature, rounds: quick ? 300 : 900
                    ).run(report, person: people[0])
                }
                if parts.contains(.refresh) {
                    try await RefreshMeasurement(
                        city: city, root: root, browser: browser, signature: signature, load: load
                    ).run(report, person: people[0])
                }
            }
            if parts.contains(.reading) {
                try await ReadingMeasurement(city: city, gateway: gateway, load: load, tokens: tokens).run(report)
            }
            if parts.contains(.parallel) {
                try await ParallelMeasurement(
                    city: city, browser: browser, people: people, tokens: tokens.jwt, seconds: quick ? 2 : 3
                ).run(report)
            }
            if parts.contains(.memory) {
                try await MemoryMeasurement(city: city, gateway: gateway, tokens: tokens, seconds: quick ? 30 : 300)
                    .run(
                        report, browser: browser, people: restless)
            }
            if parts.contains(.novelty) {
                try NoveltyMeasurement(city: city, gateway: gateway, count: quick ? 100_000 : 1_000_000).run(report)
            }
            try await browser.shutdown()
        } catch {
            try await browser.shutdown()
            throw error
        }
        gateway.stop()
        if parts.contains(.audit) { try AuditMeasurement(city: city).run(report) }
        try report.finish()
    }
}
