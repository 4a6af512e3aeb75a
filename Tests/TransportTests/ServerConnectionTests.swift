import Foundation
import Glibc
import Hummingbird
import Identity
import Logging
import NIOCore
import Synchronization
import Testing
import TLSClient
import Transport

/// The keys that may, for tests.
final class ActiveKeys: Sendable {
    private let keys: Mutex<Set<String>>
    init(_ keys: Set<String>) { self.keys = Mutex(keys) }
    func contains(_ key: String) -> Bool { keys.withLock { $0.contains(key) } }
    func remove(_ key: String) { _ = keys.withLock { $0.remove(key) } }
}

@Suite("How connections end", .serialized)
struct ServerConnectionTests {
    @Test("a revoked site is cut within a second in the middle of an upload, and others are not")
    func cut() async throws {
        let federation = try ServerFederation()
        let (a, b) = (try federation.site("hospital-a"), try federation.site("hospital-b"))
        let registry = ConnectionRegistry()
        try await withServer(federation, registry: registry) { port, journal in
            let other = try await blocking { try TLSClient(port: port, .init(identity: b)) }
            let upload = Task {
                try await blocking {
                    let client = try TLSClient(port: port, .init(identity: a))
                    try client.write("PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: \(2 << 30)\r\n\r\n")
                    let piece = [UInt8](repeating: 7, count: 64 << 10)
                    while (try? client.write(piece)) != nil {}
                    return ContinuousClock.now
                }
            }
            #expect(await eventually { journal.uploaded.load(ordering: .relaxed) > 8 << 20 })
            let key = try SigningKey(pem: a.key).spki
            #expect(registry.count(publicKey: key) == 1)
            let start = ContinuousClock.now
            registry.cut(publicKey: key)
            let end = try await upload.value
            #expect(end - start < .seconds(1))
            #expect(await eventually { journal.all.contains { $0.hasPrefix("upload failed") } })
            #expect(journal.all.allSatisfy { !$0.hasPrefix("uploaded") })
            #expect(await eventually { registry.count(publicKey: key) == 0 })
            #expect(try await blocking { try other.get("/whoami").status } == 200)
        }
    }

    @Test("a line that ends without a close_notify is an error to the reader, even where the length is not declared")
    func truncation() async throws {
        let federation = try ServerFederation()
        let site = try federation.site()
        for head in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
            try await withServer(federation) { port, journal in
                try await blocking {
                    let client = try TLSClient(port: port, .init(identity: site))
                    try client.write("PUT /upload HTTP/1.1\r\nHost: x\r\n\(head)\r\n\r\n5\r\nhello\r\n")
                    while journal.uploaded.load(ordering: .relaxed) == 0 { usleep(1000) }
                    client.cutLine()
                }
                #expect(await eventually { !journal.all.isEmpty })
                #expect(journal.all.allSatisfy { $0.hasPrefix("upload failed") }, "\(journal.all)")
            }
        }
    }

    @Test("a refusal in the middle of an upload reaches the peer that is still sending")
    func refusalWhileSending() async throws {
        let federation = try ServerFederation()
        let site = try federation.site()
        let registry = ConnectionRegistry()
        try await withServer(federation, registry: registry) { port, journal in
            let answer = try await blocking {
                let client = try TLSClient(port: port, .init(identity: site))
                try client.write(
                    "PUT /upload HTTP/1.1\r\nHost: x\r\nUser-Agent: 1000000\r\nContent-Length: 4000000\r\n\r\n")
                let piece = [UInt8](repeating: 7, count: 1 << 20)
                for _ in 0..<3 { try client.write(piece) }
                return try client.readAnswer()
            }
            #expect(answer.status == 413)
            #expect(answer.head.lowercased().contains("connection: close"))
            #expect(journal.uploaded.load(ordering: .relaxed) == 0)
            #expect(await eventually { registry.count == 0 })
        }
    }

    @Test("slow heads, slow bodies, idle lines and unread answers are closed, and quick ones meanwhile are not")
    func slow() async throws {
        var limits = ServerLimits()
        limits.headTime = .milliseconds(300)
        limits.bodyWindow = .seconds(1)
        limits.idle = .milliseconds(600)
        limits.writeStall = .milliseconds(600)
        limits.shutdown = .milliseconds(300)
        let federation = try ServerFederation()
        let (site, folder) = (try federation.site(), try ServerFolder())
        try ServerMemoryTests.makeSparse(folder.path("large"), 64 << 20)
        let registry = ConnectionRegistry()
        let slow = [
            "GET /whoami HTTP/1.1\r\nHost: x\r\nX-A: ",
            "PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
            "", "GET /file HTTP/1.1\r\nHost: x\r\n\r\n",
        ]
        try await withServer(federation, limits: limits, registry: registry, file: folder.path("large")) { port, _ in
            let clients = try await blocking {
                try slow.map { text in
                    let client = try TLSClient(port: port, .init(identity: site))
                    if !text.isEmpty { try client.write(text) }
                    return client
                }
            }
            #expect(await eventually { registry.count == 0 })
            #expect(clients.count == slow.count)
            let status = try await blocking {
                let client = try TLSClient(port: port, .init(identity: site))
                return try client.get("/whoami").status
            }
            #expect(status == 200)
        }
    }

    @Test("connections are limited in all, for each address and for each key")
    func counts() async throws {
        let federation = try ServerFederation()
        let sites = try (0..<4).map { try federation.site("hospital-\($0)") }
        func accepted(_ limits: ServerLimits, keys: Int) async throws -> Int {
            let registry = ConnectionRegistry()
            var count = 0
            try await withServer(federation, limits: limits, registry: registry) { port, _ in
                count = try await blocking {
                    var open: [TLSClient] = []
                    for index in 0..<8 {
                        let settings = TLSClient.Settings(identity: sites[index % keys])
                        guard let client = try? TLSClient(port: port, settings),
                            (try? client.get("/whoami"))?.status == 200
                        else { continue }
                        open.append(client)
                    }
                    return open.count
                }
            }
            return count
        }
        var limits = ServerLimits()
        limits.connections = 5
        #expect(try await accepted(limits, keys: 4) == 5)
        limits = ServerLimits()
        limits.connectionsPerAddress = 3
        #expect(try await accepted(limits, keys: 4) == 3)
        limits = ServerLimits()
        limits.connectionsPerPeer = 1
        #expect(try await accepted(limits, keys: 4) == 4)
    }

    @Test("a Unix socket is its owner's only, tells who connects, and goes with the listener")
    func unixSocket() async throws {
        let folder = try ServerFolder()
        let path = folder.path("control.sock")
        let journal = ServerJournal()
        try await whileListening { bound in
            Listener(
                address: .unix(path: path), tls: nil, router: testRouter(journal, file: "", allow: nil),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onBound: bound)
        } body: { _ in
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")) == ["control.sock"])
            let user = try await blocking { try Self.curl(path, "http://x/user") }
            #expect(user == "\(getuid())")
        }
        #expect(access(path, F_OK) != 0)
    }

    static func curl(_ socket: String, _ url: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["curl", "-s", "-m", "20", "--unix-socket", socket, url]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return text
    }

    @Test(
        "without TLS only loopback and Unix sockets are served", .timeLimit(.minutes(1)),
        arguments: ["0.0.0.0", "192.0.2.1", "::", "example.org"])
    func plaintext(_ host: String) async {
        let listener = Listener(
            address: .tcp(host: host, port: 0), tls: nil, router: Router(context: ServiceContext.self),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let error = await #expect(throws: ListenerError.self) { try await listener.run() }
        #expect(error?.description.contains("without TLS") == true)
    }
}
