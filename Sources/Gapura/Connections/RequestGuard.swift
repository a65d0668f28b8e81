import NIOCore
import NIOHTTP1

/// Lets through what is one HTTP/1.1 request in everybody's reading, and answers the rest with its status and a closed
/// connection: RFC 9112 sections 3.2, 6.1 and 6.3, RFC 9110 section 15.5 and 15.6 (attacks 278, 281, 289).
///
/// Requests may come in a row; what is wrong with a later one is said once the earlier ones are answered.
final class RequestGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private static let methods: [HTTPMethod] = [.GET, .HEAD, .POST, .PUT, .PATCH, .DELETE, .OPTIONS]
    /// Bytes of a request line that are the reason where a head is too large.
    private static let longLine = 32 * 1024
    /// For which a client may go on sending before the line is cut, so that it reads the answer first.
    private static let farewell = TimeAmount.milliseconds(500)
    /// Of a request that is answered before it is all there: how long its client may go on sending, and how long it may
    /// be silent.
    private static let upload = (longest: TimeAmount.seconds(30), silence: TimeAmount.seconds(2))

    private let line: ConnectionState
    /// Requests that went on and are not wholly answered.
    private var unanswered = 0
    private var isAnswering = false
    /// With what the connection ends, once it is its turn.
    private var refusal: HTTPResponseStatus?
    private var isOver = false
    /// What follows may be meant for another protocol, or for a request that is answered already.
    private var endsAfterAnswer = false
    /// When something of a request came that is answered already.
    private var lastHeard: NIODeadline?

    init(_ line: ConnectionState) { self.line = line }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        line.refuse = { status in
            let (guardian, context) = bound.value
            guardian.refuse(status, context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { line.refuse = { _ in } }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if lastHeard != nil { return hear(unwrapInboundIn(data), context) }
        guard refusal == nil, !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            line.phase = .body
            if let status = Self.problem(head) { return refuse(status, context) }
            if head.headers.contains(name: "upgrade") { endsAfterAnswer = true }
            unanswered += 1
        case .body(let bytes): line.bodyBytes += bytes.readableBytes
        case .end: line.phase = .idle
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.fireChannelReadComplete()
        // What still comes is read and forgotten, or the answer would be lost with it.
        if refusal != nil || isOver { context.read() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let problem = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        if lastHeard != nil { return close(context) }
        guard refusal == nil, !isOver else { return }
        // Whoever reads the body answers for what is wrong with it.
        guard line.phase != .body else { return context.fireErrorCaught(error) }
        switch problem {
        case .headerOverflow:
            refuse(line.lineBytes > Self.longLine ? .uriTooLong : .requestHeaderFieldsTooLarge, context)
        case .invalidMethod: refuse(.notImplemented, context)
        case .closedConnection, .invalidEOFState: context.fireErrorCaught(error)
        default: refuse(.badRequest, context)
        }
    }

    /// What is wrong with a request before anything of its meaning is looked at.
    private static func problem(_ head: HTTPRequestHead) -> HTTPResponseStatus? {
        let hosts = head.headers["host"].count
        let isOld = head.version == .http1_0
        guard hosts == 1 || (isOld && hosts == 0) else { return .badRequest }
        let encodings = head.headers["transfer-encoding"]
        if let encoding = encodings.first {
            guard encodings.count == 1, !isOld, !head.headers.contains(name: "content-length") else {
                return .badRequest
            }
            guard encoding.utf8.map({ $0 | 0x20 }).elementsEqual("chunked".utf8) else { return .notImplemented }
        }
        if [.TRACE, .CONNECT].contains(head.method) { return .methodNotAllowed }
        return methods.contains(head.method) ? nil : .notImplemented
    }

    // MARK: Out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            isAnswering = true
            guard unanswered == 1, line.phase == .body else { break }
            // Answered before it is all there. Whatever is wrong with the rest is nothing to answer: a proxy would give
            // that to whom it lends the line next (attack 278).
            endsAfterAnswer = true
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            return context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            isAnswering = false
            unanswered -= 1
            context.write(data, promise: promise)
            guard unanswered == 0 else { return }
            if refusal != nil {
                end(context)
            } else if endsAfterAnswer {
                isOver = true
                context.flush()
                if line.phase == .body { linger(context, since: .now()) } else { close(context) }
            }
            return
        default: break
        }
        context.write(data, promise: promise)
    }

    /// The gateway is done: what the client still sends is read for a moment, so that it comes to read the answer.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        context.close(mode: mode, promise: promise)
        guard mode == .output else { return }
        isOver = true
        context.read()
        close(context)
    }

    private func refuse(_ status: HTTPResponseStatus, _ context: ChannelHandlerContext) {
        guard refusal == nil, !isOver, context.channel.isActive else { return }
        refusal = status
        // One whose body does not come waits for nothing else.
        if unanswered == 0 || (unanswered == 1 && line.phase == .body && !isAnswering) { end(context) }
        // Reading on, so that the client gets to read.
        if refusal != nil { context.read() }
    }

    private func end(_ context: ChannelHandlerContext) {
        guard let status = refusal, !isOver else { return }
        isOver = true
        var headers: HTTPHeaders = ["Connection": "close", "Content-Length": "0"]
        if status == .methodNotAllowed {
            headers.add(name: "Allow", value: Self.methods.map(\.rawValue).joined(separator: ", "))
        }
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        close(context)
    }

    /// Reads on what nobody looks at until the client is done: one that is cut off while it sends may never come to
    /// read its answer.
    private func linger(_ context: ChannelHandlerContext, since began: NIODeadline) {
        if lastHeard == nil { lastHeard = began }
        context.read()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.upload.silence) {
            let (guardian, context) = bound.value
            let now = NIODeadline.now()
            guard context.channel.isActive, now < began + Self.upload.longest,
                now < (guardian.lastHeard ?? began) + Self.upload.silence
            else {
                return context.channel.close(promise: nil)
            }
            guardian.linger(context, since: began)
        }
    }

    private func hear(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        lastHeard = .now()
        if case .end = part { close(context) }
    }

    private func close(_ context: ChannelHandlerContext) {
        let channel = context.channel
        context.eventLoop.scheduleTask(in: Self.farewell) { channel.close(promise: nil) }
    }
}
