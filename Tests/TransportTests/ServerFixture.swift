import Foundation
import Glibc
import Hummingbird
import Identity
import Logging
import NIOCore
import Synchronization
import Transport

/// A federation's certificates, for tests.
struct ServerFederation {
    let root: RootAuthority
    let authority: Authority

    init() throws {
        root = try Authority.makeRoot(name: "test")
        authority = try root.makeIssuing()
    }

    func site(
        _ name: String = "hospital-a", usage: Authority.Usage = .site, lifetime: Int = 3600, now: Date = Date()
    ) throws -> (chain: String, key: String) {
        let key = SigningKey()
        let chain = try authority.issue(
            CertificateRequest.make(key: key), uri: SubjectName.site(name, of: "test"), usage: usage,
            lifetime: lifetime, now: now)
        return (chain, key.pem)
    }

    func server() throws -> (chain: String, key: SigningKey) {
        let key = SigningKey()
        let chain = try authority.issue(
            CertificateRequest.make(key: key), uri: SubjectName.coordinator(of: "test"),
            usage: .server(hosts: ["localhost", "127.0.0.1"]))
        return (chain, key)
    }
}

/// What the routes of the test server saw.
final class ServerJournal: Sendable {
    private let lines = Mutex<[String]>([])
    let uploaded = Atomic<Int>(0)

    func add(_ line: String) { lines.withLock { $0.append(line) } }
    var all: [String] { lines.withLock { $0 } }
}

struct TestValue: Codable, Sendable, Equatable {
    var name: String
}

/// A listener of the product with a few routes, while `body` runs.
func withServer(
    _ federation: ServerFederation, mutual: Bool = true, limits: ServerLimits = ServerLimits(),
    registry: ConnectionRegistry = ConnectionRegistry(), identity: TLSIdentity? = nil,
    file: String = "/dev/null", allow: (@Sendable (ConnectionFacts) -> Bool)? = nil,
    _ body: (_ port: Int, _ journal: ServerJournal) async throws -> Void
) async throws {
    let journal = ServerJournal()
    let server = try federation.server()
    let identity = try identity ?? TLSIdentity(chainPEM: server.chain, key: server.key)
    let tls = ServerTLS(
        identity: identity, clients: mutual ? .certified(root: federation.root.certificate) : .anonymous)
    try await whileListening { bound in
        Listener(
            address: .tcp(port: 0), tls: tls, router: testRouter(journal, file: file, allow: allow), limits: limits,
            registry: registry, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onBound: bound)
    } body: {
        try await body($0, journal)
    }
}

/// Runs a listener while `body` runs.
func whileListening(
    _ make: (@escaping @Sendable (Int) -> Void) -> Listener, body: (_ port: Int) async throws -> Void
) async throws {
    let (ports, continuation) = AsyncStream<Int>.makeStream()
    let listener = make { continuation.yield($0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            defer { continuation.finish() }
            try await listener.run()
        }
        for await port in ports {
            try await body(port)
            group.cancelAll()
            return
        }
        // It ended before it listened: why.
        try await group.waitForAll()
    }
}

func testRouter(
    _ journal: ServerJournal, file: String, allow: (@Sendable (ConnectionFacts) -> Bool)?
) -> Router<ServiceContext> {
    let router = Router(context: ServiceContext.self)
    if let allow {
        router.add(
            middleware: Authorisation { facts, _ in
                guard allow(facts) else { throw Refusal(403, "forbidden", "this site is not active") }
            })
    }
    router.get("/whoami") { _, context in
        journal.add("whoami")
        return context.connection.peer?.uris.first ?? "nobody"
    }
    router.get("/key") { _, context in context.connection.peer?.publicKey ?? "none" }
    router.get("/exporter") { _, context in Hexadecimal.encode(context.connection.exporter) }
    router.get("/user") { _, context in context.connection.user.map { "\($0)" } ?? "none" }
    router.get("/fail") { _, _ -> String in throw CocoaError(.coderInvalidValue) }
    router.get("/conflict") { _, _ -> String in
        throw Refusal(409, "wrong-offset", "go on at byte 7", offset: 7)
    }
    router.post("/value") { request, _ in try await request.json(TestValue.self, limit: 1 << 10).name }
    router.get("/file") { _, context in
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
        return Response(status: .ok, body: pacedBody(file: file, range: 0..<size, context: context))
    }
    router.put("/upload") { request, context in
        let limit = request.headers[.userAgent].flatMap { Int($0) } ?? 8 << 30
        do {
            let count = try await request.eachChunk(limit: limit) { piece in
                journal.uploaded.add(piece.readableBytes, ordering: .relaxed)
            }
            journal.add("uploaded \(count)")
            return "\(count)"
        } catch {
            journal.add("upload failed: \(error)")
            throw error
        }
    }
    return router
}

/// Waits until a condition holds.
/// - Returns: Whether it came to hold within the bound.
func eventually(within seconds: Double = 20, _ condition: () async throws -> Bool) async rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return try await condition()
}

/// Runs blocking code of a test on a thread of its own, so that it cannot starve the server.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}
