import GapuraDirectory
import GapuraFormats
import GapuraPages
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import Gapura

/// Group D of attacks.md.
@Suite("PKCE: attacks")
struct PKCEAttackTests {
    @Test(
        "attack 79: a client whose policy asks for PKCE gets nowhere without a challenge",
        arguments: ["web", "native", "post", "hs"])
    func required(client: String) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for value in [nil, ""] as [String?] {
                let answer = try await city.authorize(
                    city.asking(client, ["code_challenge": value, "code_challenge_method": nil]), in: browser)
                expectRedirect(answer, "invalid_request")
                #expect(answer.parameter("error_description") == "code challenge required")
                let withMethod = try await city.authorize(city.asking(client, ["code_challenge": value]), in: browser)
                expectRedirect(withMethod, "invalid_request")
            }
        }
    }

    @Test("attack 79: PKCE is on by default, and a public client cannot be registered without it")
    func policy() throws {
        let settings = GatewaySettings()
        let web = try ClientMetadata(
            ["client_name": "X", "redirect_uris": ["https://x.contoh.go.id/cb"]], settings: settings)
        #expect(web.requiresPKCE)
        #expect(throws: OAuthError.self) {
            try ClientMetadata(
                [
                    "client_name": "X", "redirect_uris": ["https://x.contoh.go.id/cb"],
                    "token_endpoint_auth_method": "none", "require_pkce": false,
                ], settings: settings
            )
        }
    }

    @Test(
        "attack 80: plain, no method, S512 and challenges that are no SHA-256", arguments: ["web", "plain", "native"])
    func methods(client: String) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            for method in ["plain", nil, "", "S512", "s256", "S256 ", "S25\u{662}"] as [String?] {
                expectRedirect(
                    try await city.authorize(city.asking(client, ["code_challenge_method": method]), in: browser),
                    "invalid_request")
            }
            let bad = [
                "x", somePKCE.challenge + "=", String(somePKCE.challenge.dropLast()), somePKCE.challenge + "A",
                somePKCE.challenge.replacing("-", with: "+"),
                String(somePKCE.challenge.dropLast()) + "N", String(repeating: "A", count: 5000),
            ]
            for challenge in bad {
                expectRedirect(
                    try await city.authorize(city.asking(client, ["code_challenge": challenge]), in: browser),
                    "invalid_request")
            }
        }
    }

    @Test("attack 82: a challenge without its verifier, or with another", arguments: ["web", "native", "plain"])
    func verifierMissing(client: String) async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let wrong: [String?] = [
                nil, "", "x", City.pkce().verifier, somePKCE.challenge, String(somePKCE.verifier.dropLast()),
                somePKCE.verifier + "A",
                somePKCE.verifier.lowercased(), somePKCE.verifier + "\n", String(repeating: "a", count: 129),
            ]
            for verifier in wrong {
                let code = try await city.freshCode(client, in: browser)
                let refused = try await city.token(city.redeeming(code, ["code_verifier": verifier]), client)
                expectTokenError(refused, 400, "invalid_grant")
                // The code is spent with that: no second guess.
                expectTokenError(try await city.token(city.redeeming(code), client), 400, "invalid_grant")
            }
            #expect(
                try await city.token(city.redeeming(try await city.freshCode(client, in: browser)), client).status
                    == 200)
        }
    }

    @Test("attack 83: a verifier without a challenge: somebody took the challenge away")
    func downgrade() async throws {
        try await withCity { city in
            let browser = try await city.signedIn()
            let bare: KeyValuePairs<String, String?> = ["code_challenge": nil, "code_challenge_method": nil]
            let code = try await city.freshCode("plain", in: browser, bare)
            expectTokenError(try await city.token(city.redeeming(code), "plain"), 400, "invalid_grant")
            // And a method without a challenge never gets a code.
            expectRedirect(
                try await city.authorize(city.asking("plain", ["code_challenge": nil]), in: browser), "invalid_request")
            let honest = try await city.freshCode("plain", in: browser, bare)
            #expect(try await city.token(city.redeeming(honest, ["code_verifier": nil]), "plain").status == 200)
        }
    }

    @Test("attack 85: a challenge used in two transactions is accepted and noticed in the log")
    func constantChallenge() async throws {
        try await withCity { city in
            let lines = LogLines()
            let gateway = try Self.gateway(city, loggingTo: lines)
            let browser = try await city.signedIn()
            let cookie = "__Host-gapura-session=\(browser.cookie("__Host-gapura-session") ?? "")"
            func ask(_ client: String, _ challenge: String) async throws -> Response {
                let path =
                    "/oauth2/authorize?" + FormURLEncoded.encode(city.asking(client, ["code_challenge": challenge]))
                return try await gateway(path, cookie)
            }
            func reused() -> [LogLines.Line] { lines.all.filter { $0.message == "pkce.challenge_reused" } }

            _ = try await ask("web", somePKCE.challenge)
            _ = try await ask("web", City.pkce().challenge)
            _ = try await ask("native", somePKCE.challenge)
            #expect(reused().isEmpty)
            let second = try await ask("web", somePKCE.challenge)
            #expect(second.headers[.location]?.contains("code=") == true)
            #expect(reused().map { $0.metadata["client"] } == ["web"])
            #expect(!lines.all.contains { "\($0)".contains(somePKCE.challenge) })
        }
    }

    /// The routes of a city's gateway with a logger of the test's own.
    private static func gateway(_ city: City, loggingTo lines: LogLines) throws -> (String, String) async throws ->
        Response
    {
        let known = city.gateway.gateway.services
        var logger = Logger(label: "test") { _ in lines }
        logger.logLevel = .trace
        let services = Services(
            settings: known.settings, store: known.store, clock: known.clock, keyring: known.keyring,
            secrets: known.secrets,
            passwords: known.passwords, pages: known.pages, outgoing: known.outgoing, logger: logger
        )
        let responder = try Gateway(services: services, site: try SitePages(branding: Branding(cityName: "Uji")))
            .router().buildResponder()
        return { path, cookie in
            let head = HTTPRequest(
                method: .get, scheme: "https", authority: TestGateway.authority, path: path,
                headerFields: [.cookie: cookie]
            )
            let channel = NIOAsyncTestingChannel()
            try await channel.connect(to: SocketAddress(ipAddress: "203.0.113.7", port: 40_000)).get()
            return try await responder.respond(
                to: Request(head: head, body: RequestBody(buffer: ByteBuffer())),
                context: GapuraContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
            )
        }
    }
}

/// A log handler that keeps what it is given.
final class LogLines: LogHandler, Sendable {
    struct Line: Sendable {
        let message: String
        let metadata: [String: String]
    }

    private let lines = Mutex<[Line]>([])
    var all: [Line] { lines.withLock { $0 } }

    var logLevel: Logger.Level {
        get { .trace }
        set { _ = newValue }
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set { _ = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set { _ = newValue }
    }

    func log(event: LogEvent) {
        let line = Line(message: "\(event.message)", metadata: (event.metadata ?? [:]).mapValues { "\($0)" })
        lines.withLock { $0.append(line) }
    }
}
