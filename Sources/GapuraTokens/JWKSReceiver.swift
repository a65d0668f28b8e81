internal import Foundation
internal import Synchronization

#if canImport(FoundationNetworking)
    internal import FoundationNetworking
#endif

/// Collects one answer, and stops at the size limit instead of filling the memory.
final class JWKSReceiver: NSObject, URLSessionDataDelegate, Sendable {
    private struct State {
        var body: [UInt8] = []
        var failure: JWKSFetcher.Failure?
        var continuation: CheckedContinuation<[UInt8], any Error>?
    }

    private let maximumBytes: Int
    private let state = Mutex(State())

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    func start(_ continuation: CheckedContinuation<[UInt8], any Error>) {
        state.withLock { $0.continuation = continuation }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        state.withLock { $0.failure = JWKSFetcher.Failure("a redirect") }
        completionHandler(nil)
        task.cancel()
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard status == 200 else {
            // A refused redirect comes by here too, and keeps its reason.
            state.withLock { $0.failure = $0.failure ?? JWKSFetcher.Failure("status \(status)") }
            completionHandler(.cancel)
            return
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLarge = state.withLock { state in
            guard state.body.count + data.count <= maximumBytes else {
                state.failure = JWKSFetcher.Failure("more than \(maximumBytes) bytes")
                return true
            }
            state.body.append(contentsOf: data)
            return false
        }
        if isTooLarge {
            dataTask.cancel()
        }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        let (continuation, result) = state.withLock {
            state -> (CheckedContinuation<[UInt8], any Error>?, Result<[UInt8], any Error>) in
            defer { state.continuation = nil }
            if let failure = state.failure {
                return (state.continuation, .failure(failure))
            }
            if error != nil {
                return (state.continuation, .failure(JWKSFetcher.Failure("no answer")))
            }
            // A delegate that never saw a response has nothing to offer either.
            let status = (task.response as? HTTPURLResponse)?.statusCode ?? 0
            guard status == 200 else {
                return (state.continuation, .failure(JWKSFetcher.Failure("status \(status)")))
            }
            return (state.continuation, .success(state.body))
        }
        continuation?.resume(with: result)
    }
}
