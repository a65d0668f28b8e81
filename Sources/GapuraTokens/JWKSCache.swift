internal import Synchronization

/// The keys of an issuer, fetched from its `jwks_uri` and kept.
///
/// An unknown `kid` makes it ask again, but no more often than a limit, and only one request is under way at a time:
/// tokens with invented names cannot make a flood of requests. While the issuer is down, the keys it had go on verifying
/// for a day. What the mutex protects: the keys and the request under way.
public final class JWKSCache: Sendable {
    private struct State {
        var keys: JSONWebKeySet?
        var fetchedAt: Timestamp?
        var attemptedAt: Timestamp?
        var failure = "not fetched yet"
        var flight: Task<JSONWebKeySet?, Never>?
    }

    /// Seconds for which keys are trusted whose issuer does not answer.
    private static let longestTrust: Int64 = 86_400

    /// The `jwks_uri`.
    public let url: String
    private let fetcher: JWKSFetcher
    private let rsaAlgorithm: SigningAlgorithm
    private let refreshLimit: Int64
    private let maximumAge: Int64
    private let clock: WallClock
    private let state = Mutex(State())

    /// Nothing is fetched before it is needed.
    ///
    /// - Parameters:
    ///   - rsaAlgorithm: what RSA keys without `alg` are for.
    ///   - refreshLimit: seconds that lie between two requests at least.
    ///   - maximumAge: seconds after which the keys are asked for again, though no token names an unknown one.
    public init(
        _ url: String, fetcher: JWKSFetcher = .urlSession(), rsaAlgorithm: SigningAlgorithm = .rs256,
        refreshLimit: Int64 = 30, maximumAge: Int64 = 3600, clock: WallClock = .system
    ) {
        self.url = url
        self.fetcher = fetcher
        self.rsaAlgorithm = rsaAlgorithm
        self.refreshLimit = refreshLimit
        self.maximumAge = maximumAge
        self.clock = clock
    }

    /// The keys as they are, without waiting; nil before the first answer, and where the issuer has not answered for a
    /// day. Keys past their age are asked for again in the background.
    public func keysAtHand() -> JSONWebKeySet? {
        let now = clock.now
        return state.withLock { state in
            if let fetchedAt = state.fetchedAt, isPast(fetchedAt, maximumAge, now), mayAsk(state, now) {
                _ = depart(&state, now)
            }
            return trusted(state, now)
        }
    }

    /// The keys, after asking the issuer where they are past their age: a key that it took back is not trusted because
    /// nobody asked. While it does not answer, those at hand go on.
    public func current() async throws(TokenError) -> JSONWebKeySet {
        let now = clock.now
        let known = state.withLock { state -> JSONWebKeySet? in
            guard let fetchedAt = state.fetchedAt, !isPast(fetchedAt, maximumAge, now) else { return nil }
            return state.keys
        }
        if let known { return known }
        return try await refreshed()
    }

    /// The keys after asking the issuer, or those at hand where it was asked a moment ago, or does not answer.
    public func refreshed() async throws(TokenError) -> JSONWebKeySet {
        let now = clock.now
        let flight = state.withLock { state -> Task<JSONWebKeySet?, Never>? in
            if let flight = state.flight { return flight }
            return mayAsk(state, now) ? depart(&state, now) : nil
        }
        if let arrived = await flight?.value { return arrived }
        let later = clock.now
        if let keys = state.withLock({ trusted($0, later) }) { return keys }
        throw TokenError(.keysUnavailable, state.withLock { $0.failure })
    }

    /// The keys at hand, as long as they are trusted without an answer of their issuer; also where the clock was set
    /// back.
    private func trusted(_ state: State, _ now: Timestamp) -> JSONWebKeySet? {
        guard let fetchedAt = state.fetchedAt, now < fetchedAt.adding(seconds: Self.longestTrust) else { return nil }
        return state.keys
    }

    private func mayAsk(_ state: State, _ now: Timestamp) -> Bool {
        guard state.flight == nil else { return false }
        guard let attemptedAt = state.attemptedAt else { return true }
        return isPast(attemptedAt, refreshLimit, now)
    }

    /// Also where the clock was set back: waiting for the old time to come round again could take years.
    private func isPast(_ moment: Timestamp, _ seconds: Int64, _ now: Timestamp) -> Bool {
        now >= moment.adding(seconds: seconds) || now < moment
    }

    private func depart(_ state: inout State, _ now: Timestamp) -> Task<JSONWebKeySet?, Never> {
        state.attemptedAt = now
        let flight = Task { await self.fetch() }
        state.flight = flight
        return flight
    }

    private func fetch() async -> JSONWebKeySet? {
        let outcome: Result<JSONWebKeySet, any Error>
        do {
            outcome = .success(try JSONWebKeySet(json: try await fetcher.fetch(url), rsaAlgorithm: rsaAlgorithm))
        } catch {
            outcome = .failure(error)
        }
        let now = clock.now
        return state.withLock { state in
            state.flight = nil
            switch outcome {
            case .success(let keys):
                state.keys = keys
                state.fetchedAt = now
                return keys
            case .failure(let error):
                state.failure = "\(error)"
                return nil
            }
        }
    }
}
