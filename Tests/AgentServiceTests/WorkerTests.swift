import AgentService
import Cohort
import Cryptography
import Encoder
import Federation
import Foundation
import Synchronization
import Testing
import Weights

@Suite(.serialized) struct WorkerTests {
    @Test("a round is trained into an update that the coordinator's verifier accepts")
    func round() throws {
        try WorkerSite.with { site in
            let task = site.task(data: try site.trainingManifest())
            let update = try #require(try site.update(task))
            #expect(update.samples == 40)
            #expect(update.lacking == nil)
            #expect(update.steps == 6)
            #expect(update.norm > 0)
            #expect(try #require(update.loss) > 0)
            let base = try SafetensorsFile(site.base.path)
            let layout = try UpdateLayout(base: base.header)
            #expect(update.norms.map(\.name) == layout.entries.map(\.name))
            let path = TaskFolder(state: site.state, round: task.round, kind: .train).update
            var verifier = try UpdateVerifier(layout: layout, encoding: .f32, bytes: update.bytes)
            try verifier.resume(fromFile: path, count: update.bytes)
            let verified = try verifier.finish(digest: SHA256.hex(ofFile: path) ?? "")
            #expect(verified.norm == update.norm)
        }
    }

    @Test("what of a plan the cases hardly have is told before the first step, contrasts to the coordinator too")
    func gaps() throws {
        try WorkerSite.with { site in
            let data = try site.manifest { ($0 % 2 == 0 ? "no" : "yes", $0 < 30 ? .train : .select) }
            // Nine training cases keep their FLAIR, one fewer than may be told of.
            var kept = 0
            let rows = try String(contentsOfFile: data, encoding: .utf8).split(separator: "\n").enumerated().map {
                row in
                var cells = row.element.split(separator: ",", omittingEmptySubsequences: false)
                guard row.offset > 0, !cells[5].isEmpty else { return row.element }
                kept += 1
                if kept > 9 { cells[5] = "" }
                return Substring(cells.joined(separator: ","))
            }
            try (rows.joined(separator: "\n") + "\n").write(toFile: data, atomically: true, encoding: .utf8)
            let task = site.task(data: data)
            #expect(try site.update(task)?.lacking == ["FLAIR"])
            let notes = try #require(
                TaskFolder(state: site.state, round: task.round, kind: .train).progress()?.notes)
            #expect(notes.count == 2 && notes[0].contains("FLAIR") && notes[1].contains("no 5, yes 5"))
            let plan = WorkerSite.plan(more: "contrasts: [T1w, T1c]\nevaluation: off\ngate: off")
            var quiet = site.task(plan: plan, data: try site.trainingManifest())
            quiet.round.attempt = 2
            #expect(try site.update(quiet)?.lacking == nil)
            #expect(TaskFolder(state: site.state, round: quiet.round, kind: .train).progress()?.notes == [])
        }
    }

    @Test("a worker stopped in the middle of a round and started again makes the very same update", arguments: [4, 8])
    func resumed(passes: Int) throws {
        try WorkerSite.with { site in
            let data = try site.trainingManifest()
            let quiet = try #require(try site.update(site.task(data: data)))
            let task = site.task(data: data)
            let folder = TaskFolder(state: site.folder + "/second", round: task.round, kind: .train)
            try folder.submit(task)
            // Cases are read first, then passes are trained: 12 of them are 6 steps.
            let asked = Mutex(0)
            do {
                let stopping = try Worker(
                    state: site.folder + "/second",
                    shouldStop: {
                        asked.withLock {
                            $0 += 1
                            return $0 > 42 + passes
                        }
                    })
                // Two workers would do the same task at once.
                #expect(throws: ExchangeError.self) { _ = try Worker(state: site.folder + "/second") }
                stopping.run(untilDone: true)
            }
            #expect(try folder.result() == nil)
            #expect(FileManager.default.fileExists(atPath: folder.scratch + "/checkpoint.safetensors"))
            try Worker(state: site.folder + "/second").run(untilDone: true)
            guard case .update(let update) = try folder.result()?.outcome else {
                Issue.record("there is no update")
                return
            }
            #expect(update == quiet)
            let expected = try #require(site.digest(task))
            #expect(WorkerSite.digest(folder) == expected)
            #expect(!FileManager.default.fileExists(atPath: folder.scratch))
        }
    }

    @Test("a worker killed in the middle of a round and started again makes the very same update")
    func killed() throws {
        try WorkerSite.with { site in
            let data = try site.trainingManifest()
            let plan = WorkerSite.plan("steps: 400")
            let quiet = try #require(try site.update(site.task(plan: plan, data: data)))
            let task = site.task(plan: plan, data: data, checkpointSeconds: 0.001)
            let state = site.folder + "/second"
            let folder = TaskFolder(state: state, round: task.round, kind: .train)
            try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
            try folder.submit(task)
            let process = Process()
            process.executableURL = URL(filePath: SandboxTests.agent)
            process.arguments = ["worker", "--state", state, "--once"]
            process.standardError = FileHandle.nullDevice
            try process.run()
            while process.isRunning, access(folder.scratch + "/checkpoint.safetensors", F_OK) != 0 { usleep(1_000) }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            #expect(try folder.result() == nil)
            try Worker(state: state).run(untilDone: true)
            guard case .update(let update) = try folder.result()?.outcome else {
                Issue.record("there is no update")
                return
            }
            #expect(update == quiet)
            let expected = try #require(site.digest(task))
            #expect(WorkerSite.digest(folder) == expected)
        }
    }

    @Test("a round of pretraining needs no labels, leaves the test split out, and lowers the error it reports")
    func pretraining() throws {
        try WorkerSite.with { site in
            // Labels that are none of a plan's classes do not matter, nor do patients of the test split.
            let data = try site.manifest { ("any \($0 % 3)", $0 < 24 ? .train : $0 < 36 ? .select : .test) }
            let plan = WorkerSite.plan("steps: 60").replacing(
                "task: bright\nclasses: [\"no\", \"yes\"]\n", with: "task: pretraining\nobjective: blocks4\n")
            let task = site.task(plan: plan, data: data)
            let made = try #require(try site.update(task))
            #expect(made.samples == 24 && made.steps == 60 && made.loss?.isFinite == true)
            let update = try SafetensorsFile(TaskFolder(state: site.state, round: task.round, kind: .train).update)
            #expect(update.tensor("conv3d_transpose.weight") != nil)
            let candidate = try site.apply(update)
            guard
                case .evaluation(let seen) = try site.result(
                    site.task(.evaluate, plan: plan, data: data, candidate: candidate)
                ).outcome
            else {
                Issue.record("there is no evaluation")
                return
            }
            #expect(seen.cases == [12] && seen.models.allSatisfy { $0.histograms.isEmpty && $0.correct == 0 })
            #expect(seen.models[1].loss < seen.models[0].loss)
            let folders = [Assignment.Kind.train, .evaluate].map {
                TaskFolder(state: site.state, round: task.round, kind: $0)
            }
            #expect(folders[0].progress()?.loss?.contains("reconstruction") == true)
            let picture = try #require(FileManager.default.contents(atPath: folders[1].picture))
            #expect(picture.starts(with: [0x89, 0x50, 0x4e, 0x47]))
        }
    }

    @Test("a task that the agent takes back is left, and the worker goes on with the next")
    func takenBack() throws {
        try WorkerSite.with { site in
            let data = try site.trainingManifest()
            let task = site.task(plan: WorkerSite.plan("steps: 100000"), data: data)
            let folder = TaskFolder(state: site.state, round: task.round, kind: .train)
            try folder.submit(task)
            let asked = Mutex(0)
            let worker = try Worker(
                state: site.state,
                shouldStop: {
                    asked.withLock { $0 += 1 }
                    if asked.withLock({ $0 }) == 60 { folder.remove() }
                    return false
                })
            worker.run(untilDone: true)
            #expect(TaskFolder.all(state: site.state).isEmpty)
        }
    }

    @Test("a damaged checkpoint costs the work in it, not the round")
    func damagedCheckpoint() throws {
        try WorkerSite.with { site in
            let task = site.task(data: try site.trainingManifest())
            let folder = TaskFolder(state: site.state, round: task.round, kind: .train)
            try folder.submit(task)
            try FileManager.default.createDirectory(atPath: folder.scratch, withIntermediateDirectories: true)
            try Data("rubbish".utf8).write(to: URL(filePath: folder.scratch + "/checkpoint.safetensors"))
            #expect(try site.update(task)?.steps == 6)
        }
    }

    @Test("sites of the same data draw differently, the same site draws the same")
    func seeds() throws {
        try WorkerSite.with { site in
            let data = try site.trainingManifest()
            let task = site.task(data: data)
            _ = try site.update(task)
            let first = try #require(site.digest(task))
            try FileManager.default.removeItem(atPath: site.state + "/tasks")
            _ = try site.update(site.task(data: data, site: "hospital-b"))
            #expect(site.digest(task) != first)
        }
    }

    @Test("a plan that trains the head alone sends the head alone")
    func headAlone() throws {
        try WorkerSite.with { site in
            for training in ["steps: 4, freeze: [encoder]", "steps: 4, trainable: [\"head.*\"]"] {
                try? FileManager.default.removeItem(atPath: site.state + "/tasks")
                let task = site.task(plan: WorkerSite.plan(training), data: try site.trainingManifest())
                let update = try #require(try site.update(task))
                #expect(!update.norms.isEmpty)
                #expect(update.norms.allSatisfy { ParameterLayout.isHead($0.name) })
            }
        }
    }

    @Test("a manifest with a label that is no class is refused without naming the case")
    func unknownLabel() throws {
        try WorkerSite.with { site in
            let data = try site.manifest { ($0 == 7 ? "perhaps" : "no", .train) }
            let refusal = try #require(try site.refusal(site.task(data: data)))
            #expect(refusal.reason == .data)
            #expect(!refusal.detail.contains("perhaps"))
            #expect(!refusal.detail.contains("/"))
            #expect(refusal.local?.contains("perhaps") == true)
        }
    }

    @Test("a scan that is missing is refused as data, and the case is named to the site alone")
    func missingScan() throws {
        try WorkerSite.with { site in
            let data = try site.trainingManifest()
            let text = try String(contentsOfFile: data, encoding: .utf8)
            try Data(text.replacingOccurrences(of: "/T1w.nii.gz", with: "/absent.nii.gz").utf8)
                .write(to: URL(filePath: data))
            let refusal = try #require(try site.refusal(site.task(data: data)))
            #expect(refusal.reason == .data)
            #expect(!refusal.detail.contains("case-"))
            #expect(refusal.local?.contains("case-") == true)
        }
    }

    @Test("too few training cases are refused: below the schema's least, and below the policy's of a class")
    func tooFew() throws {
        try WorkerSite.with { site in
            let few = try site.manifest { ($0 % 2 == 0 ? "no" : "yes", $0 < 9 ? .train : .test) }
            #expect(try site.refusal(site.task(data: few))?.reason == .cases)
            try FileManager.default.removeItem(atPath: site.state + "/tasks")
            let task = site.task(data: try site.trainingManifest(), minimumCases: 21)
            #expect(try site.refusal(task)?.reason == .cases)
        }
    }

    @Test("training that leaves the finite numbers is refused as failed")
    func diverged() throws {
        try WorkerSite.with { site in
            let huge = try WorkerSite.model(site.folder + "/huge.safetensors") { $0 *= 1e30 }
            var task = site.task(data: try site.trainingManifest())
            task.base = huge
            #expect(try site.refusal(task)?.reason == .failed)
        }
    }

    @Test("a plan whose text was changed is refused")
    func changedPlan() throws {
        try WorkerSite.with { site in
            var task = site.task(data: try site.trainingManifest())
            task.plan += "# more\n"
            #expect(try site.refusal(task)?.reason == .failed)
        }
    }

    @Test("a rehearsal makes an update of the real size and touches no data")
    func rehearsal() throws {
        try WorkerSite.with { site in
            let update = try #require(try site.update(site.task(.rehearse, data: nil)))
            let layout = try UpdateLayout(base: try SafetensorsFile(site.base.path).header)
            #expect(update.bytes > layout.dataBytes(.f32))
            #expect(update.norm > 0)
        }
    }
}
