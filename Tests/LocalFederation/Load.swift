import Foundation
import Glibc
import Synchronization
import TLSClient

/// Many connections at once: idle ones, active ones that ask for work again and again, and slow ones that never finish
/// the head of a request.
package struct Load: Sendable {
    package var idle = 1000
    package var active = 20
    package var slow = 100
    /// Questions of each active connection.
    package var calls = 50

    package init() {}

    /// What a coordinator must be told to let one site and one address have so many.
    package static let settings = """
        limits:
          connections: 1200
          connections-per-site: 1200
          connections-per-address: 1200

        """

    package struct Figures: Sendable {
        /// Seconds of each question that was answered.
        package var seconds: [Double] = []
        /// Questions that were not.
        package var failures = 0
        /// Idle connections that still answer at the end.
        package var kept = 0
        /// Seconds until the last of the slow ones was closed.
        package var slowSeconds = 0.0
        /// Slow ones that were not closed in a minute.
        package var slowLeft = 0
    }

    /// - Parameters:
    ///   - port: of the agents' listener.
    ///   - site: the state folder of an enrolled site.
    package func run(port: Int, site: String) throws -> Figures {
        func text(_ name: String) throws -> String {
            try String(contentsOfFile: "\(site)/identity/\(name)", encoding: .utf8)
        }
        let settings = TLSClient.Settings(identity: (chain: try text("tls.pem"), key: try text("tls.key")))
        TLSClient.raiseFileLimit()
        // The server closes the slow ones while they are written to.
        signal(SIGPIPE, SIG_IGN)
        let waiting = try (0..<idle).map { _ in try TLSClient(port: port, settings) }
        let start = ContinuousClock.now
        let slow = try (0..<slow).map { _ in
            let client = try TLSClient(port: port, settings, timeout: 5)
            try client.write("POST /v1/poll HTTP/1.1\r\nHost: slow\r\nX: ")
            return client
        }
        var figures = Self.ask(try (0..<active).map { _ in try TLSClient(port: port, settings) }, calls: calls)
        var open = slow
        while !open.isEmpty, ContinuousClock.now - start < .seconds(60) {
            // A byte now and then is what keeps a server that counts silence from closing.
            open.removeAll { client in
                do { try client.write("x") } catch { return true }
                return false
            }
            figures.slowSeconds = (ContinuousClock.now - start) / .seconds(1)
            usleep(500_000)
        }
        figures.slowLeft = open.count
        figures.kept = waiting.count { (try? $0.get("/v1/probe?bytes=1"))?.status == 200 }
        return figures
    }

    private static func ask(_ clients: [TLSClient], calls: Int) -> Figures {
        let body = #"{"software":"load","wait":0,"activities":[]}"#
        let found = Mutex(Figures())
        let group = DispatchGroup()
        for client in clients {
            group.enter()
            Thread.detachNewThread {
                for _ in 0..<calls {
                    let start = ContinuousClock.now
                    let status = (try? client.post("/v1/poll", body))?.status
                    let seconds = (ContinuousClock.now - start) / .seconds(1)
                    found.withLock { if status == 200 { $0.seconds.append(seconds) } else { $0.failures += 1 } }
                    usleep(20_000)
                }
                group.leave()
            }
        }
        group.wait()
        return found.withLock { $0 }
    }
}
