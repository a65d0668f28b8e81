import Foundation
import Testing

/// A script of the folder `Python`, run by `GAPURA_PYTHON`, else by `python3`.
final class PythonScript {
    let input = Pipe()
    let output = Pipe()
    let errors = Pipe()
    private let process = Process()

    static var python: String { ProcessInfo.processInfo.environment["GAPURA_PYTHON"] ?? "python3" }

    init(_ name: String) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Python")
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [Self.python, folder.appendingPathComponent(name).path]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    /// Ends the input, and waits for the script's end: what it wrote, and what it complained of where it failed.
    func finish(writing bytes: [UInt8] = []) throws -> (answer: [UInt8], complaint: String?) {
        try input.fileHandleForWriting.write(contentsOf: Data(bytes))
        try input.fileHandleForWriting.close()
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        let complaint = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return ([UInt8](answer), process.terminationStatus == 0 ? nil : String(decoding: complaint, as: UTF8.self))
    }
}
