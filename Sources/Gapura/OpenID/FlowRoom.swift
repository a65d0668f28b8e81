import GapuraDirectory
import GapuraFormats
import GapuraStore
import Synchronization

/// Keeps the table of sign-ins under way within its limits, and sees to it that nobody fills it for others (attack
/// 314).
///
/// Nothing is counted exactly: one start in a thousandth of a limit counts, and if the table is full a tenth of it
/// goes at once, from whoever has most. So a start costs the same in a flood as on any other day.
final class FlowRoom: Sendable {
    /// Sign-ins under way in one browser: so many tabs.
    static let browserLimit: Int64 = 20
    private static let minute: Int64 = 60
    /// How many places can be closed at a time; more need a flood from everywhere, and for that the limits are enough.
    private static let closedLimit = 10_000

    private let limit: Int64
    private let networkLimit: Int64
    /// Until when nothing is begun from a place.
    private let closed = Mutex<[String: Timestamp]>([:])

    init(_ settings: GatewaySettings) {
        limit = settings.flowLimit
        networkLimit = settings.flowNetworkLimit
    }

    /// /24 of IPv4; of IPv6 /48, which one customer may have.
    static func network(of address: String) -> String { IPAddress.key(of: address, four: 3, six: 6) }

    /// - Throws: `PageError` 429 where nothing may be begun from a place for now; without asking the database.
    func checkOpen(_ place: String, at now: Timestamp) throws {
        guard let end = closed.withLock({ $0[place] }), now < end else { return }
        throw Self.flood(seconds: end.seconds - now.seconds)
    }

    /// Makes room for one more, in the caller's transaction.
    /// - Parameter knowsBrowser: it may have begun others.
    /// - Returns: false where its place alone began half of what its network may have within a minute. Whatever made
    ///   room then would be a sign-in whose password is just being typed, so it is this one that does not begin.
    func make(for flow: Flow, knowsBrowser: Bool, in tx: Transaction) throws -> Bool {
        if knowsBrowser { try tx.signIn.deleteOldestFlows(of: flow.handle, keeping: Self.browserLimit - 1) }
        if Self.isTurn(of: networkLimit) {
            let count = try tx.signIn.countOpenFlows(from: flow.network)
            if count >= networkLimit {
                let young = try tx.signIn.countOpenFlows(
                    from: flow.place, in: flow.network, since: flow.createdAt.adding(seconds: -Self.minute))
                guard young < max(2, networkLimit / 2) else { return false }
                try tx.signIn.deleteFlowsOfMany(Self.excess(count, over: networkLimit), from: flow.network)
            }
        }
        if Self.isTurn(of: limit) {
            let count = try tx.signIn.countOpenFlows()
            if count >= limit { try tx.signIn.deleteFlowsOfMany(Self.excess(count, over: limit)) }
        }
        return true
    }

    /// Closes a place for a minute.
    /// - Returns: what its visitor is told.
    func close(_ place: String, at now: Timestamp) -> PageError {
        let end = now.adding(seconds: Self.minute)
        closed.withLock { closed in
            if closed.count >= Self.closedLimit { closed = closed.filter { now < $0.value } }
            if closed.count < Self.closedLimit { closed[place] = end }
        }
        return Self.flood(seconds: Self.minute)
    }

    private static func flood(seconds: Int64) -> PageError {
        PageError(.tooMany, reason: "a flood of sign-ins from one address", retryAfter: Int(max(1, seconds)))
    }

    private static func isTurn(of limit: Int64) -> Bool { Int64.random(in: 0..<max(1, limit / 1000)) == 0 }

    private static func excess(_ count: Int64, over limit: Int64) -> Int64 { count - limit + 1 + limit / 10 }
}
