import ArgumentParser
import GapuraFormats

struct ConsentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consent", abstract: "What people allowed applications that are not the city's own.",
        subcommands: [List.self, Revoke.self]
    )

    struct List: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists what somebody allowed, application by application.",
            discussion: "  gapura consent list 187908221911022001"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, email or id.") var name: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("consent.list", ["name": .string(name)])
        }

        func show(_ result: JSONValue) {
            let consents = result["consents"]?.array ?? []
            Console.table(
                ["APPLICATION", "CLIENT_ID", "ITEMS", "GIVEN", "UNTIL"],
                consents.map { consent in
                    [
                        TerminalText.of(consent, "application"), TerminalText.of(consent, "client_id"),
                        TerminalText.of(consent, "items"), TerminalText.of(consent, "given_at"),
                        TerminalText.of(consent, "expires_at"),
                    ]
                })
        }
    }

    struct Revoke: OperationCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes back what somebody allowed an application, and the tokens that it has of them.",
            discussion: "  gapura consent revoke 187908221911022001 --client-id vendor-absensi"
        )

        @OptionGroup var common: CommonOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "NIP, user name, email or id.") var name: String
        @Option(help: "The client of the application.") var clientID: String

        func request() throws -> (operation: String, arguments: JSONObject) {
            ("consent.revoke", ["name": .string(name), "client_id": .string(clientID)])
        }

        func show(_ result: JSONValue) {
            Console.line(result["revoked"]?.bool == true ? "Taken back." : "Nothing was allowed.")
        }
    }
}
