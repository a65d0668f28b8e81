import GapuraFormats
import GapuraStore
import GapuraTesting
import GapuraTokens
import HTTPTypes
import Testing

@testable import Gapura

/// What a client signs is spent with the answer, and whatever the answer is.
@Suite("Signed once")
struct SignedOnceTests {
    private func ask(_ city: City, _ form: Pairs, proof: String? = nil) async throws -> TestAnswer {
        try await city.gateway.post("/oauth2/token", form, headers: proof.map { City.dpop($0) } ?? [:])
    }

    /// How many things that clients signed are remembered.
    private func remembered(_ city: City) async throws -> Int64 {
        try await city.gateway.store.read { tx in
            try tx.first("SELECT COUNT(*) FROM seen_tokens")?.integer(0) ?? 0
        }
    }

    private static let machine: Pairs = [("grant_type", "client_credentials"), ("scope", "simpeg.read")]

    @Test(
        "behaviour 40: an assertion is spent by a request that fails too",
        arguments: [
            [("grant_type", "authorization_code"), ("code", "salah"), ("redirect_uri", City.redirectURI)],
            [("grant_type", "password")], [("grant_type", "client_credentials"), ("resource", "urn:tidak-ada")],
            [("grant_type", "refresh_token")],
        ] as [Pairs])
    func refused(form: Pairs) async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let assertion = try client.assertion(city)
            #expect(try await ask(city, form + assertion).status == 400)
            #expect(try await remembered(city) == 1)
            expectTokenError(try await ask(city, Self.machine + assertion), 401, "invalid_client")
        }
    }

    @Test("behaviour 40: one that came before is invalid_client, whatever else is wrong with the request")
    func replayed() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            let assertion = try client.assertion(city)
            #expect(try await ask(city, Self.machine + assertion).status == 200)
            for form: Pairs in [[("grant_type", "password")], [("grant_type", "refresh_token")], Self.machine] {
                expectTokenError(try await ask(city, form + assertion), 401, "invalid_client")
            }
            expectTokenError(try await city.push(city.asking(client.id) + assertion), 401, "invalid_client")
            expectTokenError(
                try await city.push([("response_type", "token")] + assertion), 401, "invalid_client")
            #expect(try await remembered(city) == 1)
        }
    }

    @Test(
        "behaviour 77: a proof that came before leaves the code as it was, and spends the assertion beside it",
        arguments: bothEngines)
    func proofs(engine: Engine) async throws {
        try await withCity(on: engine) { city in
            let (client, key) = (try await city.addStrictClient(), try SigningKey.generate(.es256))
            let handle = try await city.pushed(client)
            let answer = try await city.authorize(city.bringing(handle, client.id), in: city.signedIn())
            let code = try #require(answer.parameter("code"))
            let used = try city.proof(key)
            let first = try await ask(
                city, [("grant_type", "authorization_code"), ("code", "salah")] + client.assertion(city), proof: used)
            expectTokenError(first, 400, "invalid_grant")

            let assertion = try client.assertion(city)
            let redeeming = city.redeeming(code)
            let again = try await ask(city, redeeming + assertion, proof: used)
            expectTokenError(again, 400, "invalid_dpop_proof")
            let spent = try await ask(city, redeeming + assertion, proof: city.proof(key))
            expectTokenError(spent, 401, "invalid_client")
            let good = try await ask(city, redeeming + client.assertion(city), proof: city.proof(key))
            #expect(good.status == 200, "\(good.text)")
        }
    }

    @Test("attack 314: a client over its limit is told so, and what it signed is not written down")
    func limited() async throws {
        try await withCity(configure: { $0.clientRate = 2 }) { city in
            let client = try await city.addSigningClient()
            var statuses: [Int] = []
            for _ in 1...40 { statuses.append(try await ask(city, Self.machine + client.assertion(city)).status) }
            let good = statuses.filter { $0 == 200 }.count
            #expect(good < 40)
            #expect(statuses.filter { $0 == 429 }.count == 40 - good)
            #expect(try await remembered(city) == Int64(good))
        }
    }
}
