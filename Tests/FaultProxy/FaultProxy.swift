import Foundation
import Synchronization

/// A TCP proxy in this process, on loopback and a port of its own, that spoils the line as ``Faults`` say.
///
/// ```swift
/// let line = try FaultProxy(port: server.port, faults: Faults(cut: .init(after: 1 << 20)))
/// defer { line.stop() }
/// // connect to 127.0.0.1:\(line.port)
/// ```
///
/// Or a proxy as hospitals have them, for `CONNECT`, wherever the client wants to go.
package final class FaultProxy: Sendable {
    /// Where connections are led.
    package enum Way: Sendable {
        case to(host: String, port: Int)
        /// An HTTP proxy that knows `CONNECT` only; with `user:password` it answers 407 to everybody else (Basic);
        /// with `answer` it gives that status to everybody.
        case connect(credentials: String? = nil, answer: Int? = nil)
    }

    /// What has happened so far.
    package struct Counts: Sendable {
        /// Connections taken.
        package var connections = 0
        /// Tunnels opened by `CONNECT`.
        package var tunnels = 0
        package var cuts = 0
        /// Bytes passed on to the server.
        package var up = 0
        /// Bytes passed on to the client.
        package var down = 0
    }

    package let port: Int
    private let listener: Int32
    private let way: Way
    let line: Line

    /// - Parameter port: of a server on this machine.
    package convenience init(port: Int, faults: Faults = Faults()) throws {
        try self.init(.to(host: "127.0.0.1", port: port), faults: faults)
    }

    package init(_ way: Way, faults: Faults = Faults()) throws {
        self.way = way
        line = Line(faults)
        (listener, port) = try Socket.listen()
        let (listener, line) = (listener, line)
        Thread.detachNewThread {
            while let client = Socket.accept(listener) {
                if line.isStopped { close(client) } else { Self.take(client, way, line) }
            }
        }
    }

    deinit { stop() }

    /// What the line does from now on.
    package var faults: Faults {
        get { line.faults }
        set { line.change(newValue) }
    }

    package var counts: Counts { line.counts }

    /// Swallows everything for a while, then lets it pass.
    package func blackHole(for duration: Duration) {
        line.hole(for: duration)
    }

    /// Breaks every open connection now.
    package func cut() { line.cutAll() }

    /// Ends the proxy and all its connections.
    package func stop() {
        if line.stop() {
            shutdown(listener, Int32(SHUT_RDWR))
            close(listener)
        }
    }

    private static func take(_ client: Int32, _ way: Way, _ line: Line) {
        guard line.takes() else {
            Socket.reset(client)
            return
        }
        Thread.detachNewThread {
            let server: Int32?
            switch way {
            case .to(let host, let port): server = Socket.connect(host: host, port: port)
            case .connect(let credentials, let answer):
                server = Tunnel.open(client, credentials: credentials, answer: answer, line)
            }
            guard let server else {
                close(client)
                return
            }
            Connection(client: client, server: server, line).start()
        }
    }
}
