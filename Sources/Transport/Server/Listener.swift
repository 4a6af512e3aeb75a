import Foundation
package import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
package import NIOPosix
import ServiceLifecycle

/// A listening socket and everything behind it. It runs as a service until its group stops it: then it accepts no more,
/// lets open requests end for `limits.drain`, and cuts the rest.
package struct Listener: Service {
    package enum Address: Sendable, Equatable {
        /// A host name or address, and a port; 0 takes any free one.
        case tcp(host: String = "127.0.0.1", port: Int)
        /// A socket file of mode 0600.
        case unix(path: String)
    }

    private let address: Address
    private let tls: ServerTLS?
    private let respond: @Sendable (Request, ServiceContext) async throws -> Response
    private let limits: ServerLimits
    private let registry: ConnectionRegistry
    private let logger: Logger
    private let eventLoops: MultiThreadedEventLoopGroup
    private let onBound: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - tls: Nil for a Unix socket, or in the clear on a loopback address.
    ///   - onBound: Given the port once connections are accepted; 0 for a Unix socket.
    package init(
        address: Address, tls: ServerTLS?, responder: some HTTPResponder<ServiceContext>,
        limits: ServerLimits = ServerLimits(), registry: ConnectionRegistry = ConnectionRegistry(), logger: Logger,
        eventLoops: MultiThreadedEventLoopGroup = .singleton,
        onBound: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.address = address
        self.tls = tls
        self.limits = limits
        self.registry = registry
        self.logger = logger
        self.eventLoops = eventLoops
        self.onBound = onBound
        let responder = RefusingResponder(responder, logger: logger)
        respond = { request, context in await responder.respond(to: request, context: context) }
    }

    /// As with a responder, for a router.
    package init(
        address: Address, tls: ServerTLS?, router: Router<ServiceContext>,
        limits: ServerLimits = ServerLimits(), registry: ConnectionRegistry = ConnectionRegistry(), logger: Logger,
        eventLoops: MultiThreadedEventLoopGroup = .singleton,
        onBound: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.init(
            address: address, tls: tls, responder: router.buildResponder(), limits: limits, registry: registry,
            logger: logger, eventLoops: eventLoops, onBound: onBound)
    }

    /// Serves until the service group stops it or the task is cancelled.
    /// - Throws: `ListenerError` when it cannot be bound; `TLSError` when the certificates cannot be used.
    package func run() async throws {
        if case .tcp(let host, _) = address, tls == nil, !Self.isLoopback(host) {
            throw ListenerError("refusing to listen on \(host) without TLS; bind 127.0.0.1 or configure certificates")
        }
        let context = try tls.map { try TLSServerContext($0) }
        switch address {
        case .tcp(let host, let port): try await serve(context, .hostname(host, port: port))
        case .unix(let path):
            let socket = try SocketFile(path)
            defer { socket.remove() }
            try await serve(context, .unixDomainSocket(path: socket.temporary)) { try socket.publish() }
        }
    }

    private func serve(
        _ tls: TLSServerContext?, _ bind: BindAddress, _ publish: @escaping @Sendable () throws -> Void = {}
    ) async throws {
        let (limits, registry, logger, onBound) = (limits, registry, logger, onBound)
        let listener = registry.addListener()
        let server = HTTPServerBuilder { responder in
            ServiceChannel(
                responder: responder, tls: tls, limits: limits, registry: registry, listener: listener, logger: logger)
        }
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let application = Application(
            responder: CallbackResponder(callback: respond), server: server,
            configuration: .init(address: bind, backlog: 1024),
            onServerRunning: { channel in
                do {
                    try publish()
                    await onBound(channel.localAddress?.port ?? 0)
                } catch {
                    logger.error("\(error)")
                    channel.close(promise: nil)
                }
            },
            eventLoopGroupProvider: .shared(eventLoops), logger: quiet)
        do {
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: {
                eventLoops.next().scheduleTask(in: limits.drain) { registry.cutAll(of: listener) }
            }
        } catch let error as IOError {
            throw ListenerError("cannot listen on \(Self.name(address)): \(error)")
        }
    }

    private static func name(_ address: Address) -> String {
        switch address {
        case .tcp(let host, let port): "\(host):\(port)"
        case .unix(let path): path
        }
    }

    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || (host.hasPrefix("127.") && host.split(separator: ".").count == 4)
    }
}

/// Why a listener cannot listen.
package struct ListenerError: Error, CustomStringConvertible, Sendable {
    package let description: String
    init(_ description: String) { self.description = description }
}
