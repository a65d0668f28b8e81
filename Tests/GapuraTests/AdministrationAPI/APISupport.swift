import Foundation
import GapuraDirectory
import GapuraFormats
import GapuraStore
import GapuraTesting
import HTTPTypes
import Testing

@testable import Gapura

/// The authority city with a tool for its admins, and whoever calls the API in it.
struct APIWorld: Sendable {
    let admins: AuthorityCity
    /// Access tokens by the key of the account; that of `feed` is the client's own.
    let tokens: [String: String]

    var city: City { admins.city }
    var gateway: TestGateway { admins.city.gateway }

    /// The tool of the admins: a public client with PKCE.
    static let tool = "alat"

    /// - Parameter callers: who signs in.
    static func make(_ admins: AuthorityCity, _ callers: [String]) async throws -> APIWorld {
        let city = admins.city
        try await city.addClient(
            tool,
            [
                "client_name": "Alat admin", "redirect_uris": [.string(City.redirectURI)],
                "token_endpoint_auth_method": "none", "scope": "openid admin", "administration": true,
            ])
        let hash = try await city.gateway.gateway.services.passwords.hash(City.password)
        let accounts = admins.accounts
        try await city.gateway.store.write { tx in
            for key in callers {
                guard let account = accounts[key] else { continue }
                try tx.accounts.updatePassword(account.id, hash: hash, at: account.createdAt)
            }
        }
        var world = APIWorld(admins: admins, tokens: [:])
        var tokens: [String: String] = [:]
        for key in callers {
            tokens[key] = key == "feed" ? try await world.feedToken() : try await world.freshToken(key)
        }
        world = APIWorld(admins: admins, tokens: tokens)
        return world
    }

    /// Signs somebody in through the tool.
    func freshToken(_ key: String, scope: String = "openid admin") async throws -> String {
        try #require(try await city.tokens(Self.tool, for: key, scope: scope)["access_token"]?.string)
    }

    /// A token of the personnel agency's application in its own name.
    func feedToken() async throws -> String {
        let secret = try await city.operate("client.secret", ["client_id": "feed"])["client_secret"]?.string ?? ""
        let answer = try await gateway.post(
            "/oauth2/token", [("grant_type", "client_credentials"), ("scope", "personnel")],
            headers: [.authorization: basicHeader("feed", secret)])
        return try #require(answer.json?["access_token"]?.string)
    }

    /// Sends a request.
    /// - Parameter token: a token; nothing for the one of `key`.
    func send(
        _ method: HTTPRequest.Method, _ path: String, as key: String? = "super", token: String? = nil,
        body: JSONValue? = nil, headers more: HTTPFields = [:]
    ) async throws -> TestAnswer {
        var headers = more
        if let token = token ?? key.flatMap({ tokens[$0] }) { headers[.authorization] = "Bearer \(token)" }
        if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
        return try await gateway.send(method, "/api/v1" + path, headers: headers, body: body?.encodedText())
    }

    func get(_ path: String, as key: String = "super") async throws -> TestAnswer {
        try await send(.get, path, as: key)
    }

    func id(_ key: String) throws -> String { try admins.id(key) }
}

/// An API world for one test.
func withAPI(
    on engine: Engine = .sqlite, _ callers: [String] = ["super"], _ body: (APIWorld) async throws -> Void
) async throws {
    try await withAdmins(on: engine) { admins in try await body(APIWorld.make(admins, callers)) }
}

extension TestAnswer {
    /// The word of a problem, after checking that the answer is one.
    func problem(_ location: SourceLocation = #_sourceLocation) -> String? {
        #expect(headers[.contentType] == "application/problem+json", sourceLocation: location)
        #expect(json?["status"]?.integer == Int64(status), sourceLocation: location)
        #expect(json?["pesan"]?.string?.isEmpty == false, sourceLocation: location)
        #expect(json?["request_id"]?.string?.isEmpty == false, sourceLocation: location)
        let code = json?["code"]?.string
        #expect(json?["type"]?.string == "urn:gapura:problem:\(code ?? "")", sourceLocation: location)
        return code
    }
}
