import Cryptography
import FaultProxy
import Foundation
import Hummingbird
import Identity
import Logging
import NIOCore
import NIOHTTPTypes
import Synchronization
import Transport

/// What the client's test server keeps: one file it gives, one upload it takes.
final class ClientDesk: Sendable {
    struct Upload: Sendable {
        var file: String
        var bytes: Int
        var durable = 0
        /// All bytes that came, those sent again too.
        var received = 0
        var digest: String
        var patches = 0
    }

    let file: String
    let digest: String
    let upload: Mutex<Upload>
    /// The ETag it claims, when not the file's digest.
    let tag = Mutex<String?>(nil)
    /// Not 0: uploads are refused.
    let refuses = Atomic(0)

    init(file: String, digest: String, upload: Upload) {
        self.file = file
        self.digest = digest
        self.upload = Mutex(upload)
    }
}

/// A folder for one test.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "client-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A file of pseudo-random bytes.
    func file(_ name: String, bytes: Int) throws -> (path: String, digest: String) {
        var state = UInt64(bytes) | 1
        var content = [UInt8](repeating: 0, count: bytes)
        content.withUnsafeMutableBytes { raw in
            for index in raw.indices {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                raw[index] = UInt8(truncatingIfNeeded: state >> 56)
            }
        }
        let file = path + "/" + name
        try Data(content).write(to: URL(fileURLWithPath: file))
        return (file, content.withUnsafeBytes { SHA256.hex(of: $0) })
    }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
        return path + "/" + name
    }
}

/// A federation with one enrolled site, whose files lie in a folder.
struct ClientSite {
    let federation: ServerFederation
    let folder: TestFolder
    let identity: ClientSettings.Identity

    init(lifetime: Int = 3600, now: Date = Date(), by other: ServerFederation? = nil) throws {
        federation = try ServerFederation()
        folder = try TestFolder()
        let site = try (other ?? federation).site(lifetime: lifetime, now: now)
        identity = ClientSettings.Identity(
            certificate: try folder.write(site.chain, to: "tls.pem"), key: try folder.write(site.key, to: "tls.key"))
    }

    func settings(port: Int, proxy: ProxyChoice = .none) -> ClientSettings {
        ClientSettings(
            address: "127.0.0.1:\(port)", trust: .root(pem: federation.root.certificate.pem), identity: identity,
            proxy: proxy)
    }
}

/// A listener of the product with the routes of an agents' listener, while `body` runs.
func withClientServer(
    _ federation: ServerFederation, mutual: Bool = true, desk: ClientDesk? = nil,
    hosts: [String] = ["127.0.0.1", "localhost"], issued: Date = Date(), lifetime: Int = 3600, socket: String? = nil,
    _ body: (_ port: Int) async throws -> Void
) async throws {
    let key = SigningKey()
    let chain = try federation.authority.issue(
        CertificateRequest.make(key: key), uri: SubjectName.coordinator(of: "test"), usage: .server(hosts: hosts),
        lifetime: lifetime, now: issued)
    let tls = ServerTLS(
        identity: try TLSIdentity(chainPEM: chain, key: key),
        clients: mutual ? .certified(root: federation.root.certificate) : .anonymous)
    // A test that has ended waits for nobody.
    var limits = ServerLimits()
    limits.drain = .zero
    try await whileListening(
        { bound in
            Listener(
                address: socket.map { .unix(path: $0) } ?? .tcp(port: 0), tls: socket == nil ? tls : nil,
                router: clientRouter(desk), limits: limits,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onBound: bound)
        }, body: body)
}

