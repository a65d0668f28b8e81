internal import Foundation
internal import Synchronization

/// A thread for each file that is read and compared: work of seconds, for a province of minutes, that would hold one of
/// the few threads on which all of Swift's tasks run.
enum PersonnelThread {
    /// Whether whoever waits for the work has gone.
    final class Cancellation: PersonnelStop {
        private struct State {
            var isSet = false
            var body: (@Sendable () -> Void)?
        }

        private let state = Mutex(State())

        func set() {
            let body = state.withLock { state in
                state.isSet = true
                return state.body
            }
            body?()
        }

        /// - Throws: `CancellationError`
        func check() throws {
            if state.withLock({ $0.isSet }) { throw CancellationError() }
        }

        func onStop(_ body: @escaping @Sendable () -> Void) {
            let isSet = state.withLock { state in
                state.body = body
                return state.isSet
            }
            if isSet { body() }
        }
    }

    static func run<Value: Sendable>(
        _ work: @escaping @Sendable (Cancellation) throws -> Value
    ) async throws -> Value {
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                Thread.start(named: "gapura-load", stackBytes: 4 << 20) {
                    continuation.resume(with: Result { try work(cancellation) })
                }
            }
        } onCancel: {
            cancellation.set()
        }
    }
}
