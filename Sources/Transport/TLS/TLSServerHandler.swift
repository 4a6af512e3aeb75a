import NIOCore
import NIOTLS

/// TLS in a NIO pipeline, by the system's OpenSSL.
///
/// Back-pressure is real in both directions. Plaintext waits unencrypted until the channel is writable, its promises
/// are kept when the last of its ciphertext is written, and the channel is called writable to those behind only when
/// nothing waits here. Ciphertext is read only when somebody asked for plaintext.
final class TLSServerHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    struct Deadlines {
        var handshake: TimeAmount
        var shutdown: TimeAmount
        /// After a handshake that failed, for the alert to be read.
        var linger: TimeAmount
    }

    private let session: TLSSession
    private let buffers: LoopBuffers
    private let deadlines: Deadlines
    private let established: EventLoopPromise<ConnectionFacts>
    private var lifecycle = TLSLifecycle()
    private var writes = MarkedCircularBuffer<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)>(initialCapacity: 4)
    private var pendingClose: (mode: CloseMode, promise: EventLoopPromise<Void>?)?
    private var isDraining = false
    /// Refused: what still comes is thrown away until the peer closes.
    private var isLingering = false
    private var announcedWritable = true
    private var delivered = false
    private var received = 0
    private var timer: Scheduled<Void>?

    /// What is worth a shared buffer.
    private static let large = 64 << 10

    /// - Parameter established: Kept when the handshake is over, one way or the other.
    init(
        _ session: TLSSession, buffers: LoopBuffers, deadlines: Deadlines,
        established: EventLoopPromise<ConnectionFacts>
    ) {
        self.session = session
        self.buffers = buffers
        self.deadlines = deadlines
        self.established = established
    }

    func handlerAdded(context: ChannelHandlerContext) {
        schedule(context, in: deadlines.handshake) { handler, context in
            if handler.lifecycle.handshakeDeadlinePassed() { handler.end(context, .handshakeTimeout) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        failWrites(ChannelError.ioOnClosedChannel)
        established.fail(ChannelError.ioOnClosedChannel)
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isLingering { return }
        let buffer = unwrapInboundIn(data)
        received += buffer.readableBytes
        session.receive(buffer)
        // Whatever one turn of the loop has read is decrypted into one buffer, if it is not too much.
        if received >= LoopBuffers.batch { advance(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isLingering { return context.read() }
        advance(context)
        if delivered {
            delivered = false
            context.fireChannelReadComplete()
        } else if lifecycle.isHandshaking || lifecycle.mayRead {
            // Half a record, or a message of the handshake: whoever asked for plaintext is still waiting.
            context.read()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        if isLingering { return context.close(promise: nil) }
        advance(context)
        switch lifecycle.lineEnded() {
        case .nothing: break
        case .endInput: context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case .fail(let error): end(context, error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        advance(context)
        timer?.cancel()
        if case .fail(let error) = lifecycle.lineGone() {
            established.fail(error)
            context.fireErrorCaught(error)
        }
        failWrites(ChannelError.ioOnClosedChannel)
        context.fireChannelInactive()
    }

    private func advance(_ context: ChannelHandlerContext) {
        // No more plaintext than ciphertext, and a record that was incomplete until now.
        let room = received + (17 << 10)
        received = 0
        if lifecycle.isHandshaking {
            switch session.handshake() {
            case .done: succeed(context)
            case .failed(let error):
                if lifecycle.failed() { end(context, error) }
            case .wantsRead, .closed: flushSession(context, promise: nil)
            }
        }
        while lifecycle.mayRead {
            let isLarge = room > Self.large
            var plaintext = isLarge ? buffers.pool.take() : context.channel.allocator.buffer(capacity: room)
            let outcome = session.read(into: &plaintext)
            if isLarge { buffers.pool.lend(plaintext) }
            if plaintext.readableBytes > 0, lifecycle.mayWrite {
                delivered = true
                context.fireChannelRead(wrapInboundOut(plaintext))
            }
            switch outcome {
            case .done: continue
            case .wantsRead: return flushSession(context, promise: nil)  // an answer to a key update, if any
            case .closed:
                if lifecycle.goodbyeReceived() { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
                return
            case .failed(let error):
                if lifecycle.failed() { end(context, error) }
                return
            }
        }
    }

    private func succeed(_ context: ChannelHandlerContext) {
        do {
            let peer = try session.peer
            lifecycle.handshakeSucceeded()
            timer?.cancel()
            flushSession(context, promise: nil)
            established.succeed(
                ConnectionFacts(
                    peer: peer, exporter: session.exporter(label: "EXPORTER-consilium-enrol", count: 32),
                    address: context.channel.remoteAddress?.ipAddress))
            context.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: "http/1.1"))
            drain(context)
        } catch {
            if lifecycle.failed() {
                end(context, TLSError(.handshake, "the client's certificate is malformed: \(error)"))
            }
        }
    }

    // MARK: Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard lifecycle.mayWrite || lifecycle.isHandshaking, pendingClose == nil else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        writes.append((unwrapOutboundIn(data), promise))
    }

    func flush(context: ChannelHandlerContext) {
        writes.mark()
        drain(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Within `drain` its loop sees the change itself.
        if !isDraining { drain(context) }
    }

    private func drain(_ context: ChannelHandlerContext) {
        guard lifecycle.mayWrite, !isDraining else { return }
        isDraining = true
        while context.channel.isWritable, writes.hasMark {
            guard writeBatch(context) else { break }
        }
        isDraining = false
        let isWritable = context.channel.isWritable
        if isWritable != announcedWritable {
            announcedWritable = isWritable
            context.fireChannelWritabilityChanged()
        }
        if let close = pendingClose, !writes.hasMark, lifecycle.mayWrite { sayGoodbye(context, close) }
    }

    /// Encrypts and writes a batch of what waits.
    private func writeBatch(_ context: ChannelHandlerContext) -> Bool {
        var room = LoopBuffers.batch
        var promises: [EventLoopPromise<Void>] = []
        let isLarge = writes[writes.startIndex].bytes.readableBytes >= Self.large
        if isLarge { session.provide(buffers.pool.take()) }
        while room > 0, writes.hasMark {
            let first = writes.startIndex
            var failure: TLSError?
            writes[first].bytes.readWithUnsafeReadableBytes { bytes in
                let count = min(room, bytes.count)
                failure = session.write(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
                room -= count
                return count
            }
            if let failure {
                promises.forEach { $0.fail(failure) }
                if lifecycle.failed() { end(context, failure) }
                return false
            }
            if writes[first].bytes.readableBytes == 0, let promise = writes.removeFirst().promise {
                promises.append(promise)
            }
        }
        flushSession(context, promise: Self.joined(promises, context))
        return true
    }

    private static func joined(
        _ promises: [EventLoopPromise<Void>], _ context: ChannelHandlerContext
    ) -> EventLoopPromise<Void>? {
        guard promises.count > 1 else { return promises.first }
        let all = context.eventLoop.makePromise(of: Void.self)
        for promise in promises { all.futureResult.cascade(to: promise) }
        return all
    }

    private func flushSession(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        guard let buffer = session.takeOutgoing() else {
            promise?.succeed()
            return
        }
        if buffer.readableBytes >= Self.large { buffers.pool.lend(buffer) }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: promise)
    }

    // MARK: Ending

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if isLingering {
            if let promise { context.channel.closeFuture.cascade(to: promise) }
            return
        }
        guard mode != .input, pendingClose == nil else { return context.close(mode: mode, promise: promise) }
        switch lifecycle.closeRequested() {
        case .atOnce: context.close(mode: mode, promise: promise)
        case .afterGoodbye:
            guard lifecycle.mayWrite else { return context.close(mode: mode, promise: promise) }
            pendingClose = (mode, promise)
            writes.mark()
            schedule(context, in: deadlines.shutdown) { handler, context in
                if handler.lifecycle.failed() { context.close(promise: nil) }
            }
            drain(context)
        }
    }

    private func sayGoodbye(
        _ context: ChannelHandlerContext, _ close: (mode: CloseMode, promise: EventLoopPromise<Void>?)
    ) {
        pendingClose = nil
        lifecycle.goodbyeSent()
        session.shutdown()
        // Closing drops what is not written yet, so it waits for the last byte, and the deadline for that.
        let written = context.eventLoop.makePromise(of: Void.self)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in bound.value.close(mode: close.mode, promise: close.promise) }
        flushSession(context, promise: written)
    }

    /// Ends the connection at once, whatever waits to be written: for a peer that has lost its right to it.
    func cut(_ context: ChannelHandlerContext) {
        if lifecycle.failed() { end(context, .cut) }
    }

    /// Tells everybody, sends the alert that tells the peer why, and closes.
    private func end(_ context: ChannelHandlerContext, _ error: TLSError) {
        timer?.cancel()
        flushSession(context, promise: nil)
        // In TLS 1.3 the request of a client that is refused is on its way already: closed at once, the line would be
        // reset, and the alert lost.
        isLingering = error.code == .handshake && context.channel.isActive
        established.fail(error)
        failWrites(error)
        context.fireErrorCaught(error)
        guard isLingering else { return context.close(promise: nil) }
        context.close(mode: .output, promise: nil)
        context.read()
        schedule(context, in: deadlines.linger) { _, context in context.close(promise: nil) }
    }

    private func failWrites(_ error: any Error) {
        while let write = writes.popFirst() { write.promise?.fail(error) }
        pendingClose?.promise?.fail(error)
        pendingClose = nil
    }

    private func schedule(
        _ context: ChannelHandlerContext, in time: TimeAmount,
        _ body: @escaping @Sendable (TLSServerHandler, ChannelHandlerContext) -> Void
    ) {
        timer?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: time) {
            let (handler, context) = bound.value
            body(handler, context)
        }
    }
}
