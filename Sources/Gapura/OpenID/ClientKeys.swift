import GapuraFormats
import GapuraStore
import GapuraTokens
import Synchronization

/// The keys with which clients sign for themselves: those they registered, those at their `jwks_uri`, or their own
/// secret. Looked for in that client's set alone, and each key is for one algorithm (attack 73).
///
/// All three tables are bounded, and forgotten whole when full.
package final class ClientKeys: Sendable {
    private static let limit = 2000
    /// Seconds after which keys are asked for again before they are believed.
    private static let maximumAge: Int64 = 300
    private static let fetchedLimit = 100
    /// Seconds between two questions to one `jwks_uri`, whatever `kid` is asked for (attack 260). A client that rotates
    /// is understood within twice that: once for the answer that is shared, once for the set of its algorithm.
    private static let refreshLimit: Int64 = 30

    private struct Inline: Sendable {
        let settings: String
        let set: JSONWebKeySet
    }

    private struct State {
        var inline: [String: Inline] = [:]
        var remote: [String: JWKSCache] = [:]
        var fetched: [String: Fetched] = [:]
    }

    /// One question to a `jwks_uri`, whose answer serves the sets of all algorithms.
    private struct Fetched: Sendable {
        let at: Timestamp
        let answer: Task<[UInt8], any Error>
    }

    private let outgoing: OutgoingHTTP
    private let secrets: SecretKeys
    private let clock: WallClock
    private let state = Mutex(State())

    package init(_ services: Services) {
        outgoing = services.outgoing
        secrets = services.secrets
        clock = services.clock
    }

    /// Answers that are kept as they came, for tests.
    var fetchedCount: Int { state.withLock { $0.fetched.count } }

    /// The key that a token of a client names, if the client has it, and it is for that algorithm.
    /// - Throws: `TokenError` `keysUnavailable` where they cannot be fetched.
    func key(for jws: JWS, of client: Client) async throws -> VerificationKey? {
        if jws.algorithm.isSymmetric { return try secret(of: client, jws.algorithm) }
        // What RSA keys are for that do not say it themselves; one set for each, so that a key has one algorithm in it.
        let algorithm = jws.algorithm
        switch client.metadata.security.keys {
        case .inline(let object): return try inline(object, client, algorithm).key(jws.kid)
        case .uri(let uri):
            let cache = cache(uri, algorithm)
            if let key = try await cache.current().key(jws.kid) { return key }
            return try await cache.refreshed().key(jws.kid)
        case nil: return nil
        }
    }

    /// Why the keys of a client cannot be had just now; nothing where they can.
    func problem(of client: Client) async -> String? {
        guard case .uri(let uri) = client.metadata.security.keys else { return nil }
        do {
            _ = try JSONWebKeySet(json: try await Self.fetch(uri, outgoing))
            return nil
        } catch let error as JWKSFetcher.Failure {
            return error.description
        } catch let error as KeyError {
            return error.code.rawValue
        } catch let error as OutgoingError {
            return error.kind.rawValue
        } catch {
            return "failed"
        }
    }

    private func secret(of client: Client, _ algorithm: SigningAlgorithm) throws -> VerificationKey? {
        guard let sealed = client.record.sealedSecret else { return nil }
        let secret = try secrets.unseal(sealed, for: client.id.text)
        return try VerificationKey(secret: Array(secret.utf8), algorithm: algorithm)
    }

    private func inline(_ object: JSONObject, _ client: Client, _ algorithm: SigningAlgorithm) throws -> JSONWebKeySet {
        let name = "\(client.id.text) \(algorithm.rawValue)"
        if let known = state.withLock({ $0.inline[name] }), known.settings.isExactly(client.record.settings) {
            return known.set
        }
        let set = try JSONWebKeySet(object, rsaAlgorithm: Self.forRSA(algorithm))
        state.withLock { state in
            if state.inline.count >= Self.limit { state.inline.removeAll(keepingCapacity: true) }
            state.inline[name] = Inline(settings: client.record.settings, set: set)
        }
        return set
    }

    private func cache(_ uri: String, _ algorithm: SigningAlgorithm) -> JWKSCache {
        let rsa = Self.forRSA(algorithm)
        let name = "\(rsa.rawValue) \(uri)"
        return state.withLock { state in
            if let known = state.remote[name] { return known }
            if state.remote.count >= Self.limit { state.remote.removeAll(keepingCapacity: true) }
            let fetcher = JWKSFetcher { [weak self] url in
                guard let self else { throw JWKSFetcher.Failure("the gateway stops") }
                return try await self.bytes(url)
            }
            let cache = JWKSCache(
                uri, fetcher: fetcher, rsaAlgorithm: rsa, refreshLimit: Self.refreshLimit,
                maximumAge: Self.maximumAge, clock: clock)
            state.remote[name] = cache
            return cache
        }
    }

    private func bytes(_ url: String) async throws -> [UInt8] {
        let (now, outgoing) = (clock.now, outgoing)
        let answer = state.withLock { state in
            if let known = state.fetched[url], now >= known.at, now < known.at.adding(seconds: Self.refreshLimit) {
                return known.answer
            }
            // They serve that long only, and are large.
            state.fetched = state.fetched.filter {
                now >= $0.value.at && now < $0.value.at.adding(seconds: Self.refreshLimit)
            }
            if state.fetched.count >= Self.fetchedLimit { state.fetched.removeAll(keepingCapacity: true) }
            let answer = Task { try await Self.fetch(url, outgoing) }
            state.fetched[url] = Fetched(at: now, answer: answer)
            return answer
        }
        return try await answer.value
    }

    private static func fetch(_ url: String, _ outgoing: OutgoingHTTP) async throws -> [UInt8] {
        let answer = try await outgoing.get(url)
        guard answer.status == 200 else { throw JWKSFetcher.Failure("status \(answer.status)") }
        return answer.body
    }

    /// What RSA keys without `alg` are taken for: six sets at most, whatever headers say.
    private static func forRSA(_ algorithm: SigningAlgorithm) -> SigningAlgorithm {
        [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512].contains(algorithm) ? algorithm : .rs256
    }
}
