import Foundation
package import Gapura
import GapuraDirectory
package import GapuraFormats
import GapuraPages
package import GapuraStore
import GapuraTokens
package import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
import NIOEmbedded

/// A whole gateway in the test's own process: real routes, database, keys and pages, a clock that the test turns, and
/// cheap password hashes.
///
/// Each test makes its own, so that all can run side by side.
package final class TestGateway: Sendable {
    package let gateway: Gateway
    package let clock: TestClock
    private let responder: any HTTPResponder<GapuraContext>
    private let folder: String

    package static let issuer = "https://sso.contoh.go.id"
    package static let authority = "sso.contoh.go.id"

    /// - Parameters:
    ///   - database: SQLite in memory unless a test names another.
    ///   - configure: changes the settings before anything is opened.
    package static func make(
        database: DatabaseLocation = .sqliteMemory, configure: (inout GatewaySettings) -> Void = { _ in }
    ) async throws -> TestGateway {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gapura-test-\(UUIDText.version4())").path()
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
        )
        var settings = GatewaySettings()
        settings.issuer = issuer
        settings.keysFolder = folder + "/keys"
        settings.dataFolder = folder
        settings.acceptsFixtures = true
        settings.outgoingNetworks = ["127.0.0.0/8"]
        settings.testHosts = ["127.0.0.1"]
        configure(&settings)
        let clock = TestClock()
        var logger = Logger(label: "gapura-test")
        logger.logLevel = .critical
        let site = try SitePages(branding: Branding(cityName: "Kota Nusa Contoh"))
        let services = Services(
            settings: settings, store: try await Store.open(database), clock: clock.wall,
            keyring: try await SigningKeyring.open(
                folder: settings.keysFolder, clock: clock.wall, logger: logger, retention: KeyRetention(settings)),
            secrets: try SecretKeys.open(folder: settings.keysFolder),
            passwords: try PasswordHasher(
                parameters: Argon2Parameters(memory: 64, passes: 1, lanes: 1), threads: 2, queue: settings.passwordQueue
            ),
            pages: site, outgoing: try OutgoingHTTP(settings), logger: logger
        )
        return try TestGateway(Gateway(services: services, site: site), clock, folder)
    }

    private init(_ gateway: Gateway, _ clock: TestClock, _ folder: String) throws {
        self.gateway = gateway
        self.clock = clock
        self.folder = folder
        responder = try gateway.router().buildResponder()
    }

    /// The same gateway with a log of the test's own; only this one is to be closed.
    package func logging(to logger: Logger) throws -> TestGateway {
        let known = gateway.services
        let services = Services(
            settings: known.settings, store: known.store, clock: known.clock, keyring: known.keyring,
            secrets: known.secrets, passwords: known.passwords, pages: known.pages, outgoing: known.outgoing,
            logger: logger)
        let site = try SitePages(branding: Branding(cityName: "Kota Nusa Contoh"))
        return try TestGateway(Gateway(services: services, site: site), clock, folder)
    }

    package var store: Store { gateway.services.store }

    /// Stops threads and removes files.
    package func close() async {
        await gateway.close()
        // A leftover in the temporary folder harms nobody.
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Requests

    /// Sends one request through every middleware and route.
    /// - Parameters:
    ///   - path: with its query, as it would stand in the request line.
    ///   - address: where it comes from.
    package func send(
        _ method: HTTPRequest.Method, _ path: String, headers: HTTPFields = [:], body: String? = nil,
        from address: String = "203.0.113.7",
        authority: String? = TestGateway.authority
    ) async throws -> TestAnswer {
        let channel = NIOAsyncTestingChannel()
        let peer = try SocketAddress(ipAddress: address, port: 40_000)
        try await channel.connect(to: peer).get()
        let head = HTTPRequest(method: method, scheme: "https", authority: authority, path: path, headerFields: headers)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(string: body ?? "")))
        let context = GapuraContext(
            source: ApplicationRequestContextSource(channel: channel, logger: gateway.services.logger))
        let response = try await responder.respond(to: request, context: context)
        let writer = CollectedBody()
        try await response.body.write(writer)
        return TestAnswer(status: response.status.code, headers: response.headers, body: writer.bytes)
    }

    /// A form posted without cookies, as applications do.
    package func post(
        _ path: String, _ form: [(name: String, value: String)], headers: HTTPFields = [:],
        from address: String = "203.0.113.7"
    ) async throws -> TestAnswer {
        var headers = headers
        headers[.contentType] = "application/x-www-form-urlencoded"
        return try await send(.post, path, headers: headers, body: FormURLEncoded.encode(form), from: address)
    }

    package func browser(from address: String = "203.0.113.7") -> TestBrowser {
        TestBrowser(self, from: address)
    }
}

/// What came back.
package struct TestAnswer: Sendable {
    package let status: Int
    package let headers: HTTPFields
    package let body: [UInt8]

    package var text: String { String(decoding: body, as: UTF8.self) }
    package var location: String? { headers[.location] }
    /// The body as JSON.
    package var json: JSONValue? { try? StrictJSON.parse(body) }

    /// A parameter of the query of `Location`.
    package func parameter(_ name: String) -> String? {
        guard let location, let mark = location.utf8.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        let pairs = try? FormURLEncoded.parse(Array(location.utf8[location.utf8.index(after: mark)...]))
        return pairs?.first { $0.name == name }?.value
    }

    /// The value of the first input of that name in a page of ours.
    package func field(_ name: String) -> String? {
        guard let start = text.range(of: "name=\"\(name)\" value=\"") else { return nil }
        return String(text[start.upperBound...].prefix { $0 != "\"" })
    }

    /// What `#error-code` says.
    package var errorCode: String? {
        guard let start = text.range(of: "id=\"error-code\"") else { return nil }
        return String(text[start.upperBound...].drop { $0 != ">" }.dropFirst().prefix { $0 != "<" })
    }
}

/// Collects a response body.
private final class CollectedBody: ResponseBodyWriter {
    private(set) var bytes: [UInt8] = []

    func write(_ buffer: ByteBuffer) async throws {
        bytes.append(contentsOf: buffer.readableBytesView)
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
