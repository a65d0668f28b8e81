package import GapuraDirectory
import GapuraFormats
import GapuraStore
import Logging
import Synchronization

/// Writes refused requests to the audit: one row per kind, address and minute, however many there are; how many more
/// there were stands in the next row of that kind and address (`more`). Failed sign-ins are one for each account or
/// name too, or a guess at one account would hide behind that at another (attack 329).
package final class RefusalLog: Sendable {
    private let store: Store
    private let logger: Logger
    private let memory = Mutex(RefusalMemory())

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
    ///   - about: what has rows of its own, up to 20 of an address a minute. Where `subject` is an account if somebody
    ///     has a name, this is something either way, because writing a row takes time (attack 149).
    /// - Returns: whether it is the first of its kind in this minute.
    @discardableResult
    package func record(
        _ code: String, path: String, _ context: GapuraContext, event: AuditEvent = .requestRefused,
        subject: String? = nil, about: String? = nil
    ) async -> Bool {
        let asked = RefusalMemory.Key(
            kind: "\(event.rawValue) \(code) \(path)", address: context.sourceAddress, about: about)
        let now = context.now
        let admitted = memory.withLock { $0.admit(asked, at: now.milliseconds / 60_000) }
        guard let (key, more) = admitted else { return false }
        var detail: JSONObject = ["code": .string(code), "path": .string(path), "address": .string(key.address)]
        if more > 0 { detail["more"] = .integer(more) }
        // A row that many share is about none of them.
        let (subject, written) = (key == asked ? subject : nil, detail)
        do {
            try await store.write { tx in try tx.record(event, by: .system, subject: subject, detail: written, at: now)
            }
        } catch {
            logger.warning("audit.refusal_not_written", metadata: ["problem": "\(error)"])
        }
        return true
    }
}

/// Which refusals wrote a row lately, and how many equal ones wrote none since.
struct RefusalMemory {
    struct Key: Hashable {
        let kind: String
        let address: String
        let about: String?

        /// The row of those that share one, of an address or, under `*`, of all.
        func shared(address: String) -> Key { Key(kind: kind, address: address, about: nil) }
    }

    private struct Row {
        var minute: Int64
        var more: Int64 = 0
    }

    /// Keys that a flood costs memory for, besides one for each kind.
    static let limit = 4096
    /// Rows a minute that one address has for different accounts and names.
    static let namesLimit = 20

    private var rows: [Key: Row] = [:]
    /// How many rows about somebody an address wrote in its last minute.
    private var named: [String: (minute: Int64, count: Int)] = [:]

    /// The key under which one more is written now, with how many of it were not before; nothing if it is not written.
    mutating func admit(_ asked: Key, at minute: Int64) -> (key: Key, more: Int64)? {
        var key = asked
        if key.about != nil, rows[key]?.minute != minute, !mayName(key.address, at: minute) {
            key = key.shared(address: key.address)
        }
        if rows[key] == nil, rows.count >= Self.limit {
            forget(before: minute)
            // So many in this very minute: from here on one row for each kind, and the kinds are ours.
            if rows.count >= Self.limit { key = key.shared(address: "*") }
        }
        let known = rows[key]
        if let known, known.minute == minute {
            rows[key]?.more += 1
            return nil
        }
        rows[key] = Row(minute: minute)
        return (key, known?.more ?? 0)
    }

    /// Counts one more row about somebody of an address, if it may have one.
    private mutating func mayName(_ address: String, at minute: Int64) -> Bool {
        let count = named[address].flatMap { $0.minute == minute ? $0.count : nil } ?? 0
        if count == 0, named.count >= Self.limit { forget(before: minute) }
        guard count < Self.namesLimit, count > 0 || named.count < Self.limit else { return false }
        named[address] = (minute, count + 1)
        return true
    }

    /// Makes room. What had no row of what is forgotten is told in the row of all addresses, once there is one.
    private mutating func forget(before minute: Int64) {
        named = named.filter { $0.value.minute == minute }
        for (key, row) in rows where row.minute != minute && (key.address != "*" || row.more == 0) {
            rows[key] = nil
            guard row.more > 0 else { continue }
            rows[key.shared(address: "*"), default: Row(minute: -1)].more += row.more
        }
    }
}
