import FaultProxy
import Foundation
import Testing
import Transport

@Suite struct ClientWayTests {
    private func error(_ settings: ClientSettings, _ path: String = "/key", limit: Int = 1 << 20) async -> TransportError? {
        let client = HTTPClient(settings)
        return await failure { () throws(TransportError) in try await client.send("GET", path, limit: limit) }
    }

    @Test("a proxy with CONNECT leads there, with and without a password")
    func proxies() async throws {
        let site = try ClientSite()
        try await withClientServer(site.federation) { port in
            let open = try FaultProxy(.connect())
            let closed = try FaultProxy(.connect(credentials: "site:secret"))
            defer {
                open.stop()
                closed.stop()
            }
            for way in ["127.0.0.1:\(open.port)", "http://site:secret@127.0.0.1:\(closed.port)"] {
                let client = HTTPClient(site.settings(port: port, proxy: .address(way)))
                #expect(try await client.send("GET", "/key").status == 200)
            }
            #expect(open.counts.tunnels == 1)
            #expect(closed.counts.tunnels == 1)
        }
    }

    @Test("a proxy that refuses, or is not there, is named")
    func proxyFailures() async throws {
        let site = try ClientSite()
        let closed = try FaultProxy(.connect(credentials: "site:secret"))
        let forbidding = try FaultProxy(.connect(answer: 403))
        defer {
            closed.stop()
            forbidding.stop()
        }
        let unauthorised = await error(site.settings(port: 9, proxy: .address("127.0.0.1:\(closed.port)")))
        #expect(unauthorised?.code == .proxyRefused)
        #expect(unauthorised?.description.hasPrefix("the proxy at 127.0.0.1:\(closed.port) answers 407") ?? false)
        let forbidden = await error(site.settings(port: 9, proxy: .address("127.0.0.1:\(forbidding.port)")))
        #expect(forbidden?.description.contains("answers 403") ?? false)
        let absent = await error(site.settings(port: 9, proxy: .address("http://user:secret@127.0.0.1:1")))
        #expect(absent?.code == .proxyUnreachable)
        #expect(absent?.description.contains("127.0.0.1:1") ?? false)
        #expect(!(absent?.description.contains("secret") ?? true))
        let unknown = await error(site.settings(port: 9, proxy: .address("proxy.invalid:3128")))
        #expect(unknown?.code == .proxyUnreachable)
    }

    @Test("no server, no name and no address are three different things")
    func unreachable() async throws {
        let site = try ClientSite()
        #expect(await error(site.settings(port: 1))?.code == .refused)
        var settings = site.settings(port: 1)
        settings.address = "coordinator.invalid:8443"
        #expect(await error(settings)?.code == .unknownName)
        settings.address = "coordinator"
        #expect(await error(settings)?.code == .settings)
        try await withClientServer(site.federation) { port in
            let line = try FaultProxy(port: port, faults: Faults(isBlackHole: true))
            defer { line.stop() }
            var settings = site.settings(port: line.port)
            settings.connectPatience = .seconds(1)
            #expect(await error(settings)?.code == .unreachable)
        }
    }

    @Test("a refusal keeps its code, message and offset")
    func problems() async throws {
        let site = try ClientSite()
        try await withClientServer(site.federation) { port in
            let settings = site.settings(port: port)
            let conflict = await error(settings, "/conflict")
            #expect(conflict?.problem == ServerProblem(status: 409, code: "wrong-offset", message: "go on at byte 7", offset: 7))
            #expect(conflict?.isTransient == true)
            #expect(await error(settings, "/forbidden")?.code == .identityRefused)
            let full = await error(settings, "/full")
            #expect(full?.code == .serverFull)
            #expect(full?.isTransient == true)
            let busy = await error(settings, "/busy")
            #expect(busy?.code == .busy)
            #expect(busy?.retryAfter == 7)
            let long = await error(settings, "/long", limit: 99_999)
            #expect(long?.code == .violation)
            #expect(await error(settings, "/long", limit: 100_000) == nil)
        }
    }

