import GapuraFormats
import Synchronization

/// Keeps a table that strangers can add rows to within its limit (attack 314): once it is full, nobody adds any for some
/// seconds, without the database being asked.
///
/// Not every row counts the table: one in fifty does, so that it is over the limit by a little at most.
final class TableRoom: Sendable {
    private static let turns = 50
    /// Rows that are removed at once, while no other write goes on.
    static let portion: Int64 = 2000
    /// Seconds for which it is closed.
    private static let pause: Int64 = 10

    private let limit: Int64
    private let closedUntil = Mutex<Timestamp?>(nil)

    init(limit: Int64) { self.limit = limit }

    /// - Parameters:
    ///   - count: how many rows there are.
    ///   - tidy: removes those that nobody needs at a moment.
    /// - Throws: `OAuthError` `too_many_requests`.
    func check(at now: Timestamp, count: () throws -> Int64, tidy: (Timestamp) throws -> Int) throws {
        if let end = closedUntil.withLock({ $0 }), now < end, now >= end.adding(seconds: -Self.pause) {
            throw Self.full(end.seconds - now.seconds)
        }
        guard Int.random(in: 0..<Self.turns) == 0, try count() >= limit else { return }
        _ = try tidy(now)
        guard try count() >= limit else { return }
        closedUntil.withLock { $0 = now.adding(seconds: Self.pause) }
        throw Self.full(Self.pause)
    }

    private static func full(_ seconds: Int64) -> OAuthError {
        OAuthError.tooManyRequests(seconds: max(1, seconds), reason: "the table is full")
    }
}
