import Foundation
import GapuraFormats
import GapuraTokens

/// 256 connections at each endpoint in turn, but where passwords are posted: everybody is answered, and nobody waits
/// much longer than the others.
struct ParallelMeasurement {
    private static let connections = 256
    /// Times the middle wait.
    private static let most = 10.0
    /// 2,000 pushed requests and 500 devices of one client may wait: more than come in a round.
    private static let waitingClients = 80

    let city: CityUnderTest
    let browser: BenchBrowser
    let people: [BenchBrowser.Person]
    /// Access tokens of people.
    let tokens: [String]
    /// At each endpoint.
    let seconds: Int

    private struct Endpoint {
        let name: String
        let requests: [LoadRequest]
        /// What a good answer is: a page may also lead to an error.
        var isGood: (BenchBrowser.Answer) -> Bool = { $0.status == 200 }
    }

    func run(_ report: Report) async throws {
        var load = LoadGenerator(folder: city.folder, seconds: seconds)
        load.connections = Self.connections
        for endpoint in try await endpoints() {
            guard let first = endpoint.requests.first else { throw BenchError("\(endpoint.name): no requests") }
            let answer = try await browser.answer(first)
            guard endpoint.isGood(answer) else {
                let body = String(decoding: answer.body.prefix(400), as: UTF8.self)
                throw BenchError("\(endpoint.name): \(answer.status) \(answer.location ?? "") \(body)")
            }
            let outcome = try load.runCountingErrors(endpoint.requests, at: city.url)
            let errors = outcome.refusals + outcome.brokenConnections
            let figures = String(
                format: "p50 %.1f ms, p99 %.1f ms, %.0f /s", outcome.p50, outcome.p99, outcome.perSecond)
            report.add(
                Line(
                    "256 connections: \(endpoint.name)", errors > 0 ? .infinity : outcome.p99 / outcome.p50, "times",
                    .atMost(Self.most),
                    ceiling: figures
                        + (errors > 0
                            ? "; \(outcome.refusals) refused, \(outcome.brokenConnections) broken connections" : "")))
        }
    }

    private func endpoints() async throws -> [Endpoint] {
        try RefreshMeasurement.register(in: city)
        let waiting = (1...Self.waitingClients).map { "tunggu-\($0)" }
        for id in waiting {
            try city.addClient(
                id,
                [
                    "--redirect-uri", CityUnderTest.redirectURI, "--scope", CityUnderTest.signInScope, "--grant-type",
                    "authorization_code,urn:ietf:params:oauth:grant-type:device_code",
                ])
        }
        let cookies = try await BenchBrowser.using(city) { browser in
            var cookies: [String] = []
            for person in people { cookies.append(try await browser.signedIn(person).cookie) }
            return cookies
        }
        let headers = cookies.map { [(name: "Cookie", value: $0)] }
        func signedIn(_ path: String) -> [LoadRequest] { headers.map { LoadRequest(path: path, headers: $0) } }
        let authorize = "/oauth2/authorize?\(FormURLEncoded.encode(Self.asked("bench")))"
        return [
            Endpoint(name: "/livez", requests: [LoadRequest(path: "/livez")]),
            Endpoint(name: "metadata", requests: [LoadRequest(path: "/.well-known/openid-configuration")]),
            Endpoint(name: "JWKS", requests: [LoadRequest(path: "/oauth2/jwks")]),
            Endpoint(name: "authorize, nobody signed in", requests: [LoadRequest(path: authorize)]) { answer in
                answer.location?.contains("/masuk?alur=") ?? false
            },
            Endpoint(name: "authorize with a session", requests: signedIn(authorize)) { answer in
                answer.location?.contains("code=") ?? false
            },
            Endpoint(name: "/masuk, the form", requests: [LoadRequest(path: "/masuk")]),
            Endpoint(name: "/portal", requests: signedIn("/portal")),
            Endpoint(name: "/perangkat", requests: signedIn("/perangkat")),
            Endpoint(name: "/oauth2/logout, asking", requests: signedIn("/oauth2/logout")),
        ] + (try await clientEndpoints(waiting)) + (try await tools())
    }

    private static func asked(_ client: String) -> [(name: String, value: String)] {
        [
            ("response_type", "code"), ("client_id", client), ("redirect_uri", CityUnderTest.redirectURI),
            ("scope", CityUnderTest.signInScope), ("state", "s"), ("nonce", "n"), ("code_challenge_method", "S256"),
            ("code_challenge", Base64URL.encode(SHA256.hash(BenchBrowser.verifier))),
        ]
    }

    private func post(_ path: String, _ client: String, _ form: [(name: String, value: String)]) throws -> LoadRequest {
        LoadRequest(
            method: "POST", path: path,
            headers: [try city.client(client).basic, ("Content-Type", "application/x-www-form-urlencoded")],
            body: FormURLEncoded.encode(form))
    }

