import GRDB
import GRDBSQLite

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// SQLite: one thread that writes, a few that read, each with a connection of its own out of one GRDB pool.
///
/// WAL with `synchronous=FULL`. The writer alone writes and checkpoints, since SQLite before 3.51.3 can corrupt a WAL
/// that two connections
/// checkpoint; readers are opened read-only. Writes go through `BatchWriter`.
final class SQLiteDriver: Driver {
    private let reads: JobQueue
    private let writes: JobQueue
    private let lookups: SQLiteLookups
    private let closed: Signal
    private let watch: Task<Void, Never>

    private init(
        reads: JobQueue, writes: JobQueue, lookups: SQLiteLookups, closed: Signal, watch: Task<Void, Never>
    ) {
        self.reads = reads
        self.writes = writes
        self.lookups = lookups
        self.closed = closed
        self.watch = watch
    }

    deinit {
        watch.cancel()
        reads.finish()
        writes.finish()
    }

    static func open(path: String, _ options: StoreOptions) async throws -> SQLiteDriver {
        try await open(options, durable: true) {
            try SQLiteFile.prepareFolder(of: path)
            let lock = try DataLock(path + ".lock")
            return Files(path: path, identity: try SQLiteFile.prepare(path), release: lock.release)
        }
    }

    static func openTemporary(_ options: StoreOptions) async throws -> SQLiteDriver {
        try await open(options, durable: false) {
            let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
            var template = Array("\(base)/gapura-\(getpid())-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { throw StoreError.system("make a temporary folder", base) }
            let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let path = folder + "/gapura.db"
            return Files(path: path, identity: try SQLiteFile.prepare(path)) {
                for suffix in ["", "-wal", "-shm", "-journal", ".new"] { unlink(path + suffix) }
                rmdir(folder)
            }
        }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await reads.transaction(body)
    }

    func lookUp<Value: Sendable>(
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        if let value = try lookups.read(body) { return value }
        return try await reads.transaction(body)
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
        await closed.wait()
    }

    /// The file and what has to be undone when it is closed.
    private struct Files: Sendable {
        let path: String
        let identity: SQLiteFile.Identity
        let release: @Sendable () -> Void

        init(path: String, identity: SQLiteFile.Identity, release: @escaping @Sendable () -> Void) {
            self.path = path
            self.identity = identity
            self.release = release
        }
    }

    private typealias Opening = UnsafeContinuation<(Files, SQLiteLookups), any Error>

    /// Everything that blocks, opening too, happens on the writer's thread.
    private static func open(
        _ options: StoreOptions, durable: Bool, _ prepare: @escaping @Sendable () throws -> Files
    ) async throws -> SQLiteDriver {
        let reads = JobQueue(limit: options.queueLimit, waitLimit: options.readWaitLimit)
        let writes = JobQueue(limit: options.queueLimit, waitLimit: options.writeWaitLimit)
        let closed = Signal()
        SQLiteMemory.countNothing
        let (files, lookups) = try await withUnsafeThrowingContinuation { (opened: Opening) in
            let thread = WorkerThread.start {
                serve(reads, writes, options, durable: durable, prepare, opened)
                closed.set()
            }
            guard let thread else {
                opened.resume(throwing: StoreError(.unavailable, "the system has no thread left"))
                return
            }
            thread.detach()
        }
        let (path, identity) = (files.path, files.identity)
        let watch = Task.detached {
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(250))  // cancelled: the loop ends
                reads.expire()
                writes.expire()
                guard SQLiteFile.Identity(path) != identity, !Task.isCancelled else { continue }
                let error = StoreError(
                    .unavailable, "\(path): the database was removed or replaced; restart the program")
                lookups.close()
                reads.finish(error)
                writes.finish(error)
                return
            }
        }
        return SQLiteDriver(reads: reads, writes: writes, lookups: lookups, closed: closed, watch: watch)
    }

    /// The life of the writer's thread.
    private static func serve(
        _ reads: JobQueue, _ writes: JobQueue, _ options: StoreOptions, durable: Bool,
        _ prepare: () throws -> Files, _ opened: Opening
    ) {
        var isOpen = false
        var files: Files?
        do {
            let prepared = try prepare()
            files = prepared
            try serve(reads, writes, options, durable: durable, prepared.path) { lookups in
                isOpen = true
                opened.resume(returning: (prepared, lookups))
            }
            prepared.release()
        } catch {
            files?.release()
            if !isOpen { opened.resume(throwing: StoreError.opening(error)) }
        }
    }

    /// Owns the pool: when this returns, all connections are closed, the readers' first.
    private static func serve(
        _ reads: JobQueue, _ writes: JobQueue, _ options: StoreOptions, durable: Bool, _ path: String,
        _ opened: (SQLiteLookups) -> Void
    ) throws {
        let pool = try DatabasePool(path: path, configuration: configuration(options))
        var readers: [WorkerThread] = []
        for _ in 0..<max(1, options.readers) {
            if let thread = WorkerThread.start({ read(reads, pool) }) { readers.append(thread) }
        }
        defer {
            reads.finish()
            for thread in readers { thread.join() }
        }
        guard !readers.isEmpty else { throw StoreError(.unavailable, "the system has no thread left") }
        try pool.writeWithoutTransaction { database in
            // GRDB chooses NORMAL, which may lose acknowledged commits in a power cut.
            try database.execute(sql: "PRAGMA synchronous = \(durable ? "FULL" : "OFF")")
            try database.execute(sql: "PRAGMA wal_autocheckpoint = 1000")
            try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
            if let pages = options.maximumPages { try database.execute(sql: "PRAGMA max_page_count = \(pages)") }
            let connection = try SQLiteConnection(database)
            defer { connection.finish() }
            let lookups = try SQLiteLookups(path: path, configuration(options), count: options.lookups)
            defer { lookups.close() }
            opened(lookups)
            BatchWriter { connection }.serve(writes, batchLimit: max(1, options.batchLimit))
        }
    }

    /// The life of a reader's thread.
    private static func read(_ reads: JobQueue, _ pool: DatabasePool) {
        do {
            try pool.unsafeRead { database in
                let connection = try SQLiteConnection(database)
                defer { connection.finish() }
                while let job = reads.next() { read(job, connection) }
            }
        } catch {
            // This reader cannot be; if none can, callers are told so.
            while let job = reads.next() { job.fail(StoreError.opening(error)) }
        }
    }

    private static func read(_ job: Job, _ connection: SQLiteConnection) {
        do {
            try connection.reading { try job.run(connection) }
            job.succeed()
        } catch {
            job.fail(error)
        }
    }

    private static func configuration(_ options: StoreOptions) -> Configuration {
        var configuration = Configuration()
        configuration.label = "gapura"
        configuration.foreignKeysEnabled = true
        configuration.acceptsDoubleQuotedStringLiterals = false
        configuration.busyMode = .timeout(Double(options.statementLimit.millisecondsClamped) / 1000)
        configuration.maximumReaderCount = max(1, options.readers)
        configuration.persistentReadOnlyConnections = true
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA cache_size = -8000")
            try database.execute(sql: "PRAGMA cell_size_check = ON")
            if database.configuration.readonly { try database.execute(sql: "PRAGMA query_only = ON") }
        }
        return configuration
    }
}

/// An event that happens once and that several may wait for.
///
/// `@unchecked Sendable`: `waiting` and `isSet` are under `mutex`.
final class Signal: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var isSet = false
    private var waiting: [UnsafeContinuation<Void, Never>] = []

    init() {
        mutex = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func set() {
        pthread_mutex_lock(mutex)
        let resumed = waiting
        waiting = []
        isSet = true
        pthread_mutex_unlock(mutex)
        for continuation in resumed { continuation.resume() }
    }

    func wait() async {
        await withUnsafeContinuation { continuation in
            pthread_mutex_lock(mutex)
            let isPast = isSet
            if !isPast { waiting.append(continuation) }
            pthread_mutex_unlock(mutex)
            if isPast { continuation.resume() }
        }
    }
}
