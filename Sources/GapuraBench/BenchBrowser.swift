import AsyncHTTPClient
import Foundation
import GapuraFormats
import GapuraTokens
import NIOCore

/// Signs people in as a browser and an application do together, as fast as the gateway lets it.
struct BenchBrowser: Sendable {
    struct Person: Sendable {
        let name: String
        let password: String
    }

    /// What a sign-in gives to both.
    struct SignedIn: Sendable {
        let tokens: JSONValue
        /// The browser's cookies, its session among them.
        let cookie: String
    }

    static let verifier = String(repeating: "v", count: 43)

    private let url: String
    private let program: @Sendable ([String]) throws -> JSONValue
    private let clients: [String: CityUnderTest.Client]
    private let http = HTTPClient(
        eventLoopGroupProvider: .singleton, configuration: HTTPClient.Configuration(redirectConfiguration: .disallow))

    init(city: CityUnderTest) {
        url = city.url
        clients = city.clients
        nonisolated(unsafe) let city = city
        program = { try city.json($0) }
    }

    func shutdown() async throws {
        try await http.shutdown()
    }

    /// A browser that knows the clients of this moment.
    static func using<Value: Sendable>(
        _ city: CityUnderTest, _ body: (BenchBrowser) async throws -> Value
    ) async throws -> Value {
        let browser = BenchBrowser(city: city)
        do {
            let value = try await body(browser)
            try await browser.shutdown()
            return value
        } catch {
            try await browser.shutdown()
            throw error
        }
    }

    /// People of the city who may sign in, each with a password set by a one-time link.
    func people(_ count: Int) async throws -> [Person] {
        let list = try program(["account", "list", "--state", "aktif", "--limit", "200"])
        let names = (list["accounts"]?.array ?? []).compactMap { $0["nip"]?.string }.prefix(count)
        guard names.count == count else { throw BenchError("the city has \(names.count) accounts that are aktif") }
        return try await people(Array(names))
    }

    /// The same for people of these NIPs.
    func people(_ names: [String]) async throws -> [Person] {
        var people: [Person] = []
        for name in names {
            guard let link = try program(["account", "link", name])["link"]?.string else {
                throw BenchError("no link for an account")
            }
            let person = Person(name: name, password: "jembatan kayu \(SecureRandom.text(9))")
            var visit = Visit(http: http, url: url)
            _ = try await visit.get(link)
            let page = try await visit.get(url + "/akun/kata-sandi")
            try await visit.post(
                "/akun/kata-sandi",
                [
                    ("csrf", try page.value(of: "csrf")), ("username", person.name), ("new-password", person.password),
                    ("repeat-password", person.password),
                ]
            ).expect(200)
            people.append(person)
        }
        return people
    }

    /// One sign-in, from the application's redirect to its tokens.
    /// - Returns: the access token.
    func signIn(_ person: Person, client id: String = "bench", scope: String = CityUnderTest.signInScope) async throws
        -> String
    {
        guard let token = try await signedIn(person, client: id, scope: scope).tokens["access_token"]?.string else {
            throw BenchError("no access token")
        }
        return token
    }

