import GapuraFormats
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

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

/// How many connections one address has open; those of trusted proxies are everybody's, and not counted.
///
/// Protects a table as large as there are connections.
final class ConnectionLimit: Sendable {
    private let most: Int
    private let proxies: TrustedProxies
    private let open = Mutex<[String: Int]>([:])

    /// - Parameter most: 0 counts none.
    init(most: Int64, proxies: TrustedProxies) {
        self.most = Int(clamping: most)
        self.proxies = proxies
    }

    /// - Returns: under which name it is counted, or nothing where it is one too many.
    func admit(_ address: String?) -> String? {
        guard most > 0, let address, !proxies.contains(address) else { return "" }
        let place = FlowRoom.place(of: address)
        return open.withLock { open in
            let count = open[place, default: 0]
            guard count < most else { return nil }
            open[place] = count + 1
            return place
        }
    }

    /// It was closed.
    func release(_ place: String) {
        guard !place.isEmpty else { return }
        open.withLock { open in
            guard let count = open[place] else { return }
            open[place] = count > 1 ? count - 1 : nil
        }
    }
}
