import GapuraFormats
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Names to addresses, by the system's `getaddrinfo` on threads of its own; tests hand in one of theirs.
struct HostResolver: Sendable {
    let addresses: @Sendable (_ host: String) async throws -> [IPAddress]

    /// A caller that gives up does not wait for the thread, which `getaddrinfo` may keep for many seconds.
    static func system(threads: NIOThreadPool) -> HostResolver {
        HostResolver { host in
            let question = Question()
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    question.ask(continuation)
                    threads.submit { state in
                        guard case .active = state else {
                            return question.answer(.failure(OutgoingError(.closed, "shutting down")))
                        }
                        guard question.isOpen else { return }
                        question.answer(Result { try lookUp(host) })
                    }
                }
            } onCancel: {
                question.answer(.failure(CancellationError()))
            }
        }
    }

    /// One look-up: answered once, by the thread or by whoever gave up.
    private final class Question: Sendable {
        private enum State {
            case new
            case open(CheckedContinuation<[IPAddress], any Error>)
            case answered(Result<[IPAddress], any Error>)
        }

        private let state = Mutex<State>(.new)

        var isOpen: Bool {
            state.withLock { if case .open = $0 { true } else { false } }
        }

        func ask(_ continuation: CheckedContinuation<[IPAddress], any Error>) {
            let early: Result<[IPAddress], any Error>? = state.withLock { state in
                if case .answered(let result) = state { return result }
                state = .open(continuation)
                return nil
            }
            if let early { continuation.resume(with: early) }
        }

        func answer(_ result: Result<[IPAddress], any Error>) {
            let waiting: CheckedContinuation<[IPAddress], any Error>? = state.withLock { state in
                defer { if case .answered = state {} else { state = .answered(result) } }
                if case .open(let continuation) = state { return continuation }
                return nil
            }
            waiting?.resume(with: result)
        }
    }

    private static func lookUp(_ host: String) throws -> [IPAddress] {
        var hints = addrinfo()
        #if canImport(Glibc)
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else {
            throw OutgoingError(.unresolved, "\(host): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ai_next
            if let address = address(entry), !addresses.contains(address) {
                addresses.append(address)
            }
        }
        guard !addresses.isEmpty else { throw OutgoingError(.unresolved, "\(host): no address") }
        return addresses
    }

    private static func address(_ entry: addrinfo) -> IPAddress? {
        guard let pointer = entry.ai_addr else { return nil }
        switch entry.ai_family {
        case AF_INET:
            return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { socket in
                withUnsafeBytes(of: socket.pointee.sin_addr) { IPAddress(bytes: Array($0)) }
            }
        case AF_INET6:
            return pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { socket in
                withUnsafeBytes(of: socket.pointee.sin6_addr) { IPAddress(bytes: Array($0)) }
            }
        default:
            return nil
        }
    }
}
