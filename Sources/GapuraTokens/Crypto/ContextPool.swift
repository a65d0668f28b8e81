internal import COpenSSL
internal import Synchronization

/// Contexts of one key that are set up and wait for use.
///
/// Setting a context up costs more than the arithmetic of some signatures, and a context serves one thread at a
/// time: whoever needs one takes it out,
/// and puts it back.
///
/// The contexts (`@unchecked Sendable` below) cross threads, but only through the mutex, and belong to one taker at
/// a time.
final class ContextPool: Sendable {
    private struct Context: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    /// More threads than this at once set up contexts of their own and free them again.
    private static let kept = 64

    private let waiting = Mutex<[Context]>([])
    private let make: @Sendable () -> OpaquePointer?
    private let free: @Sendable (OpaquePointer) -> Void

    init(make: @escaping @Sendable () -> OpaquePointer?, free: @escaping @Sendable (OpaquePointer) -> Void) {
        self.make = make
        self.free = free
    }

    deinit {
        for context in waiting.withLock({ $0 }) {
            free(context.pointer)
        }
    }

    /// Nil where OpenSSL could not make a context, or where the body failed: that context is not used again.
    func with<Result>(_ body: (OpaquePointer) -> Result?) -> Result? {
        guard let context = waiting.withLock({ $0.popLast() })?.pointer ?? make() else {
            ERR_clear_error()
            return nil
        }
        guard let result = body(context) else {
            ERR_clear_error()
            free(context)
            return nil
        }
        let offered = Context(pointer: context)
        let isKept = waiting.withLock { waiting in
            guard waiting.count < Self.kept else { return false }
            waiting.append(offered)
            return true
        }
        if !isKept {
            free(context)
        }
        return result
    }
}
