import Compute
import Encoder
import Foundation
import Training

/// Samples per second of the fitting loop's steps at an effective batch of 8, cases prepared and in memory.
struct FitRate {
    let preset: Preset
    let precision: Precision

    init(preset: String, precision: String) throws {
        guard let preset = Preset(rawValue: preset), let precision = Precision(rawValue: precision) else {
            throw BenchError("usage: bench fit lamim|base|small fp32|bf16 [STEPS]")
        }
        self.preset = preset
        self.precision = precision
    }

    func measure(_ steps: Int) throws -> [String: Double] {
        let device = try Device(precision: precision)
        let model = ModelConfiguration(encoder: preset.configuration, head: .published(classes: 2))
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: 1)
        let trainer = try Trainer(
            model, store: store, batch: 8, optimizer: .adamW(decay: 0.01),
            goal: .classification(CrossEntropy(weights: nil)), clip: nil)
        let samples = (0..<8).map { Sample(index: $0, shown: [true, true, true, true]) }
        let batch = MicroBatch(content: .images(randomImages(8 * model.encoder.imageValues).array), samples: samples)
        let labels = (0..<8).map { $0 % 2 }
        let seconds = try median(of: steps) {
            _ = try trainer.accumulate(batch, labels: labels, normaliser: 8, first: true)
            _ = trainer.update(rate: 1e-4)
        }
        return ["seconds": seconds, "samples_per_second": 8 / seconds, "peak_gib": peakGiB()]
    }
}
