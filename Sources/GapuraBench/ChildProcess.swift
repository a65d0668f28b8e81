import Foundation

/// Another program, run to its end.
enum ChildProcess {
    struct Outcome {
        let output: [UInt8]
        let seconds: Double

        var text: String { String(decoding: output, as: UTF8.self) }
    }

    /// - Throws: `BenchError` with what it wrote on the standard error, if it failed.
    @discardableResult
    static func run(_ program: String, _ arguments: [String], environment: [String: String]? = nil) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = environment
        let output = Pipe()
        let errorFile = FileManager.default.temporaryDirectory.appendingPathComponent("gapura-bench-\(getpid())-stderr")
        try Files.makeEmpty(errorFile.path)
        defer { try? FileManager.default.removeItem(at: errorFile) }  // a leftover in the temporary folder harms nobody
        process.standardOutput = output
        process.standardError = try FileHandle(forWritingTo: errorFile)
        process.standardInput = FileHandle.nullDevice
        let start = ContinuousClock.now
        try process.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let seconds = (ContinuousClock.now - start).inSeconds
        guard process.terminationStatus == 0 else {
            let why = Files.text(errorFile.path) + String(decoding: bytes.prefix(2000), as: UTF8.self)
            throw BenchError(
                "\(program) \(arguments.joined(separator: " ")): exit code \(process.terminationStatus)\n\(why)")
        }
        return Outcome(output: Array(bytes), seconds: seconds)
    }
}

/// A server that runs beside the bench until it is stopped.
final class ChildServer {
    let pid: Int32
    let url: String
    /// From the start of the program to its first answer.
    let secondsToFirstAnswer: Double
    private let process: Process

    var figures: ProcessFigures { ProcessFigures(pid: pid) }

    /// Starts a program and asks its port until it answers with 200.
    init(_ program: String, _ arguments: [String], environment: [String: String], port: Int, path: String, log: String)
        throws
    {
        try Files.makeEmpty(log)
        process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = environment
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
        process.standardInput = FileHandle.nullDevice
        url = "http://127.0.0.1:\(port)"
        let start = ContinuousClock.now
        try process.run()
        pid = process.processIdentifier
        while !Self.answers(port, path) {
            guard process.isRunning, ContinuousClock.now - start < .seconds(30) else {
                process.terminate()
                throw BenchError("\(program) does not answer at \(url)\(path): \(Files.text(log).suffix(2000))")
            }
            usleep(2000)
        }
        secondsToFirstAnswer = (ContinuousClock.now - start).inSeconds
    }

    /// Ends it as an operator does, and waits.
    func stop() {
        guard process.isRunning else { return }
        process.terminate()
        process.waitUntilExit()
    }

    /// One request with the plainest client there is.
    private static func answers(_ port: Int, _ path: String) -> Bool {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard handle >= 0 else { return false }
        defer { close(handle) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { return false }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\r\n".utf8)
        guard send(handle, request, request.count, 0) == request.count else { return false }
        var answer = [UInt8](repeating: 0, count: 15)
        return recv(handle, &answer, answer.count, Int32(MSG_WAITALL)) == 15 && answer.starts(with: "HTTP/1.1 200".utf8)
    }
}

/// A port that nobody uses at this moment.
enum FreePort {
    static func find() throws -> Int {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(handle) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, length) == 0 && getsockname(handle, $0, &length) == 0
            }
        }
        guard isBound else { throw BenchError("no port is free") }
        return Int(in_port_t(bigEndian: address.sin_port))
    }
}
