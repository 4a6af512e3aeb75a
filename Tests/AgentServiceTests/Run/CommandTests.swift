import AgentService
import Federation
import Foundation
import Identity
import Testing

@Suite("The agent's commands")
struct CommandTests {
    /// The program beside the test bundle, both in the build's folder.
    private static let program = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("agent").path

    private func start(_ arguments: [String], output: String) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.program)
        process.arguments = arguments
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        let file = FileHandle(forWritingAtPath: output)
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }

    private func run(_ arguments: [String], output: String) throws -> (status: Int32, text: String) {
        let process = try start(arguments, output: output)
        process.waitUntilExit()
        return (process.terminationStatus, text(output))
    }

    private func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    private func until(_ what: String, _ condition: () throws -> Bool) async throws {
        let end = ContinuousClock().now + .seconds(30)
        while try !condition() {
            guard ContinuousClock().now < end else {
                Issue.record("\(what): not within 30 s")
                throw CancellationError()
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// A site that is enrolled at a coordinator nobody runs, and scans beside its state.
    private func withSite(_ body: (_ state: StateFolder, _ output: String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("commands-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = StateFolder(path + "/state")
        try folder.make()
        let root = try Authority.makeRoot(name: "test")
        let key = try KeyPair.loadOrMake(folder.tlsKey)
        _ = try KeyPair.loadOrMake(folder.signingKey)
        let chain = try root.makeIssuing().issue(
            CertificateRequest.make(key: key), uri: "urn:consilium:test:site:hospital-a", usage: .site)
        let record = FederationRecord(
            federation: "test", site: "hospital-a", address: "127.0.0.1:9", coordinatorKey: SigningKey().publicKey.hex)
        for (text, file) in [
            (chain, folder.tlsChain), (root.certificate.pem, folder.root),
            (try MessageCoding.encode(record), folder.federation),
            ("case,patient\n", path + "/manifest.csv"), ("data: \(path)/manifest.csv\n", folder.configuration),
        ] { try Data(text.utf8).write(to: URL(fileURLWithPath: file)) }
        try await body(folder, path + "/output")
    }

    @Test("a code with a typing error, and a folder that is not there, are told in a sentence")
    func mistakes() async throws {
        try await withSite { folder, output in
            let code = try EnrolmentCode(
                site: "hospital-a", host: "127.0.0.1", port: 9, rootKey: String(repeating: "0", count: 64)
            ).text
            let typo = String(code.dropLast()) + (code.hasSuffix("a") ? "b" : "a")
            let enroll = try run(["enroll", typo, "--state", folder.path + "-new"], output: output)
            #expect(enroll.status != 0 && enroll.text.contains("typing error"))
            let status = try run(["status", "--state", "/nowhere/at/all"], output: output)
            #expect(status.status != 0 && status.text.contains("no state folder"))
            let again = try run(["enroll", code, "--state", folder.path], output: output)
            #expect(again.status != 0 && again.text.contains("already hospital-a"))
            let release = try run(
                ["infer", "--release", "r1", "--state", folder.path, "--case", "/x", "--out", output + "-out"],
                output: output)
            #expect(release.status != 0 && release.text.contains("no release r1"))
        }
    }

    @Test("run says in plain words what is wrong, answers status, keeps from scans, and ends on SIGTERM")
    func running() async throws {
        try await withSite { folder, output in
            let log = output + ".run"
            let process = try start(["run", "--state", folder.path], output: log)
            defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
            try await until("it complains") { text(log).contains("127.0.0.1:9") && text(log).contains("trying again") }
            #expect(text(log).contains("sandbox: "))
            // Where the kernel has no Landlock this is said instead.
            #expect(text(log).contains("files restricted") != text(log).contains("nothing keeps this process"))
            let status = try run(["status", "--state", folder.path], output: output)
            #expect(status.status == 0 && status.text.contains("hospital-a of test"))
            #expect(status.text.contains("trying again"))
            let second = try run(["run", "--state", folder.path], output: output)
            #expect(second.status != 0 && second.text.contains("already runs"))
            process.terminate()
            try await until("it ends") { !process.isRunning }
            #expect(process.terminationStatus == 0)
            let offline = try run(["status", "--state", folder.path], output: output)
            #expect(offline.text.contains("does not run"))
        }
    }

    @Test("up keeps both halves alive, starts again what is killed, and ends both")
    func up() async throws {
        try await withSite { folder, output in
            let log = output + ".up"
            let process = try start(["up", "--state", folder.path], output: log)
            defer { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
            try await until("run is up") { FileManager.default.fileExists(atPath: folder.control) }
            let children = try self.children(of: process.processIdentifier)
            try await until("two children") { try self.children(of: process.processIdentifier).count == 2 }
            let first = try #require(children.first)
            kill(first, SIGKILL)
            try await until("it is said and done") {
                try text(log).contains("started again") && self.children(of: process.processIdentifier).count == 2
                    && !self.children(of: process.processIdentifier).contains(first)
            }
            let last = try self.children(of: process.processIdentifier)
            process.terminate()
            try await until("all end") { !process.isRunning && last.allSatisfy { kill($0, 0) != 0 } }
        }
    }

    private func children(of parent: Int32) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { process in
            text("/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ").dropFirst().first
                == Substring(String(parent))
        }.sorted()
    }
}
