import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A connection that speaks HTTP/1.1, with what stands between the bytes and the first middleware: how many connections
/// one address has (`ConnectionLimit`), how long a client may take (`SlowClientGuard`), and whether what it sends is one
/// request and no two readings of it are possible (`RequestGuard`).
struct GuardedChannel: ServerChildChannel, HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    let base: HTTP1Channel
    let limit: ConnectionLimit

    var responder: HTTPChannelHandler.Responder { base.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let limit = limit
        return base.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            let line = ConnectionState()
            try pipeline.addHandler(RequestGuard(line), position: .after(decoder))
            try pipeline.addHandler(SlowClientGuard(line, limit: limit), position: .before(decoder))
            return value
        }
    }

    func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

/// What both guards of a connection know of it; on its event loop only.
final class ConnectionState {
    enum Phase {
        /// Between two requests.
        case idle
        /// The line and the headers come.
        case head
        case body
    }

    var phase = Phase.idle
    /// Bytes of the request line as far as it came, of a request whose head comes.
    var lineBytes = 0
    /// Bytes of the body since the last look.
    var bodyBytes = 0
    /// Answers and closes.
    var refuse: (HTTPResponseStatus) -> Void = { _ in }
}
