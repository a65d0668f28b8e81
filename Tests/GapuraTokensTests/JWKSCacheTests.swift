import GapuraFormats
import GapuraTokens
import Synchronization
import Testing

@Suite("Cache of key sets")
struct JWKSCacheTests {
    /// An issuer that a test turns on and off; it counts how often it is asked.
    final class FakeIssuer: Sendable {
        private struct State {
            var body: [UInt8]?
            var count = 0
        }
        private let state = Mutex(State())

        func publish(_ keys: [SigningKey]) throws {
            let body = try JSONWebKeySet(keys.map(\.verificationKey)).encoded()
            state.withLock { $0.body = body }
        }

        func publish(text: String?) {
            state.withLock { $0.body = text.map { Array($0.utf8) } }
        }

        var count: Int { state.withLock { $0.count } }

        var fetcher: JWKSFetcher {
            JWKSFetcher { _ in
                try await Task.sleep(for: .milliseconds(20))
                let body = self.state.withLock { state in
                    state.count += 1
                    return state.body
                }
                guard let body else { throw JWKSFetcher.Failure("down") }
                return body
            }
        }
    }

    let fake = FakeIssuer()
    let time = TestClock()

    private func cache() -> JWKSCache {
        JWKSCache("https://masuk.kota.example/oauth2/jwks", fetcher: fake.fetcher, clock: time.clock)
    }

    private func verifier(_ cache: JWKSCache) -> TokenVerifier {
        TokenVerifier(.accessToken(issuer: issuerName, audience: audienceName), keys: .cache(cache))
    }

    private func token(_ key: SigningKey) throws -> String {
        try TokenIssuer(issuer: issuerName, key: key).issue(accessClaims(), type: .accessToken)
    }

    private func code(_ body: () async throws -> VerifiedToken) async -> TokenError.Code? {
        do {
            _ = try await body()
            return nil
        } catch {
            return (error as? TokenError)?.code
        }
    }

    @Test("the first token fetches the keys, and the next need no waiting")
    func first() async throws {
        try fake.publish([Keys.of(.es256)])
        let verifier = verifier(cache())
        let token = try token(Keys.of(.es256))
        #expect(refusal { try verifier.verify(token, now: moment) } == .unknownKey)
        #expect(await code { try await verifier.verifyFetchingKeys(token, now: moment) } == nil)
        #expect(refusal { try verifier.verify(token, now: moment) } == nil)
        #expect(fake.count == 1)
    }

    @Test("attack 113: a flood of invented kids makes one request, and another only after the limit")
    func flood() async throws {
        try fake.publish([Keys.of(.es256)])
        let verifier = verifier(cache())
        for round in 1...2 {
            await withTaskGroup(of: TokenError.Code?.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        await self.code {
                            let stranger = try SigningKey.generate(.edDSA)
                            return try await verifier.verifyFetchingKeys(self.token(stranger), now: moment)
                        }
                    }
                }
                for await code in group {
                    #expect(code == .unknownKey)
                }
            }
            #expect(fake.count == round)
            time.advance(seconds: 31)
        }
    }

    @Test("a rotated key is found at the next unknown kid")
    func rotation() async throws {
        let old = try SigningKey.generate(.es256)
        let new = try SigningKey.generate(.es256)
        try fake.publish([old])
        let verifier = verifier(cache())
        #expect(await code { try await verifier.verifyFetchingKeys(token(old), now: moment) } == nil)
        try fake.publish([new, old])
        #expect(await code { try await verifier.verifyFetchingKeys(token(new), now: moment) } == .unknownKey)
        time.advance(seconds: 30)
        #expect(await code { try await verifier.verifyFetchingKeys(token(new), now: moment) } == nil)
        #expect(await code { try await verifier.verifyFetchingKeys(token(old), now: moment) } == nil)
        #expect(fake.count == 2)
    }

    @Test(
        "while the issuer is down or answers nonsense, known keys go on verifying",
        arguments: [nil, "", "{}", "<html>", #"{"keys":[{}]}"#])
    func down(answer: String?) async throws {
        let key = Keys.of(.es256)
        try fake.publish([key])
        let cache = cache()
        let verifier = verifier(cache)
        #expect(await code { try await verifier.verifyFetchingKeys(token(key), now: moment) } == nil)
        fake.publish(text: answer)
        time.advance(seconds: 7200)
        #expect(refusal { try verifier.verify(token(key), now: moment) } == nil)
        #expect(await code { try await verifier.verifyFetchingKeys(token(key), now: moment) } == nil)
        #expect(
            await code { try await verifier.verifyFetchingKeys(token(Keys.of(.rs256)), now: moment) } == .unknownKey)
    }

    @Test("without any keys, the refusal says that they could not be fetched")
    func never() async throws {
        let verifier = verifier(cache())
        #expect(
            await code { try await verifier.verifyFetchingKeys(token(Keys.of(.es256)), now: moment) }
                == .keysUnavailable)
        #expect(
            await code { try await verifier.verifyFetchingKeys(token(Keys.of(.es256)), now: moment) }
                == .keysUnavailable)
        #expect(fake.count == 1)
    }

    @Test("keys past their age are asked for again in the background, and withdrawn ones go")
    func age() async throws {
        let old = try SigningKey.generate(.es256)
        let new = try SigningKey.generate(.es256)
        try fake.publish([old])
        let cache = cache()
        _ = try await cache.refreshed()
        try fake.publish([new])
        time.advance(seconds: 3600)
        #expect(cache.keysAtHand()?.key(old.kid) != nil)
        let keys = try await cache.refreshed()
        #expect(keys.key(old.kid) == nil)
        #expect(keys.key(new.kid) != nil)
        #expect(fake.count == 2)
    }

    @Test("keys past their age are asked for before they are believed; while nobody answers they go on for a day")
    func currentKeys() async throws {
        let cache = cache()
        let (old, new) = (Keys.of(.es256), Keys.of(.edDSA))
        try fake.publish([old])
        #expect(try await cache.current().key(old.kid) != nil)
        #expect(fake.count == 1)
        #expect(try await cache.current().key(old.kid) != nil)
        #expect(fake.count == 1)
        // Taken back by its issuer: not believed once more because it was at hand.
        try fake.publish([new])
        time.advance(seconds: 3600)
        #expect(try await cache.current().key(old.kid) == nil)
        #expect(try await cache.current().key(new.kid) != nil)
        fake.publish(text: nil)
        time.advance(seconds: 86_399)
        #expect(try await cache.current().key(new.kid) != nil)
        time.advance(seconds: 60)
        await #expect(throws: TokenError.self) { _ = try await cache.current() }
        await #expect(throws: TokenError.self) { _ = try await cache.refreshed() }
        #expect(cache.keysAtHand() == nil)
    }

    @Test("a clock set back does not stop fetching")
    func clockSetBack() async throws {
        try fake.publish([Keys.of(.es256)])
        let cache = cache()
        _ = try await cache.refreshed()
        time.advance(seconds: -1_000_000)
        _ = try await cache.refreshed()
        #expect(fake.count == 2)
        // Nor does it forget the keys at hand, while nobody answers.
        fake.publish(text: nil)
        time.advance(seconds: -60)
        #expect(cache.keysAtHand() != nil)
        _ = try await cache.current()
    }
}
