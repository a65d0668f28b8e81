import GRDB
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Read-only connections for look-ups on the caller's own thread: finding a few rows by their keys in a file that is
/// in memory takes less than waking another thread and waiting for it.
///
/// Nobody waits for one of these: whoever finds all of them taken queues for a reader's thread.
final class SQLiteLookups: Sendable {
    /// One connection.
    ///
    /// `@unchecked Sendable`: `connection` is touched only within `queue`, which lets in one at a time.
    private final class Lane: @unchecked Sendable {
        let queue: DatabaseQueue
        /// Nothing once it is closed.
        var connection: SQLiteConnection?

        init(path: String, _ configuration: Configuration) throws {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.unsafeRead { connection = try SQLiteConnection($0) }
        }
    }

    private let lanes: [Lane]
    private let free: Mutex<[Lane]>

    /// The database must be open for writing already.
    /// - Parameter count: by default as many as threads may ask at once.
    init(path: String, _ configuration: Configuration, count: Int? = nil) throws {
        var configuration = configuration
        configuration.readonly = true
        let count = max(1, count ?? min(4, sysconf(CInt(_SC_NPROCESSORS_ONLN))))
        let lanes = try (0..<count).map { _ in try Lane(path: path, configuration) }
        self.lanes = lanes
        free = Mutex(lanes)
    }

    /// Nothing if all connections are taken or closed.
    func read<Value>(_ body: (Transaction) throws -> Value) throws -> Value? {
        guard let lane = free.withLock({ $0.popLast() }) else { return nil }
        defer { free.withLock { $0.append(lane) } }
        return try lane.queue.unsafeRead { _ in
            try lane.connection.map { connection in
                try connection.reading { try body(Transaction(connection: connection)) }
            }
        }
    }

    /// Waits for look-ups under way; later ones get nothing.
    func close() {
        for lane in lanes {
            lane.queue.unsafeRead { _ in
                lane.connection?.finish()
                lane.connection = nil
            }
            // One that was closed before is closed.
            try? lane.queue.close()
        }
    }
}
