import Cohort
import Compute
import Encoder
import Foundation
import Testing
import Training
import Weights

/// The loop as a whole, on a problem of a few seconds.
@Suite struct FitTests {
    private func fit(_ request: FitRequest, stopAfter passes: Int = .max) throws -> (FitOutcome, [FitReport]) {
        var asked = 0
        var reports: [FitReport] = []
        let outcome = try Fit(request).run(report: { reports.append($0) }) {
            asked += 1
            return asked > passes
        }
        return (outcome, reports)
    }

    private func metrics(_ outcome: FitOutcome) throws -> FitMetrics {
        guard case .finished(let metrics) = outcome else { throw CancellationError() }
        return metrics
    }

    @Test("the loss falls and the best model tells the classes apart")
    func learns() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        let (outcome, reports) = try fit(
            SmallProblem.request(out) {
                $0.epochs = 12
                $0.rate = 1e-3
                $0.dropContrasts = 0
            })
        let losses = reports.compactMap { if case .epoch(let row, _) = $0 { row.trainLoss } else { nil } }
        #expect(losses.count == 12)
        #expect(losses[11] < losses[0] / 3, "losses \(losses)")
        let metrics = try metrics(outcome)
        #expect(metrics.test?.accuracy == 1)
        #expect(metrics.test?.auc == 1)
        let history = try String(contentsOfFile: out + "/history.csv", encoding: .utf8)
        #expect(history.split(separator: "\n").count == 13)
        #expect(!FileManager.default.fileExists(atPath: out + "/checkpoint"))
        let file = try ModelFile(out + "/model.safetensors")
        #expect(file.description.classes == ["no", "yes"])
        #expect(file.description.configuration == SmallProblem.model())
    }

    @Test("of sentences about single cases a few are told, and all stand in the fit's description")
    func warnings() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        var request = SmallProblem.request(out) { $0.epochs = 1 }
        request.load = { record in
            var input = SmallProblem.load(record)
            input.warnings = ["T2w had another grid."]
            return input
        }
        let (_, reports) = try fit(request)
        let notes = reports.compactMap { if case .note(let text) = $0 { text } else { nil } }
        #expect(notes.filter { $0.hasSuffix("T2w had another grid.") }.count == 5)
        #expect(notes.contains("17 more of single cases stand as warnings in \(out)/fit.json"))
        struct Description: Decodable { var warnings: [String] }
        let description = try JSONDecoder().decode(Description.self, from: SmallProblem.bytes(out + "/fit.json"))
        #expect(description.warnings.count == 22)
    }

    @Test("a class that a split lacks and a contrast that nobody has are told before the first step")
    func missing() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        let cases = SmallProblem.cases().filter { $0.split != .select || $0.label == 0 }
        var request = SmallProblem.request(out, cases: cases) { $0.epochs = 1 }
        request.load = { SmallProblem.input($0.id, label: 0, present: [true, true, false, true]) }
        let (_, reports) = try fit(request)
        let first = reports.firstIndex { if case .step = $0 { true } else { false } } ?? 0
        let notes = reports[..<first].compactMap { if case .note(let text) = $0 { text } else { nil } }
        #expect(
            notes == [
                "no select case has the bright label yes: the best epoch is the one with the least loss",
                "no training case has T2w: the model learns nothing of it",
            ])
    }

    @Test("two runs give the same bytes, and so does one that was interrupted", arguments: Precision.allCases)
    func reproducible(precision: Precision) throws {
        guard (try? Device(precision: precision, threads: 1)) != nil else { return }
        let folders = try (0..<3).map { _ in try SmallProblem.folder() }
        defer { for folder in folders { try? FileManager.default.removeItem(atPath: folder) } }
        for folder in folders[0..<2] { _ = try fit(SmallProblem.request(folder, precision: precision)) }
        // Reading the cases asks 22 times; then passes of steps, then those of the validation.
        var interruptions = 0
        for passes in [24, 27, 29, 31, 26, 33] {
            let (outcome, _) = try fit(SmallProblem.request(folders[2], precision: precision), stopAfter: passes)
            if case .interrupted = outcome { interruptions += 1 }
        }
        #expect(interruptions >= 5)
        let (last, _) = try fit(SmallProblem.request(folders[2], precision: precision))
        _ = try metrics(last)
        let models = try folders.map { try SmallProblem.bytes($0 + "/model.safetensors") }
        #expect(models[0] == models[1])
        #expect(models[0] == models[2])
        let metrics = try folders.map { try SmallProblem.bytes($0 + "/metrics.json") }
        #expect(metrics[0] == metrics[2])
    }

    @Test("a fit is not continued with other settings or other cases, and says what differs")
    func refusesOther() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        _ = try fit(SmallProblem.request(out), stopAfter: 27)
        let rate = #expect(throws: TrainingError.self) { try fit(SmallProblem.request(out) { $0.rate = 1e-3 }) }
        #expect(rate?.description.contains("rate is \"0.003\"") == true, "\(rate?.description ?? "")")
        let cases = #expect(throws: TrainingError.self) {
            try fit(SmallProblem.request(out, cases: SmallProblem.cases(train: 10)))
        }
        #expect(cases?.description.contains("the cases, their labels") == true)
        var fewer = SmallProblem.request(out)
        fewer.threads = 1
        let threads = #expect(throws: TrainingError.self) { try fit(fewer) }
        #expect(threads?.description.contains("device is") == true)
    }

    @Test("a finished fit is left alone")
    func finished() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        let first = try metrics(try fit(SmallProblem.request(out) { $0.epochs = 1 }).0)
        let (again, reports) = try fit(SmallProblem.request(out) { $0.epochs = 1 })
        #expect(try metrics(again) == first)
        #expect(!reports.contains { if case .step = $0 { true } else { false } })
    }

    @Test("a loss that is not finite stops the fit with the cases' names and keeps the checkpoint")
    func notFinite() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        let path = out + "/checkpoint/state.safetensors"
        // The rate rises over some epochs before it is too high, so that there is a checkpoint to keep.
        let request = SmallProblem.request(out) {
            $0.rate = 10
            $0.optimizer = .sgd(momentum: 0.99, decay: 0)
            $0.clip = nil
            $0.epochs = 200
            $0.warmUp = 30
        }
        var kept: Data?
        let error = #expect(throws: TrainingError.self) {
            try Fit(request).run(
                report: { report in
                    if case .epoch = report { kept = try? SmallProblem.bytes(path) }
                }, shouldStop: { false })
        }
        #expect(error?.code == .notFinite)
        #expect(error?.description.contains("cases case") == true, "\(error?.description ?? "")")
        #expect(kept != nil)
        #expect(try SmallProblem.bytes(path) == kept)
    }

    @Test("a task of one class and an empty training class are refused")
    func refusesData() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        var request = SmallProblem.request(out)
        request.cases.removeAll { $0.split == .train && $0.label == 1 }
        let error = #expect(throws: TrainingError.self) { try Fit(request) }
        #expect(error?.description.contains("label yes") == true)
    }

    @Test("an encoder shape larger than the machine is refused with the memory it needs")
    func refusesMemory() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        var request = SmallProblem.request(out) { $0.batch = 1024 }
        request.start = .preset(.lamim)
        let error = #expect(throws: TrainingError.self) { try Fit(request) }
        #expect(error?.code == .memory)
        #expect(error?.description.contains("GiB") == true, "\(error?.description ?? "")")
    }

    @Test("weights of another shape are refused by the tensor's name and both shapes")
    func refusesShapes() throws {
        let out = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: out) }
        _ = try fit(SmallProblem.request(out) { $0.epochs = 1 })
        let device = try Device(precision: .fp32, threads: 1)
        var other = SmallProblem.model()
        other.encoder.mlp = 96
        let store = try ParameterStore(ParameterLayout(other), device: device)
        let file = try ModelFile(out + "/model.safetensors")
        let error = #expect(throws: EncoderError.self) { try file.load(into: store) }
        #expect(error?.description.contains("blocks.0.mlp.linear1.weight") == true)
        #expect(error?.description.contains("(64, 32)") == true)
        #expect(error?.description.contains("(96, 32)") == true)
    }

    @Test("weights bring their head along only for the same task and classes")
    func takesHead() throws {
        let folders = try (0..<4).map { _ in try SmallProblem.folder() }
        defer { for folder in folders { try? FileManager.default.removeItem(atPath: folder) } }
        _ = try fit(SmallProblem.request(folders[0]) { $0.epochs = 1 })
        let file = try ModelFile(folders[0] + "/model.safetensors")
        let tasks = [
            LabelTask(column: "bright", classes: ["no", "yes"]), LabelTask(column: "dark", classes: ["no", "yes"]),
            LabelTask(column: "bright", classes: ["yes", "no"]),
        ]
        let weights = try file.file.floats("head.linear.weight")
        for (task, out) in zip(tasks, folders.dropFirst()) {
            // Another seed draws another head; so small a rate changes none.
            var request = SmallProblem.request(out) {
                $0.epochs = 1
                $0.rate = 1e-12
                $0.seed = 5
            }
            request.start = .weights(file, digest: "0")
            request.task = task
            let (_, reports) = try fit(request)
            let after = try ModelFile(out + "/model.safetensors").file.floats("head.linear.weight")
            let moved = zip(weights, after).map { abs($0 - $1) }.max() ?? 0
            let notes = reports.compactMap { if case .note(let text) = $0 { text } else { nil } }
            let isSame = task.column == "bright" && task.classes == ["no", "yes"]
            #expect((moved < 1e-6) == isSame, "\(task): \(moved)")
            #expect(notes.contains { $0.contains("is for bright (no, yes): a new one is drawn") } == !isSame)
        }
    }
}
