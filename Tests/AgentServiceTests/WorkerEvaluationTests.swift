import AgentService
import Cohort
import Compute
import Encoder
import Federation
import Foundation
import Statistics
import Testing
import Weights

@Suite(.serialized) struct WorkerEvaluationTests {
    private func evaluation(_ site: WorkerSite, select: Int) throws -> WorkerResult.Outcome {
        let data = try site.manifest { ($0 % 2 == 0 ? "no" : "yes", $0 < select ? .select : .train) }
        let task = site.task(.evaluate, data: data, candidate: site.base)
        return try site.result(task).outcome
    }

    @Test("histograms leave with twenty cases of each class, and every bin has ten")
    func histograms() throws {
        try WorkerSite.with { site in
            guard case .evaluation(let made) = try evaluation(site, select: 40) else {
                Issue.record("there is no evaluation")
                return
            }
            #expect(made.cases == [20, 20])
            #expect(made.models.count == 2)
            #expect(made.models[0] == made.models[1])
            for histogram in made.models.flatMap(\.histograms) {
                #expect(histogram.bins.allSatisfy { $0.positive + $0.negative >= 10 })
                #expect(histogram.bins.reduce(0) { $0 + $1.positive + $1.negative } == 40)
            }
            #expect(made.models[0].histograms.count == 2)
        }
    }

    @Test("neither histograms nor the classes' counts leave with nineteen cases of one, nothing at all below ten cases")
    func minimums() throws {
        try WorkerSite.with { site in
            guard case .evaluation(let made) = try evaluation(site, select: 38) else {
                Issue.record("there is no evaluation")
                return
            }
            #expect(made.cases == [38])
            #expect(made.models.allSatisfy { $0.histograms.isEmpty })
        }
        try WorkerSite.with { site in
            guard case .refusal(let refusal) = try evaluation(site, select: 9) else {
                Issue.record("it was not refused")
                return
            }
            #expect(refusal.reason == .cases)
        }
    }

    @Test("what training cases are like is summed as the plan asks, and not at all where they are too few")
    func familiarity() throws {
        for dimensions in 1...2 {
            try WorkerSite.with { site in
                let data = try site.manifest { ($0 % 2 == 0 ? "no" : "yes", $0 < 12 ? .train : .select) }
                let plan = WorkerSite.plan(more: "evaluation: {familiarity: \(dimensions)}")
                let task = site.task(.evaluate, plan: plan, data: data, candidate: site.base)
                guard case .evaluation(let made) = try site.result(task).outcome else {
                    Issue.record("there is no evaluation")
                    return
                }
                guard dimensions == 1 else {
                    #expect(made.familiarity == nil)
                    return
                }
                let known = try #require(made.familiarity)
                #expect(known.features.count == 12 && known.seed == 9 && known.model == site.base.digest)
                #expect(known.isEnough(for: 1))
            }
        }
    }

    @Test("two sites' updates averaged make a model with a lower loss than the base")
    func averaged() throws {
        try WorkerSite.with { site in
            let plan = WorkerSite.plan("steps: 30, drop_contrasts: 0")
            var paths: [String] = []
            for number in 1...2 {
                let data = try site.trainingManifest(site: number)
                let task = site.task(plan: plan, data: data, site: "hospital-\(number)")
                _ = try #require(try site.update(task))
                let path = site.folder + "/update-\(number)"
                let folder = TaskFolder(state: site.state, round: task.round, kind: .train)
                try FileManager.default.moveItem(atPath: folder.update, toPath: path)
                folder.remove()
                paths.append(path)
            }
            let deltas = try paths.map { try SafetensorsFile($0) }
            let configuration = ModelConfiguration(encoder: WorkerSite.encoder, head: .mean(classes: 2))
            let store = try ParameterStore(
                ParameterLayout(configuration), device: try Device(precision: .fp32, threads: 1))
            let base = try ModelFile(site.base.path)
            _ = try base.load(into: store)
            for tensor in deltas[0].tensors {
                let parameter = try #require(store.layout[tensor.name])
                let parts = try [try base.file.floats(tensor.name)] + deltas.map { try $0.floats(tensor.name) }
                let mean = parts[0].indices.map { parts[0][$0] + (parts[1][$0] + parts[2][$0]) / 2 }
                mean.withUnsafeBufferPointer { values in
                    if let first = values.baseAddress { store.write(parameter.range, from: first) }
                }
            }
            let path = site.folder + "/candidate.safetensors"
            let digest = try ModelFile.save(store, as: base.description, to: path)
            // The labels mean nothing, so what is learnt shows on the cases it was learnt from.
            let data = try site.manifest(site: 1) { ($0 % 2 == 0 ? "no" : "yes", .select) }
            let task = site.task(
                .evaluate, plan: plan, data: data, candidate: WorkerTask.Model(path: path, digest: digest))
            guard case .evaluation(let made) = try site.result(task).outcome else {
                Issue.record("there is no evaluation")
                return
            }
            #expect(made.models[1].loss < made.models[0].loss)
        }
    }
}
