import NIOCore

/// Ends connections of clients that are slower than any honest one (attack 280): ten seconds for line and headers of a
/// request, a kilobyte a second for its body. What is between two requests ends by the server's idle time.
///
/// Only what the gateway waits for counts: where it does not read, because it is busy, nobody is slow.
final class SlowClientGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let patience = TimeAmount.seconds(10)
    private static let leastBytes = 10 * 1024

    private let line: ConnectionState
    private let limit: ConnectionLimit
    private var place: String?
    private var timer: Scheduled<Void>?
    private var isWaiting = false
    private var hasLine = false

    init(_ line: ConnectionState, limit: ConnectionLimit) {
        self.line = line
        self.limit = limit
    }

    func channelActive(context: ChannelHandlerContext) {
        place = limit.admit(context.remoteAddress?.ipAddress)
        context.fireChannelActive()
        if place == nil { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        if let place { limit.release(place) }
        place = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isWaiting = false
        let bytes = unwrapInboundIn(data)
        if line.phase == .idle, bytes.readableBytes > 0 {
            line.phase = .head
            line.lineBytes = 0
            hasLine = false
            look(context)
        }
        if line.phase == .head, !hasLine {
            let end = bytes.readableBytesView.firstIndex(of: UInt8(ascii: "\n"))
            line.lineBytes += end.map { $0 - bytes.readerIndex } ?? bytes.readableBytes
            hasLine = end != nil
        }
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        isWaiting = true
        context.read()
    }

    /// Looks again in ten seconds, as long as a request is coming.
    private func look(_ context: ChannelHandlerContext) {
        timer?.cancel()
        line.bodyBytes = 0
        let began = line.phase
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: Self.patience) {
            let (guardian, context) = bound.value
            guardian.judge(context, began)
        }
    }

    private func judge(_ context: ChannelHandlerContext, _ began: ConnectionState.Phase) {
        switch line.phase {
        case .idle: return
        case .head where isWaiting && began == .head: line.refuse(.requestTimeout)
        case .body where isWaiting && began == .body && line.bodyBytes < Self.leastBytes: line.refuse(.requestTimeout)
        default: look(context)
        }
    }
}
