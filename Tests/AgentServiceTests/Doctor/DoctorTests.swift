import AgentService
import FaultProxy
import Foundation
import Testing
import Transport

/// Each fault is put in and must be named, alone: what merely depends on it may be skipped, never blamed.
@Suite struct DoctorTests {
    private typealias Subject = DoctorCheck.Subject

    /// What a report complains of.
    private func blamed(_ report: DoctorReport) -> [DoctorCheck.Subject] {
        report.checks.filter { $0.verdict == .failed || $0.verdict == .warning }.map(\.subject)
    }

    private func finds(
        _ subject: DoctorCheck.Subject, saying words: String = "", in probe: DoctorProbe,
        change: (inout DoctorEvidence) -> Void = { _ in }, at place: SourceLocation = #_sourceLocation
    ) async {
        var evidence = await probe.evidence()
        // What this machine happens to have is no part of the test.
        evidence.freeDisk = 100 << 30
        evidence.availableMemory = 64 << 30
        evidence.processorFlags = ["avx2", "fma", "avx512f"]
        change(&evidence)
        let report = Doctor.report(on: evidence)
        #expect(blamed(report) == [subject], "\(report.text)", sourceLocation: place)
        let check = report.checks.first { $0.subject == subject }
        #expect(check?.finding.contains(words) ?? false, "\(report.text)", sourceLocation: place)
        #expect(check?.remedy.isEmpty == false, sourceLocation: place)
        #expect(Set(report.checks.map(\.subject)) == Set(Subject.allCases), sourceLocation: place)
    }

    @Test("a healthy site has nothing to complain of")
    func healthy() async throws {
        let site = try DoctorSite()
        try await DoctorSite.serve(site.federation) { port in
            var evidence = await site.probe("127.0.0.1:\(port)").evidence()
            evidence.freeDisk = 100 << 30
            evidence.availableMemory = 64 << 30
            evidence.processorFlags = ["avx2", "fma"]
            let report = Doctor.report(on: evidence)
            #expect(report.isHealthy)
            #expect(report.checks.allSatisfy { $0.verdict == .ok }, "\(report.text)")
        }
    }

    @Test("faults of the way there are named: name, port, firewall, two of the proxy")
    func way() async throws {
        let site = try DoctorSite()
        await finds(.name, saying: "coordinator.invalid", in: site.probe("coordinator.invalid:8443"))
        await finds(.reach, saying: "nothing listens", in: site.probe("127.0.0.1:1"))
        let demanding = try FaultProxy(.connect(credentials: "site:secret"))
        defer { demanding.stop() }
        await finds(
            .proxy, saying: "answers 407", in: site.probe("127.0.0.1:9", proxy: .address("127.0.0.1:\(demanding.port)"))
        )
        await finds(
            .proxy, saying: "127.0.0.1:1 cannot be reached",
            in: site.probe("127.0.0.1:9", proxy: .address("http://127.0.0.1:1")))
        try await DoctorSite.serve(site.federation) { port in
            let hole = try FaultProxy(port: port, faults: Faults(isBlackHole: true))
            defer { hole.stop() }
            await finds(.reach, saying: "firewall", in: site.probe("127.0.0.1:\(hole.port)"))
        }
    }

    @Test("faults of the server are named: inspection, another host, expiry, a busy coordinator")
    func server() async throws {
        let site = try DoctorSite()
        try await DoctorSite.serve(DoctorSite.Federation()) { port in
            await finds(.interception, saying: "inspect", in: site.probe("127.0.0.1:\(port)"))
        }
        try await DoctorSite.serve(site.federation, hosts: ["federation.example"]) { port in
            await finds(.server, saying: "federation.example", in: site.probe("127.0.0.1:\(port)"))
        }
        try await DoctorSite.serve(
            site.federation, lifetime: 86_400, issued: Date(timeIntervalSinceNow: -86_400 * 3)
        ) { port in
            await finds(.server, saying: "expired", in: site.probe("127.0.0.1:\(port)"))
        }
        try await DoctorSite.serve(site.federation, refusal: Refusal(503, "busy", "come back later")) { port in
            await finds(.service, saying: "busy", in: site.probe("127.0.0.1:\(port)"))
        }
    }

