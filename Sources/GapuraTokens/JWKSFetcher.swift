internal import Foundation

#if canImport(FoundationNetworking)
    internal import FoundationNetworking
#endif

/// How a key set is fetched: an application that has an HTTP client of its own hands in that.
public struct JWKSFetcher: Sendable {
    /// The body of a 200 answer; anything else throws.
    public let fetch: @Sendable (_ url: String) async throws -> [UInt8]

    /// With an HTTP client of the application's own. It should follow no redirect and limit time and size.
    public init(_ fetch: @escaping @Sendable (_ url: String) async throws -> [UInt8]) {
        self.fetch = fetch
    }

    /// Why there was no answer, for the log.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// The reason.
        public let description: String

        /// With its reason.
        public init(_ description: String) {
            self.description = description
        }
    }

    /// Foundation's URLSession: https (plain http only to this machine), no redirects, no cookies, no cache.
    public static func urlSession(timeout seconds: Double = 5, maximumBytes: Int = 1 << 18) -> JWKSFetcher {
        JWKSFetcher { text in
            guard let url = URL(string: text), isAllowed(url) else { throw Failure("not a URL to fetch keys from") }
            let configuration = URLSessionConfiguration.ephemeral
            configuration.timeoutIntervalForRequest = seconds
            configuration.timeoutIntervalForResource = seconds
            configuration.httpShouldSetCookies = false
            configuration.urlCache = nil
            let receiver = JWKSReceiver(maximumBytes: maximumBytes)
            let session = URLSession(configuration: configuration, delegate: receiver, delegateQueue: nil)
            // Breaks the circle of session and delegate once the task has ended.
            defer { session.finishTasksAndInvalidate() }
            var request = URLRequest(url: url)
            request.setValue("application/jwk-set+json, application/json", forHTTPHeaderField: "Accept")
            let task = session.dataTask(with: request)
            // URLSession's own limits of time are kept loosely on Linux, and a task that it cancels may never be heard
            // of again.
            let deadline = Task {
                try await Task.sleep(for: .seconds(seconds))
                receiver.fail("no answer in time")
                task.cancel()
            }
            defer { deadline.cancel() }
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    receiver.start(continuation)
                    task.resume()
                }
            } onCancel: {
                receiver.fail("cancelled")
                task.cancel()
            }
        }
    }

    private static func isAllowed(_ url: URL) -> Bool {
        switch url.scheme {
        case "https": true
        case "http": ["localhost", "127.0.0.1", "::1", "[::1]"].contains(url.host ?? "")
        default: false
        }
    }
}
