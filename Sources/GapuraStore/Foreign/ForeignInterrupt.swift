internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Ends a reading from another thread: the client libraries wait in the kernel, where no flag is looked at, so the line
/// itself is cut.
package final class ForeignInterrupt: Sendable {
    package enum Reason: Sendable {
        case cancelled
        case tooSlow
    }

    private struct State {
        var reason: Reason?
        var descriptor: Int32?
    }

    private let state = Mutex(State())

    package init() {}

    /// Ends what goes on, and whatever would begin later.
    package func end(_ reason: Reason) {
        state.withLock { state in
            if state.reason == nil { state.reason = reason }
            if let descriptor = state.descriptor { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// - Throws: `CancellationError` or a time-out, once it was ended.
    package func check() throws {
        switch state.withLock({ $0.reason }) {
        case nil: return
        case .cancelled: throw CancellationError()
        case .tooSlow: throw ForeignDatabaseError(.timedOut, "the reading took longer than it may")
        }
    }

    /// The line to cut.
    func watch(_ descriptor: Int32) throws {
        state.withLock { state in
            if descriptor >= 0 { state.descriptor = descriptor }
        }
        try check()
    }

    /// Cuts the line because nobody will read on: a library that frees a half-read answer would read it to its end.
    func cut() {
        state.withLock { state in
            if let descriptor = state.descriptor { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    /// Before the number of the line becomes another file's.
    func forget() {
        state.withLock { $0.descriptor = nil }
    }
}
