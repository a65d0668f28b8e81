import ArgumentParser
import Gapura
import GapuraFormats

struct APICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "Prints the OpenAPI 3.1 document of the administration API.",
        discussion: """
              gapura api > openapi.json
            """
    )

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let settings = try await common.load().settings
        Console.json(OpenAPIDocument.make(issuer: settings.issuer))
    }
}
