package import GapuraDirectory
import GapuraFormats
import GapuraStore
import Logging
import Synchronization

/// Writes refused requests to the audit: one row per kind, address and minute, however many there are. Failed sign-ins
/// are one for each account or name too, or a guess at one account would hide behind that at another (attack 329).
package final class RefusalLog: Sendable {
    private struct Key: Hashable {
        let kind: String
        let address: String
        let about: String?
    }

    private let store: Store
    private let logger: Logger
    /// Minute of the last row of each key; emptied when it grows, so a flood costs memory for 4,096 keys at most.
    private let minutes = Mutex<[Key: Int64]>([:])
    private static let limit = 4096

    package init(_ services: Services) {
        store = services.store
        logger = services.logger
    }

    /// Notes a refusal.
    ///
    /// A database that cannot take the row is logged and changes nothing about the refusal.
    /// - Parameters:
    ///   - path: one of our own, never what the request says.
    ///   - subject: the account it is about, for the row.
    ///   - about: what has rows of its own. Where `subject` is an account if somebody has a name, this is something
    ///     either way, because writing a row takes time (attack 149); and there must be a bound on how many there are.
    package func record(
        _ code: String, path: String, _ context: GapuraContext, event: AuditEvent = .requestRefused,
        subject: String? = nil, about: String? = nil
    ) async {
        let key = Key(kind: "\(event.rawValue) \(code) \(path)", address: context.sourceAddress, about: about)
        let minute = context.now.milliseconds / 60_000
        let isNew = minutes.withLock { minutes in
            if minutes[key] == minute { return false }
            if minutes.count >= Self.limit { minutes.removeAll(keepingCapacity: true) }
            minutes[key] = minute
            return true
        }
        guard isNew else { return }
        let now = context.now
        do {
            try await store.write { tx in
                try tx.record(
                    event, by: .system, subject: subject,
                    detail: [
                        "code": .string(code), "path": .string(path),
                        "address": .string(key.address),
                    ], at: now
                )
            }
        } catch {
            logger.warning("audit.refusal_not_written", metadata: ["problem": "\(error)"])
        }
    }
}
