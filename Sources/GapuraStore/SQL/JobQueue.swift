#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where transactions wait for a thread that owns a connection. Bounded in number and in time.
///
/// `@unchecked Sendable`: everything that changes is under `mutex`.
final class JobQueue: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>
    /// A ring.
    private var jobs: [Job?]
    private var head = 0
    private var count = 0
    private var idle = 0
    private var isFinished = false
    private var fatal: StoreError?
    private let waitLimit: UInt64

    init(limit: Int, waitLimit: Duration) {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
        jobs = Array(repeating: nil, count: max(1, limit))
        self.waitLimit = waitLimit.nanosecondsClamped
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Queues a job, or fails it at once.
    func push(_ job: Job) {
        pthread_mutex_lock(mutex)
        let refusal: StoreError?
        if isFinished {
            refusal = fatal ?? StoreError(.unavailable, "the database is closed")
        } else if count == jobs.count {
            refusal = StoreError(.busy, "too many transactions wait for the database")
        } else {
            refusal = nil
            jobs[(head + count) % jobs.count] = job
            count += 1
            if idle > 0 { pthread_cond_signal(condition) }
        }
        pthread_mutex_unlock(mutex)
        if let refusal { job.fail(refusal) }
    }

    /// The next job, waiting for one; nil when the queue is finished and empty.
    func next() -> Job? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard waitForJob() else { return nil }
        return takeFirst()
    }

    /// All that waits, at most `limit`; empty when the queue is finished.
    func nextBatch(_ limit: Int) -> [Job] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        guard waitForJob() else { return [] }
        var batch: [Job] = []
        while batch.count < limit, count > 0, let job = takeFirst() { batch.append(job) }
        return batch
    }

    /// No more jobs; those that wait are still done, unless there is an error, which they then get.
    func finish(_ error: StoreError? = nil) {
        pthread_mutex_lock(mutex)
        var dropped: [Job] = []
        isFinished = true
        if let error {
            fatal = error
            while count > 0, let job = takeFirst() { dropped.append(job) }
        }
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
        for job in dropped { job.fail(error ?? StoreError(.unavailable, "the database is closed")) }
    }

    /// Fails those that have waited too long. Called a few times a second.
    func expire() {
        let now = monotonicNanoseconds()
        var late: [Job] = []
        pthread_mutex_lock(mutex)
        while count > 0, let job = jobs[head], now > job.queuedAt, now - job.queuedAt > waitLimit {
            _ = takeFirst()
            late.append(job)
        }
        pthread_mutex_unlock(mutex)
        for job in late { job.fail(StoreError(.busy, "the database had no time for a transaction")) }
    }

    /// Under `mutex`.
    private func waitForJob() -> Bool {
        while count == 0 {
            if isFinished { return false }
            idle += 1
            pthread_cond_wait(condition, mutex)
            idle -= 1
        }
        return true
    }

    /// Under `mutex`.
    private func takeFirst() -> Job? {
        let job = jobs[head]
        jobs[head] = nil
        head = (head + 1) % jobs.count
        count -= 1
        return job
    }
}

/// A thread of our own: blocking calls of C libraries are neither for the event loop nor for Swift's pool.
struct WorkerThread: @unchecked Sendable {
    private let handle: pthread_t

    /// Starts `body` on a new thread; nil if the system has none left.
    static func start(_ body: @escaping @Sendable () -> Void) -> WorkerThread? {
        let box = Unmanaged.passRetained(ThreadBody(body))
        #if canImport(Glibc)
            var handle = pthread_t()
            let code = pthread_create(
                &handle, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, box.toOpaque())
            guard code == 0 else {
                box.release()
                return nil
            }
            return WorkerThread(handle: handle)
        #else
            var handle: pthread_t?
            let code = pthread_create(
                &handle, nil,
                { argument in
                    Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, box.toOpaque())
            guard code == 0, let handle else {
                box.release()
                return nil
            }
            return WorkerThread(handle: handle)
        #endif
    }

    /// Waits for its end. To be called once.
    func join() {
        pthread_join(handle, nil)
    }

    /// Nobody will `join` it.
    func detach() {
        pthread_detach(handle)
    }

    private final class ThreadBody: Sendable {
        private let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        func run() { body() }
    }
}

/// The monotonic clock, which no clock setting moves.
func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

extension Duration {
    /// At least 0, at most a day, so that no arithmetic on it overflows.
    var nanosecondsClamped: UInt64 {
        let limited = min(max(self, .zero), .seconds(86_400)).components
        return UInt64(limited.seconds) * 1_000_000_000 + UInt64(limited.attoseconds / 1_000_000_000)
    }

    var millisecondsClamped: Int { Int(nanosecondsClamped / 1_000_000) }
}
