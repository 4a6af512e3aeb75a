import Cohort
import Compute
import Encoder
import Foundation
import Synchronization
import Testing
import Training

@Suite(.serialized) struct PretrainingTests {
    private static let model = ModelConfiguration(encoder: SmallProblem.encoder, head: nil)

    private func round(
        _ checkpoint: String, steps: Int, seed: UInt64 = 3, batch: Int = 3
    ) throws -> LocalRound {
        var settings = SmallProblem.request("").settings
        settings.batch = batch
        settings.accumulate = 2
        settings.classWeights = .none
        settings.dropContrasts = 0
        settings.seed = seed
        return try LocalRound(
            LocalRound.Request(
                model: Self.model, goal: .restoration(.blocks16), begin: { $0.initialise(seed: 5) }, settings: settings,
                length: .steps(steps), rate: { _ in 2e-3 }, trains: { _ in true }, cases: SmallProblem.cases(),
                load: { SmallProblem.load($0) }, precision: .fp32, threads: 2, identity: ["round": "1"],
                checkpoint: checkpoint, checkpointSeconds: 0.0001))
    }

    private func values(_ store: ParameterStore) -> [Float] {
        var values = [Float](repeating: 0, count: store.layout.count)
        store.read(0..<store.layout.count, into: &values)
        return values
    }

