import AgentService
import Cohort
import Cryptography
import Federation
import Foundation
import Testing
import Weights

@Suite(.serialized) struct ExternalTrainerTests {
    /// Writes a delta as a site's trainer would.
    private func delta(_ site: WorkerSite, leavingOut: Int = 0, value: Float = 0.5) throws -> String {
        let layout = try UpdateLayout(base: try SafetensorsFile(site.base.path).header)
        let entries = layout.entries.dropLast(leavingOut)
        let path = site.folder + "/made.safetensors"
        var writer = try SafetensorsWriter(path, entries: entries.map { .init($0.name, .float32, $0.shape) })
        for entry in entries {
            try [Float](repeating: value, count: entry.elements).withUnsafeBufferPointer { try writer.append($0) }
        }
        _ = try writer.finish()
        return path
    }

    private func task(_ site: WorkerSite, _ script: String) throws -> WorkerTask {
        site.task(data: try site.trainingManifest(), trainer: .external(["/bin/sh", "-c", script]))
    }

    private let metrics = #"echo '{"samples":40,"steps":3,"loss":0.7}' > metrics.json"#

    @Test("what the site's own command makes is taken over when it is right")
    func takenOver() throws {
        try WorkerSite.with { site in
            let made = try delta(site)
            let script = """
                test -r base.safetensors && grep -q 'name: study' plan.yaml && grep -q globalStep round.json &&
                test $(grep -c train manifest.csv) = 40 && cp '\(made)' delta.safetensors && \(metrics)
                """
            let task = try task(site, script)
            let update = try #require(try site.update(task))
            #expect(update.samples == 40)
            #expect(update.steps == 3)
            #expect(update.loss == 0.7)
            #expect(site.digest(task) == SHA256.hex(ofFile: made))
            let whole = update.norms.reduce(0) { $0 + $1.norm * $1.norm }.squareRoot()
            #expect(abs(whole - update.norm) < 1e-9 * whole)
        }
    }

    @Test(
        "what it makes is refused when it fails, says nothing, lacks a tensor, or is not a number",
        arguments: ["exit 3", "true", "lacking", "nan", "samples"])
    func refused(_ fault: String) throws {
        try WorkerSite.with { site in
            let made = try delta(site, leavingOut: fault == "lacking" ? 1 : 0, value: fault == "nan" ? .nan : 0.5)
            let script =
                switch fault {
                case "lacking", "nan": "cp '\(made)' delta.safetensors && \(metrics)"
                case "samples":
                    "cp '\(made)' delta.safetensors && "
                        + metrics.replacingOccurrences(of: "40", with: "41")
                default: fault
                }
            let refusal = try #require(try site.refusal(task(site, script)))
            #expect(refusal.reason == .failed)
            #expect(!refusal.detail.contains("/"))
        }
    }

    @Test("the test split is not shown to the site's own command")
    func testSplit() throws {
        try WorkerSite.with { site in
            let data = try site.manifest { ($0 % 2 == 0 ? "no" : "yes", $0 < 20 ? .train : .test) }
            let made = try delta(site)
            let script = """
                ! grep -q test manifest.csv && cp '\(made)' delta.safetensors &&
                echo '{"samples":20,"steps":1}' > metrics.json
                """
            let task = site.task(data: data, trainer: .external(["/bin/sh", "-c", script]))
            #expect(try site.update(task)?.samples == 20)
        }
    }

    @Test("a worker asked to stop ends the command and all it started")
    func stopped() throws {
        try WorkerSite.with { site in
            let task = try task(site, "sleep 600 & echo $! > '\(site.folder)/child'; wait")
            let folder = TaskFolder(state: site.state, round: task.round, kind: .train)
            try folder.submit(task)
            let child = site.folder + "/child"
            let worker = try Worker(
                state: site.state,
                shouldStop: { (try? String(contentsOfFile: child, encoding: .utf8))?.isEmpty == false })
            worker.run(untilDone: true)
            #expect(try folder.result() == nil)
            let text = try String(contentsOfFile: child, encoding: .utf8)
            let process = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(Self.isGone(process))
        }
    }

    @Test("a worker that is killed takes the command and all it started with it")
    func killed() throws {
        try WorkerSite.with { site in
            let child = site.state + "/tasks/child"
            let task = try task(site, "sleep 600 & echo $! > '\(child)'; wait")
            try TaskFolder(state: site.state, round: task.round, kind: .train).submit(task)
            let process = Process()
            process.executableURL = URL(filePath: SandboxTests.agent)
            process.arguments = ["worker", "--state", site.state]
            process.standardError = FileHandle.nullDevice
            try process.run()
            func started() -> pid_t? {
                (try? String(contentsOfFile: child, encoding: .utf8)).flatMap {
                    pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines))
                }
            }
            while process.isRunning, started() == nil { usleep(1_000) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(Self.isGone(try #require(started())))
        }
    }

    /// Waits until a process has ended; one nobody has waited for counts as ended.
    private static func isGone(_ process: pid_t) -> Bool {
        for _ in 0..<1_000 {
            let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
            guard let status, !status.contains(") Z ") else { return true }
            usleep(10_000)
        }
        return false
    }
}
