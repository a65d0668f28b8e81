import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// Names of the cookies at an `https` issuer.
enum CookieName {
    static let session = "__Host-gapura-session"
    static let flow = "__Host-gapura-flow"
    static let device = "__Host-gapura-device"
}

/// Somebody with the sign-in form open and no device that anybody knows, who posts it as often as wanted and from
/// wherever.
struct Guesser: Sendable {
    let gateway: TestGateway
    let cookie: String
    let csrf: String

    init(_ city: City) async throws {
        let browser = city.gateway.browser(from: "192.0.2.1")
        csrf = try #require(try await browser.get("/masuk").field("csrf"))
        cookie = "\(CookieName.flow)=\(try #require(browser.cookie(CookieName.flow)))"
        gateway = city.gateway
    }

    func guess(
        _ name: String, _ password: String = "bukan ini kata sandinya", from address: String = "198.51.100.66",
        headers more: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = more
        headers[.cookie] = cookie
        return try await gateway.post(
            "/masuk", [("username", name), ("password", password), ("csrf", csrf)], headers: headers, from: address
        )
    }
}

extension City {
    func nip(_ person: String) -> String { City.nips[person] ?? person }

    var passwords: PasswordHasher { gateway.gateway.services.passwords }

    func account(_ person: String) async throws -> Account {
        let id = try #require(people[person]).id
        return try await gateway.store.read { try #require(try $0.accounts.find(id)) }
    }

    func openSessions(of person: String) async throws -> [Session] {
        let (id, now) = (try #require(people[person]).id, gateway.clock.now)
        return try await gateway.store.read { try $0.sessions.listLive(of: id, at: now) }
    }

    func change(_ person: String, _ body: (inout Account) -> Void) async throws {
        var account = try await account(person)
        body(&account)
        let changed = account
        try await gateway.store.write { try $0.accounts.update(changed) }
    }

    func run(_ statement: Statement) async throws {
        try await gateway.store.write { _ = try $0.run(statement) }
    }

    /// How many rows a query counts.
    func count(_ query: Statement) async throws -> Int64 {
        try await gateway.store.read { try $0.first(query)?.integer(0) ?? -1 }
    }

    func auditCount() async throws -> Int64 { try await count("SELECT COUNT(*) FROM audit_events") }

    /// The secret of a new one-time link.
    func link(
        for person: String, _ purpose: OneTimeLink.Purpose = .reset, lifetime: Int64 = 3600
    ) async throws -> String {
        let (account, now) = (try await account(person), gateway.clock.now)
        return try await gateway.store.write { tx in
            try AccountDirectory(tx, by: .command(user: "root"), at: now)
                .issueLink(for: account, purpose: purpose, lifetime: lifetime)
        }
    }

    /// The page behind a one-time link, opened in a browser.
    func open(_ secret: String, in browser: TestBrowser) async throws -> TestAnswer {
        try await browser.follow(try await browser.get("/akun/tautan?kode=\(secret)"))
    }

    /// Sets a password by a link, as a person does.
    func setPassword(
        _ password: String, with secret: String, in browser: TestBrowser, repeated: String? = nil
    ) async throws -> TestAnswer {
        let page = try await open(secret, in: browser)
        return try await browser.post(
            "/akun/kata-sandi",
            [
                ("csrf", page.field("csrf") ?? ""), ("new-password", password),
                ("repeat-password", repeated ?? password),
            ]
        )
    }

    /// Whether a browser is signed in.
    func isIn(_ browser: TestBrowser) async throws -> Bool {
        try await browser.get("/portal").status == 200
    }

    func setAccountState(_ person: String, _ state: AccountState) async throws {
        let (account, now) = (try await account(person), gateway.clock.now)
        try await gateway.store.write { tx in
            try AccountDirectory(tx, by: .command(user: "root"), at: now).setState(account, state)
        }
    }
}

extension TestBrowser {
    /// Posts the sign-in form in a browser where somebody may be signed in already: its token stands on the account
    /// page too.
    func signInAgain(_ name: String, _ password: String) async throws -> TestAnswer {
        try await signIn(name, password, on: try await follow(try await get("/akun")))
    }
}

/// An answer with everything random in it replaced: nonce, form token, request number, values of cookies; and the name
/// that was typed.
struct Shape: Equatable {
    let status: Int
    let headers: [String]
    let body: String

    init(_ answer: TestAnswer, typed: String) {
        let policy = answer.headers[.contentSecurityPolicy] ?? ""
        let nonce = policy.split(separator: "'nonce-").dropFirst().first.map { String($0.prefix { $0 != "'" }) }
        func plain(_ text: String) -> String {
            var text = text
            for (value, mark) in [
                (nonce, "NONCE"), (answer.field("csrf"), "CSRF"), (answer.field("alur"), "FLOW"),
                (answer.requestID, "REQUEST"),
                ("value=\"\(typed)\"", "NAME"),
            ] {
                if let value, !value.isEmpty { text = text.replacing(value, with: mark) }
            }
            return text
        }
        status = answer.status
        headers = answer.headers.map { field in
            guard field.name == .setCookie else { return "\(field.name): \(plain(field.value))" }
            let parts = field.value.split(separator: ";", maxSplits: 1)
            let name = parts.first?.split(separator: "=").first ?? ""
            return "set-cookie: \(name);\(parts.last ?? "")"
        }.sorted()
        body = plain(answer.text)
    }
}

extension TestAnswer {
    var requestID: String? {
        guard let start = text.range(of: "id=\"request-id\"") else { return nil }
        return String(text[start.upperBound...].drop { $0 != ">" }.dropFirst().prefix { $0 != "<" })
    }

    /// `Set-Cookie` of a name.
    func setCookie(_ name: String) -> String? {
        headers[values: .setCookie].first { $0.utf8.starts(with: "\(name)=".utf8) }
    }

    var retryAfter: Int64? { headers[.retryAfter].flatMap { Int64($0) } }
}
