import Compute
import Encoder
import Explanation
import Foundation
import Training

/// `bench explain PRESET METHOD [PRECISION] [RUNS]`: what a map costs in passes of the network, on a ball of brain that
/// fills the cube as a head does.
struct ExplainCost {
    let preset: String
    let method: String
    let precision: String

    func measure(_ runs: Int) throws -> [String: Double] {
        guard let preset = Preset(rawValue: preset), let method = SaliencyMethod(rawValue: method) else {
            throw BenchError("usage: bench explain PRESET METHOD [PRECISION] [RUNS]")
        }
        let model = ModelConfiguration(encoder: preset.configuration, head: .published(classes: 2))
        let device = try Device(precision: Precision(rawValue: precision) ?? .suited)
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: 1)
        let explainer = try Explainer(model, parameters: store, methods: [method])
        let size = model.encoder.imageSize
        var random = RandomStream(seed: 2, name: "brain")
        let half = Float(size - 1) / 2
        let voxels = (0..<model.encoder.imageValues).map { i -> Float in
            let at = [i / (size * size) % size, i / size % size, i % size].map { (Float($0) - half) / half }
            return at.reduce(0) { $0 + $1 * $1 } < 1 ? 0.2 + 0.8 * random.unit() : 0
        }
        let input = EncoderInput(voxels: voxels, present: [true, true, true, true])
        let pass = try median(of: runs) { _ = try explainer.logits(input) }
        let map = try median(of: runs) { _ = try explainer.explain(input, class: 1, by: method) }
        return [
            "pass_seconds": pass, "map_seconds": map, "passes": map / pass,
            "tokens_with_brain": Double(explainer.fill(of: input).occupied.count), "peak_gib": peakGiB(),
        ]
    }
}