    @Test("a network learns to restore what was taken out; stopped and begun again it ends with the same parameters")
    func restores() throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let quiet = try round(folder + "/quiet", steps: 60)
        let losses = Mutex<[Double]>([])
        _ = try quiet.run(
            report: { if case .step(_, _, let loss, _) = $0 { losses.withLock { $0.append(loss) } } },
            shouldStop: { false })
        let all = losses.withLock { $0 }
        #expect(all.count == 60 && all.suffix(6).reduce(0, +) < 0.5 * all.prefix(6).reduce(0, +))
        let asked = Mutex(0)
        let first = try round(folder + "/resumed", steps: 60)
        let stopped = try first.run(
            report: { _ in },
            shouldStop: {
                asked.withLock { $0 += 1 }
                return asked.withLock { $0 } > 90
            })
        #expect(stopped == nil)
        let second = try round(folder + "/resumed", steps: 60)
        _ = try second.run(report: { _ in }, shouldStop: { false })
        #expect(values(second.store) == values(quiet.store))
    }

    @Test(
        "pretraining of one site writes model, history and pictures; stopped and begun again it writes the same",
        arguments: [PretrainingObjective.blocks16, .masked])
    func site(objective: PretrainingObjective) throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func run(_ name: String, stopAfter: Int? = nil) throws -> Pretraining.Metrics? {
            var settings = SmallProblem.request("").settings
            settings.epochs = 6
            settings.batch = 3
            settings.classWeights = .none
            settings.dropContrasts = 0
            let asked = Mutex(0)
            return try Pretraining(
                Pretraining.Request(
                    start: .configuration(SmallProblem.encoder), objective: objective, settings: settings,
                    cases: SmallProblem.cases(), load: { SmallProblem.load($0) }, precision: .fp32, threads: 2,
                    out: folder + "/" + name, pictures: 3)
            ).run(
                report: { _ in },
                shouldStop: {
                    asked.withLock { $0 += 1 }
                    return stopAfter.map { asked.withLock { $0 } > $0 } ?? false
                })
        }
        let quiet = try #require(try run("quiet"))
        let error = try #require(quiet.error)
        let before = try #require(quiet.errorBefore)
        #expect(error < 0.8 * before)
        let view = try #require(quiet.errorOfViews)
        #expect(view > 0 && view < 1)
        #expect(try run("resumed", stopAfter: 50) == nil)
        #expect(try run("resumed") == quiet)
        for name in ["model.safetensors", "history.csv", "metrics.json", "pictures/epoch-0003.png"] {
            #expect(FileManager.default.fileExists(atPath: "\(folder)/quiet/\(name)"))
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/quiet/checkpoint"))
        let history = try String(contentsOfFile: folder + "/resumed/history.csv", encoding: .utf8)
        #expect(history.split(separator: "\n").count == 7)
        // Finished, it does nothing more.
        #expect(try run("quiet", stopAfter: 0) == quiet)
    }

    private func pretraining(
        _ out: String, seed: UInt64 = 1, objective: PretrainingObjective = .masked, cases: [LabelledCase]? = nil
    ) throws -> Pretraining {
        var settings = SmallProblem.request("").settings
        (settings.epochs, settings.batch, settings.dropContrasts, settings.seed) = (2, 3, 0, seed)
        settings.classWeights = .none
        return try Pretraining(
            Pretraining.Request(
                start: .configuration(SmallProblem.encoder), objective: objective, settings: settings,
                cases: cases ?? SmallProblem.cases(), load: { SmallProblem.load($0) }, precision: .fp32, threads: 2,
                out: out))
    }

    @Test("stopped while an epoch's select cases are looked at, it goes on with them", arguments: [1, 2])
    func stoppedInValidation(epoch: Int) throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let quiet = try pretraining(folder + "/quiet").run(report: { _ in }, shouldStop: { false })
        let isOver = Mutex(false)
        let stopped = try pretraining(folder + "/resumed").run(
            report: { told in
                if case .step(let done, let total, _, _) = told { isOver.withLock { $0 = 2 * done == epoch * total } }
            }, shouldStop: { isOver.withLock(\.self) })
        #expect(stopped == nil)
        var steps = 0
        let resumed = try pretraining(folder + "/resumed").run(
            report: { if case .step = $0 { steps += 1 } }, shouldStop: { false })
        #expect(resumed != nil && resumed == quiet)
        #expect(steps == (epoch == 1 ? 2 : 0), "no step is trained twice")
        let histories = try ["quiet", "resumed"].map {
            try String(contentsOfFile: "\(folder)/\($0)/history.csv", encoding: .utf8).split(separator: "\n")
                .map { $0.split(separator: ",").dropLast() }
        }
        #expect(histories[0] == histories[1] && histories[0].count == 3)
    }

    @Test("a folder that holds another training stays as it is")
    func usedFolder() throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try pretraining(folder + "/used").run(report: { _ in }, shouldStop: { false })
        let model = try SmallProblem.bytes(folder + "/used/model.safetensors")
        let begun = [
            { try pretraining(folder + "/used", seed: 2) }, { try pretraining(folder + "/used", objective: .blocks16) },
            { try pretraining(folder + "/used", cases: SmallProblem.cases(train: 13)) },
        ]
        for begin in begun { #expect(throws: TrainingError.self) { _ = try begin() } }
        unlink(folder + "/used/pretraining.json")
        #expect(throws: TrainingError.self) { _ = try pretraining(folder + "/used") }
        #expect(try SmallProblem.bytes(folder + "/used/model.safetensors") == model)
        // What ended before its first checkpoint left nothing to go on from.
        _ = try pretraining(folder + "/begun", seed: 2)
        _ = try pretraining(folder + "/begun")
    }

    @Test("patients whom any label's test split would hold take no part in pretraining")
    func testPatients() throws {
        let folder = try SmallProblem.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // An age in months is no task, and none of its values a class.
        let rows = (0..<140).map { "c\($0),p\($0 / 2),c\($0).nii,\($0 % 2),\($0 % 3),\(300 + $0)" }
        let path = folder + "/manifest.csv"
        try Data((["case,patient,T1w,tumour,idh,age_months"] + rows).joined(separator: "\n").utf8).write(
            to: URL(filePath: path))
        let cases = try TaskCases(forPretraining: path)
        let manifest = try Manifest.read(path)
        var tested: Set<String> = []
        for column in ["tumour", "idh"] {
            let splits = manifest.splits(task: try LabelTask(manifest: manifest, column: column))
            for (record, split) in zip(manifest.cases, splits) where split == .test { tested.insert(record.patient) }
        }
        #expect(cases.cases.count == 140 && !tested.isEmpty)
        #expect(throws: CohortError.self) {
            try TaskCases(manifest: path, column: "tumour", classes: ["0", "1"]).requireSplits(of: path)
        }
        for labelled in cases.cases {
            #expect((labelled.split == .test) == tested.contains(labelled.record.patient))
        }
    }

    @Test("an absent contrast has no part in loss or gradient")
    func absent() throws {
        let device = try Device(precision: .fp32, threads: 2)
        let values = 4 * 8
        let present = [[true, true, false, true], [true, true, true, true]]
        var random = RandomStream(seed: 1, name: "outputs")
        var outputs = (0..<4 * values).map { _ in random.unit() }
        var target = (0..<2 * values).map { _ in random.unit() }
        for i in 16..<24 { target[i] = 0 }
        var gradient = [Float](repeating: 9, count: outputs.count)
        func evaluate() throws -> RestorationLoss.Value {
            try RestorationLoss().evaluate(
                &outputs, target: target, cases: 2, values: values, present: present, gradient: &gradient,
                device: device)
        }
        let seen = (0..<2 * values).filter { !(16..<24).contains($0) }
        let expected = seen.reduce(0.0) { $0 + Double(abs(outputs[$1] - target[$1])) } / Double(seen.count)
        let value = try evaluate()
        #expect(abs(value.reconstruction - expected) < 1e-6)
        for i in (16..<24).flatMap({ [$0, $0 + 2 * values] }) { #expect(gradient[i] == 0) }
        // Other values there change nothing.
        let before = (value.total, gradient)
        for i in (16..<24).flatMap({ [$0, $0 + 2 * values] }) { outputs[i] = 5 }
        #expect(try evaluate().total == before.0 && gradient == before.1)
        // The gradient is that of the loss: one value moved a little.
        for place in [3, 40, 70, 110] {
            let step: Float = 1e-3
            let middle = outputs[place]
            outputs[place] = middle + step
            let up = try evaluate().total
            outputs[place] = middle - step
            let down = try evaluate().total
            outputs[place] = middle
            #expect(abs((up - down) / Double(2 * step) - Double(before.1[place])) < 2e-3)
        }
    }

    @Test("tokens shown are a quarter, drawn by seed and name alone, and a view hides the others in all contrasts")
    func tokens() throws {
        let encoder = Preset.small.configuration
        let mask = TokenMask(encoder)
        #expect(mask.shown == 54)
        let drawn = mask.draw(seed: 1, name: "case 1")
        #expect(drawn.count == 54 && Set(drawn).count == 54 && drawn == drawn.sorted())
        #expect(drawn == mask.draw(seed: 1, name: "case 1"))
        #expect(drawn != mask.draw(seed: 2, name: "case 1") && drawn != mask.draw(seed: 1, name: "case 2"))
        // Over many draws each token is shown a quarter of the times.
        var times = [Int](repeating: 0, count: encoder.tokens)
        for i in 0..<400 { for token in mask.draw(seed: 1, name: "case \(i)") { times[Int(token)] += 1 } }
        #expect(times.allSatisfy { (60...140).contains($0) })
        let ones = [Float](repeating: 1, count: encoder.imageValues)
        let view = mask.view(ones, shown: drawn, contrasts: 4)
        #expect(view.reduce(0, +) == Float(encoder.imageValues) / 4)
        // Token n is the cube of 8³ voxels at (n / 36, n / 6 % 6, n % 6).
        let first = Int(drawn[0])
        let corner = (first / 36 * 8 * 48 + first / 6 % 6 * 8) * 48 + first % 6 * 8
        #expect(view[corner] == 1 && view[corner + 48 * 48 * 48] == 1)
    }

    @Test("passes share a step's gradient by their cases", arguments: [PretrainingObjective.blocks4, .masked])
    func shares(objective: PretrainingObjective) throws {
        let model = objective.model(SmallProblem.encoder)
        let cases = FitCases(SmallProblem.cases(), budget: 1 << 24, load: { SmallProblem.load($0) })
        func gradient(_ passes: [[Int]]) throws -> [Float] {
            let device = try Device(precision: .fp32, threads: 2)
            let store = try ParameterStore(ParameterLayout(model), device: device)
            store.initialise(seed: 3)
            let trainer = try Trainer(
                model, store: store, batch: 2, optimizer: .adam(), goal: objective.goal, clip: nil)
            let count = passes.reduce(0) { $0 + $1.count }
            for (i, pass) in passes.enumerated() {
                let samples = try pass.map { Sample(index: $0, shown: try cases.input($0).present) }
                let whole = try MicroBatch.images(of: samples, from: cases)
                let share = Double(pass.count) / Double(count)
                if case .views(let views, let target) = whole.views(by: .blocks4, cases, seed: 1, name: "0").content,
                    objective == .blocks4
                {
                    _ = try trainer.accumulate(views: views, of: target, samples, share: share, first: i == 0)
                }
                let masked = whole.masked(by: TokenMask(SmallProblem.encoder), cases, seed: 1, name: "0")
                if case .masked(let images, let visible) = masked.content, objective == .masked {
                    _ = try trainer.accumulate(masked: images, visible: visible, samples, share: share, first: i == 0)
                }
            }
            return trainer.gradients.values.array
        }
        let (one, other, both) = (try gradient([[0, 1]]), try gradient([[3, 4]]), try gradient([[0, 1], [3, 4]]))
        for i in both.indices { #expect(abs(both[i] - (one[i] + other[i]) / 2) < 1e-6) }
    }
}
