import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// A server on 127.0.0.1 with a port of its own, for as long as the body runs.
func withTestServer<Value: Sendable>(
    tls: TLSConfiguration? = nil,
    answer: @escaping @Sendable (Request) async throws -> Response,
    _ body: @Sendable @escaping (_ port: Int) async throws -> Value
) async throws -> Value {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    var logger = Logger(label: "test.server")
    logger.logLevel = .critical
    let server: HTTPServerBuilder = if let tls { try .tls(.http1(), tlsConfiguration: tls) } else { .http1() }
    let application = Application(
        responder: CallbackResponder<BasicRequestContext> { request, _ in try await answer(request) },
        server: server,
        configuration: .init(address: .hostname("127.0.0.1", port: 0)),
        onServerRunning: { channel in continuation.yield(channel.localAddress?.port ?? 0) },
        logger: logger
    )
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask {
            try await application.run()
            return nil
        }
        group.addTask {
            var iterator = ports.makeAsyncIterator()
            guard let port = await iterator.next() else { throw CancellationError() }
            return try await body(port)
        }
        defer { group.cancelAll() }
        while let value = try await group.next() {
            if let value { return value }
        }
        throw CancellationError()
    }
}

/// What a test server has seen.
final class Seen<Element: Sendable>: Sendable {
    private let state = Mutex<[Element]>([])

    var all: [Element] { state.withLock { $0 } }

    /// - Returns: how many there are now.
    @discardableResult
    func append(_ element: Element) -> Int {
        state.withLock { state in
            state.append(element)
            return state.count
        }
    }
}

extension Response {
    static func plain(_ status: HTTPResponse.Status, _ text: String = "", headers: HTTPFields = [:]) -> Response {
        Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
