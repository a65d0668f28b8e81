package import Gapura
import GapuraDirectory
package import GapuraFormats
package import GapuraStore
import GapuraTokens

/// A small city in a test gateway: two agencies, a few impossible people, and a client of each sort.
package struct City: Sendable {
    package let gateway: TestGateway
    /// Secrets of the confidential clients by client id.
    package let secrets: [String: String]
    package let people: [String: Account]
    package let units: [String: Unit]

    /// The password of everybody here.
    package static let password = "kuda lumping merah 77"

    /// NIP of each person, by the name tests use.
    package static let nips = [
        "ujang": "189001011915011001", "siti": "189502021915212002", "budi": "187003031900031003",
        "rina": "188804041912042004",
    ]

    package static let redirectURI = "https://simpeg.contoh.go.id/cb"
    package static let postLogoutURI = "https://simpeg.contoh.go.id/keluar"

    /// Ujang: PNS in Bagian Hukum of the Sekretariat, aktif. Siti: PPPK in a puskesmas of Dinas Kesehatan, aktif. Budi:
    /// terbatas. Rina: ditangguhkan.
    ///
    /// Clients: `web` (confidential, PKCE), `plain` (no PKCE), `post`, `native` (public), `hs` (HS256), `es` (ES256),
    /// `opaque`, `refresh`, `machine` (client credentials), `resource` (resource server), `closed` (only Dinas
    /// Kesehatan), `disabled`, `dormant` (application not active).
    package static func small(
        database: DatabaseLocation = .sqliteMemory, configure: (inout GatewaySettings) -> Void = { _ in }
    ) async throws -> City {
        let gateway = try await TestGateway.make(database: database, configure: configure)
        let now = gateway.clock.now
        let hash = try await gateway.gateway.services.passwords.hash(password)
        let registry = ClientRegistry(gateway.gateway.services)
        var prepared: [(id: String, application: String, metadata: ClientMetadata)] = []
        for (id, application, json) in clients {
            prepared.append((id: id, application: application, metadata: try await registry.prepare(json)))
        }
        let made = try await gateway.store.write { [prepared] tx in
            let units = try addUnits(tx, now)
            let people = try addPeople(tx, units, hash, now)
            let secrets = try addClients(prepared, registry, units, tx, now)
            return (units, people, secrets)
        }
        return City(gateway: gateway, secrets: made.2, people: made.1, units: made.0)
    }

    package func close() async { await gateway.close() }

    // MARK: Shortcuts

    /// An `Authorization` header for a client.
    package func basic(_ client: String) -> String {
        let pair = FormURLEncoded.encode([(client, secrets[client] ?? "")])
        return "Basic " + Self.base64(Array(pair.utf8).map { $0 == UInt8(ascii: "=") ? UInt8(ascii: ":") : $0 })
    }

    /// Base64 with padding, as HTTP Basic wants it.
    package static func base64Text(_ text: String) -> String { base64(Array(text.utf8)) }

    static func base64(_ bytes: [UInt8]) -> String {
        let text = Base64URL.encode(bytes).replacing("-", with: "+").replacing("_", with: "/")
        return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }

    /// A PKCE pair.
    package static func pkce() -> (verifier: String, challenge: String) {
        let verifier = SecureRandom.text(32)
        return (verifier, Base64URL.encode(SHA256.hash(verifier)))
    }

    /// An authorization request as a path.
    package func authorizePath(
        _ client: String = "web", redirectURI: String? = City.redirectURI, scope: String? = "openid",
        challenge: String? = nil,
        _ more: [(name: String, value: String)] = []
    ) -> String {
        var parameters: [(name: String, value: String)] = [("client_id", client), ("response_type", "code")]
        if let redirectURI { parameters.append(("redirect_uri", redirectURI)) }
        if let scope { parameters.append(("scope", scope)) }
        if let challenge {
            parameters.append(("code_challenge", challenge))
            parameters.append(("code_challenge_method", "S256"))
        }
        parameters += more
        return "/oauth2/authorize?" + FormURLEncoded.encode(parameters)
    }

    /// Signs a person in and gets a code for a client.
    package func code(
        _ client: String = "web", for person: String = "ujang", scope: String = "openid", challenge: String? = nil,
        in browser: TestBrowser? = nil, _ more: [(name: String, value: String)] = []
    ) async throws -> TestAnswer {
        let browser = browser ?? gateway.browser()
        let start = try await browser.get(authorizePath(client, scope: scope, challenge: challenge, more))
        guard let location = start.location, location.hasPrefix("/masuk") else { return start }
        let page = try await browser.get(location)
        return try await browser.signIn(City.nips[person] ?? person, City.password, on: page)
    }

    /// Redeems a code with HTTP Basic, or as a public client.
    package func redeem(
        _ code: String?, _ client: String = "web", verifier: String? = nil, redirectURI: String = City.redirectURI
    ) async throws -> TestAnswer {
        var form: [(name: String, value: String)] = [
            ("grant_type", "authorization_code"), ("code", code ?? ""), ("redirect_uri", redirectURI),
        ]
        if let verifier { form.append(("code_verifier", verifier)) }
        return try await token(form, client)
    }

    /// Posts to the token endpoint as a client.
    package func token(_ form: [(name: String, value: String)], _ client: String) async throws -> TestAnswer {
        guard secrets[client] != nil else {
            return try await gateway.post("/oauth2/token", form + [("client_id", client)])
        }
        return try await gateway.post("/oauth2/token", form, headers: [.authorization: basic(client)])
    }

    /// Signs in and redeems: the token answer.
    package func tokens(
        _ client: String = "web", for person: String = "ujang", scope: String = "openid",
        in browser: TestBrowser? = nil,
        _ more: [(name: String, value: String)] = []
    ) async throws -> JSONValue {
        let (verifier, challenge) = Self.pkce()
        let answer = try await code(client, for: person, scope: scope, challenge: challenge, in: browser, more)
        let redeemed = try await redeem(answer.parameter("code"), client, verifier: verifier)
        guard redeemed.status == 200, let json = redeemed.json else {
            throw CityError(text: "\(answer.status) \(answer.text.prefix(300)) / \(redeemed.text)")
        }
        return json
    }

    package func userinfo(_ accessToken: String?) async throws -> TestAnswer {
        try await gateway.send(.get, "/oauth2/userinfo", headers: [.authorization: "Bearer \(accessToken ?? "")"])
    }
}

/// A step of a test that should have worked did not.
package struct CityError: Error, CustomStringConvertible {
    package let text: String

    package init(text: String) {
        self.text = text
    }

    package var description: String { text }
}
