package import GapuraFormats
import Synchronization

/// How often somebody may ask over time, and how much of it at once.
///
/// Each key has one number, the moment at which all that it asked would be paid for (the generic cell rate algorithm).
/// Protects a bounded table: who is paid up is forgotten first, and if nearly all are not, everybody, since a table
/// that a flood has filled must not close the door to those who come next.
package final class RequestRate: Sendable {
    /// Keys that are remembered.
    static let limit = 100_000

    /// Microseconds that one request costs.
    private let cost: Int64
    /// Microseconds that may be owed.
    private let most: Int64
    private let paidAt = Mutex<[String: Int64]>([:])

    /// So many a second, ten seconds' worth at once. - Parameter perSecond: at least 1.
    package init(perSecond: Int64) {
        cost = max(1, 1_000_000 / max(1, perSecond))
        most = 10_000_000
    }

    /// So many a minute, a minute's worth at once. - Parameter perMinute: at least 1.
    init(perMinute: Int64) {
        cost = max(1, 60_000_000 / max(1, perMinute))
        most = 60_000_000
    }

    /// One in so many seconds, and some at once.
    init(every seconds: Int64, atOnce: Int64) {
        cost = seconds * 1_000_000
        most = cost * atOnce
    }

    /// Counts one request.
    /// - Returns: nothing if it may go on, otherwise the seconds to wait; what is refused costs nothing.
    package func seconds(toWait key: String, at now: Timestamp) -> Int64? {
        let moment = now.milliseconds * 1000
        return paidAt.withLock { paidAt in
            // More than a full window ahead is of before the clock was set back, and is forgotten.
            let paid = paidAt[key].flatMap { $0 > moment && $0 <= moment + most ? $0 : nil } ?? moment
            let ahead = paid - moment + cost
            guard ahead <= most else { return (ahead - most + 999_999) / 1_000_000 }
            if paidAt[key] == nil, paidAt.count >= Self.limit {
                paidAt = paidAt.filter { $0.value > moment }
                if paidAt.count > Self.limit / 2 { paidAt.removeAll(keepingCapacity: true) }
            }
            paidAt[key] = paid + cost
            return nil
        }
    }

    /// Keys that are remembered now.
    var count: Int { paidAt.withLock { $0.count } }
}
