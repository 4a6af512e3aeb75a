import Compute
import Encoder
import Foundation
import Training

/// One step of fine-tuning with the published head, of the residual network with the mean one: forward, loss, backward,
/// AdamW.
struct TrainingStep {
    let encoder: EncoderConfiguration
    let batch: Int
    let precision: Precision

    init(preset: String, batch: Int, precision: String) throws {
        // Beside the presets, the width of `small` on the volumes and patches of the others, which MONAI can build.
        var encoder = Preset(rawValue: preset)?.configuration
        if preset == "small96" {
            encoder = Preset.small.configuration
            encoder?.imageSize = 96
            encoder?.patchSize = 16
        }
        guard let encoder, let precision = Precision(rawValue: precision) else {
            throw BenchError("usage: bench train lamim|base|small|small96|resnet BATCH fp32|bf16 [RUNS]")
        }
        self.encoder = encoder
        self.batch = batch
        self.precision = precision
    }

    func measure(_ runs: Int) throws -> [String: Double] {
        let device = try Device(precision: precision)
        let model = ModelConfiguration(
            encoder: encoder, head: encoder.residual == nil ? .published(classes: 2) : .mean(classes: 2))
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: 1)
        let network = try Network(model, parameters: store, batch: batch, training: true)
        let gradients = try Gradients(.classification(store.layout))
        let optimizer = try Optimizer(.adamW(decay: 0.01), trainable: gradients.trainable)
        let images = randomImages(batch * model.encoder.imageValues)
        let labels = [Int](repeating: 0, count: batch)
        var parts: [[Double]] = [[], [], []]
        func timed(_ part: Int, _ body: () throws -> Void) rethrows {
            let start = ContinuousClock.now
            try body()
            parts[part].append((ContinuousClock.now - start) / .seconds(1))
        }
        let seconds = try median(of: runs) {
            var gradient: [Float] = []
            try timed(0) {
                let logits = try network.classify(images.base, count: batch)
                gradient = CrossEntropy(weights: nil).evaluate(logits, labels: labels).gradient
            }
            try timed(1) { try network.backward(logitGradient: gradient, into: gradients) }
            timed(2) { optimizer.update(store, gradients: gradients, rate: 1e-4) }
        }
        return [
            "seconds": seconds, "peak_gib": peakGiB(), "forward.seconds": parts[0].median,
            "backward.seconds": parts[1].median, "optimizer.seconds": parts[2].median,
        ]
    }
}

/// Inference of one prepared case with packed weights.
struct Inference {
    let preset: Preset
    let precision: Precision

    init(preset: String, precision: String) throws {
        guard let preset = Preset(rawValue: preset), let precision = Precision(rawValue: precision) else {
            throw BenchError("usage: bench infer lamim|base|small fp32|bf16 [RUNS]")
        }
        self.preset = preset
        self.precision = precision
    }

    func measure(_ runs: Int) throws -> [String: Double] {
        let device = try Device(precision: precision)
        let model = ModelConfiguration(encoder: preset.configuration, head: .published(classes: 2))
        let parameters = PackedParameters(model, device: device)
        for (i, parameter) in parameters.layout.parameters.enumerated() {
            let values = try Buffer<Float>(count: parameter.count)
            var stream = RandomStream(seed: 1, name: parameter.name)
            for j in 0..<parameter.count { values.base[j] = (stream.unit() - 0.5) * 0.04 }
            try parameters.set(i, to: values.base)
        }
        let network = try Network(model, parameters: parameters, batch: 1, training: false)
        let images = randomImages(model.encoder.imageValues)
        let seconds = try median(of: runs) { _ = try network.classify(images.base, count: 1) }
        return ["seconds": seconds, "peak_gib": peakGiB()]
    }
}

func randomImages(_ count: Int) -> Buffer<Float> {
    guard let images = try? Buffer<Float>(count: count) else { preconditionFailure("no memory for images") }
    var stream = RandomStream(seed: 2, name: "images")
    for i in 0..<count { images.base[i] = stream.unit() }
    return images
}
