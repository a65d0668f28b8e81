import GapuraTokens
import Synchronization

/// The gateway's keys, and how many sets of them arrived: an unknown `kid` is a token's own fault only where a set
/// arrived that was asked for because of it. Protects that count.
final class GatewayKeys: Sendable {
    private final class Count: Sendable {
        private let count = Mutex(0)

        var value: Int { count.withLock { $0 } }

        func add() { count.withLock { $0 += 1 } }
    }

    /// Asks again for an unknown `kid`, once a minute at most.
    let cache: JWKSCache
    private let count: Count

    var arrivals: Int { count.value }

    init(_ address: String) {
        let count = Count()
        let web = JWKSFetcher.urlSession()
        let counting = JWKSFetcher { address in
            let bytes = try await web.fetch(address)
            _ = try JSONWebKeySet(json: bytes)  // what is no key set has not arrived
            count.add()
            return bytes
        }
        self.count = count
        cache = JWKSCache(address, fetcher: counting, refreshLimit: 60)
    }
}
