import Dispatch

/// Runs what blocks or computes for long away from Swift's pool and from event loops, one piece after the other:
/// however many ask at once, one thread works, and only while there is work.
struct SerialThread: Sendable {
    // A serial queue is never run by the threads of Swift's pool.
    private let queue: DispatchQueue

    init(_ name: String) {
        queue = DispatchQueue(label: name)
    }

    func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: work)) }
        }
    }
}
