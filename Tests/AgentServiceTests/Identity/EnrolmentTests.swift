import AgentService
import Federation
import Foundation
import Hummingbird
import Identity
import Logging
import Synchronization
import Testing
import Transport

@Suite("Enrolment")
struct EnrolmentTests {
    /// An enrolment listener over real TLS that approves at the second question.
    private final class Desk: Sendable {
        let root: RootAuthority
        let authority: Authority
        let tls: ServerTLS
        let asked = Mutex<[(request: EnrolmentRequest, isConfirmed: Bool)]>([])
        let code = Mutex<EnrolmentCode?>(nil)

        init() throws {
            root = try Authority.makeRoot(name: "test")
            authority = try root.makeIssuing()
            let key = SigningKey()
            let chain = try authority.issue(
                CertificateRequest.make(key: key), uri: "urn:consilium:test:coordinator",
                usage: .server(hosts: ["127.0.0.1"]))
            tls = ServerTLS(
                identity: try TLSIdentity(chainPEM: chain + root.certificate.pem, key: key), clients: .anonymous)
        }

        func answer(_ request: EnrolmentRequest, exporter: [UInt8]) throws -> EnrolmentAnswer {
            let asking = try CertificateRequest(pem: request.request)
            let isConfirmed = EnrolmentCode.isConfirmed(
                request.confirmation, key: code.withLock { $0?.confirmationKey ?? [] }, request: asking.spki,
                signingKey: try VerifyingKey(hex: request.signingKey), exporter: exporter)
            let count = asked.withLock {
                $0.append((request, isConfirmed))
                return $0.count
            }
            let words = Fingerprint.words(of: asking.spki)
            guard count > 1 else { return EnrolmentAnswer(state: .pending, fingerprint: words) }
            let chain = try authority.issue(asking, uri: "urn:consilium:test:site:\(request.site)", usage: .site)
            return EnrolmentAnswer(
                state: .approved, fingerprint: words, chain: chain, root: root.certificate.pem, federation: "test",
                address: "127.0.0.1:8443", coordinatorKey: SigningKey().publicKey.hex)
        }

