internal import Foundation
internal import Synchronization

/// A thread for each file that is read and compared: work of seconds, for a province of minutes, that would hold one of
/// the few threads on which all of Swift's tasks run.
enum PersonnelThread {
    /// Whether whoever waits for the work has gone.
    final class Cancellation: Sendable {
        private let isSet = Atomic<Bool>(false)

        func set() { isSet.store(true, ordering: .relaxed) }

        /// - Throws: `CancellationError`
        func check() throws {
            if isSet.load(ordering: .relaxed) { throw CancellationError() }
        }
    }

    static func run<Value: Sendable>(
        _ work: @escaping @Sendable (Cancellation) throws -> Value
    ) async throws -> Value {
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let thread = Thread {
                    Thread.current.name = "gapura-load"  // a name given before the start is not the kernel's
                    continuation.resume(with: Result { try work(cancellation) })
                }
                thread.stackSize = 4 << 20
                thread.start()
            }
        } onCancel: {
            cancellation.set()
        }
    }
}
