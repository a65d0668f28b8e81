#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The one connection of this process that writes. What waits is done in one transaction, a savepoint each, and
/// shares its commit.
///
/// On SQLite there can be only one; on PostgreSQL every write goes through the head of the audit chain, so several
/// would only make each other repeat.
final class BatchWriter {
    private let connect: () throws -> any WritingConnection
    private var connection: (any WritingConnection)?

    /// - Parameter connect: makes a connection when there is none or the last one broke.
    init(_ connect: @escaping () throws -> any WritingConnection) {
        self.connect = connect
    }

    /// Until the queue is finished.
    func serve(_ queue: JobQueue, batchLimit: Int) {
        while true {
            let batch = queue.nextBatch(batchLimit)
            guard !batch.isEmpty else { return }
            for part in batch.split(whereSeparator: \.isExclusive) { write(Array(part), queue) }
            for job in batch where job.isExclusive { runExclusive(job) }
        }
    }

    private func write(_ batch: [Job], _ queue: JobQueue) {
        guard batch.count > 1 else {
            if let job = batch.first { writeOne(job, queue) }
            return
        }
        let connection: any WritingConnection
        do { connection = try begun() } catch {
            for job in batch { job.fail(error) }
            return
        }
        var outcomes: [(job: Job, error: (any Error)?)] = []
        for job in batch {
            let error = inSavepoint(job, connection)
            guard connection.isInTransaction, (error as? StoreError)?.remedy != .runAgain else {
                // The engine has given the whole transaction up (a full disk, an I/O error, a serialization failure):
                // nothing has happened.
                // Each of the others gets a try of its own, and so does this one if that can help.
                connection.rollback()
                let mayHelp = (error as? StoreError)?.remedy == .runAgain
                for other in batch where other !== job || mayHelp { writeOne(other, queue) }
                if !mayHelp { job.fail(error ?? StoreError(.other, "the database ended the transaction")) }
                return
            }
            outcomes.append((job, error))
        }
        do { try connection.commit() } catch {
            let cause = connection.failure ?? error
            connection.rollback()
            switch (cause as? StoreError)?.kind {
            // A key that is checked only at commit: find out whose it is.
            case .constraint: for job in batch { writeOne(job, queue) }
            case _ where (cause as? StoreError)?.remedy == .runAgain: for job in batch { writeOne(job, queue) }
            default:
                for job in batch { job.fail(cause) }
                stopAfterFailedSync(cause, queue)
            }
            return
        }
        for (job, error) in outcomes {
            if let error { job.fail(error) } else { job.succeed() }
        }
    }

    /// Runs one of many. Returns its error after having undone what it did; if that fails, the transaction is gone.
    private func inSavepoint(_ job: Job, _ connection: any WritingConnection) -> (any Error)? {
        do {
            try connection.beginSavepoint()
            try job.run(connection)
            try connection.releaseSavepoint()
            return nil
        } catch {
            let cause = connection.failure ?? error
            guard connection.isInTransaction else { return cause }
            do { try connection.rollbackSavepoint() } catch { connection.rollback() }
            return cause
        }
    }

    private func writeOne(_ job: Job, _ queue: JobQueue) {
        var tries = 0
        while true {
            do {
                let connection = try begun()
                do {
                    try job.run(connection)
                    try connection.commit()
                } catch {
                    let cause = connection.failure ?? error
                    connection.rollback()
                    throw cause
                }
                job.succeed()
                return
            } catch {
                guard (error as? StoreError)?.remedy == .runAgain, tries < 3 else {
                    job.fail(error)
                    stopAfterFailedSync(error, queue)
                    return
                }
            }
            tries += 1
            usleep(UInt32.random(in: 500...(5_000 << UInt32(tries))))
        }
    }

    private func runExclusive(_ job: Job) {
        do {
            let connection = try current()
            try connection.exclusively { try job.run(connection) }
            job.succeed()
        } catch {
            job.fail(error)
        }
    }

    /// The connection with a transaction begun. One that broke while it was idle is replaced once: nothing has
    /// happened on it yet.
    private func begun() throws -> any WritingConnection {
        let connection = try current()
        do {
            try connection.begin()
            return connection
        } catch {
            connection.rollback()
            guard connection.isBroken else { throw error }
        }
        let fresh = try current()
        do { try fresh.begin() } catch {
            fresh.rollback()
            throw error
        }
        return fresh
    }

    private func current() throws -> any WritingConnection {
        if let connection, !connection.isBroken { return connection }
        connection = nil
        let fresh = try connect()
        connection = fresh
        return fresh
    }

    private func stopAfterFailedSync(_ error: any Error, _ queue: JobQueue) {
        guard (error as? StoreError)?.remedy == .stop else { return }
        queue.finish(
            StoreError(.unavailable, "a sync to disk failed; what is on disk is unknown: check the disk and restart"))
    }
}

/// A connection that may write, as `BatchWriter` uses it.
protocol WritingConnection: Connection {
    /// The error that ended the transaction under way; see `Transaction`.
    var failure: StoreError? { get }
    var isInTransaction: Bool { get }
    /// Of no use any more.
    var isBroken: Bool { get }

    func begin() throws
    func commit() throws
    /// Leaves no transaction behind, or a broken connection. Does nothing where there is none.
    func rollback()
    func beginSavepoint() throws
    func releaseSavepoint() throws
    func rollbackSavepoint() throws
    /// Under the lock for migrations.
    func exclusively(_ body: () throws -> Void) throws
}