    /// What applications call.
    private func clientEndpoints(_ waiting: [String]) async throws -> [Endpoint] {
        let refresh = try city.client(RefreshMeasurement.client)
        let refreshes = try await BenchBrowser.using(city) { browser in
            var requests: [LoadRequest] = []
            for person in people {
                let tokens = try await browser.signedIn(person, client: refresh.id).tokens
                guard let token = tokens["refresh_token"]?.string else { throw BenchError("no refresh token") }
                requests.append(RefreshMeasurement.request(token, refresh))
            }
            return requests
        }
        return [
            Endpoint(name: "userinfo", requests: tokens.map { Self.bearer($0, "/oauth2/userinfo") }),
            Endpoint(
                name: "introspection",
                requests: try tokens.map { try post("/oauth2/introspect", "arsip", [("token", $0)]) }),
            Endpoint(
                name: "revocation, unknown token",
                requests: try (0..<100).map { _ in
                    try post("/oauth2/revoke", "arsip", [("token", SecureRandom.text(32))])
                }),
            Endpoint(
                name: "token, client credentials, ES256",
                requests: [
                    try post("/oauth2/token", "machine-ES256", [("grant_type", "client_credentials")])
                ]),
            Endpoint(name: "token, refresh, ES256", requests: refreshes),
            Endpoint(
                name: "PAR",
                requests: try waiting.map { try post("/oauth2/par", $0, Self.asked($0)) }
            ) { $0.status == 201 },
            Endpoint(
                name: "device authorization",
                requests: try waiting.map { try post("/oauth2/device", $0, [("scope", "openid profile")]) }),
            Endpoint(name: "registration, read", requests: [try await registration()]),
        ]
    }

    /// A client that registered itself, and reads what it is.
    private func registration() async throws -> LoadRequest {
        let right = try city.json(["registration", "add", "--application", "bench", "--host", "127.0.0.1"])
        guard let initial = right["initial_access_token"]?.string else { throw BenchError("no right to register") }
        let asked: JSONObject = [
            "client_name": "Bench", "redirect_uris": [.string(CityUnderTest.redirectURI)],
        ]
        let answer = try await browser.answer(
            LoadRequest(
                method: "POST", path: "/oauth2/register",
                headers: [("Authorization", "Bearer \(initial)"), ("Content-Type", "application/json")],
                body: asked.encodedText()))
        guard answer.status == 201, case let made = try StrictJSON.parse(answer.body),
            let token = made["registration_access_token"]?.string, let id = made["client_id"]?.string
        else { throw BenchError("registration: \(answer.status) \(String(decoding: answer.body, as: UTF8.self))") }
        return Self.bearer(token, "/oauth2/register/\(id)")
    }

    /// What an admin's tool and the personnel agency's application call.
    private func tools() async throws -> [Endpoint] {
        // Of nobody whose tokens and sessions are used here.
        let list = try city.json(["account", "list", "--state", "aktif", "--limit", "200"])
        let names = (list["accounts"]?.array ?? []).compactMap { $0["nip"]?.string }
        guard let name = names.last(where: { name in !people.contains { $0.name == name } }),
            let admin = try await browser.people([name]).first
        else { throw BenchError("nobody to be an admin") }
        _ = try city.json(["account", "role", admin.name, "superadmin"])
        try city.addClient(
            "alat", ["--redirect-uri", CityUnderTest.redirectURI, "--scope", "openid admin", "--administration"])
        try city.addClient(
            "simpeg", ["--grant-type", "client_credentials", "--scope", "personnel", "--personnel-feed"])
        let token = try await BenchBrowser.using(city) {
            try await $0.signIn(admin, client: "alat", scope: "openid admin")
        }
        let answer = try await browser.answer(
            try post("/oauth2/token", "simpeg", [("grant_type", "client_credentials"), ("scope", "personnel")]))
        guard answer.status == 200, let feed = try StrictJSON.parse(answer.body)["access_token"]?.string else {
            throw BenchError("feed: \(answer.status) \(String(decoding: answer.body, as: UTF8.self))")
        }
        return [
            Endpoint(
                name: "administration API, 20 accounts", requests: [Self.bearer(token, "/api/v1/accounts?limit=20")]),
            Endpoint(
                name: "SCIM, one person by name",
                requests: people.map {
                    let query = FormURLEncoded.encode([("filter", "userName eq \"\($0.name)\"")])
                    return Self.bearer(feed, "/scim/v2/Users?\(query)")
                }
            ) { (try? StrictJSON.parse($0.body)["totalResults"]?.integer) == 1 },
            Endpoint(name: "SCIM, 10 people", requests: [Self.bearer(feed, "/scim/v2/Users?count=10")]),
        ]
    }

    private static func bearer(_ token: String, _ path: String) -> LoadRequest {
        LoadRequest(path: path, headers: [("Authorization", "Bearer \(token)")])
    }
}
