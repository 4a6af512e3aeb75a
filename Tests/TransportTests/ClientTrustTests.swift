import FaultProxy
import Foundation
import Identity
import Testing
import Transport

@Suite struct ClientTrustTests {
    @Test("a request is answered, and the connection is used again")
    func reuse() async throws {
        let site = try ClientSite()
        try await withClientServer(site.federation) { port in
            let line = try FaultProxy(port: port)
            defer { line.stop() }
            let client = HTTPClient(site.settings(port: line.port))
            for text in ["one", "two", ""] {
                let answer = try await client.send("POST", "/echo", body: .bytes(Array(text.utf8)))
                #expect(String(decoding: answer.body, as: UTF8.self) == text)
                #expect(abs(answer.serverTime?.timeIntervalSinceNow ?? 99) < 5)
            }
            #expect(line.counts.connections == 1)
        }
    }

    @Test("a renewed certificate is used by the next request, without a restart")
    func renewal() async throws {
        let site = try ClientSite()
        try await withClientServer(site.federation) { port in
            let client = HTTPClient(site.settings(port: port))
            let first = try await client.send("GET", "/key")
            let fresh = try site.federation.site()
            _ = try site.folder.write(fresh.chain, to: "tls.pem")
            _ = try site.folder.write(fresh.key, to: "tls.key")
            let second = try await client.send("GET", "/key")
            #expect(first.body != second.body)
            let key = try Certificate(pem: fresh.chain).spki
            #expect(String(decoding: second.body, as: UTF8.self) == key)
        }
    }

    @Test("a body can be bound to the connection by its exporter")
    func exporter() async throws {
        let site = try ClientSite()
        try await withClientServer(site.federation, mutual: false) { port in
            let pin = site.federation.root.certificate.spki
            let client = HTTPClient(
                ClientSettings(address: "127.0.0.1:\(port)", trust: .pinnedRoot(spki: pin), proxy: .none))
            let answer = try await client.send("POST", "/bound", body: .bound(count: 32) { $0 })
            #expect(String(decoding: answer.body, as: UTF8.self) == "same")
        }
    }

    @Test("a root with another key than the pin is refused")
    func wrongPin() async throws {
        let site = try ClientSite()
        try await withClientServer(site.federation, mutual: false) { port in
            let pin = String(repeating: "0", count: 64)
            let client = HTTPClient(
                ClientSettings(address: "127.0.0.1:\(port)", trust: .pinnedRoot(spki: pin), proxy: .none))
            let error = await failure { () throws(TransportError) in try await client.send("GET", "/key") }
            #expect(error?.code == .intercepted)
        }
    }

    @Test("another CA is refused and named, also when it is planted in the system's store")
    func planted() async throws {
        let site = try ClientSite()
        let other = try ServerFederation()
        let store = try TestFolder()
        let planted = try store.write(other.root.certificate.pem, to: "planted.pem")
        try #require(run("/usr/bin/openssl", "rehash", store.path) == 0)
        // Where OpenSSL looks by default.
        setenv("SSL_CERT_DIR", store.path, 1)
        setenv("SSL_CERT_FILE", planted, 1)
        defer {
            unsetenv("SSL_CERT_DIR")
            unsetenv("SSL_CERT_FILE")
        }
        try await withClientServer(other, mutual: false) { port in
            // The planted CA is good for those who look there.
            let arguments = [
                "s_client", "-brief", "-verify_return_error", "-alpn", "http/1.1", "-connect", "127.0.0.1:\(port)",
            ]
            let trusted = try await blocking { try run("/usr/bin/openssl", arguments) }
            #expect(trusted == 0)
            let client = HTTPClient(site.settings(port: port))
            let error = await failure { () throws(TransportError) in try await client.send("GET", "/key") }
            #expect(error?.code == .intercepted)
            #expect(error?.description.contains("\"") ?? false)
            #expect(error?.description.contains("TLS inspection") ?? false)
        }
    }

    @Test("a certificate for another host is refused, and its names are told")
    func wrongHost() async throws {
        let site = try ClientSite()
        try await withClientServer(site.federation, hosts: ["federation.example", "192.0.2.7"]) { port in
            let client = HTTPClient(site.settings(port: port))
            let error = await failure { () throws(TransportError) in try await client.send("GET", "/key") }
            #expect(error?.code == .wrongHost)
            #expect(error?.description.contains("federation.example, 192.0.2.7") ?? false)
        }
    }

    @Test("an expired server is told from a wrong clock of ours")
    func time() async throws {
        let site = try ClientSite(lifetime: 86_400 * 30)
        let old = Date(timeIntervalSinceNow: -86_400 * 10)
        try await withClientServer(site.federation, issued: old, lifetime: 86_400) { port in
            let client = HTTPClient(site.settings(port: port))
            let error = await failure { () throws(TransportError) in try await client.send("GET", "/key") }
            #expect(error?.code == .serverCertificateExpired)
            #expect(error?.description.contains("9 days ago; the coordinator's operator") ?? false)
        }
        try await withClientServer(site.federation) { port in
            for (lead, words) in [(-3.0 * 3600, "3 h behind"), (86_400 * 5, "5 days ahead")] {
                var settings = site.settings(port: port)
                settings.clock = { Date(timeIntervalSinceNow: lead) }
                let client = HTTPClient(settings)
                let error = await failure { () throws(TransportError) in try await client.send("GET", "/key") }
                #expect(error?.code == .clock)
                #expect(error?.description.contains(words) ?? false, "\(error?.description ?? "")")
            }
        }
    }

    @Test("whoever the server does not know, or knows no more, is told so")
    func refused() async throws {
        let site = try ClientSite(by: ServerFederation())
        try await withClientServer(site.federation) { port in
            let client = HTTPClient(site.settings(port: port))
            let error = await failure { () throws(TransportError) in try await client.send("GET", "/key") }
            #expect(error?.code == .identityRefused)
            var bare = site.settings(port: port)
            bare.identity = nil
            let nobody = HTTPClient(bare)
            let other = await failure { () throws(TransportError) in try await nobody.send("GET", "/key") }
            #expect(other?.code == .identityRefused)
        }
        let late = try ClientSite(lifetime: 600, now: Date(timeIntervalSinceNow: -86_400))
        try await withClientServer(late.federation) { port in
            let client = HTTPClient(late.settings(port: port))
            let error = await failure { () throws(TransportError) in try await client.send("GET", "/key") }
            #expect(error?.code == .identityExpired)
            #expect(error?.needsAttention == true)
        }
    }
}

func run(_ program: String, _ arguments: String...) throws -> Int32 { try run(program, arguments) }

func run(_ program: String, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
}
