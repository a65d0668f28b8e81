internal import Foundation
internal import Synchronization

#if canImport(FoundationNetworking)
    internal import FoundationNetworking
#endif

/// Collects one answer, and stops at the size limit instead of filling the memory.
///
/// It answers as soon as the outcome is known and never waits for URLSession to say that the task has ended: on Linux
/// that word sometimes does not come.
final class JWKSReceiver: NSObject, URLSessionDataDelegate, Sendable {
    private struct State {
        var body: [UInt8] = []
        var continuation: CheckedContinuation<[UInt8], any Error>?
        /// The first outcome; later ones change nothing. It may be there before anybody waits: a task can be cancelled
        /// at once.
        var outcome: Result<[UInt8], any Error>?
    }

    private let maximumBytes: Int
    private let state = Mutex(State())

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    func start(_ continuation: CheckedContinuation<[UInt8], any Error>) {
        let outcome = state.withLock { state in
            if state.outcome == nil { state.continuation = continuation }
            return state.outcome
        }
        if let outcome { continuation.resume(with: outcome) }
    }

    /// Gives up, unless the outcome is known already.
    func fail(_ reason: String) {
        finish { _ in .failure(JWKSFetcher.Failure(reason)) }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        fail("a redirect")
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
            fail("status \(status)")
            completionHandler(.cancel)
            return
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLarge = state.withLock { state in
            guard state.body.count + data.count <= maximumBytes else { return true }
            state.body.append(contentsOf: data)
            return false
        }
        guard isTooLarge else { return }
        fail("more than \(maximumBytes) bytes")
        dataTask.cancel()
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        guard error == nil else { return fail("no answer") }
        // A delegate that never saw a response has nothing to offer either.
        let status = (task.response as? HTTPURLResponse)?.statusCode ?? 0
        guard status == 200 else { return fail("status \(status)") }
        finish { .success($0) }
    }

    private func finish(_ outcome: (_ body: [UInt8]) -> Result<[UInt8], any Error>) {
        let (continuation, result) = state.withLock {
            state -> (CheckedContinuation<[UInt8], any Error>?, Result<[UInt8], any Error>?) in
            guard state.outcome == nil else { return (nil, nil) }
            let result = outcome(state.body)
            state.outcome = result
            defer { state.continuation = nil }
            return (state.continuation, result)
        }
        if let result { continuation?.resume(with: result) }
    }
}
