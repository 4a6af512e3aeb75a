import COpenSSL
import Foundation
import Identity
import NIOCore
import Synchronization
import Testing
import TLSClient
import Transport

/// Every case is judged after a read: in TLS 1.3 the client's handshake is over before the server has seen its
/// certificate.
@Suite("Who may connect", .serialized)
struct ServerHandshakeTests {
    typealias Settings = TLSClient.Settings

    /// Whether a client with these settings ever gets a byte of an answer.
    static func isServed(_ port: Int, _ settings: @escaping @Sendable () throws -> Settings) async -> Bool {
        let answer = try? await blocking { try TLSClient(port: port, settings()).get("/whoami") }
        return answer?.status == 200
    }

    @Test("a site with a certificate of the federation is served and known by its key")
    func served() async throws {
        let federation = try ServerFederation()
        let site = try federation.site()
        try await withServer(federation) { port, _ in
            let (name, key, exporters) = try await blocking {
                let client = try TLSClient(port: port, Settings(identity: site))
                let exporter = Hexadecimal.encode(client.exporter)
                return (
                    try client.get("/whoami"), try client.get("/key"), [exporter, try client.get("/exporter").body]
                )
            }
            #expect(name.body == "urn:consilium:test:site:hospital-a")
            #expect(key.body == (try SigningKey(pem: site.key)).spki)
            #expect(exporters[0] == exporters[1] && exporters[0].count == 64)
        }
    }

    @Test("the enrolment listener asks for no certificate and knows nobody")
    func anonymous() async throws {
        try await withServer(ServerFederation(), mutual: false) { port, _ in
            let answer = try await blocking { try TLSClient(port: port).get("/whoami") }
            #expect(answer.body == "nobody")
        }
    }

    @Test("no certificate, one of another federation, expired, early, for servers, self-signed: all refused")
    func certificates() async throws {
        let (federation, other) = (try ServerFederation(), try ServerFederation())
        let cases: [(name: String, identity: (chain: String, key: String)?)] = [
            ("none", nil), ("another federation's", try other.site()),
            ("expired", try federation.site(lifetime: 60, now: Date(timeIntervalSinceNow: -3600))),
            ("not yet valid", try federation.site(now: Date(timeIntervalSinceNow: 3600))),
            ("a server's", try federation.site(usage: .server(hosts: ["localhost"]))),
            ("the issuer's", (federation.authority.certificate.pem, federation.authority.key.pem)),
            ("the root's own", (federation.root.certificate.pem, federation.root.key.pem)),
        ]
        try await withServer(federation) { port, journal in
            for (name, identity) in cases {
                #expect(await !Self.isServed(port) { Settings(identity: identity) }, "\(name)")
            }
            #expect(journal.all.isEmpty, "a request was routed")
            let good = try federation.site()
            #expect(await Self.isServed(port) { Settings(identity: good) })
        }
    }

    @Test("TLS 1.2, another application protocol and none are refused")
    func protocols() async throws {
        let federation = try ServerFederation()
        let site = try federation.site()
        try await withServer(federation) { port, _ in
            #expect(await !Self.isServed(port) { Settings(identity: site, version: TLS1_2_VERSION) })
            #expect(await !Self.isServed(port) { Settings(identity: site, alpn: ["h2"]) })
            #expect(await !Self.isServed(port) { Settings(identity: site, alpn: nil) })
            #expect(await Self.isServed(port) { Settings(identity: site, alpn: ["h2", "http/1.1"]) })
        }
    }

    @Test("no session ticket is ever sent, and a session carried over does not stand in for a certificate")
    func resumption() async throws {
        let federation = try ServerFederation()
        let site = try federation.site()
        try await withServer(federation) { port, journal in
            let served = try await blocking {
                let first = try TLSClient(port: port, Settings(identity: site))
                // Two answers: a ticket would have come with the first.
                _ = try first.get("/whoami")
                _ = try first.get("/whoami")
                let session = SSL_get1_session(first.ssl)
                defer { SSL_SESSION_free(session) }
                #expect(SSL_SESSION_has_ticket(session) == 0)
                #expect(SSL_SESSION_is_resumable(session) == 0)
                return (try? TLSClient(port: port, Settings(session: session)).get("/whoami"))?.status == 200
            }
            #expect(!served)
            #expect(journal.all.count == 2)
        }
    }

