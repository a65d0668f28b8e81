import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import PostgresTesting
import Testing

@testable import Gapura

typealias Pairs = [(name: String, value: String)]

/// The engines that single use is tested on.
let bothEngines: [Engine] = [.sqlite, .postgres]

/// A city for one test, closed at its end.
func withCity(
    on engine: Engine = .sqlite, configure: (inout GatewaySettings) -> Void = { _ in },
    _ body: (City) async throws -> Void
) async throws {
    let location: DatabaseLocation =
        engine == .sqlite ? .sqliteMemory : .postgres(url: try PostgresCluster.shared().makeDatabase())
    let city = try await City.small(database: location, configure: configure)
    do {
        try await body(city)
    } catch {
        await city.close()
        throw error
    }
    await city.close()
}

/// One good PKCE pair for tests that do not care which.
let somePKCE = (
    verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

extension City {
    // MARK: Requests

    /// The parameters of a good authorization request, some of them changed; nil takes one away.
    func asking(_ client: String = "web", _ changes: KeyValuePairs<String, String?> = [:]) -> Pairs {
        var pairs: Pairs = [
            ("client_id", client), ("response_type", "code"), ("redirect_uri", City.redirectURI), ("scope", "openid"),
            ("state", "s-1"),
            ("code_challenge", somePKCE.challenge), ("code_challenge_method", "S256"),
        ]
        for (name, value) in changes {
            let place = pairs.firstIndex { $0.name == name }
            switch (place, value) {
            case (let place?, let value?): pairs[place].value = value
            case (let place?, nil): pairs.remove(at: place)
            case (nil, let value?): pairs.append((name, value))
            case (nil, nil): break
            }
        }
        return pairs
    }

    /// Sends an authorization request as it stands, without a session unless a browser has one.
    func authorize(_ pairs: Pairs, in browser: TestBrowser? = nil, from address: String = "203.0.113.7") async throws
        -> TestAnswer
    {
        let path = "/oauth2/authorize?" + FormURLEncoded.encode(pairs)
        if let browser { return try await browser.get(path) }
        return try await gateway.send(.get, path, from: address)
    }

    /// A browser with a session of a person.
    func signedIn(_ person: String = "ujang") async throws -> TestBrowser {
        let browser = gateway.browser()
        let answer = try await browser.signIn(City.nips[person] ?? person, City.password)
        #expect(answer.location == "/portal")
        return browser
    }

    /// A code for a good request, and its verifier.
    func freshCode(
        _ client: String = "web", in browser: TestBrowser? = nil, _ changes: KeyValuePairs<String, String?> = [:]
    ) async throws -> String {
        let browser = if let browser { browser } else { try await signedIn() }
        return try #require(try await authorize(asking(client, changes), in: browser).parameter("code"))
    }

    /// A form for the token endpoint that redeems a code with `somePKCE`.
    func redeeming(_ code: String, _ changes: KeyValuePairs<String, String?> = [:]) -> Pairs {
        var pairs: Pairs = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", City.redirectURI),
            ("code_verifier", somePKCE.verifier),
        ]
        for (name, value) in changes {
            pairs.removeAll { $0.name == name }
            if let value { pairs.append((name, value)) }
        }
        return pairs
    }

    func refresh(_ token: String?, _ client: String = "web", _ more: Pairs = []) async throws -> TestAnswer {
        try await self.token([("grant_type", "refresh_token"), ("refresh_token", token ?? "")] + more, client)
    }

    func introspect(_ token: String?, as client: String) async throws -> TestAnswer {
        try await gateway.post("/oauth2/introspect", [("token", token ?? "")], headers: [.authorization: basic(client)])
    }

    func revoke(_ token: String?, as client: String) async throws -> TestAnswer {
        try await gateway.post("/oauth2/revoke", [("token", token ?? "")], headers: [.authorization: basic(client)])
    }

    // MARK: State

    /// Registers one more client of the application `simpeg`; answers its secret.
    @discardableResult
    func addClient(_ id: String, _ metadata: JSONObject) async throws -> String {
        let registry = ClientRegistry(gateway.gateway.services)
        let prepared = try await registry.prepare(metadata)
        let now = gateway.clock.now
        return try await gateway.store.write { tx in
            guard let application = try tx.applications.find(slug: "simpeg") else { throw CityError(text: "no simpeg") }
            let made = try registry.add(
                prepared, application: application, clientID: id, secret: ClientRegistry.makeSecret(), by: .system,
                in: tx, at: now
            )
            return made.secret ?? ""
        }
    }

    /// Changes the state of an account behind the gateway's back: sessions and tokens stay as they were.
    func setState(of person: String, _ state: AccountState) async throws {
        let (id, now) = (try #require(people[person]).id, gateway.clock.now)
        try await gateway.store.write { try $0.accounts.updateState(id, state, by: .admin, at: now) }
    }

    func audit(_ event: AuditEvent) async throws -> [AuditRecord] {
        try await gateway.store.read {
            try $0.audit.list(before: Int64.max, event: event.rawValue, subject: nil, limit: 1000)
        }
    }

    /// Whether an access token is good at userinfo.
    func isAlive(_ accessToken: String?) async throws -> Bool {
        try await userinfo(accessToken).status == 200
    }

    // MARK: Tokens

    /// The claims of an ID token or access token that a key of the gateway signed.
    func claims(of token: String?) throws -> JSONObject {
        let jws = try JWS(try #require(token))
        let key = try #require(jws.kid.flatMap { gateway.gateway.services.keyring.verificationKey(kid: $0) })
        return try #require(try StrictJSON.parse(try jws.verify(with: key)).object)
    }

    func header(of token: String?) throws -> JSONObject { try JWS(try #require(token)).header }

    /// The gateway's own signing key.
    func key(_ algorithm: SigningAlgorithm = .rs256) throws -> SigningKey {
        try gateway.gateway.services.keyring.signingKey(for: algorithm)
    }

    /// Signs claims with a key, as a token of a type.
    func forge(_ claims: JSONObject, type: String? = "at+jwt", with key: SigningKey? = nil, header: JSONObject = [:])
        throws -> String
    {
        var header = header
        header["typ"] = type.map(JSONValue.string)
        return try JWS.sign(JSONValue.object(claims).encoded(), with: try key ?? self.key(), header: header)
    }
}

/// HTTP Basic of a client that the city does not know the secret of.
func basicHeader(_ id: String, _ secret: String) -> String {
    let escaped = FormURLEncoded.encode([(id, "")]).dropLast() + ":" + FormURLEncoded.encode([(secret, "")]).dropLast()
    return base64Header(Array(escaped.utf8))
}

func base64Header(_ bytes: [UInt8]) -> String { "Basic " + Data(bytes).base64EncodedString() }

/// A compact token out of raw texts of header and payload.
func compact(_ header: String, _ payload: String, _ signature: [UInt8] = [1, 2, 3]) -> String {
    [Array(header.utf8), Array(payload.utf8), signature].map { Base64URL.encode($0) }.joined(separator: ".")
}

// MARK: Answers

/// LOCAL400 of attacks.md: our own page, no redirect, `no-store`, nothing foreign in it.
func expectLocal400(
    _ answer: TestAnswer, code: String = "invalid_request", foreign: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(answer.status == 400, sourceLocation: sourceLocation)
    #expect(answer.headers[.location] == nil, sourceLocation: sourceLocation)
    #expect(answer.headers[.cacheControl] == "no-store", sourceLocation: sourceLocation)
    #expect(answer.headers[.contentType] == "text/html; charset=utf-8", sourceLocation: sourceLocation)
    #expect(answer.headers[.xFrameOptions] == "DENY", sourceLocation: sourceLocation)
    #expect(answer.errorCode == code, sourceLocation: sourceLocation)
    for text in foreign {
        #expect(!holds(answer.body, text), "the page holds \(text)", sourceLocation: sourceLocation)
        for field in answer.headers { #expect(!holds(Array(field.value.utf8), text), sourceLocation: sourceLocation) }
    }
}

/// LOCAL400 with the one audit row it leaves.
func expectLocal400(
    _ answer: TestAnswer, in city: City, rows: Int = 1, code: String = "invalid_request", foreign: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    expectLocal400(answer, code: code, foreign: foreign, sourceLocation: sourceLocation)
    let refused = try await city.audit(.requestRefused)
    #expect(refused.count == rows, sourceLocation: sourceLocation)
    #expect(refused.first?.detail.contains("\"code\":\"\(code)\"") == true, sourceLocation: sourceLocation)
    for text in foreign where text.utf8.count > 3 {
        #expect(!refused.contains { holds(Array($0.detail.utf8), text) }, sourceLocation: sourceLocation)
    }
}

/// REDIR(error) of attacks.md: 303 to the registered URI with `error`, `state` where it was sane, and `iss`.
func expectRedirect(
    _ answer: TestAnswer, _ error: String, state: String? = "s-1", to redirectURI: String = City.redirectURI,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(answer.status == 303, sourceLocation: sourceLocation)
    let start = redirectURI + (redirectURI.contains("?") ? "&" : "?")
    #expect(
        answer.location.map { Array($0.utf8).starts(with: start.utf8) } == true, "\(answer.location ?? "-")",
        sourceLocation: sourceLocation)
    #expect(answer.headers[.cacheControl] == "no-store", sourceLocation: sourceLocation)
    #expect(answer.parameter("error") == error, sourceLocation: sourceLocation)
    #expect(same(answer.parameter("state"), state), sourceLocation: sourceLocation)
    #expect(answer.parameter("iss") == TestGateway.issuer, sourceLocation: sourceLocation)
    #expect(answer.parameter("code") == nil, sourceLocation: sourceLocation)
    #expect(isPlain(answer.parameter("error_description")), sourceLocation: sourceLocation)
}

/// TOK400(x) and TOK401(x) of attacks.md: RFC 6749 section 5.2.
func expectTokenError(
    _ answer: TestAnswer, _ status: Int, _ error: String, foreign: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(answer.status == status, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(answer.headers[.contentType] == "application/json", sourceLocation: sourceLocation)
    #expect(answer.headers[.cacheControl] == "no-store", sourceLocation: sourceLocation)
    #expect((answer.headers[.wwwAuthenticate] != nil) == (status == 401), sourceLocation: sourceLocation)
    #expect(answer.json?["error"]?.string == error, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(Set(answer.json?.object?.keys ?? []) == ["error", "error_description"], sourceLocation: sourceLocation)
    #expect(isPlain(answer.json?["error_description"]?.string), sourceLocation: sourceLocation)
    for text in foreign { #expect(!holds(answer.body, text), "the body holds \(text)", sourceLocation: sourceLocation) }
}

/// 401 of a resource, RFC 6750 section 3.1.
func expectInvalidToken(_ answer: TestAnswer, sourceLocation: SourceLocation = #_sourceLocation) {
    expectTokenError(answer, 401, "invalid_token", sourceLocation: sourceLocation)
    #expect(
        answer.headers[.wwwAuthenticate] == #"Bearer realm="gapura", error="invalid_token""#,
        sourceLocation: sourceLocation)
}

/// ASCII 0x20-0x7E without `"` and `\`.
func isPlain(_ text: String?) -> Bool {
    guard let text, !text.isEmpty else { return false }
    return text.utf8.allSatisfy { (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
}

/// Whether both are the same bytes, or both nothing.
func same(_ left: String?, _ right: String?) -> Bool {
    left.map { Array($0.utf8) } == right.map { Array($0.utf8) }
}

/// Whether bytes hold a text; an empty one they never hold.
func holds(_ bytes: [UInt8], _ text: String) -> Bool {
    !text.isEmpty && Data(bytes).range(of: Data(text.utf8)) != nil
}

/// The Shannon entropy of a text, in bits for the whole of it.
func entropy(_ text: String) -> Double {
    let count = Double(text.utf8.count)
    let counts = Dictionary(grouping: text.utf8, by: { $0 }).values.map { Double($0.count) }
    return counts.reduce(0.0) { $0 - $1 * log2($1 / count) }
}
