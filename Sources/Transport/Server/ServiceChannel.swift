import Glibc
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOPosix

/// What Hummingbird does with an accepted connection: our TLS, our limits, its HTTP/1.1.
struct ServiceChannel: HTTPChannelHandler {
    struct Value: ServerChildChannelValue {
        let accepted: AcceptedChannel
        let established: EventLoopFuture<ConnectionFacts>
        let exchange: NIOLoopBound<ExchangeHandler>
        var channel: any Channel { accepted.channel }
    }

    let responder: Responder
    /// Nil on a Unix socket or on loopback.
    let tls: TLSServerContext?
    let limits: ServerLimits
    let registry: ConnectionRegistry
    /// The listener's number in the registry.
    let listener: Int
    let logger: Logger

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture { try configure(channel) }
    }

    private func configure(_ channel: any Channel) throws -> Value {
        let address = channel.remoteAddress?.ipAddress
        let established = channel.eventLoop.makePromise(of: ConnectionFacts.self)
        let exchange = ExchangeHandler(limits, logger: self.logger)
        let pipeline = channel.pipeline.syncOperations
        do {
            try admit(channel, address: address, established: established.futureResult)
            try setOptions(channel)
            if let tls {
                let deadlines = TLSServerHandler.Deadlines(
                    handshake: limits.handshake, shutdown: limits.shutdown, linger: limits.linger)
                let session = try TLSSession(tls.context())
                let buffers = tls.buffers(on: channel.eventLoop)
                try pipeline.addHandler(
                    TLSServerHandler(session, buffers: buffers, deadlines: deadlines, established: established))
            } else {
                established.succeed(ConnectionFacts(address: address))
            }
            try pipeline.addHandler(ByteMeter(exchange))
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: headLimits)
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: tls != nil))
            try pipeline.addHandler(exchange)
            let http = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
            return Value(
                accepted: AcceptedChannel(http), established: established.futureResult,
                exchange: NIOLoopBound(exchange, eventLoop: channel.eventLoop))
        } catch {
            established.fail(error)
            // NIO leaves a connection that could not be set up open.
            channel.close(promise: nil)
            throw error
        }
    }

    private var headLimits: NIOHTTPDecoderLimitConfiguration {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = limits.headBytes
        configuration.maxHeaderListSize = limits.headBytes
        configuration.maxHeaderFieldCount = limits.headFields
        return configuration
    }

    /// Counts the connection, and gives the registry the means to end it.
    private func admit(
        _ channel: any Channel, address: String?, established: EventLoopFuture<ConnectionFacts>
    ) throws {
        let number = registry.admit(listener: listener, address: address, limits: limits) {
            channel.eventLoop.execute {
                let pipeline = channel.pipeline.syncOperations
                if let context = try? pipeline.context(handlerType: TLSServerHandler.self),
                    let handler = context.handler as? TLSServerHandler
                {
                    handler.cut(context)
                } else {
                    channel.close(promise: nil)
                }
            }
        }
        guard let number else {
            logger.notice("refused a connection from \(address ?? "a local program"): too many are open")
            throw ServiceChannelError.tooManyConnections
        }
        channel.closeFuture.whenComplete { _ in registry.remove(number) }
        established.whenSuccess { facts in
            guard let key = facts.peer?.publicKey else { return }
            guard !registry.identify(number, publicKey: key, limits: limits) else { return }
            logger.notice("refused a connection of the key \(key.prefix(16))…: it has too many open")
            channel.close(promise: nil)
        }
        established.whenFailure { error in
            guard let error = error as? TLSError else { return }
            logger.info("refused a connection from \(address ?? "a local program"): \(error)")
        }
    }

    private func setOptions(_ channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.writeBufferWaterMark, value: .init(low: 128 << 10, high: 256 << 10))
        guard channel.remoteAddress?.ipAddress != nil else { return }
        func set(_ option: Int32, _ value: Int64) throws {
            try options.setOption(.tcpOption(.init(rawValue: CInt(option))), value: Int(value))
        }
        try options.setOption(.tcpOption(.tcp_nodelay), value: 1)
        try options.setOption(.socketOption(.so_keepalive), value: 1)
        try set(TCP_KEEPIDLE, limits.keepAliveIdle.nanoseconds / 1_000_000_000)
        try set(TCP_KEEPINTVL, limits.keepAliveInterval.nanoseconds / 1_000_000_000)
        try set(TCP_KEEPCNT, Int64(limits.keepAliveCount))
        // What waits in the kernel when a line is cut is lost and sent again: three mebibytes are enough for 600 Mbit/s at
        // 40 ms.
        try set(TCP_WINDOW_CLAMP, 3 << 20)
        try set(TCP_USER_TIMEOUT, limits.unacknowledged.nanoseconds / 1_000_000)
    }

    func handle(value: Value, logger: Logger) async {
        guard let http = value.accepted.take() else { return }
        guard var facts = try? await value.established.get() else {
            // The handshake failed; the wrapped channel must be ended all the same.
            try? await http.executeThenClose { _, _ in }
            return
        }
        if facts.address == nil { facts.user = await UnixPeer.user(of: value.channel) }
        let live = LiveConnection(facts: facts, channel: value.channel, exchange: value.exchange)
        await LiveConnection.$current.withValue(live) {
            await handleHTTP(asyncChannel: http, logger: logger)
        }
    }
}

enum ServiceChannelError: Error { case tooManyConnections }

/// Who is at the other end of a Unix socket, as the kernel tells (`struct ucred`, which Glibc hides from Swift).
private struct UnixPeer: Sendable {
    var process: Int32
    var user: UInt32
    var group: UInt32

    /// - Returns: The user's number; nil when the channel is no Unix socket.
    static func user(of channel: any Channel) async -> UInt32? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        let credentials: EventLoopFuture<UnixPeer> = provider.unsafeGetSocketOption(
            level: .socket, name: .init(rawValue: SO_PEERCRED))
        return try? await credentials.map { $0.user }.get()
    }
}
