import ArgumentParser
import GapuraFormats

struct ClientCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "client", abstract: "OAuth clients of applications.",
        subcommands: [
            Add.self, List.self, Show.self, Check.self, Update.self, Secret.self, Disable.self, Enable.self,
        ]
    )

    struct Add: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Registers a client. The same call again answers the same client, without a new secret.",
            discussion: """
                The members of RFC 7591 come as flags or as JSON with --metadata; flags win. The secret is told once.

                  gapura client add --application e-absensi --client-name e-Absensi \\
                    --redirect-uri https://absensi.kota-contoh.go.id/callback.php \\
                    --post-logout-redirect-uri https://absensi.kota-contoh.go.id/ \\
                    --backchannel-logout-uri https://absensi.kota-contoh.go.id/backchannel.php
                  gapura client add --application e-surat --id-token-alg HS256 --client-name e-Surat --redirect-uri https://surat.kota-contoh.go.id/cb
                  gapura client add --application mobile --client-id mobile-app --native --redirect-uri http://127.0.0.1/cb --client-name Ponsel
                  gapura client add --application arsip --metadata arsip.json --json
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Slug of the application it belongs to.") var application: String
        @Option(help: "The client's id; the application's slug if not given.") var clientID: String?
        @OptionGroup var metadata: MetadataOptions

        func request() throws -> (operation: String, arguments: JSONObject) {
            (
                "client.add",
                .given([
                    ("application", .string(application)), ("client_id", .optional(clientID)),
                    ("metadata", .object(try metadata.object())),
                ])
            )
        }

        func show(_ result: JSONValue) {
            Console.line(
                result["new"]?.bool == true ? "Added." : "The client was there already; its secret stays as it is.")
            ClientCommand.show(result)
        }
    }

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists clients.", discussion: "  gapura client list --application e-absensi --json"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Only those of this application.") var application: String?

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("client.list", .given([("application", .optional(application))]))
        }

        func show(_ result: JSONValue) {
            let members = [
                "client_id", "application", "state", "client_name", "token_endpoint_auth_method",
                "id_token_signed_response_alg",
            ]
            let clients = result["clients"]?.array ?? []
            Console.table(
                ["CLIENT_ID", "APPLICATION", "STATE", "NAME", "AUTHENTICATION", "ID_TOKEN"],
                clients.map { client in members.map { TerminalText.of(client, $0) } }
            )
        }
    }

    struct Show: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows a client's registration; secrets are never shown.",
            discussion: "  gapura client show e-absensi"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var clientID: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("client.show", ["client_id": .string(clientID)])
        }
        func show(_ result: JSONValue) { ClientCommand.show(result) }
    }

    struct Check: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Walks an integration, grades it, and says what to do next.",
            discussion: """
                A: nothing to do. B: it works and could be better. C: something does not work, or should not stay so.

                  gapura client check e-absensi
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var clientID: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("client.check", ["client_id": .string(clientID)])
        }

        func show(_ result: JSONValue) {
            Console.line("\(TerminalText.of(result, "client_id")): \(TerminalText.of(result, "grade"))")
            for finding in result["findings"]?.array ?? [] {
                let text = TerminalText.of(finding, "text")
                Console.line("\(TerminalText.of(finding, "level")) \(TerminalText.of(finding, "point")): \(text)")
                if finding["next"]?.string != nil { Console.line("  → \(TerminalText.of(finding, "next"))") }
            }
        }
    }

    struct Update: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Changes members of a registration; null in --metadata takes one away.",
            discussion: """
                A list that is given replaces the old one.

                  gapura client update e-absensi --redirect-uri https://absensi.kota-contoh.go.id/masuk/callback
                  echo '{"backchannel_logout_uri":null}' | gapura client update e-absensi --metadata -
                """
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var clientID: String
        @OptionGroup var metadata: MetadataOptions

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("client.update", ["client_id": .string(clientID), "metadata": .object(try metadata.object())])
        }

        func show(_ result: JSONValue) { ClientCommand.show(result) }
    }

    struct Secret: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives a client another secret; the old one is dead at once.",
            discussion: "  gapura client secret e-absensi"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var clientID: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("client.secret", ["client_id": .string(clientID)])
        }

        func show(_ result: JSONValue) {
            Console.line("client_id: \(TerminalText.of(result, "client_id"))")
            Console.line("client_secret: \(TerminalText.of(result, "client_secret"))")
        }
    }

    struct Disable: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes a client's right to sign anybody in; its registration stays.",
            discussion: "  gapura client disable e-absensi"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var clientID: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("client.state", ["client_id": .string(clientID), "state": "disabled"])
        }

        func show(_ result: JSONValue) { Console.line("Disabled.") }
    }

    struct Enable: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Gives a disabled client its right back.", discussion: "  gapura client enable e-absensi"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument var clientID: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("client.state", ["client_id": .string(clientID), "state": "active"])
        }

        func show(_ result: JSONValue) { Console.line("Enabled.") }
    }

    private static func show(_ result: JSONValue) {
        Console.members(
            result.object ?? JSONObject(), except: ["new", "client_id_issued_at", "client_secret_expires_at"])
        if result["client_secret"] != nil {
            Console.error("The secret is told this once: store it where only the application can read it.")
        }
    }
}
