import ArgumentParser
import GapuraFormats
import Testing

@testable import GapuraServer

@Suite("Command line")
struct CommandParsingTests {
    private func request<Command: OperationCommand>(_ type: Command.Type, _ arguments: [String]) throws -> JSONObject {
        let command = try #require(try GapuraCommand.parseAsRoot(arguments) as? Command)
        return try command.request().arguments
    }

    @Test("client add takes the members of RFC 7591 as flags")
    func clientFlags() throws {
        let arguments = try request(
            ClientCommand.Add.self,
            [
                "client", "add", "--application", "e-surat", "--client-id", "surat", "--client-name", "e-Surat",
                "--redirect-uri", "https://a/cb",
                "--redirect-uri", "https://b/cb", "--post-logout-redirect-uri", "https://a/",
                "--backchannel-logout-uri", "https://a/bc",
                "--grant-types", "authorization_code,refresh_token", "--scope", "openid asn",
                "--token-endpoint-auth-method", "client_secret_post",
                "--id-token-signed-response-alg", "HS256", "--access-token", "opaque", "--audience", "surat",
                "--resource-server", "--no-pkce",
            ]
        )
        let metadata = try #require(arguments["metadata"]?.object)
        #expect(arguments["client_id"]?.string == "surat")
        #expect(metadata["redirect_uris"]?.strings == ["https://a/cb", "https://b/cb"])
        #expect(metadata["grant_types"]?.strings == ["authorization_code", "refresh_token"])
        #expect(metadata["id_token_signed_response_alg"]?.string == "HS256")
        #expect(metadata["access_token_format"]?.string == "opaque")
        #expect(metadata["require_pkce"]?.bool == false)
        #expect(metadata["resource_server"]?.bool == true)
        #expect(metadata["tos_uri"] == nil)
    }

    @Test("a native client is public")
    func native() throws {
        let metadata = try request(
            ClientCommand.Add.self,
            ["client", "add", "--application", "m", "--native", "--redirect-uri", "http://127.0.0.1/cb"]
        )["metadata"]
        #expect(metadata?["application_type"]?.string == "native")
        #expect(metadata?["token_endpoint_auth_method"]?.string == "none")
    }

    @Test("update changes only what is given")
    func update() throws {
        let metadata = try request(ClientCommand.Update.self, ["client", "update", "x", "--scope", "openid"])[
            "metadata"]?.object
        #expect(metadata?.keys == ["scope"])
    }

    @Test("files are named absolutely, because the gateway may run elsewhere")
    func absolute() throws {
        let arguments = try request(
            PersonnelCommand.Load.self,
            ["personnel", "load", "a.csv", "--units", "/u.csv", "--apply", "--confirm-vanished", "7"])
        #expect(arguments["file"]?.string?.hasPrefix("/") == true)
        #expect(arguments["units"]?.string == "/u.csv")
        #expect(arguments["confirm_vanished"]?.integer == 7)
    }

    @Test("an email is verified, and a key revoked, only if that is said")
    func saidOnly() throws {
        let email = ["account", "email", "ujang", "ujang@contoh.id"]
        #expect(try request(AccountCommand.Email.self, email)["verified"] == nil)
        #expect(try request(AccountCommand.Email.self, email + ["--verified"])["verified"]?.bool == true)
        #expect(try request(KeysCommand.Revoke.self, ["keys", "revoke", "k"]).keys == ["kid"])
        #expect(try request(KeysCommand.Revoke.self, ["keys", "revoke", "k", "--yes"])["confirmed"]?.bool == true)
    }

    @Test(
        "wrong usage exits with 2",
        arguments: [
            ["nonsense"], ["account", "add"], ["application", "access", "x"],
            ["application", "access", "x", "--everyone", "--kind", "PNS"],
            ["client", "add"], ["token", "verify", "x"], ["account", "list", "--limit", "many"],
            ["serve", "--nonsense"],
        ])
    func usage(_ arguments: [String]) {
        let error = #expect(throws: (any Error).self) { try GapuraCommand.parseAsRoot(arguments) }
        #expect(error.map { Failure.report($0) } == Failure.usage)
    }

    @Test("every command has help, and examples where there is something to give")
    func help() {
        func check(_ command: any ParsableCommand.Type) {
            let configuration = command.configuration
            #expect(!configuration.abstract.isEmpty, "\(command)")
            if configuration.subcommands.isEmpty {
                #expect(configuration.discussion.contains("gapura "), "\(command) has no example")
            }
            for subcommand in configuration.subcommands { check(subcommand) }
        }
        check(GapuraCommand.self)
    }

    @Test("text from data cannot command the terminal or turn the writing round")
    func terminal() {
        #expect(TerminalText.plain("a\u{1b}[31mb\nc\u{202e}d") == "a?[31mb?c?d")
        #expect(TerminalText.plain("Élan ʿAlī 東京") == "Élan ʿAlī 東京")
    }
}
