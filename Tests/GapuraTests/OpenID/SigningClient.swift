import GapuraFormats
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// A client that signs for itself, with the one key that it registered.
struct SigningClient: Sendable {
    static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

    let id: String
    let key: SigningKey

    /// Claims of a good assertion, some of them changed; nil takes one away.
    func assertionClaims(_ city: City, _ changes: KeyValuePairs<String, JSONValue?> = [:]) -> JSONObject {
        let now = city.gateway.clock.now.seconds
        var claims: JSONObject = [
            "iss": .string(id), "sub": .string(id), "aud": .string(TestGateway.issuer),
            "jti": .string(SecureRandom.text(16)), "iat": .integer(now), "nbf": .integer(now),
            "exp": .integer(now + 60),
        ]
        for (name, value) in changes { claims[name] = value }
        return claims
    }

    /// The two parameters of a good assertion.
    func assertion(
        _ city: City, _ changes: KeyValuePairs<String, JSONValue?> = [:], with other: SigningKey? = nil,
        type: String? = nil
    ) throws -> Pairs {
        let text = try city.forge(assertionClaims(city, changes), type: type, with: other ?? key)
        return [("client_assertion_type", Self.assertionType), ("client_assertion", text)]
    }

    /// A request object with the parameters of a good request, some claims changed.
    func object(
        _ city: City, _ changes: KeyValuePairs<String, JSONValue?> = [:], asking: Pairs? = nil,
        with other: SigningKey? = nil, type: String? = "oauth-authz-req+jwt"
    ) throws -> String {
        let now = city.gateway.clock.now.seconds
        var claims: JSONObject = [
            "iss": .string(id), "aud": .string(TestGateway.issuer), "nbf": .integer(now), "exp": .integer(now + 300),
        ]
        for (name, value) in asking ?? city.asking(id) { claims[name] = .string(value) }
        for (name, value) in changes { claims[name] = value }
        return try city.forge(claims, type: type, with: other ?? key)
    }
}

extension City {
    /// Registers a client that signs for itself.
    func addSigningClient(
        _ id: String = "signer", _ algorithm: SigningAlgorithm = .es256, _ more: JSONObject = [:]
    ) async throws -> SigningClient {
        let key = try SigningKey.generate(algorithm)
        var metadata: JSONObject = [
            "client_name": .string(id), "redirect_uris": [.string(City.redirectURI)],
            "scope": "openid profile email asn offline_access simpeg.read",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": ["keys": [.object(try key.verificationKey.jsonWebKey().members)]],
        ]
        for member in more.members { metadata[member.key] = member.value.isNull ? nil : member.value }
        try await addClient(id, metadata)
        return SigningClient(id: id, key: key)
    }

    /// A client of FAPI 2.0.
    func addStrictClient(_ id: String = "fapi", _ algorithm: SigningAlgorithm = .es256) async throws -> SigningClient {
        try await addSigningClient(id, algorithm, ["profile": "fapi2"])
    }

    func push(_ pairs: Pairs, headers: HTTPFields = [:]) async throws -> TestAnswer {
        try await gateway.post("/oauth2/par", pairs, headers: headers)
    }

    /// Pushes a good request of a client that signs, and answers its handle.
    func pushed(
        _ client: SigningClient, _ changes: KeyValuePairs<String, String?> = [:], proof: String? = nil
    ) async throws -> String {
        let answer = try await push(
            asking(client.id, changes) + client.assertion(self), headers: proof.map { Self.dpop($0) } ?? [:])
        #expect(answer.status == 201, "\(answer.text)")
        return try #require(answer.json?["request_uri"]?.string)
    }

    /// The authorization request that names a pushed one.
    func bringing(_ handle: String, _ client: String) -> Pairs { [("client_id", client), ("request_uri", handle)] }

    static func dpop(_ proof: String) -> HTTPFields {
        guard let name = DPoPReader.header else { return [:] }
        return [name: proof]
    }

    /// A DPoP proof for a path of the gateway, some claims changed.
    func proof(
        _ key: SigningKey, _ method: String = "POST", _ path: String = "/oauth2/token", token: String? = nil,
        _ changes: KeyValuePairs<String, JSONValue?> = [:], type: String? = "dpop+jwt", header: JSONObject? = nil
    ) throws -> String {
        var claims: JSONObject = [
            "jti": .string(SecureRandom.text(16)), "htm": .string(method),
            "htu": .string(TestGateway.issuer + path), "iat": .integer(gateway.clock.now.seconds),
        ]
        if let token { claims["ath"] = .string(Base64URL.encode(SHA256.hash(token))) }
        for (name, value) in changes { claims[name] = value }
        var members = try key.verificationKey.jsonWebKey().members
        for name in ["kid", "use", "alg"] { members[name] = nil }
        return try forge(claims, type: type, with: key, header: header ?? ["jwk": .object(members)])
    }
}