private func clientRouter(_ desk: ClientDesk?) -> Router<ServiceContext> {
    let router = Router(context: ServiceContext.self)
    router.get("/key") { _, context in context.connection.peer?.publicKey ?? "none" }
    router.post("/echo") { request, _ in
        let body = try await request.body.collect(upTo: 1 << 20)
        return Response(status: .ok, body: ResponseBody(byteBuffer: body))
    }
    router.post("/bound") { request, context in
        let body = try await request.body.collect(upTo: 1 << 10)
        return body == ByteBuffer(bytes: context.connection.exporter) ? "same" : "other"
    }
    router.get("/wait") { _, _ in
        try await Task.sleep(for: .seconds(60))
        return "late"
    }
    router.get("/long") { _, _ in String(repeating: "x", count: 100_000) }
    router.get("/conflict") { _, _ -> String in throw Refusal(409, "wrong-offset", "go on at byte 7", offset: 7) }
    router.get("/forbidden") { _, _ -> String in throw Refusal(403, "forbidden", "this site is revoked") }
    router.get("/full") { _, _ -> String in throw Refusal(507, "disk-full", "12 GB are missing") }
    router.get("/busy") { _, _ in
        Response(
            status: .serviceUnavailable, headers: [.retryAfter: "7"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: "no room")))
    }
    if let desk { addTransfers(to: router, desk) }
    return router
}

private func addTransfers(to router: Router<ServiceContext>, _ desk: ClientDesk) {
    router.get("/v1/objects/:digest") { request, context in
        let size = try FileManager.default.attributesOfItem(atPath: desk.file)[.size] as? Int ?? 0
        let range = request.headers[.range].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) }
        let start = range ?? 0
        guard start < size else { throw Refusal(416, "malformed", "there is no byte \(start)") }
        var response = Response(
            status: range == nil ? .ok : .partialContent,
            body: pacedBody(file: desk.file, range: start..<size, context: context))
        response.headers[.eTag] = "\"\(desk.tag.withLock { $0 } ?? desk.digest)\""
        if range != nil { response.headers[.contentRange] = "bytes \(start)-\(size - 1)/\(size)" }
        return response
    }
    router.post("/v1/uploads") { _, _ in
        if desk.refuses.load(ordering: .relaxed) > 0 {
            throw Refusal(409, "conflict", "this round has another update of this site")
        }
        return desk.status
    }
    router.get("/v1/uploads/:id") { _, _ in desk.status }
    router.patch("/v1/uploads/:id") { request, _ in
        let offset = request.uri.queryParameters["offset"].flatMap { Int($0) } ?? -1
        let upload = desk.upload.withLock {
            $0.patches += 1
            return $0
        }
        guard offset == upload.durable else {
            throw Refusal(409, "wrong-offset", "go on at byte \(upload.durable)", offset: upload.durable)
        }
        guard let file = FileHandle(forUpdatingAtPath: upload.file) else { throw Refusal(500, "internal", "no file") }
        try file.seek(toOffset: UInt64(offset))
        try await request.eachChunk(limit: upload.bytes - offset) { piece in
            // A connection that comes back to life after a newer one may write no more.
            guard desk.upload.withLock({ $0.patches }) == upload.patches else {
                throw Refusal(409, "conflict", "a newer connection sends this upload")
            }
            try file.write(contentsOf: Data(piece.readableBytesView))
            desk.upload.withLock {
                $0.durable += piece.readableBytes
                $0.received += piece.readableBytes
            }
        }
        return desk.status
    }
}

extension ClientDesk {
    /// As the agents' API tells it; complete when the digest is right.
    var status: Response {
        let upload = upload.withLock { $0 }
        let isWhole = upload.durable == upload.bytes && SHA256.hex(ofFile: upload.file) == upload.digest
        let receipt = isWhole ? ",\"receipt\":{\"text\":\"\",\"signature\":\"\",\"signer\":\"\"}" : ""
        let text = "{\"id\":\"0a1b\",\"offset\":\(upload.durable),\"bytes\":\(upload.bytes)\(receipt)}"
        return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// The error an attempt ends with.
func failure<Value>(of attempt: () async throws(TransportError) -> Value) async -> TransportError? {
    do {
        _ = try await attempt()
        return nil
    } catch {
        return error
    }
}
