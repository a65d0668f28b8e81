import Foundation
import GapuraFormats

/// A gateway of its own for the bench: folder, settings, people and clients.
final class CityUnderTest {
    struct Client {
        let id: String
        let secret: String

        /// The header of RFC 6749 section 2.3.1.
        var basic: (name: String, value: String) {
            ("Authorization", "Basic " + Data("\(id):\(secret)".utf8).base64EncodedString())
        }
    }

    static let redirectURI = "http://127.0.0.1:9/callback"
    static let audience = "https://arsip.contoh.invalid"
    static let signInScope = "openid profile email phone asn"

    let folder: String
    let port: Int
    let program: String
    private let metricsPort: Int
    private(set) var clients: [String: Client] = [:]

    init(program: String, root: String) throws {
        self.program = program
        var template = Array("\(NSTemporaryDirectory())/gapura-bench-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw BenchError("no temporary folder") }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        port = try FreePort.find()
        metricsPort = try FreePort.find()
    }

    var url: String { "http://127.0.0.1:\(port)" }

    var environment: [String: String] { environment(data: "data") }

    /// - Parameter data: name of the data folder, for a second city beside the first.
    func environment(data: String) -> [String: String] {
        [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "GAPURA_ISSUER": url,
            "GAPURA_LISTEN": "127.0.0.1:\(port)",
            "GAPURA_METRICS_LISTEN": "127.0.0.1:\(metricsPort)", "GAPURA_DATA_FOLDER": "\(folder)/\(data)",
            "GAPURA_DATABASE": "sqlite:\(folder)/\(data)/gapura.sqlite", "GAPURA_KEYS_FOLDER": "\(folder)/\(data)-keys",
            "GAPURA_ACCEPTS_FIXTURES": "true", "GAPURA_TEST_HOSTS": "127.0.0.1",
            // Longer than the bench runs, so that the tokens of its first minute are good in its last.
            "GAPURA_TOKEN_LIFETIME": "1h",
            // Counted, and never refused: everything here comes from one address.
            "GAPURA_ADDRESS_RATE": "1000000", "GAPURA_CLIENT_RATE": "1000000",
            "GAPURA_REFRESH_RATE": "1000000", "GAPURA_FLOW_NETWORK_LIMIT": "1000000",
            // So that load can come from a million addresses.
            "GAPURA_TRUSTED_PROXIES": "127.0.0.1",
            // A database that trusts its socket asks for none.
            "GAPURA_PERSONNEL_PASSWORD": "-",
        ]
    }

    @discardableResult
    func command(_ arguments: String..., data: String = "data") throws -> ChildProcess.Outcome {
        try ChildProcess.run(program, arguments, environment: environment(data: data))
    }

    func json(_ arguments: [String]) throws -> JSONValue {
        try StrictJSON.parse(
            ChildProcess.run(program, arguments + ["--json"], environment: environment).output, maximumBytes: 64 << 20)
    }

    func start() throws -> ChildServer {
        try ChildServer(
            program, ["serve"], environment: environment, port: port, path: "/.well-known/openid-configuration",
            log: "\(folder)/serve.log")
    }

    /// One application, a client that signs people in, one that may introspect, and one for each algorithm and form of
    /// access tokens.
    func registerClients() throws {
        _ = try json(["application", "add", "--slug", "bench", "--name", "Bench", "--state", "aktif"])
        try addClient(
            "bench", ["--redirect-uri", Self.redirectURI, "--scope", Self.signInScope, "--audience", Self.audience])
        try addClient(
            "bench-opaque",
            [
                "--redirect-uri", Self.redirectURI, "--scope", Self.signInScope, "--audience", Self.audience,
                "--access-token", "opaque",
            ])
        try addClient(
            "arsip", ["--grant-type", "client_credentials", "--resource-server", "--audience", Self.audience])
        for algorithm in Algorithm.allCases {
            try addClient(
                "machine-\(algorithm.rawValue)",
                [
                    "--grant-type", "client_credentials", "--scope", "arsip.baca", "--access-token-alg",
                    algorithm.rawValue,
                ])
        }
        try addClient(
            "machine-opaque",
            ["--grant-type", "client_credentials", "--scope", "arsip.baca", "--access-token", "opaque"])
    }

    func client(_ id: String) throws -> Client {
        guard let client = clients[id] else { throw BenchError("no client \(id)") }
        return client
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: folder)  // a leftover in the temporary folder harms nobody
    }

    /// A client that has a secret.
    func addClient(_ id: String, _ arguments: [String]) throws {
        let made = try registerClient(id, arguments)
        guard let secret = made["client_secret"]?.string else { throw BenchError("client \(id) has no secret") }
        clients[id] = Client(id: id, secret: secret)
    }

    @discardableResult
    func registerClient(_ id: String, _ arguments: [String]) throws -> JSONValue {
        try json(["client", "add", "--application", "bench", "--client-id", id, "--client-name", id] + arguments)
    }
}
