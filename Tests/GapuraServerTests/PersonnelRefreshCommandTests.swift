import Foundation
import Gapura
import GapuraFormats
import Testing

@testable import GapuraServer

/// `gapura personnel refresh` from the command line; what SIASN answers is tested beside the operation.
@Suite("Personnel: refresh as a command")
struct PersonnelRefreshCommandTests {
    /// Nobody listens on port 1.
    private static let variables = [
        "GAPURA_SIASN_URL": "http://127.0.0.1:1/apisiasn/1.0",
        "GAPURA_SIASN_TOKEN_URL": "http://127.0.0.1:1/oauth2/token", "GAPURA_SIASN_CONSUMER_KEY": "kunci",
        "GAPURA_OUTGOING_NETWORKS": "127.0.0.0/8",
    ]

    @Test("one order at a time", arguments: [[], ["--missing", "--resume"], ["--nip", "1", "--unit", "a"]])
    func orders(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try PersonnelRefreshCommand.parse(arguments) }
    }

    @Test("no argument takes a secret")
    func noSecrets() throws {
        let help = PersonnelRefreshCommand.helpMessage()
        for word in ["--consumer-secret", "--sso-token", "--token", "--secret"] { #expect(!help.contains(word)) }
        let request = try PersonnelRefreshCommand.parse(["--nip", SmallCity.nip, "--apply"]).request()
        #expect(request.operation == "personnel.refresh")
        #expect(request.arguments.keys == ["nips", "apply"])
    }

    @Test("secrets come from the environment or line by line, reach the gateway, and stand in no output and no log")
    func secrets() async throws {
        let gapura = try GapuraProgram(
            Self.variables.merging(["GAPURA_SIASN_CONSUMER_SECRET": "SECRETONE"]) { $1 })
        try await gapura.succeed("setup")
        // Without a gateway: the secret from the environment, the token from the standard input.
        let alone = try await gapura.run(
            ["personnel", "refresh", "--nip", SmallCity.nip], input: "SECRETTWO\n")
        #expect(alone.code != 0)
        #expect(alone.errors.contains("SIASN tidak dapat dihubungi"))
        #expect(alone.errors.contains("cannot be reached"))
        let none = try await gapura.run(["personnel", "refresh", "--resume"])
        #expect(none.errors.contains("Rahasia belum diisi"))
        let running = try await gapura.serve()
        let through = try await gapura.run(["personnel", "refresh", "--resume"], input: "SECRETTWO\n")
        #expect(through.errors.contains("cannot be reached"))
        let dropped = try await gapura.succeed("personnel", "refresh", "--discard")
        #expect(dropped.output.contains("Dibuang"))
        let again = try await gapura.succeed("personnel", "refresh", "--discard", "--json")
        #expect(try again.json == ["discarded": false])
        _ = running.stop()
        let texts = [alone, none, through, dropped].flatMap { [$0.output, $0.errors] } + [running.log]
        for text in texts { #expect(!text.contains("SECRET")) }
    }

    @Test(
        "addresses of services: https, or this machine",
        arguments: [
            ("https://apimws.bkn.go.id:8243/apisiasn/1.0", true), ("http://127.0.0.1:8080/a", true),
            ("http://localhost:8080", true), ("http://apimws.bkn.go.id/a", false), ("https://a/", false),
            ("https://a/b?c=d", false), ("https://a/#b", false), ("https://", false), ("https:///a", false),
            ("https://a b", false), ("ftp://a", false), ("", false),
        ])
    func addresses(_ text: String, _ isRight: Bool) {
        #expect(SettingText.isService(text) == isRight)
    }
}
