import Compute
import Encoder
import Foundation
import Testing
import Training

/// What the program says a fit needs, against what the kernel counted.
@Suite(.serialized) struct FitMemoryTests {
    private let model = ModelConfiguration(encoder: Preset.base.configuration, head: .mean(classes: 2))

    @Test("the estimate of a fit and of a prediction is within 15 % of the peak of a child", arguments: [1, 4])
    func estimates(batch: Int) throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 10)
            let run = try FitProcess.run(
                FitProcess.arguments(
                    folder, out: "base", ["--preset", "base", "--epochs", "1", "--batch", "\(batch)"]))
            #expect(run.status == 0, "\(run.errors)")
            let trained = ParameterLayout(model).parameters.filter { !Trainable.decoderOnly($0.name) }
                .reduce(0) { $0 + $1.count }
            let fit = MemoryEstimate.fit(
                model, precision: .fp32, batch: batch, threads: 2, trained: trained, moments: 2,
                resident: 10 * model.encoder.imageValues * 4)
            #expect(
                (0.85...1.15).contains(Double(fit.total) / Double(run.peak)),
                "estimate \(fit.total >> 20) MiB, measured \(run.peak >> 20) MiB")

            let infer = try FitProcess.run([
                "infer", "--model", folder + "/base", "--data", folder + "/cohort/manifest.csv", "--out",
                folder + "/predictions", "--precision", "fp32", "--threads", "2",
            ])
            #expect(infer.status == 0, "\(infer.errors)")
            let inference = MemoryEstimate.inference(model, precision: .fp32, threads: 2)
            #expect(
                (0.85...1.15).contains(Double(inference.total) / Double(infer.peak)),
                "estimate \(inference.total >> 20) MiB, measured \(infer.peak >> 20) MiB")
        }
    }

    @Test("so is that of pretraining", arguments: [PretrainingObjective.blocks16, .masked])
    func pretraining(objective: PretrainingObjective) throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 10)
            let run = try FitProcess.run([
                "pretrain", "--data", folder + "/cohort/manifest.csv", "--preset", "base", "--objective",
                objective.rawValue, "--epochs", "1", "--batch", "2", "--out", folder + "/encoder", "--precision",
                "fp32", "--threads", "2",
            ])
            #expect(run.status == 0, "\(run.errors)")
            let model = objective.model(Preset.base.configuration)
            let trained = ParameterLayout(model).parameters.filter { objective.goal.reaches($0.name) }
                .reduce(0) { $0 + $1.count }
            let views = objective == .masked ? 1 : 2
            let estimate = MemoryEstimate.fit(
                model, precision: .fp32, batch: 2 * views, threads: 2, trained: trained, moments: 2,
                resident: 10 * model.encoder.imageValues * 4, decoded: objective == .masked ? 0 : 4)
            #expect(
                (0.85...1.15).contains(Double(estimate.total) / Double(run.peak)),
                "\(objective): estimate \(estimate.total >> 20) MiB, measured \(run.peak >> 20) MiB")
        }
    }
}
