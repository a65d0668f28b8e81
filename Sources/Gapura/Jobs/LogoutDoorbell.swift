import Synchronization

/// Wakes the delivery of sign-outs, so that applications hear of one at once: whoever has written lines into the ledger
/// rings after the commit.
///
/// Protects who waits. A ring while nobody waits is kept (once); one waiter at a time. No `AsyncStream`: that one ends
/// for good when a waiting task is cancelled, and waiting with a time limit cancels.
package final class LogoutDoorbell: Sendable {
    private struct State {
        var isRung = false
        var waiter: CheckedContinuation<Void, Never>?

        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            defer { waiter = nil }
            return waiter
        }
    }

    private let state = Mutex(State())

    package init() {}

    package func ring() {
        let waiter = state.withLock { state in
            state.isRung = state.waiter == nil
            return state.takeWaiter()
        }
        waiter?.resume()
    }

    /// Returns when it rings (or has rung since the last wait), when the time is over, or when the task is cancelled.
    func wait(atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask {
                // Cancelled by the ring.
                try? await Task.sleep(for: limit)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready: CheckedContinuation<Void, Never>? = state.withLock { state in
                    // The flag of a cancelled task is set before its handler runs: whichever comes first, nobody waits
                    // for ever.
                    if state.isRung || Task.isCancelled {
                        state.isRung = false
                        return continuation
                    }
                    let earlier = state.takeWaiter()
                    state.waiter = continuation
                    return earlier
                }
                ready?.resume()
            }
        } onCancel: {
            state.withLock { $0.takeWaiter() }?.resume()
        }
    }
}
