import ArgumentParser
import Gapura
import GapuraFormats

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What every command takes.
struct CommonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("YAML file with the settings.", valueName: "file"))
    var config: String?

    func load() async throws -> LoadedSettings {
        try await SettingsReader(environment: ProcessInfo.processInfo.environment).read(path: config)
    }
}

struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON.")
    var json = false
}

/// A command that is one operation: it makes the arguments, and shows the result to people.
protocol OperationCommand: AsyncParsableCommand {
    var common: CommonOptions { get }
    var output: OutputOptions { get }
    func request() throws -> (operation: String, arguments: JSONObject)
    func show(_ result: JSONValue)
    /// The exit code that a result stands for.
    func exitCode(_ result: JSONValue) -> Int32
}

extension OperationCommand {
    func run() async throws {
        let request = try request()
        let runner = OperationRunner(settings: try await common.load().settings)
        let result = try await runner.run(request.operation, request.arguments)
        if output.json {
            Console.json(result)
        } else {
            show(result)
        }
        let code = exitCode(result)
        if code != 0 { throw ExitCode(code) }
    }

    func exitCode(_ result: JSONValue) -> Int32 { 0 }
}

extension JSONObject {
    /// An object of the members that have a value.
    static func given(_ pairs: [(String, JSONValue?)]) -> JSONObject {
        JSONObject(pairs.compactMap { key, value in value.map { (key, $0) } })
    }

    /// From a file or the standard input, for `--json-input` and `--metadata`.
    static func read(_ path: String) throws -> JSONObject {
        do {
            if let object = try StrictJSON.parse(LocalFile.read(path), maximumBytes: 4 << 20).object { return object }
        } catch let error as JSONError {
            throw OperationError(.invalid, "\(path) is not JSON: \(error)", id: "\(path) bukan JSON yang sah: \(error)")
        }
        throw OperationError(.invalid, "\(path) is not a JSON object.", id: "\(path) bukan objek JSON.")
    }
}

extension JSONValue {
    static func optional(_ text: String?) -> JSONValue? {
        text.map { .string($0) }
    }

    /// Nothing for an empty list.
    static func optional(_ texts: [String]) -> JSONValue? {
        texts.isEmpty ? nil : .array(texts.map { .string($0) })
    }

    /// Nothing for a flag that was not given.
    static func optional(_ flag: Bool) -> JSONValue? {
        flag ? true : nil
    }
}