    /// The same, with all tokens and the session.
    func signedIn(_ person: Person, client id: String = "bench", scope: String = CityUnderTest.signInScope) async throws
        -> SignedIn
    {
        guard let client = clients[id] else { throw BenchError("no client \(id)") }
        var visit = Visit(http: http, url: url)
        let query = FormURLEncoded.encode([
            ("response_type", "code"), ("client_id", id), ("redirect_uri", CityUnderTest.redirectURI),
            ("scope", scope),
            ("state", "s"), ("nonce", "n"), ("code_challenge_method", "S256"),
            ("code_challenge", Base64URL.encode(SHA256.hash(Self.verifier))),
        ])
        let form = try await visit.get(try await visit.get("\(url)/oauth2/authorize?\(query)").location())
        let answer = try await visit.post(
            "/masuk",
            [
                ("csrf", try form.value(of: "csrf")), ("alur", try form.value(of: "alur")), ("username", person.name),
                ("password", person.password),
            ]
        )
        let target = URLComponents(string: try answer.location())
        guard let code = target?.queryItems?.first(where: { $0.name == "code" })?.value else {
            throw BenchError("no code: \(answer.status)")
        }
        let tokens = try await visit.post(
            "/oauth2/token",
            [
                ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CityUnderTest.redirectURI),
                ("code_verifier", Self.verifier),
            ], header: client.basic
        )
        try tokens.expect(200)
        return SignedIn(tokens: try StrictJSON.parse(tokens.body), cookie: visit.cookie)
    }

    /// One answer of an address that has to be good, for its size.
    func fetch(_ request: LoadRequest) async throws -> [UInt8] {
        let answer = try await page(request)
        try answer.expect(200)
        return answer.body
    }

    struct Answer: Sendable {
        let status: Int
        let location: String?
        let body: [UInt8]
    }

    func answer(_ request: LoadRequest) async throws -> Answer {
        let page = try await page(request)
        return Answer(status: Int(page.status), location: page.redirect, body: page.body)
    }

    private func page(_ request: LoadRequest) async throws -> Page {
        var outgoing = HTTPClientRequest(url: url + request.path)
        outgoing.method = request.method == "POST" ? .POST : .GET
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
        if let body = request.body { outgoing.body = .bytes(ByteBuffer(string: body)) }
        return try await Page(try await http.execute(outgoing, timeout: .seconds(20)))
    }
}

/// One browser with its cookies.
private struct Visit {
    let http: HTTPClient
    let url: String
    private var cookies: [String: String] = [:]

    /// The header.
    var cookie: String { cookies.map { "\($0)=\($1)" }.joined(separator: "; ") }

    init(http: HTTPClient, url: String) {
        self.http = http
        self.url = url
    }

    mutating func get(_ address: String) async throws -> Page {
        try await send(HTTPClientRequest(url: address.hasPrefix("/") ? url + address : address))
    }

    @discardableResult
    mutating func post(
        _ path: String, _ form: [(name: String, value: String)], header: (name: String, value: String)? = nil
    ) async throws -> Page {
        var request = HTTPClientRequest(url: url + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "Origin", value: url)
        if let header { request.headers.add(name: header.name, value: header.value) }
        request.body = .bytes(ByteBuffer(string: FormURLEncoded.encode(form)))
        return try await send(request)
    }

    private mutating func send(_ request: HTTPClientRequest) async throws -> Page {
        var request = request
        if !cookies.isEmpty { request.headers.add(name: "Cookie", value: cookie) }
        let page = try await Page(try await http.execute(request, timeout: .seconds(20)))
        for line in page.cookies {
            let pair = line.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
        }
        return page
    }
}

private struct Page {
    let status: UInt
    let cookies: [String]
    let redirect: String?
    let body: [UInt8]

    init(_ response: HTTPClientResponse) async throws {
        status = response.status.code
        cookies = response.headers["Set-Cookie"]
        redirect = response.headers.first(name: "Location")
        var buffer = try await response.body.collect(upTo: 1 << 20)
        body = buffer.readBytes(length: buffer.readableBytes) ?? []
    }

    func expect(_ wanted: UInt) throws {
        guard status == wanted else {
            throw BenchError("status \(status): \(String(decoding: body.prefix(600), as: UTF8.self))")
        }
    }

    func location() throws -> String {
        guard status == 303 || status == 302, let redirect else {
            throw BenchError("no redirect but status \(status): \(String(decoding: body.prefix(3000), as: UTF8.self))")
        }
        return redirect
    }

    /// The value of a hidden field.
    func value(of field: String) throws -> String {
        let text = String(decoding: body, as: UTF8.self)
        guard let start = text.range(of: "name=\"\(field)\" value=\""),
            let end = text.range(of: "\"", range: start.upperBound..<text.endIndex)
        else {
            throw BenchError("status \(status), no field \(field): \(text.prefix(600))")
        }
        return String(text[start.upperBound..<end.lowerBound])
    }
}