    @Test("the openssl command sees one TLS 1.3 session with the chain to the root and no ticket")
    func command() async throws {
        let federation = try ServerFederation()
        let (site, folder) = (try federation.site(), try ServerFolder())
        try folder.write("root.pem", federation.root.certificate.pem)
        try folder.write("site.pem", site.chain)
        try folder.write("site.key", site.key)
        try await withServer(federation) { port, _ in
            let output = try await blocking {
                try folder.openssl(
                    [
                        "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", folder.path("root.pem"), "-no-CApath",
                        "-x509_strict", "-verify_return_error", "-verify_ip", "127.0.0.1", "-alpn", "http/1.1", "-cert",
                        folder.path("site.pem"), "-cert_chain", folder.path("site.pem"), "-key",
                        folder.path("site.key"), "-msg", "-ign_eof",
                    ], input: "GET /whoami HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            }
            #expect(output.contains("Verify return code: 0 (ok)"))
            #expect(output.contains("urn:consilium:test:site:hospital-a"))
            #expect(output.contains("TLSv1.3"))
            #expect(!output.contains("NewSessionTicket"))
            #expect(output.contains("CloseNotify") || output.contains("close_notify"))
        }
    }

    @Test("a renewed server certificate is served without a restart, and open connections go on")
    func renewal() async throws {
        let federation = try ServerFederation()
        let (site, first, second) = (try federation.site(), try federation.server(), try federation.server())
        let identity = try TLSIdentity(chainPEM: first.chain, key: first.key)
        #expect(throws: IdentityError.self) { try identity.replace(chainPEM: first.chain, key: second.key) }
        try await withServer(federation, identity: identity) { port, _ in
            let keys = try await blocking {
                func key(_ client: TLSClient) throws -> String {
                    guard let raw = SSL_get0_peer_certificate(client.ssl) else { return "" }
                    return try Certificate(sharing: raw).spki
                }
                let open = try TLSClient(port: port, Settings(identity: site))
                let before = try key(open)
                try identity.replace(chainPEM: second.chain, key: second.key)
                let next = try TLSClient(port: port, Settings(identity: site))
                #expect(try open.get("/whoami").status == 200)
                #expect(try next.get("/whoami").status == 200)
                return [before, try key(next)]
            }
            #expect(keys == [first.key.spki, second.key.spki])
        }
    }

    @Test("a client that says nothing is closed at the handshake's deadline")
    func handshakeDeadline() async throws {
        var limits = ServerLimits()
        limits.handshake = .milliseconds(200)
        let registry = ConnectionRegistry()
        try await withServer(ServerFederation(), limits: limits, registry: registry) { port, _ in
            let ended = try await blocking {
                let descriptor = try TLSClient.connect(port: port)
                defer { close(descriptor) }
                var byte: UInt8 = 0
                return recv(descriptor, &byte, 1, 0) == 0
            }
            #expect(ended)
            #expect(await eventually { registry.count == 0 })
        }
    }

    @Test("rubbish instead of TLS ends the connection and nothing else")
    func rubbish() async throws {
        let federation = try ServerFederation()
        let site = try federation.site()
        try await withServer(federation) { port, _ in
            try await blocking {
                for text in ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", String(repeating: "\u{16}", count: 70_000), "\u{0}"] {
                    let descriptor = try TLSClient.connect(port: port)
                    send(descriptor, text, text.utf8.count, Int32(MSG_NOSIGNAL))
                    shutdown(descriptor, Int32(SHUT_WR))
                    var byte: UInt8 = 0
                    while recv(descriptor, &byte, 1, 0) > 0 {}
                    close(descriptor)
                }
            }
            #expect(await Self.isServed(port) { Settings(identity: site) })
        }
    }
}

/// A folder for one test, and the `openssl` command in it.
final class ServerFolder: Sendable {
    private let root: String

    init() throws {
        var template = Array("/tmp/transport.XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func path(_ name: String) -> String { root + "/" + name }

    func write(_ name: String, _ text: String) throws { try Data(text.utf8).write(to: URL(filePath: path(name))) }

    func openssl(_ arguments: [String], input: String) throws -> String {
        let process = Process()
        let (input_, output) = (Pipe(), Pipe())
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = ["30", "/usr/bin/openssl"] + arguments
        process.standardInput = input_
        process.standardOutput = output
        process.standardError = output
        try process.run()
        input_.fileHandleForWriting.write(Data(input.utf8))
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        try input_.fileHandleForWriting.close()
        process.waitUntilExit()
        return text
    }
}
