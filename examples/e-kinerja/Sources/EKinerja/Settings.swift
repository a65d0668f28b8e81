import Foundation

/// The settings, from environment variables; the secret best from a file that only this program reads.
struct Settings: Sendable {
    let issuer: String
    let clientID: String
    let clientSecret: String
    let baseURL: String
    let port: Int

    /// Seconds without a request after which a session ends, and its longest life.
    let idle: Int64 = 1800
    let absolute: Int64 = 28800

    var redirectURI: String { baseURL + "/callback" }
    var postLogoutRedirectURI: String { baseURL + "/" }
    var isSecure: Bool { baseURL.hasPrefix("https://") }

    /// The session cookie belongs to this host alone; on plain http browsers refuse the prefix that says so.
    /// Applications on one host share cookies, whatever their ports: the client's id makes the name this one's own.
    func cookieName(_ name: String) -> String {
        let own = String(clientID.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        return (isSecure ? "__Host-" : "") + own + "-" + name
    }

    init(arguments: [String], environment: [String: String]) throws {
        func read(_ name: String, _ defaultValue: String) -> String {
            guard let value = environment[name], !value.isEmpty else { return defaultValue }
            return value
        }
        issuer = read("GAPURA_ISSUER", "http://localhost:8080")
        clientID = read("CLIENT_ID", "")
        clientSecret = try Self.secret(file: read("CLIENT_SECRET_FILE", ""), value: read("CLIENT_SECRET", ""))
        let base = read("BASE_URL", "http://127.0.0.1:8083")
        baseURL = base.hasSuffix("/") ? String(base.dropLast()) : base
        port = try Self.port(arguments)
        guard !clientID.isEmpty, !clientSecret.isEmpty else {
            throw Problem(.setup, "set CLIENT_ID and CLIENT_SECRET_FILE (or CLIENT_SECRET); see README.md")
        }
        guard Self.isAllowed(issuer), Self.isAllowed(baseURL) else {
            throw Problem(.setup, "GAPURA_ISSUER and BASE_URL must be https (http only on localhost)")
        }
    }

    /// Only https; plain http only to this very machine.
    static func isAllowed(_ url: String) -> Bool {
        guard let parts = URLComponents(string: url), parts.user == nil, let host = parts.host else { return false }
        return parts.scheme == "https"
            || (parts.scheme == "http" && ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host))
    }

    private static func secret(file: String, value: String) throws -> String {
        guard !file.isEmpty else { return value }
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)  // a missing file: answered below
        if let mode = attributes?[.posixPermissions] as? NSNumber, mode.intValue & 0o007 != 0 {
            throw Problem(.setup, "CLIENT_SECRET_FILE can be read by everybody: chmod 600 \(file)")
        }
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw Problem(.setup, "CLIENT_SECRET_FILE cannot be read: \(file)")
        }
        return text.trimmingCharacters(in: .newlines)
    }

    private static func port(_ arguments: [String]) throws -> Int {
        guard let index = arguments.firstIndex(of: "--port") else { return 8083 }
        guard index + 1 < arguments.count, let port = Int(arguments[index + 1]), (1...65535).contains(port) else {
            throw Problem(.setup, "--port wants a number from 1 to 65535")
        }
        return port
    }
}