    @Test("faults of the site are named: clock, expired and unknown certificate, open keys, no enrolment, settings")
    func site() async throws {
        let site = try DoctorSite()
        try await DoctorSite.serve(site.federation) { port in
            let address = "127.0.0.1:\(port)"
            for (lead, words) in [(-3.0 * 3600, "3 h behind"), (86_400 * 9, "9 days ahead")] {
                var late = site.probe(address)
                late.settings?.clock = { Date(timeIntervalSinceNow: lead) }
                await finds(.clock, saying: words, in: late)
            }
            var unenrolled = site.probe(address)
            unenrolled.settings = nil
            unenrolled.identityProblem = "this site belongs to no federation"
            await finds(.state, saying: "no federation", in: unenrolled)
            var unreadable = site.probe(address)
            unreadable.settings = nil
            unreadable.configurationProblem = "agent.yaml, line 3: there is no key aprove, did you mean approve?"
            await finds(.configuration, saying: "line 3", in: unreadable)
            let key = site.folder + "/tls.key"
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: key)
            await finds(.state, saying: "tls.key", in: site.probe(address))
        }
        let stranger = try DoctorSite(certifiedBy: DoctorSite.Federation())
        try await DoctorSite.serve(stranger.federation) { port in
            await finds(.certificate, saying: "revoked or unknown", in: stranger.probe("127.0.0.1:\(port)"))
        }
        let old = try DoctorSite(lifetime: 3600, issued: Date(timeIntervalSinceNow: -86_400))
        try await DoctorSite.serve(old.federation) { port in
            await finds(.certificate, saying: "expired", in: old.probe("127.0.0.1:\(port)"))
        }
    }

    @Test("faults of the line and the machine are named: large bodies, speed, disk, memory, processor, sandbox, data")
    func machine() async throws {
        let site = try DoctorSite()
        try await DoctorSite.serve(site.federation) { port in
            let line = try FaultProxy(port: port, faults: Faults(cut: .init(after: 1 << 20, direction: .up)))
            defer { line.stop() }
            await finds(.transfer, saying: "cut", in: site.probe("127.0.0.1:\(line.port)"))
            let probe = site.probe("127.0.0.1:\(port)")
            await finds(.transfer, saying: "0.2 Mbit/s", in: probe) { $0.transfer = .measured(up: 20_000, down: 1e6) }
            await finds(.disk, saying: "1.0 GiB", in: probe) { $0.freeDisk = 1 << 30 }
            await finds(.disk, saying: "7.0 GiB", in: probe) {
                $0.modelBytes = 2 << 30
                $0.freeDisk = 5 << 30
            }
            await finds(.memory, saying: "1.0 GiB", in: probe) { $0.availableMemory = 1 << 30 }
            await finds(.processor, saying: "no AVX2", in: probe) { $0.processorFlags = ["sse4_2"] }
            let holds = Sandbox.Outcome(enforced: ["it holds"])
            let fails = Sandbox.Outcome(missing: ["seccomp"])
            await finds(.sandbox, saying: "nothing can keep", in: probe) {
                $0.sandbox = .init(network: fails, files: holds)
            }
            await finds(.sandbox, saying: "from the keys", in: probe) {
                $0.sandbox = .init(network: holds, files: fails)
            }
            await finds(.state, saying: "another user", in: probe) { $0.foreign = ["/srv/site"] }
            // What the site's own work takes is not lacking.
            var busy = await probe.evidence(measures: false)
            busy.isAtWork = true
            busy.availableMemory = 1 << 30
            busy.freeDisk = 1 << 30
            #expect(Doctor.report(on: busy).isHealthy)
            await finds(.data, saying: "damaged", in: probe) {
                $0.data[0].problems = ["case 7: the header is damaged", "case 8: there is no file"]
            }
            await finds(.data, saying: "no manifest", in: probe) { $0.data = [] }
        }
    }
}
