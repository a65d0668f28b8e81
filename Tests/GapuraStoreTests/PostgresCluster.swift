import Foundation

/// A private PostgreSQL for one test process: its own data folder, a Unix socket and no port, gone with the process however it ends.
///
/// A machine without PostgreSQL makes the tests fail; it does not skip them.
struct PostgresCluster: Sendable {
    /// Where the socket is.
    let folder: String
    private let binaries: String

    /// Started by whoever asks first.
    static func shared() throws -> PostgresCluster {
        try started.get()
    }

    /// A new empty database; returns its URL.
    func makeDatabase() throws -> String {
        let name = "test_\(UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "_"))"
        try Self.run(["\(binaries)/createdb", "-h", folder, "-U", "gapura", name])
        return url(of: name)
    }

    func url(of database: String) -> String {
        "postgres:///\(database)?host=\(folder)&user=gapura"
    }

    /// Runs SQL as a superuser, outside any store.
    @discardableResult
    func query(_ sql: String, in url: String) throws -> String {
        try Self.run(["\(binaries)/psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, url])
    }

    private static let started = Result { try start() }

    private static func start() throws -> PostgresCluster {
        let binaries = try binariesFolder()
        let folder = try run(["mktemp", "-d", "/tmp/gapura-pg-XXXXXX"]).trimmingCharacters(in: .whitespacesAndNewlines)
        // PostgreSQL refuses to run as root.
        let user = getuid() == 0 ? ["runuser", "-u", "postgres", "--"] : []
        if !user.isEmpty { try run(["chown", "postgres", folder]) }
        try run(["chmod", "755", folder])
        let data = folder + "/data"
        do {
            try run(
                user + ["\(binaries)/initdb", "-D", data, "-U", "gapura", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
            )
            let settings = "-k \(folder) -c listen_addresses= -c fsync=off -c max_connections=300 -c autovacuum=off"
            try run(user + ["\(binaries)/pg_ctl", "-D", data, "-w", "-t", "60", "-l", "\(folder)/log", "-o", settings, "start"])
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
        try stopWithThisProcess(folder, user + ["\(binaries)/pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"])
        return PostgresCluster(folder: folder, binaries: binaries)
    }

    private static func binariesFolder() throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let newest = versions.compactMap(Int.init).max()
        guard let newest, FileManager.default.isExecutableFile(atPath: "\(root)/\(newest)/bin/initdb") else {
            throw ClusterError(description: "PostgreSQL is missing: apt-get install postgresql")
        }
        return "\(root)/\(newest)/bin"
    }

    /// A shell that waits for the end of this process, even by SIGKILL, then stops the server and removes the folder.
    private static func stopWithThisProcess(_ folder: String, _ stop: [String]) throws {
        let script = "while kill -0 \(getpid()) 2>/dev/null; do sleep 0.5; done; \(stop.joined(separator: " ")); rm -rf \(folder)"
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setsid")
        process.arguments = ["sh", "-c", script]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    @discardableResult
    private static func run(_ command: [String]) throws -> String {
        let output = NSTemporaryDirectory() + "/gapura-run-\(UUID().uuidString)"
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        defer { try? FileManager.default.removeItem(atPath: output) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = URL(fileURLWithPath: "/tmp")
        process.standardInput = FileHandle.nullDevice
        // A file and not a pipe: the server inherits it and would keep a pipe open.
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: output))
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        guard process.terminationStatus == 0 else {
            throw ClusterError(description: "\(command.joined(separator: " ")): \(text)")
        }
        return text
    }

    struct ClusterError: Error, CustomStringConvertible {
        let description: String
    }
}