    @Test("a cancelled request ends at once")
    func cancel() async throws {
        let site = try ClientSite()
        try await withClientServer(site.federation) { port in
            let client = HTTPClient(site.settings(port: port))
            _ = try await client.send("GET", "/key")
            let waiting = Task { await failure { () throws(TransportError) in try await client.send("GET", "/wait") } }
            try await Task.sleep(for: .milliseconds(200))
            let start = ContinuousClock.now
            waiting.cancel()
            #expect(await waiting.value?.code == .cancelled)
            #expect(ContinuousClock.now - start < .seconds(5))
            #expect(try await client.send("GET", "/key").status == 200)
        }
    }

    @Test("a line that stands still is taken for cut, a cut line is told")
    func stillness() async throws {
        let site = try ClientSite()
        try await withClientServer(site.federation) { port in
            let line = try FaultProxy(port: port)
            defer { line.stop() }
            var settings = site.settings(port: line.port)
            settings.patience = .seconds(1)
            let client = HTTPClient(settings)
            _ = try await client.send("GET", "/key")
            line.faults = Faults(isBlackHole: true)
            let stalled = await failure { () throws(TransportError) in try await client.send("GET", "/key") }
            #expect(stalled?.code == .stalled)
            line.faults = Faults(cut: .init(after: 30_000, direction: .down))
            let cut = await failure { () throws(TransportError) in try await client.send("GET", "/long") }
            #expect(cut?.code == .cut)
            line.faults = Faults(cut: .init(after: 30_000, direction: .down, style: .halfClose))
            let truncated = await failure { () throws(TransportError) in try await client.send("GET", "/long") }
            #expect(truncated?.code == .cut)
            line.faults = Faults()
            #expect(try await client.send("GET", "/long").body.count == 100_000)
        }
    }

    @Test("a control socket is spoken to in plain HTTP")
    func unixSocket() async throws {
        let site = try ClientSite()
        let path = site.folder.path + "/control.sock"
        try await withClientServer(site.federation, socket: path) { _ in
            let client = HTTPClient(ClientSettings(unixSocket: path))
            let answer = try await client.send("POST", "/echo", body: .bytes([1, 2, 3]))
            #expect(answer.body == [1, 2, 3])
        }
        #expect(await error(ClientSettings(unixSocket: site.folder.path + "/none.sock"))?.code == .refused)
    }

    @Test("the proxy of the environment is taken, except where it says no")
    func environment() {
        let given = [
            "https_proxy": "http://proxy.hospital:3128", "no_proxy": ".internal, 10.0.0.0/8,example.org",
        ]
        let choice = ProxyChoice.environment
        #expect(choice.proxy(for: "federation.example", environment: given) == "http://proxy.hospital:3128")
        for host in ["a.internal", "10.1.2.3", "example.org", "www.example.org", "127.0.0.1", "localhost", "::1"] {
            #expect(choice.proxy(for: host, environment: given) == nil, "\(host)")
        }
        #expect(choice.proxy(for: "notexample.org", environment: given) != nil)
        #expect(ProxyChoice.none.proxy(for: "federation.example", environment: given) == nil)
        #expect(ProxyChoice.shown("http://user:p@ss@proxy:3128/") == "proxy:3128")
    }

    @Test("waits double up to five minutes, with full jitter, and heed Retry-After")
    func backoff() {
        var waits = Backoff(random: { 0.999_999 })
        let seconds = (0..<11).map { _ in (waits.next() / .seconds(1)).rounded() }
        #expect(seconds == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
        #expect(waits.next(retryAfter: 900) == .seconds(900))
        waits.reset()
        #expect(waits.next() < .seconds(1))
        var eager = Backoff(random: { 0 })
        #expect(eager.next(retryAfter: 7) == .seconds(7))
    }
}
