import ArgumentParser
import GapuraFormats

struct SettingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settings", abstract: "Prints every setting with its meaning and default, or what is in force.",
        discussion: """
              gapura settings
              gapura settings --effective
              gapura settings --effective --json
            """
    )

    @OptionGroup var common: CommonOptions
    @OptionGroup var output: OutputOptions
    @Flag(help: "What is in force here and where it was set. Secrets are not shown.") var effective = false

    func run() async throws {
        guard effective else { return Console.line(String(SettingsReference.markdown().dropLast())) }
        let loaded = try await common.load()
        let rows = SettingCatalogue.all.map { setting in
            let value = setting.isSecret && loaded.sources[setting.key] != nil ? "•••" : setting.print(loaded.settings)
            return (key: setting.key, value: value, source: loaded.sources[setting.key] ?? "default")
        }
        if output.json {
            let members = rows.map {
                ($0.key, ["value": .string($0.value), "source": .string($0.source)] as JSONValue)
            }
            Console.json(.object(JSONObject(members)))
        } else {
            Console.table(["KEY", "VALUE", "SOURCE"], rows.map { [$0.key, $0.value, $0.source] })
        }
    }
}
