import Foundation

/// A private MariaDB for one test process: its own data folder, a Unix socket and a port of 127.0.0.1, gone with the
/// process however it ends.
///
/// A machine without MariaDB makes the tests fail; it does not skip them.
package struct MariaDBServer: Sendable {
    package let socket: String
    private let folder: String

    /// Started by whoever asks first.
    package static func shared() throws -> MariaDBServer {
        try started.get()
    }

    /// A new empty database and a user who may only read it; returns their name.
    package func makeDatabase(password: String) throws -> String {
        let name = "t" + UUID().uuidString.lowercased().replacingOccurrences(of: "-", with: "").prefix(20)
        try query(
            """
            CREATE DATABASE \(name) CHARACTER SET utf8mb4;
            CREATE USER \(name)@localhost IDENTIFIED BY '\(password)';
            GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON \(name).* TO \(name)@localhost;
            """, in: "mysql")
        return name
    }

    /// Runs SQL as the server's administrator.
    @discardableResult
    package func query(_ sql: String, in database: String) throws -> String {
        let path = "\(folder)/\(UUID().uuidString).sql"
        defer { unlink(path) }
        try sql.write(toFile: path, atomically: false, encoding: .utf8)
        return try run(file: path, in: database)
    }

    @discardableResult
    package func run(file: String, in database: String) throws -> String {
        // Read by the client: an argument may not be as long as a city.
        try PostgresCluster.run([
            "sh", "-c",
            "exec mariadb --no-defaults --default-character-set=utf8mb4 -N -B -S \"$1\" -u root \"$2\" < \"$3\"",
            "sh", socket, database, file,
        ])
    }

    private static let started = Result { try start() }

    private static func start() throws -> MariaDBServer {
        guard FileManager.default.isExecutableFile(atPath: "/usr/sbin/mariadbd"),
            FileManager.default.isExecutableFile(atPath: "/usr/bin/mariadb")
        else {
            throw Missing(description: "MariaDB is missing: apt-get install mariadb-server-core mariadb-client-core")
        }
        let folder = try PostgresCluster.run(["mktemp", "-d", "/tmp/gapura-maria-XXXXXX"])
            .trimmingCharacters(in: .whitespacesAndNewlines)
        // MariaDB refuses to run as root.
        let user = getuid() == 0 ? ["runuser", "-u", "nobody", "--"] : []
        if !user.isEmpty { try PostgresCluster.run(["chown", "nobody", folder]) }
        try PostgresCluster.run(["chmod", "755", folder])
        let (data, socket) = (folder + "/data", folder + "/s")
        try PostgresCluster.run(
            user + [
                "mariadb-install-db", "--no-defaults", "--datadir=\(data)", "--skip-test-db", "--skip-name-resolve",
                "--auth-root-authentication-method=normal",
            ])
        let server = try PostgresCluster.spawn(
            user + [
                "/usr/sbin/mariadbd", "--no-defaults", "--datadir=\(data)", "--socket=\(socket)", "--skip-networking",
                "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0", "--sync-binlog=0",
                "--max-allowed-packet=64M", "--local-infile=1", "--pid-file=\(folder)/pid",
            ], output: folder + "/log")
        // Not by the number of what was started: runuser stays before the server, and would die alone.
        try PostgresCluster.stopWithThisProcess(folder, ["kill", "-9", "$(cat \(folder)/pid)"])
        let made = MariaDBServer(socket: socket, folder: folder)
        // Until it answers; a server that ended never will.
        var status: CInt = 0
        while waitpid(server, &status, WNOHANG) == 0 {
            if (try? made.query("SELECT 1", in: "mysql")) != nil { return made }
            usleep(100_000)
        }
        throw Missing(description: (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "it ended")
    }

    private struct Missing: Error, CustomStringConvertible {
        let description: String
    }
}
