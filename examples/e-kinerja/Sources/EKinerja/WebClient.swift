import Foundation
import GapuraTokens
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// HTTP to the gateway: no redirects, a time-out, a size limit.
struct WebClient: Sendable {
    /// Status and JSON object (nil where the body is none); `unavailable` when nobody answers.
    func send(_ request: URLRequest) async throws -> (status: Int, object: JSONObject?) {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = 10
        configuration.timeoutIntervalForResource = 20
        configuration.httpShouldSetCookies = false
        configuration.urlCache = nil
        let receiver = AnswerReceiver()
        let session = URLSession(configuration: configuration, delegate: receiver, delegateQueue: nil)
        defer { session.finishTasksAndInvalidate() }  // breaks the circle of session and delegate
        let task = session.dataTask(with: request)
        let (status, body) = try await withCheckedThrowingContinuation { continuation in
            receiver.start(continuation)
            task.resume()
        }
        return (status, try? StrictJSON.parse(body).object)  // a body that is no JSON is an answer too
    }

    /// A request to an address that discovery or a setting names.
    static func request(_ address: String, method: String = "GET") throws -> URLRequest {
        guard Settings.isAllowed(address), let url = URL(string: address) else {
            throw Problem(.setup, "address must be https (http only on localhost): \(address)")
        }
        var request = URLRequest(url: url)
        request.httpMethod = method
        request.setValue("application/json", forHTTPHeaderField: "Accept")
        return request
    }
}

/// Collects one answer. On Linux only a session's own delegate is asked about redirects, which no secret
/// may follow.
/// What the mutex protects: the bytes so far, and who waits for them.
private final class AnswerReceiver: NSObject, URLSessionDataDelegate, Sendable {
    private typealias Waiting = CheckedContinuation<(Int, [UInt8]), any Error>

    private struct State {
        var status = 0
        var body: [UInt8] = []
        var waiting: Waiting?
    }

    private static let maximumBytes = 1 << 20
    private let state = Mutex(State())

    func start(_ waiting: CheckedContinuation<(Int, [UInt8]), any Error>) {
        state.withLock { $0.waiting = waiting }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        finish(.failure(Problem(.refused, "a redirect, status \(response.statusCode)")))
        completionHandler(nil)
        task.cancel()
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        state.withLock { $0.status = (response as? HTTPURLResponse)?.statusCode ?? 0 }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLarge = state.withLock { state in
            state.body.append(contentsOf: data)
            return state.body.count > Self.maximumBytes
        }
        if isTooLarge {
            finish(.failure(Problem(.unavailable, "the answer is too large")))
            dataTask.cancel()
        }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let error {
            let code = (error as? URLError)?.errorCode ?? 0
            finish(.failure(Problem(.unavailable, "no answer, URLError \(code)")))
        } else {
            finish(.success(()))
        }
    }

    /// Answers the one who waits, once.
    private func finish(_ result: Result<Void, Problem>) {
        let (waiting, answer) = state.withLock { state in
            defer { state.waiting = nil }
            return (state.waiting, (state.status, state.body))
        }
        switch result {
        case .success: waiting?.resume(returning: answer)
        case .failure(let problem): waiting?.resume(throwing: problem)
        }
    }
}
