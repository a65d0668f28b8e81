import Dispatch
import Foundation

/// A few threads for calls that block or compute for long, with a bounded queue.
///
/// `@unchecked Sendable`: all state is behind `condition`.
final class BlockingPool: @unchecked Sendable {
    private let condition = NSCondition()
    /// Work, and what hands its result over once its place is free again.
    private typealias Job = @Sendable () -> @Sendable () -> Void
    private var waiting: [Job] = []
    private var head = 0
    private var running = 0
    private var isOpen = true
    private let limit: Int

    /// - Parameters:
    ///   - name: of the threads, for `top` and the bench; the kernel refuses more than 15 bytes, ours included.
    ///   - queue: how many jobs may wait beyond those that run.
    init(name: String, threads: Int, queue: Int) {
        limit = max(1, threads) + max(0, queue)
        for _ in 0..<max(1, threads) {
            Thread.start(named: "gapura-\(name)", stackBytes: 1 << 20) { [weak self] in
                while let job = self?.next() {
                    let answer = job()
                    self?.finished()
                    answer()
                }
            }
        }
    }

    /// Runs work on one of the threads.
    /// - Throws: `PasswordHasher.PasswordPoolFull` when too much waits already, or the pool is shut.
    func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let accepted = submit {
                let result = Result(catching: work)
                return { continuation.resume(with: result) }
            }
            if !accepted { continuation.resume(throwing: PasswordHasher.PasswordPoolFull()) }
        }
    }

    func shutdown() {
        condition.lock()
        isOpen = false
        condition.broadcast()
        condition.unlock()
    }

    private func submit(_ job: @escaping Job) -> Bool {
        condition.lock()
        defer { condition.unlock() }
        guard isOpen, waiting.count - head + running < limit else { return false }
        waiting.append(job)
        condition.signal()
        return true
    }

    private func next() -> Job? {
        condition.lock()
        defer { condition.unlock() }
        while head == waiting.count {
            guard isOpen else { return nil }
            condition.wait()
        }
        let job = waiting[head]
        head += 1
        if head > 64, head * 2 > waiting.count {
            waiting.removeFirst(head)
            head = 0
        }
        running += 1
        return job
    }

    private func finished() {
        condition.lock()
        running -= 1
        condition.unlock()
    }
}

extension Thread {
    /// Runs work on a thread of its own, under a name that the kernel knows too (it takes 15 bytes).
    ///
    /// Foundation passes a name on only once `start` has returned; given before that, or by a thread that is faster, it is
    /// lost.
    static func start(named name: String, stackBytes: Int, _ body: @escaping @Sendable () -> Void) {
        let isStarted = DispatchSemaphore(value: 0)
        let thread = Thread {
            isStarted.wait()
            Thread.current.name = name
            body()
        }
        thread.stackSize = stackBytes
        thread.start()
        isStarted.signal()
    }
}
