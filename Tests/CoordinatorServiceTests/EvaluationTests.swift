import Cohort
import Compute
import CoordinatorService
import Encoder
import Federation
import Foundation
import Testing

@Suite(.serialized) struct EvaluationTests {
    /// The program beside the test bundle.
    private static let coordinator = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().appendingPathComponent("coordinator").path

    private static let encoder = EncoderConfiguration(
        imageSize: 16, patchSize: 8, hidden: 32, heads: 4, layers: 1, mlp: 64)

    private static let plan = """
        name: study
        task: detection
        classes: [normal, tumour]
        recipe: {name: consilium, size: 16}
        initial: {preset: small, seed: 1}
        rounds: 1
        training: {steps: 1, precision: fp32, threads: 2}
        governance: {purpose: a test, data_declared: synthetic}

        """

    /// A folder with made scans and a model, gone afterwards.
    private func with(_ body: (String, EvaluationRequest.Model) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "evaluation-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try SyntheticCohort(cases: 30, sites: 1, seed: 5, size: 32).write(to: folder + "/cohort", threads: 2)
        let model = ModelConfiguration(encoder: Self.encoder, head: .mean(classes: 2))
        let store = try ParameterStore(ParameterLayout(model), device: try Device(precision: .fp32, threads: 1))
        store.initialise(seed: 4)
        let path = folder + "/model.safetensors"
        let digest = try ModelFile.save(store, as: ModelDescription(configuration: model), to: path)
        try await body(folder, EvaluationRequest.Model(path: path, digest: digest))
    }

    private func evaluator(_ folder: String, origin: String = "synthetic", program: String = coordinator) -> Evaluator {
        Evaluator(
            federation: "federation",
            sets: [EvaluationSet(name: "own", manifest: folder + "/cohort/manifest.csv", origin: origin)],
            program: program, folder: folder + "/evaluation")
    }

    @Test("models are evaluated on the coordinator's own cases in another process, each with its area and interval")
    func evaluated() async throws {
        try await with { folder, model in
            let plan = try StudyPlan.parse(Self.plan)
            var eager = model
            eager.threshold = 0
            let outcome = try await evaluator(folder).evaluate(
                set: "own", split: .test, plan: plan, models: [model, eager], name: "first")
            #expect(outcome.origin == "synthetic")
            #expect(outcome.split == .test)
            #expect(outcome.cases.reduce(0, +) > 0)
            #expect(outcome.models.map(\.model) == [model.digest, model.digest])
            #expect(outcome.models[0] == outcome.models[1])
            #expect(outcome.areas.count == 2)
            #expect(outcome.cases.allSatisfy { $0 > 0 })
            let area = try #require(outcome.areas[0])
            #expect((0...1).contains(area.value))
            #expect(outcome.calls[0] == nil)
            let calls = try #require(outcome.calls[1])
            #expect(calls.sensitivity.value == 1 && calls.specificity.value == 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/evaluation").isEmpty)
        }
    }

    @Test("calls are counted on each side; one side alone has none")
    func calls() throws {
        let calls = try #require(
            EvaluationOutcome.Calls([true, true, true, false, false, false], [true, false, true, true, false, false]))
        #expect(calls.sensitivity.right == 2 && calls.sensitivity.cases == 3)
        #expect(calls.specificity.right == 2 && calls.specificity.cases == 3)
        #expect(EvaluationOutcome.Calls([true], [true]) == nil)
    }

    @Test("a crash of the evaluation is one sentence, and a set without a declared origin is not touched")
    func refused() async throws {
        try await with { folder, model in
            let plan = try StudyPlan.parse(Self.plan)
            func problem(_ evaluator: Evaluator, _ set: String = "own") async -> String? {
                do {
                    _ = try await evaluator.evaluate(set: set, split: .select, plan: plan, models: [model], name: "one")
                    return nil
                } catch { return "\(error)" }
            }
            let crash = folder + "/crash"
            try Data("#!/bin/sh\nkill -SEGV $$\n".utf8).write(to: URL(filePath: crash))
            chmod(crash, 0o700)
            #expect(await problem(evaluator(folder, program: crash))?.contains("signal 11") == true)
            #expect(await problem(evaluator(folder, program: "/nonexistent"))?.contains("cannot be started") == true)
            #expect(await problem(evaluator(folder, origin: "found it"))?.contains("declare") == true)
            #expect(await problem(evaluator(folder), "other")?.contains("no evaluation set") == true)
            #expect(await problem(evaluator(folder)) == nil)
        }
    }
}
