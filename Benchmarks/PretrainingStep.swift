import Compute
import Encoder
import Foundation
import Training

/// One step of pretraining: forward, loss, backward, Adam; views and masks are drawn before.
struct PretrainingStep {
    let encoder: EncoderConfiguration
    let objective: PretrainingObjective
    let batch: Int
    let precision: Precision

    init(preset: String, objective: String, batch: Int, precision: String) throws {
        guard let preset = Preset(rawValue: preset), let objective = PretrainingObjective(rawValue: objective),
            let precision = Precision(rawValue: precision)
        else { throw BenchError("usage: bench pretrain lamim|base|small OBJECTIVE BATCH fp32|bf16 [RUNS]") }
        encoder = preset.configuration
        self.objective = objective
        self.batch = batch
        self.precision = precision
    }

    func measure(_ runs: Int) throws -> [String: Double] {
        let device = try Device(precision: precision)
        let model = objective.model(encoder)
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: 1)
        let trainer = try Trainer(
            model, store: store, batch: batch, optimizer: .adam(), goal: objective.goal, clip: nil)
        let samples = (0..<batch).map { Sample(index: $0, shown: [Bool](repeating: true, count: encoder.inChannels)) }
        let images = randomImages(batch * encoder.imageValues).array
        let mask = TokenMask(encoder)
        let visible = (0..<batch).flatMap { mask.draw(seed: 1, name: "case \($0)") }
        let views =
            objective.scheme.map { scheme in
                (1...2).flatMap { view in
                    (0..<batch).flatMap { i in
                        ContentDropout(scheme, size: encoder.imageSize).view(
                            Array(images[i * encoder.imageValues..<(i + 1) * encoder.imageValues]),
                            shown: samples[i].shown, seed: 1, name: "case \(i), view \(view)")
                    }
                }
            } ?? []
        let seconds = try median(of: runs) {
            if objective.scheme == nil {
                _ = try trainer.accumulate(masked: images, visible: visible, samples, share: 1, first: true)
            } else {
                _ = try trainer.accumulate(views: views, of: images, samples, share: 1, first: true)
            }
            _ = trainer.update(rate: 1e-4)
        }
        return ["seconds": seconds, "peak_gib": peakGiB()]
    }
}
