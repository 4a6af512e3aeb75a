import Hummingbird
import Identity
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Testing
import TLSClient
import Transport

@Suite("How a listener stops", .serialized)
struct ServerStopTests {
    @Test("an order to stop lets open requests end, cuts the rest, and leaves other listeners alone")
    func stop() async throws {
        let federation = try ServerFederation()
        let site = try federation.site()
        let registry = ConnectionRegistry()
        var limits = ServerLimits()
        limits.drain = .milliseconds(500)
        let server = try federation.server()
        let tls = ServerTLS(
            identity: try TLSIdentity(chainPEM: server.chain, key: server.key),
            clients: .certified(root: federation.root.certificate))
        let (bound, continuation) = AsyncStream<Int>.makeStream()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let router = testRouter(ServerJournal(), file: "", allow: nil)
        let begun = Mutex(0)
        router.get("/slow") { _, _ in
            begun.withLock { $0 += 1 }
            try await Task.sleep(for: .milliseconds(200))
            return "done"
        }
        router.get("/stuck") { _, _ in
            begun.withLock { $0 += 1 }
            try await Task.sleep(for: .seconds(3))
            return "never"
        }
        let listener = Listener(
            address: .tcp(port: 0), tls: tls, router: router, limits: limits, registry: registry, logger: logger
        ) { continuation.yield($0) }
        let group = ServiceGroup(services: [listener], logger: logger)
        try await withServer(federation, registry: registry) { otherPort, _ in
            async let running: Void = {
                defer { continuation.finish() }
                try await group.run()
            }()
            var port = 0
            for await number in bound {
                port = number
                break
            }
            let first = port
            let (other, slow, stuck) = try await blocking {
                let clients = try [otherPort, first, first].map {
                    try TLSClient(port: $0, .init(identity: site))
                }
                try clients[1].write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
                try clients[2].write("GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
                return (clients[0], clients[1], clients[2])
            }
            #expect(await eventually { registry.count == 3 && begun.withLock { $0 } == 2 })
            await group.triggerGracefulShutdown()
            #expect(try await blocking { try slow.readAnswer().body } == "done")
            #expect(try await blocking { (try? stuck.readAnswer()) == nil })
            try await running
            #expect(try await blocking { try other.get("/whoami").status } == 200)
            #expect(registry.count == 1)
        }
    }
}
