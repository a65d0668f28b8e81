/// PostgreSQL: one thread that writes and a few that read, each with a connection of its own, made when first needed
/// and again when broken.
///
/// Writes go through `BatchWriter`; they are SERIALIZABLE, take turns with those of other nodes, and run again after
/// a serialization failure, at
/// most three times. Reads see one snapshot and cannot write.
final class PostgresDriver: Driver {
    private let reads: JobQueue
    private let writes: JobQueue
    private let closed: [Signal]
    private let watch: Task<Void, Never>

    private init(reads: JobQueue, writes: JobQueue, closed: [Signal], watch: Task<Void, Never>) {
        self.reads = reads
        self.writes = writes
        self.closed = closed
        self.watch = watch
    }

    deinit {
        watch.cancel()
        reads.finish()
        writes.finish()
    }

    static func open(url: String, _ options: StoreOptions) async throws -> PostgresDriver {
        let reads = JobQueue(limit: options.queueLimit, waitLimit: options.readWaitLimit)
        let writes = JobQueue(limit: options.queueLimit, waitLimit: options.writeWaitLimit)
        var closed: [Signal] = []
        func start(_ serve: @escaping @Sendable () -> Void) {
            let signal = Signal()
            let thread = WorkerThread.start {
                serve()
                signal.set()
            }
            guard let thread else { return }
            thread.detach()
            closed.append(signal)
        }
        start {
            BatchWriter { try PostgresConnection(url: url, options) }.serve(
                writes, batchLimit: max(1, options.batchLimit))
        }
        for _ in 0..<max(1, options.readers) {
            start { PostgresReader(url: url, options).serve(reads) }
        }
        guard closed.count > 1 else {
            reads.finish()
            writes.finish()
            throw StoreError(.unavailable, "the system has no thread left")
        }
        let watch = Task.detached {
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(250))  // cancelled: the loop ends
                reads.expire()
                writes.expire()
            }
        }
        let driver = PostgresDriver(reads: reads, writes: writes, closed: closed, watch: watch)
        do {
            try await driver.exclusively { try check($0) }
        } catch {
            await driver.close()
            throw error
        }
        return driver
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await reads.transaction(body)
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await writes.transaction(body)
    }

    func exclusively<Value: Sendable>(
        _ body: @escaping @Sendable (any Connection) throws -> Value
    ) async throws -> Value {
        try await writes.exclusively(body)
    }

    func close() async {
        watch.cancel()
        reads.finish()
        writes.finish()
        for signal in closed { await signal.wait() }
    }

    /// What has to be right about a database before anything is written to it.
    private static func check(_ connection: any Connection) throws {
        let settings = try connection.rows(
            "SELECT current_setting('server_encoding'), current_setting('server_version_num')"
        ).first
        guard let settings, try settings.text(0) == "UTF8" else {
            throw StoreError(
                .configuration, "the PostgreSQL database has another encoding than UTF8: make it with ENCODING 'UTF8'")
        }
        guard let version = Int(try settings.text(1)), version >= 130_000 else {
            throw StoreError(.configuration, "PostgreSQL 13 or later is needed")
        }
    }
}

/// One reading thread's connection.
private final class PostgresReader {
    private let url: String
    private let options: StoreOptions
    private var connection: PostgresConnection?

    init(url: String, _ options: StoreOptions) {
        self.url = url
        self.options = options
    }

    func serve(_ queue: JobQueue) {
        while let job = queue.next() { read(job) }
    }

    private func read(_ job: Job) {
        for isLastTry in [false, true] {
            do {
                let connection = try begun()
                do { try job.run(connection) } catch {
                    throw connection.failure ?? error
                }
                if let failure = connection.failure { throw failure }
                // Ending a transaction that only read can wait: the caller has its answer first.
                job.succeed()
                connection.rollback()
                return
            } catch {
                connection?.rollback()
                // A plan that a migration of another node made stale.
                if (error as? StoreError)?.remedy == .runAgain, !isLastTry { continue }
                job.fail(error)
                return
            }
        }
    }

    /// A connection with a transaction begun. One that broke while it was idle is replaced once.
    private func begun() throws -> PostgresConnection {
        if let connection, !connection.isBroken {
            do {
                try connection.beginReading()
                return connection
            } catch {
                connection.rollback()
                guard connection.isBroken else { throw error }
            }
        }
        connection = nil
        let fresh = try PostgresConnection(url: url, options)
        connection = fresh
        try fresh.beginReading()
        return fresh
    }
}
