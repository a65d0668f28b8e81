import GapuraFormats
import GapuraStore
import Synchronization

/// PKCE challenges of the last sign-ins. The same one in two of them is an application whose verifier never changes
/// (RFC 9700 section 2.1.1): worth a line in the log, and no reason to refuse.
///
/// Protects a bounded set, forgotten whole when full.
final class RecentChallenges: Sendable {
    private static let limit = 4096
    private let seen = Mutex<Set<ExactText>>([])

    /// Notes a challenge. - Returns: whether this client used it before.
    func isRepeated(_ challenge: String, of clientID: ClientID) -> Bool {
        let key = ExactText("\(clientID.text) \(challenge)")
        return seen.withLock { seen in
            if seen.contains(key) { return true }
            if seen.count >= Self.limit { seen.removeAll(keepingCapacity: true) }
            seen.insert(key)
            return false
        }
    }
}
