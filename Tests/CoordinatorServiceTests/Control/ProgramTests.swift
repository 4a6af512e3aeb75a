import CoordinatorService
import Federation
import Foundation
import Identity
import Testing
import Transport

/// The built program, from the founding to the end of a site.
@Suite struct ProgramTests {
    @Test("init, serve, enrol, approve, poll, revoke: as two people and a site do it")
    func life() async throws {
        try await withFolder { folder in
            let state = folder + "/state"
            let founded = try CoordinatorProcess.run("init", "--address", "127.0.0.1:0", "--name", "life", state: state)
            #expect(founded.status == 0, "\(founded.errors)")
            let serving = try await ServingCoordinator(state: state, log: folder + "/log")

            let added = try CoordinatorProcess.run("site", "add", "hospital-a", state: state)
            #expect(added.status == 0 && added.output.split(separator: "\n").count == 1, "\(added.errors)")
            let code = try EnrolmentCode(parsing: added.output)
            #expect(code.site == "hospital-a")
            let site = Applicant(site: "hospital-a")
            let enrolling = HTTPClient(ClientSettings(address: code.address, trust: .pinnedRoot(spki: code.rootKey)))
            #expect(try await enrol(site, code, over: enrolling).state == .pending)

            let unasked = try CoordinatorProcess.run("site", "approve", "hospital-a", state: state)
            #expect(unasked.status != 0 && unasked.output.contains(Fingerprint.words(of: site.key.spki)))
            #expect(try await enrol(site, code, over: enrolling).state == .pending)
            let approved = try CoordinatorProcess.run("site", "approve", "hospital-a", "--yes", state: state)
            #expect(approved.status == 0, "\(approved.errors)")
            let answer = try await enrol(site, code, over: enrolling)
            #expect(answer.state == .approved && answer.address == serving.address)

            let agent = try client(of: site, answer, in: folder)
            let polled = try await agent.send("POST", "/v1/poll", body: .bytes(poll(wait: 0)))
            let told = try polled.decoded(PollAnswer.self)
            #expect(told.head.sequence >= 4)
            // The code has served: nobody can enrol any more.
            try await eventually("the enrolment listener is closed") {
                try CoordinatorProcess.run("status", state: state).output.contains("nobody can enrol")
            }
            await #expect(throws: TransportError.self) { try await enrol(site, code, over: enrolling) }

            let listed = try CoordinatorProcess.run("site", "list", "--json", state: state)
            let rows = try JSONDecoder().decode([SiteRow].self, from: Data(listed.output.utf8))
            #expect(rows.map(\.standing) == [.active] && rows.first?.connections == 1)

            let renewed = SigningKey()
            let request = try JSONEncoder().encode(
                RenewalRequest(request: try CertificateRequest.make(key: renewed).pem))
            let renewal = try await agent.send("POST", "/v1/renewal", body: .bytes([UInt8](request)))
            #expect(try Certificate(pem: renewal.decoded(RenewalAnswer.self).chain).spki == renewed.spki)

            let waiting = Task { () -> ContinuousClock.Instant in
                let question = poll(known: told.token, wait: 50)
                _ = try? await agent.send("POST", "/v1/poll", body: .bytes(question), wait: .seconds(50))
                return .now
            }
            try await Task.sleep(for: .milliseconds(300))
            let before = ContinuousClock.now
            #expect(try CoordinatorProcess.run("site", "revoke", "hospital-a", "--yes", state: state).status == 0)
            #expect(before.duration(to: await waiting.value) < .seconds(5))
            await #expect(throws: TransportError.self) {
                try await agent.send("POST", "/v1/poll", body: .bytes(poll(wait: 0)))
            }
            await #expect(throws: TransportError.self) {
                try await agent.send("POST", "/v1/renewal", body: .bytes([UInt8](request)))
            }
            #expect(serving.end(by: SIGTERM) == 0, "\(serving.text)")
            #expect(!FileManager.default.fileExists(atPath: state + "/control.sock"))
            #expect(!serving.text.contains(code.text.split(separator: ":").last ?? ""))
        }
    }

    @Test("told to stop, it answers a site that waits, and ends")
    func stop() async throws {
        try await withFolder { folder in
            let state = try founded(in: folder)
            let serving = try await ServingCoordinator(state: state, log: folder + "/log")
            let code = try EnrolmentCode(
                parsing: CoordinatorProcess.run("site", "add", "hospital-a", state: state).output)
            let site = Applicant(site: "hospital-a")
            let enrolling = HTTPClient(ClientSettings(address: code.address, trust: .pinnedRoot(spki: code.rootKey)))
            #expect(try await enrol(site, code, over: enrolling).state == .pending)
            #expect(try CoordinatorProcess.run("site", "approve", "hospital-a", "--yes", state: state).status == 0)
            let agent = try client(of: site, try await enrol(site, code, over: enrolling), in: folder)
            @Sendable func token(known: String?) async throws -> String {
                let question = poll(known: known, wait: 50)
                return try await agent.send("POST", "/v1/poll", body: .bytes(question), wait: .seconds(50))
                    .decoded(PollAnswer.self).token
            }
            let known = try await token(known: nil)
            let waiting = Task { try await token(known: known) }
            try await Task.sleep(for: .milliseconds(300))
            #expect(serving.end(by: SIGTERM) == 0, "\(serving.text)")
            #expect(try await waiting.value == known)
        }
    }

    @Test("after kill -9 it serves again within five seconds, knowing what it knew")
    func killed() async throws {
        try await withFolder { folder in
            let state = try founded(in: folder)
            var head: TranscriptHead?
            for turn in 0..<3 {
                let serving = try await ServingCoordinator(state: state, log: folder + "/log\(turn)")
                #expect(serving.startSeconds <= 5)
                if let head { #expect(try verified(state) == head) }
                #expect(
                    try CoordinatorProcess.run("site", "add", "site-\(turn)", "--yes-on-match", state: state).status
                        == 0)
                head = try verified(state)
                #expect(serving.end(by: SIGKILL) != 0)
            }
            let sites = try CoordinatorProcess.run("site", "list", state: state)
            #expect(sites.status == 0 && sites.output.contains("site-2"), "\(sites.errors)")
        }
    }

    @Test("a backup taken from a serving coordinator restores, verifies and serves")
    func backup() async throws {
        try await withFolder { folder in
            let state = try founded(in: folder)
            let serving = try await ServingCoordinator(state: state, log: folder + "/log")
            #expect(try CoordinatorProcess.run("site", "add", "hospital-a", state: state).status == 0)
            let made = try CoordinatorProcess.run("backup", folder + "/backup", state: state)
            #expect(made.status == 0, "\(made.errors)")
            serving.end(by: SIGTERM)
            let restored = try CoordinatorProcess.run("restore", folder + "/backup", state: folder + "/again")
            #expect(restored.status == 0, "\(restored.errors)")
            let again = try await ServingCoordinator(state: folder + "/again", log: folder + "/log2")
            let verified = try CoordinatorProcess.run("verify", state: folder + "/again")
            #expect(verified.status == 0 && verified.output.contains("follow from one another"))
            #expect(again.end(by: SIGTERM) == 0)
        }
    }

    @Test("what is wrong at the start is said in one sentence")
    func refusals() async throws {
        try await withFolder { folder in
            let state = folder + "/state"
            func complaint(_ arguments: String..., state: String) throws -> String {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/timeout")
                process.arguments = ["30", CoordinatorProcess.program] + arguments + ["--state", state]
                let errors = Pipe()
                process.standardError = errors
                process.standardOutput = FileHandle.nullDevice
                try process.run()
                let text = try errors.fileHandleForReading.readToEnd() ?? Data()
                process.waitUntilExit()
                #expect(process.terminationStatus != 0)
                return String(decoding: text, as: UTF8.self)
            }
            #expect(try complaint("serve", state: state).contains("holds no coordinator"))
            #expect(try complaint("site", "list", state: state).contains("holds no coordinator"))
            #expect(try complaint("init", "--address", "nowhere", state: state).contains("is not a host and a port"))
            #expect(try CoordinatorProcess.run("init", "--address", "127.0.0.1:0", state: state).status == 0)
            #expect(
                try complaint("init", "--address", "127.0.0.1:0", state: state).contains("already holds a coordinator"))
            #expect(try complaint("site", "add", "hospital-a", state: state).contains("no coordinator serves"))

            let serving = try await ServingCoordinator(state: state, log: folder + "/log")
            #expect(try complaint("serve", state: state).contains("is in use"))
            #expect(try complaint("site", "add", "Hospital A", state: state).contains("is not a site's name"))
            #expect(
                try complaint("site", "revoke", "nobody", "--yes", state: state).contains("there is no site nobody"))
            #expect(try complaint("study", "start", "nothing", state: state).contains("nothing"))
            try Data("name: x\ntaks: y\n".utf8).write(to: URL(fileURLWithPath: folder + "/plan.yaml"))
            let plan = try complaint("study", "create", folder + "/plan.yaml", state: state)
            #expect(plan.contains("plan.yaml, line 2") && plan.contains("task"), "\(plan)")

            let port = try #require(serving.address.split(separator: ":").last)
            let other = folder + "/other"
            #expect(try CoordinatorProcess.run("init", "--address", "127.0.0.1:\(port)", state: other).status == 0)
            #expect(try complaint("serve", state: other).contains("cannot listen on 127.0.0.1:\(port)"))
            try Data("address: \"127.0.0.1:0\"\nlimits:\n  conections: 1\n".utf8)
                .write(to: URL(fileURLWithPath: other + "/coordinator.yaml"))
            let yaml = try complaint("serve", state: other)
            #expect(yaml.contains("line 3") && yaml.contains("limits.connections"), "\(yaml)")
            serving.end(by: SIGTERM)
        }
    }

    /// The transcript's end, as `verify` says.
    private func verified(_ state: String) throws -> TranscriptHead {
        let verified = try CoordinatorProcess.run("verify", "--json", state: state)
        try #require(verified.status == 0, "\(verified.errors)")
        return try JSONDecoder().decode(VerifyTranscript.Answer.self, from: Data(verified.output.utf8)).head
    }

    // MARK: What a site does

    /// The state folder of a new federation.
    private func founded(in folder: String) throws -> String {
        let state = folder + "/state"
        #expect(try CoordinatorProcess.run("init", "--address", "127.0.0.1:0", state: state).status == 0)
        return state
    }

    private func enrol(
        _ site: Applicant, _ code: EnrolmentCode, over client: HTTPClient
    ) async throws -> EnrolmentAnswer {
        let count = try JSONEncoder().encode(site.request(code, exporter: [UInt8](repeating: 0, count: 32))).count
        let body = RequestBody.bound(count: count) { exporter in
            guard let request = try? site.request(code, exporter: exporter),
                let data = try? JSONEncoder().encode(request)
            else { return [] }
            return [UInt8](data)
        }
        return try await client.send("POST", "/v1/enrolment", body: body).decoded()
    }

    private func client(of site: Applicant, _ answer: EnrolmentAnswer, in folder: String) throws -> HTTPClient {
        try Data((answer.chain ?? "").utf8).write(to: URL(fileURLWithPath: folder + "/tls.pem"))
        try Data(site.key.pem.utf8).write(to: URL(fileURLWithPath: folder + "/tls.key"))
        chmod(folder + "/tls.key", 0o600)
        return HTTPClient(
            ClientSettings(
                address: answer.address ?? "", trust: .root(pem: answer.root ?? ""),
                identity: .init(certificate: folder + "/tls.pem", key: folder + "/tls.key")))
    }

    /// A question is held only where the site knows all there is to know.
    private func poll(known: String? = nil, wait: Int) -> [UInt8] {
        let request = PollRequest(software: "test 1", head: nil, known: known, wait: wait, activities: [])
        return [UInt8]((try? JSONEncoder().encode(request)) ?? Data())
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cp-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder.path)
    }
}
