import Synchronization

/// Counts rows by table. The mutex protects the counts: rows come on a thread of the database.
final class RowCounter: Sendable {
    private let counts = Mutex<[String: Int64]>([:])

    func add(_ table: String) {
        counts.withLock { $0[table, default: 0] += 1 }
    }

    var rows: [String: Int64] { counts.withLock { $0 } }
}
