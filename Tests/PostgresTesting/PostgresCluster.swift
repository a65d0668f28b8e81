import Foundation

/// A private PostgreSQL for one test process: its own data folder, a Unix socket and no port, gone with the process
/// however it ends.
///
/// A machine without PostgreSQL makes the tests fail; it does not skip them.
package struct PostgresCluster: Sendable {
    /// Where the socket is.
    package let folder: String
    private let binaries: String

    /// Started by whoever asks first.
    package static func shared() throws -> PostgresCluster {
        try started.get()
    }

    /// A new empty database; returns its URL.
    package func makeDatabase() throws -> String {
        let name = "test_\(UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "_"))"
        try Self.run(["\(binaries)/createdb", "-h", folder, "-U", "gapura", name])
        return url(of: name)
    }

    package func url(of database: String) -> String {
        "postgres:///\(database)?host=\(folder)&user=gapura"
    }

    /// Runs SQL as a superuser, outside any store.
    @discardableResult
    package func query(_ sql: String, in url: String) throws -> String {
        try Self.run(["\(binaries)/psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, url])
    }

    /// Runs a file of SQL, which may be long.
    package func run(file: String, in url: String) throws {
        try Self.run(["\(binaries)/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, url])
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
                user + [
                    "\(binaries)/initdb", "-D", data, "-U", "gapura", "-A", "trust", "-E", "UTF8", "--locale=C",
                    "--no-sync",
                ]
            )
            let settings = "-k \(folder) -c listen_addresses= -c fsync=off -c max_connections=300 -c autovacuum=off"
            try run(
                user + [
                    "\(binaries)/pg_ctl", "-D", data, "-w", "-t", "60", "-l", "\(folder)/log", "-o", settings, "start",
                ])
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
    static func stopWithThisProcess(_ folder: String, _ stop: [String]) throws {
        let script =
            "while kill -0 \(getpid()) 2>/dev/null; do sleep 0.5; done; "
            + "\(stop.joined(separator: " ")); rm -rf \(folder)"
        _ = try spawn(["setsid", "sh", "-c", script], output: "/dev/null")
    }

    @discardableResult
    static func run(_ command: [String]) throws -> String {
        let output = "/tmp/gapura-run-\(UUID().uuidString)"
        defer { unlink(output) }
        let child = try spawn(command, output: output)
        var status: CInt = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
        guard status == 0 else {
            throw ClusterError(description: "\(command.joined(separator: " ")): \(text)")
        }
        return text
    }

    /// Not Foundation's `Process`: on Linux that waits for grandchildren too, and the server is one.
    static func spawn(_ command: [String], output: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // In a folder that the server's user may enter.
        var arguments = (["sh", "-c", "cd /tmp && exec \"$@\"", "sh"] + command).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        let code = posix_spawnp(&child, "sh", &actions, nil, &arguments, environ)
        guard code == 0 else { throw ClusterError(description: "\(command[0]): \(String(cString: strerror(code)))") }
        return child
    }

    struct ClusterError: Error, CustomStringConvertible {
        let description: String
    }
}
