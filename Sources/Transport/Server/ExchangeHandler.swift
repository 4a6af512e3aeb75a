import Hummingbird
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Watches over the requests of one connection: their pace, invitations to send a body, refusals of what cannot be
/// parsed, and how the connection ends so that the peer sees its last answer.
final class ExchangeHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ServerLimits
    private let logger: Logger
    private var state = ExchangeState()
    private var pace: ConnectionPace
    private var timer: Scheduled<Void>?
    private var deadline = NIODeadline.distantFuture
    private var context: ChannelHandlerContext?

    init(_ limits: ServerLimits, logger: Logger) {
        self.limits = limits
        self.logger = logger
        pace = ConnectionPace(limits, now: .now())
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        judge()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // After the end, what still comes is thrown away.
        guard !state.isEnding else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            state.headRead(expectsContinue: head.headerFields[.expect]?.lowercased() == "100-continue")
            pace.headRead()
        case .body: break
        case .end:
            state.bodyRead()
            pace.bodyRead()
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if state.isEnding { context.read() }
        context.fireChannelReadComplete()
        judge()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError, state.mayAnswerForRouter else {
            if !state.isEnding { context.fireErrorCaught(error) }
            return
        }
        let refusal =
            error == .headerOverflow
            ? Refusal(431, "too-large", "the request's head is longer than the \(limits.headBytes) bytes allowed")
            : Refusal(400, "malformed", "this is not a well-formed HTTP/1.1 request")
        state.ends()
        let body = refusal.bytes
        let head = HTTPResponse(
            status: .init(code: refusal.status),
            headerFields: [
                .contentType: "application/json", .contentLength: "\(body.readableBytes)", .connection: "close",
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        linger(context)
    }

    /// The router wants the body of the current request.
    func inviteBody() {
        guard let context, state.bodyWanted() else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !state.isEnding else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.kind != .informational:
            if state.answerBegins(status: head.status.code) { head.headerFields[.connection] = "close" }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            pace.answerEnded(at: .now())
            guard state.answerEnded() else { return context.write(data, promise: promise) }
            context.writeAndFlush(data, promise: promise)
            linger(context)
        case .head, .body: context.write(data, promise: promise)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pace.writable(context.channel.isWritable, at: .now())
        context.fireChannelWritabilityChanged()
        judge()
    }

    /// Closes this side and reads on for a while: a line closed while the peer sends would be reset, and the answer lost.
    private func linger(_ context: ChannelHandlerContext) {
        timer?.cancel()
        context.close(mode: .output, promise: nil)
        context.read()
        after(limits.linger, context) { handler in handler.context?.close(promise: nil) }
    }

    // MARK: Pace

    /// Bytes arrived, before they are parsed.
    func received(_ count: Int) {
        pace.received(count, at: .now())
        judge()
    }

    /// This side asks for bytes.
    func asked() { pace.asked(at: .now()) }

    private func judge() {
        guard let context, !state.isEnding else { return }
        switch pace.verdict(at: .now()) {
        case .tooSlow(let reason):
            logger.debug("closing a connection: \(reason)")
            state.ends()
            context.fireErrorCaught(TLSError.cut)
            context.close(promise: nil)
        case .fine(let until):
            // A later deadline can wait until the timer looks again.
            guard timer == nil || until < deadline else { return }
            timer?.cancel()
            deadline = until
            after(until - .now(), context) { handler in
                handler.timer = nil
                handler.judge()
            }
        }
    }

    private func after(
        _ time: TimeAmount, _ context: ChannelHandlerContext, _ body: @escaping @Sendable (ExchangeHandler) -> Void
    ) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: time) { body(bound.value) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            if state.stops() { context.close(promise: nil) }
        } else if case ChannelEvent.inputClosed = event, state.isWaiting, !state.isEnding {
            // Whoever closes its side while an answer is held for it has gone, and must not take up a place.
            state.ends()
            context.fireUserInboundEventTriggered(event)
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }
}

/// Counts bytes on their way to the parser, for the pace of heads, of which the parser says nothing until they are whole.
final class ByteMeter: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let exchange: ExchangeHandler

    init(_ exchange: ExchangeHandler) { self.exchange = exchange }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        exchange.received(unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        exchange.asked()
        context.read()
    }
}