        /// Serves while the body runs.
        func serving(_ body: (Int) async throws -> Void) async throws {
            let router = Router(context: ServiceContext.self)
            router.post("/v1/enrolment") { request, context -> Response in
                let question = try await request.json(EnrolmentRequest.self, limit: 16_384)
                let answer = try self.answer(question, exporter: context.connection.exporter)
                return Response(
                    status: .ok, headers: [.contentType: "application/json"],
                    body: .init(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(answer))))
            }
            let bound = Mutex(0)
            let listener = Listener(
                address: .tcp(port: 0), tls: tls, router: router, logger: Logger(label: "test"),
                onBound: { port in bound.withLock { $0 = port } })
            let task = Task { try await listener.run() }
            defer { task.cancel() }
            while bound.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(5)) }
            try await body(bound.withLock { $0 })
        }
    }

    private func withFolder(_ body: (StateFolder) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("enrol-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(StateFolder(path))
    }

    @Test("a site enrols over TLS with keys of its own, confirmed for its connection, and knows its federation")
    func enrols() async throws {
        let desk = try Desk()
        try await desk.serving { port in
            try await withFolder { folder in
                let code = try EnrolmentCode(
                    site: "hospital-a", host: "127.0.0.1", port: port, rootKey: desk.root.certificate.spki)
                desk.code.withLock { $0 = code }
                let lines = Mutex<[String]>([])
                let enrolment = Enrolment(code: code, folder: folder, proxy: .none, pause: .milliseconds(10))
                let record = try await enrolment.run { line in lines.withLock { $0.append(line) } }
                #expect(record.federation == "test" && record.site == "hospital-a")
                let asked = desk.asked.withLock { $0 }
                #expect(asked.count == 2 && asked.allSatisfy(\.isConfirmed))
                let key = try SigningKey.load(folder.tlsKey)
                #expect(lines.withLock { $0.first?.contains(Fingerprint.words(of: key.spki)) } == true)
                #expect(try SiteIdentity.load(folder).record == record)
                // No private key is in anything that was said.
                let body = try #require(key.pem.split(separator: "\n").dropFirst().first)
                #expect(!asked.contains { "\($0.request)".contains(body) })
                for file in [folder.tlsKey, folder.signingKey] {
                    #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
                }
                let line = try #require(try EgressLog.last(1, of: folder.egressLog).first)
                #expect(line.kind == "enrolment" && line.fields["site"] == "hospital-a")
                // Another site's code does not change whose folder it is.
                let other = try EnrolmentCode(
                    site: "hospital-b", host: "127.0.0.1", port: port, rootKey: desk.root.certificate.spki)
                await #expect(throws: AgentError.self) {
                    _ = try await Enrolment(code: other, folder: folder, proxy: .none).run { _ in }
                }
            }
        }
    }

    @Test("a member whose certificate ended enrols again in its folder: fresh keys, the rest stays, work is made anew")
    func again() async throws {
        let desk = try Desk()
        try await desk.serving { port in
            try await withFolder { folder in
                func enrol() async throws {
                    let code = try EnrolmentCode(
                        site: "hospital-a", host: "127.0.0.1", port: port, rootKey: desk.root.certificate.spki)
                    desk.code.withLock { $0 = code }
                    _ = try await Enrolment(code: code, folder: folder, proxy: .none, pause: .milliseconds(10)).run {
                        _ in
                    }
                }
                try await enrol()
                let keys = [try SigningKey.load(folder.tlsKey).pem, try SigningKey.load(folder.signingKey).pem]
                try Data("data: /d.csv\n".utf8).write(to: URL(filePath: folder.configuration))
                let record = TaskRecord(
                    state: folder, round: .init(study: "s", round: 1, attempt: 1), kind: .train)
                let json = JSONDecoder()
                try record.begin(
                    json.decode(
                        TaskRecord.Order.self,
                        from: Data(#"{"assignment":{"text":"","signature":"","signer":""},"epoch":0}"#.utf8)))
                try record.prepare(json.decode(TaskRecord.Outgoing.self, from: Data(#"{"bytes":1,"norms":[]}"#.utf8)))
                try await enrol()
                let fresh = [try SigningKey.load(folder.tlsKey).pem, try SigningKey.load(folder.signingKey).pem]
                #expect(Set(keys + fresh).count == 4)
                #expect(try Renewal(folder: folder).current().spki == SigningKey.load(folder.tlsKey).spki)
                #expect(try String(contentsOfFile: folder.configuration, encoding: .utf8) == "data: /d.csv\n")
                #expect(try record.order != nil && record.outgoing == nil)
                let left = try FileManager.default.contentsOfDirectory(atPath: folder.identity).sorted()
                #expect(left == ["federation.json", "root.pem", "signing.key", "tls.key", "tls.pem"])
            }
        }
    }

    @Test("a server under another root than the code's is told nothing")
    func otherRoot() async throws {
        let desk = try Desk()
        try await desk.serving { port in
            try await withFolder { folder in
                let other = try Authority.makeRoot(name: "other").certificate.spki
                let code = try EnrolmentCode(site: "hospital-a", host: "127.0.0.1", port: port, rootKey: other)
                let lines = Mutex<[String]>([])
                let task = Task {
                    try await Enrolment(code: code, folder: folder, proxy: .none).run { line in
                        lines.withLock { $0.append(line) }
                    }
                }
                let end = ContinuousClock().now + .seconds(20)
                while lines.withLock({ $0.count }) < 2, ContinuousClock().now < end {
                    try await Task.sleep(for: .milliseconds(10))
                }
                task.cancel()
                _ = await task.result
                #expect(desk.asked.withLock { $0.isEmpty })
                #expect(lines.withLock { $0.count } >= 2, "what is wrong is said")
            }
        }
    }

    @Test("a renewal cut off between its two files is ended at the next start, and is due at two thirds ± 10 %")
    func renewal() async throws {
        let desk = try Desk()
        try await withFolder { folder in
            try folder.make()
            let old = try KeyPair.loadOrMake(folder.tlsKey)
            let next = try KeyPair.loadOrMake(folder.tlsKey + ".next")
            #expect(old.spki != next.spki)
            let chain = try desk.authority.issue(
                CertificateRequest.make(key: next), uri: "urn:consilium:test:site:hospital-a", usage: .site)
            try Data(chain.utf8).write(to: URL(fileURLWithPath: folder.tlsChain + ".next"))
            try KeyPair.finishExchange(in: folder)
            #expect(try SigningKey.load(folder.tlsKey).spki == next.spki)
            #expect(try Renewal(folder: folder).current().spki == next.spki)
            let start = Date(timeIntervalSince1970: 0)
            let end = Date(timeIntervalSince1970: 300)
            #expect(abs(Renewal.due(from: start, until: end, draw: 0).timeIntervalSince1970 - 180) < 1e-6)
            #expect(abs(Renewal.due(from: start, until: end, draw: 1).timeIntervalSince1970 - 220) < 1e-6)
        }
    }
}
