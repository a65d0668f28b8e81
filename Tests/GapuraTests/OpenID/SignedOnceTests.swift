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
    private func rememberedCount(_ city: City) async throws -> Int64 {
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
            #expect(try await rememberedCount(city) == 1)
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
            #expect(try await rememberedCount(city) == 1)
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

    @Test("attack 314: whoever has a used assertion uses nothing of its client's share up with it")
    func share() async throws {
        try await withCity(configure: { $0.clientRate = 2 }) { city in
            let client = try await city.addSigningClient()
            let used = try client.assertion(city)
            #expect(try await ask(city, Self.machine + used).status == 200)
            for _ in 1...40 { expectTokenError(try await ask(city, Self.machine + used), 401, "invalid_client") }
            #expect(try await ask(city, Self.machine + client.assertion(city)).status == 200)
        }
    }

    @Test("behaviour 40: an assertion is remembered longer than it is believed: a body may be slow, a clock another")
    func remembered() async throws {
        try await withCity { city in
            let client = try await city.addSigningClient()
            #expect(try await ask(city, Self.machine + client.assertion(city)).status == 200)
            // Its 60 seconds, and the 10 that clocks may differ.
            for (seconds, left) in [(70, 1), (300, 1), (2, 0)] as [(Int64, Int64)] {
                city.gateway.clock.advance(seconds: seconds)
                let now = city.gateway.clock.now
                _ = try await city.gateway.store.write {
                    try $0.upkeep.deleteExpired(at: now, keepingSessionsSince: now)
                }
                #expect(try await rememberedCount(city) == left)
            }
        }
    }

    @Test("a client that is disabled while its keys are fetched gets no token")
    func disabledMeanwhile() async throws {
        let key = try SigningKey.generate(.es256)
        let fetched = Seen<Void>()
        let keys: JSONObject = ["keys": [.object(try key.verificationKey.jsonWebKey().members)]]
        let disabling = Seen<@Sendable () async throws -> Void>()
        try await withTestServer { _ in
            fetched.append(())
            for act in disabling.all { try await act() }
            return .plain(.ok, JSONValue.object(keys).encodedText())
        } _: { port in
            try await withCity { city in
                _ = try await city.addSigningClient(
                    "signer", .es256, ["jwks": .null, "jwks_uri": .string("http://127.0.0.1:\(port)/jwks")])
                let (client, store) = (SigningClient(id: "signer", key: key), city.gateway.store)
                disabling.append {
                    _ = try await store.write {
                        try $0.run("UPDATE clients SET state = 'disabled' WHERE id = 'signer'")
                    }
                }
                expectTokenError(try await ask(city, Self.machine + client.assertion(city)), 401, "invalid_client")
                #expect(fetched.all.count == 1)
            }
        }
    }

    @Test("an answer does not leave where what is signed cannot be spent; an error that does not pass spends it")
    func ledger() async throws {
        let store = try await Store.open(.sqliteMemory)
        let signed = SignedOnce(
            digest: "d", endsAt: Timestamp(seconds: 1), seen: .invalidClient(reason: "seen"))
        let broken = SigningLedger(store)
        broken.add(signed)
        await #expect {
            try await broken.settling { throw StoreError(.corrupt, "a row that cannot be read") }
        } throws: {
            ($0 as? StoreError)?.isTemporary == false
        }
        #expect(try await store.read { try $0.tokens.isSeen(digest: "d") })
        let closed = SigningLedger(store)
        closed.add(signed)
        await #expect {
            try await closed.settling { await store.close() }
        } throws: {
            ($0 as? StoreError)?.isTemporary == true
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
            #expect(try await rememberedCount(city) == Int64(good))
        }
    }
}
