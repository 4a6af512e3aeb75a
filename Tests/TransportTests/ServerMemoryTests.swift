import Foundation
import Glibc
import Identity
import Synchronization
import Testing
import TLSClient
import Transport

@Suite("Memory and bodies", .serialized)
struct ServerMemoryTests {
    static func makeSparse(_ path: String, _ bytes: Int) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        try #require(ftruncate(descriptor, off_t(bytes)) == 0)
    }

    /// The growth of this process's resident set's peak (VmHWM), in bytes, over what it is now.
    static func peakGrowth(_ body: () async throws -> Void) async throws -> Int {
        func status(_ name: String) throws -> Int {
            let text = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let line = text.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
            return (Int(line.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0) << 10
        }
        try "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        let before = try status("VmRSS:")
        try await body()
        return try status("VmHWM:") - before
    }

    /// Far more than what is in flight, far less than a gigabyte.
    static let bound = 96 << 20
    static let gigabyte = 1 << 30

    @Test("a gigabyte goes down over TLS in flat memory, to a peer that reads slowly at first")
    func download() async throws {
        let federation = try ServerFederation()
        let (site, folder) = (try federation.site(), try ServerFolder())
        try Self.makeSparse(folder.path("large"), Self.gigabyte)
        try await withServer(federation, file: folder.path("large")) { port, _ in
            let growth = try await Self.peakGrowth {
                let count = try await blocking {
                    let client = try TLSClient(port: port, .init(identity: site))
                    try client.write("GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
                    #expect(try client.readHead().status == 200)
                    // Time for a server without back-pressure to read the whole file.
                    usleep(500_000)
                    return try client.drain(Self.gigabyte)
                }
                #expect(count == Self.gigabyte)
            }
            #expect(growth < Self.bound, "grew by \(growth >> 20) MiB")
        }
    }

    @Test("a gigabyte goes up over TLS in flat memory, to a reader that is slower than the line")
    func upload() async throws {
        let federation = try ServerFederation()
        let site = try federation.site()
        try await withServer(federation) { port, journal in
            let growth = try await Self.peakGrowth {
                let answer = try await blocking {
                    let client = try TLSClient(port: port, .init(identity: site))
                    try client.write("PUT /upload HTTP/1.1\r\nHost: x\r\nContent-Length: \(Self.gigabyte)\r\n\r\n")
                    let piece = [UInt8](repeating: 7, count: 1 << 20)
                    for _ in 0..<1024 { try client.write(piece) }
                    return try client.readAnswer()
                }
                #expect(answer.body == "\(Self.gigabyte)")
            }
            #expect(growth < Self.bound, "grew by \(growth >> 20) MiB")
            #expect(journal.uploaded.load(ordering: .relaxed) == Self.gigabyte)
        }
    }

    @Test("the part of a file that is asked for is what comes, byte for byte")
    func bytes() async throws {
        let federation = try ServerFederation()
        let (site, folder) = (try federation.site(), try ServerFolder())
        let bytes = Random.bytes(3 << 20 | 1)
        try Data(bytes).write(to: URL(filePath: folder.path("part")))
        try await withServer(federation, file: folder.path("part")) { port, _ in
            let body = try await blocking {
                let client = try TLSClient(port: port, .init(identity: site))
                try client.write("GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                _ = try client.readHead()
                var body = client.pending
                while let piece = try client.read() { body += piece }
                return body
            }
            #expect(body == bytes)
        }
    }

    @Test("a thousand idle connections take little memory, and a request among them is answered")
    func idle() async throws {
        TLSClient.raiseFileLimit()
        var limits = ServerLimits()
        (limits.connectionsPerAddress, limits.connectionsPerPeer) = (2000, 2000)
        let federation = try ServerFederation()
        let site = try federation.site()
        let registry = ConnectionRegistry()
        try await withServer(federation, limits: limits, registry: registry) { port, _ in
            let growth = try await Self.peakGrowth {
                let clients = try await blocking {
                    try (0..<1000).map { _ in try TLSClient(port: port, .init(identity: site)) }
                }
                #expect(await eventually { registry.count == 1000 })
                #expect(try await blocking { try clients[500].get("/whoami").status } == 200)
            }
            // Both ends of every connection are in this process.
            #expect(growth < 160 << 20, "grew by \(growth >> 10) KiB")
        }
    }
}
