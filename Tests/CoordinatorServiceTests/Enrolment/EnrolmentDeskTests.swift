import CoordinatorService
import Federation
import Foundation
import Identity
import Testing

@Suite struct EnrolmentDeskTests {
    private let line = [UInt8](repeating: 7, count: 32)

    @Test("code, key and approval give a certificate under the root, in the site's name")
    func enrols() async throws {
        try await MadeState.with { made in
            let (coordinator, desk) = try await made.open()
            let (code, _) = try await desk.issueCode(site: "hospital-a", automatic: false)
            let site = Applicant(site: "hospital-a")
            let pending = try await desk.answer(site.request(code, exporter: line), exporter: line)
            #expect(pending.state == .pending)
            #expect(pending.fingerprint == Fingerprint.words(of: site.key.spki))
            #expect(pending.chain == nil && pending.coordinatorKey == nil)
            #expect(!coordinator.state.isActive(publicKey: site.key.spki))

            try await coordinator.perform(.approveSite(site: "hospital-a", publicKey: site.key.spki), by: "operator")
            // Another connection, so another exporter: the agent asks again after it was restarted.
            let other = [UInt8](repeating: 9, count: 32)
            let approved = try await desk.answer(site.request(code, exporter: other), exporter: other)
            #expect(approved.state == .approved)
            #expect(approved.federation == made.federation)
            let chain = try Certificate.chain(pem: try #require(approved.chain))
            let root = try Certificate(pem: try #require(approved.root))
            #expect(root.spki == code.rootKey)
            #expect(chain[0].isIssued(by: chain[1]) && chain[1].isIssued(by: root))
            #expect(chain[0].spki == site.key.spki)
            #expect(chain[0].uris == ["urn:consilium:\(made.federation):site:hospital-a"])
            #expect(coordinator.state.site(publicKey: site.key.spki) == "hospital-a")
            #expect(coordinator.state.signingKey(of: "hospital-a") == site.signing.publicKey.hex)
        }
    }

    @Test("five wrong tries burn a code, over a restart, and even for who has it")
    func burns() async throws {
        try await MadeState.with { made in
            let site = Applicant(site: "hospital-a")
            let (code, forged) = try await beforeRestart(made, site)
            let (coordinator, desk) = try await made.open()
            for _ in 0..<2 {
                #expect(await refusal(desk, try site.request(forged, exporter: line))?.code == .wrongCode)
            }
            #expect(await refusal(desk, try site.request(forged, exporter: line))?.code == .codeBurned)
            #expect(await refusal(desk, try site.request(code, exporter: line))?.code == .codeBurned)
            #expect(try await desk.hasOpenCode() == false)
            #expect(coordinator.state.sites["hospital-a"]?.publicKeys.isEmpty == true)
        }
    }

    private func beforeRestart(_ made: MadeState, _ site: Applicant) async throws -> (EnrolmentCode, EnrolmentCode) {
        let (coordinator, desk) = try await made.open()
        let (code, _) = try await desk.issueCode(site: site.site, automatic: true)
        let forged = try EnrolmentCode(site: site.site, host: code.host, port: 1, rootKey: code.rootKey)
        for left in [4, 3] {
            let problem = await refusal(desk, try site.request(forged, exporter: line))
            #expect(problem?.code == .wrongCode)
            #expect(problem?.message.contains("\(left) tries are left") == true)
        }
        try coordinator.store.close()
        return (code, forged)
    }

    @Test("each other way of being wrong is refused by its own name")
    func refuses() async throws {
        try await MadeState.with(configure: { $0.codeLifetime = 3600 }) { made in
            let (coordinator, desk) = try await made.open()
            let (code, expires) = try await desk.issueCode(site: "hospital-a", automatic: false)
            _ = try await desk.issueCode(site: "hospital-b", automatic: false)
            let site = Applicant(site: "hospital-a")
            let right = try site.request(code, exporter: line)

            #expect(await refusal(desk, try site.request(code, exporter: line, name: "hospital-c"))?.code == .noCode)
            #expect(await refusal(desk, try site.request(code, exporter: line, name: "hospital-b"))?.code == .wrongCode)
            #expect(await refusal(desk, try site.request(code, exporter: line, name: "../a"))?.code == .malformed)
            var swapped = right
            swapped.request = try CertificateRequest.make(key: SigningKey()).pem
            #expect(await refusal(desk, swapped)?.code == .wrongCode)
            var resigned = right
            resigned.signingKey = SigningKey().publicKey.hex
            #expect(await refusal(desk, resigned)?.code == .wrongCode)
            #expect(await refusal(desk, right, exporter: [UInt8](repeating: 8, count: 32))?.code == .wrongCode)
            var garbled = right
            garbled.request = "-----BEGIN CERTIFICATE REQUEST-----\n"
            #expect(await refusal(desk, garbled)?.code == .malformed)
            garbled.request = String(repeating: "a", count: 5000)
            #expect(await refusal(desk, garbled)?.code == .malformed)
            #expect(await refusal(desk, right, now: expires)?.code == .codeExpired)

            #expect(try await desk.answer(right, exporter: line).state == .pending)
            let other = Applicant(site: "hospital-a")
            #expect(await refusal(desk, try other.request(code, exporter: line))?.code == .codeUsed)
            try await coordinator.perform(.approveSite(site: "hospital-a", publicKey: site.key.spki))
            #expect(await refusal(desk, try other.request(code, exporter: line))?.code == .codeUsed)
            #expect(coordinator.state.sites["hospital-a"]?.publicKeys == [site.key.spki])
        }
    }

    @Test("a new code ends the one before it")
    func replaced() async throws {
        try await MadeState.with { made in
            let (_, desk) = try await made.open()
            let (old, _) = try await desk.issueCode(site: "hospital-a", automatic: false)
            let (new, _) = try await desk.issueCode(site: "hospital-a", automatic: true)
            let site = Applicant(site: "hospital-a")
            #expect(await refusal(desk, try site.request(old, exporter: line))?.code == .wrongCode)
            #expect(try await desk.answer(site.request(new, exporter: line), exporter: line).state == .approved)
        }
    }

    @Test("a renewed key is let in beside the one it follows; a revoked site cannot renew")
    func renews() async throws {
        try await MadeState.with { made in
            let (coordinator, desk) = try await made.open()
            let (code, _) = try await desk.issueCode(site: "hospital-a", automatic: true)
            let site = Applicant(site: "hospital-a")
            _ = try await desk.answer(site.request(code, exporter: line), exporter: line)
            var newest = site.key
            for _ in 0..<20 {
                let former = newest
                newest = SigningKey()
                let request = RenewalRequest(request: try CertificateRequest.make(key: newest).pem)
                let chain = try Certificate.chain(pem: try await desk.renew(request, site: "hospital-a").chain)
                #expect(chain[0].spki == newest.spki)
                #expect(coordinator.state.isActive(publicKey: newest.spki))
                #expect(coordinator.state.isActive(publicKey: former.spki))
            }
            #expect(!coordinator.state.isActive(publicKey: site.key.spki))
            try await coordinator.perform(.revokeSite(site: "hospital-a", reason: "test"))
            #expect(!coordinator.state.isActive(publicKey: newest.spki))
            let request = RenewalRequest(request: try CertificateRequest.make(key: SigningKey()).pem)
            let error = await #expect(throws: Problem.self) { _ = try await desk.renew(request, site: "hospital-a") }
            #expect(error?.code == .forbidden)
        }
    }

    @Test("neither a code's secret nor a site's key is in any file of the coordinator")
    func keepsNoSecret() async throws {
        try await MadeState.with { made in
            let (coordinator, desk) = try await made.open()
            let (code, _) = try await desk.issueCode(site: "hospital-a", automatic: true)
            let site = Applicant(site: "hospital-a")
            _ = try await desk.answer(site.request(code, exporter: line), exporter: line)
            let word = try #require(code.text.split(separator: ":").last)
            let seed = try #require(site.key.pem.split(separator: "\n").dropFirst().first)
            let secrets = [Data(word.utf8), Data(code.secret), Data(seed.utf8)]
            try coordinator.store.close()
            let files = try #require(FileManager.default.enumerator(atPath: made.folder.path)).compactMap {
                $0 as? String
            }
            #expect(files.contains("consilium.sqlite"))
            for file in files {
                guard let data = FileManager.default.contents(atPath: made.folder.path + "/" + file) else { continue }
                for secret in secrets { #expect(data.range(of: secret) == nil, "\(file)") }
            }
        }
    }

    private func refusal(
        _ desk: EnrolmentDesk, _ request: EnrolmentRequest, exporter: [UInt8]? = nil,
        now: Timestamp = Timestamp(Date())
    ) async -> Problem? {
        do {
            _ = try await desk.answer(request, exporter: exporter ?? line, now: now)
            return nil
        } catch { return error as? Problem }
    }
}
