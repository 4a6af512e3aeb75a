import Compute
import Encoder
import Explanation
import Foundation
import Golden
import Testing
import Training

/// Maps against PyTorch's gradients of the same network (Tests/Fixtures/explanation/explanation.py).
@Suite struct GoldenExplanationTests {
    struct Expected: Decodable {
        struct Case: Decodable {
            var relevance, gradcam, integrated: [Float]
            var change: Double
        }
        var cases: [Case]

        static func read() throws -> Expected {
            let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "Fixtures/explanation/explanation.json")
            return try JSONDecoder().decode(Expected.self, from: Data(contentsOf: path))
        }
    }

    private func explainer(_ golden: Golden) throws -> Explainer {
        let widths = golden.list("config", "fc").map { Int($0) }
        let model = ModelConfiguration(encoder: golden.encoder, head: .lamim(widths: widths))
        let device = try Device(precision: .fp32, threads: 2)
        return try Explainer(
            model, parameters: try golden.store(model, device), methods: SaliencyMethod.allCases)
    }

    private func input(_ golden: Golden, _ index: Int) throws -> EncoderInput {
        let all = try #require(golden.tensors["in/x"])
        let count = golden.encoder.imageValues
        return EncoderInput(
            voxels: Array(all[index * count..<(index + 1) * count]),
            present: Array(repeating: true, count: golden.encoder.inChannels))
    }

    @Test("relevance and Grad-CAM of a logit are those of PyTorch's attention and its gradients")
    func attention() throws {
        let golden = try Golden("classifier_micro_f32")
        let explainer = try explainer(golden)
        for (i, expected) in try Expected.read().cases.enumerated() {
            let input = try input(golden, i)
            _ = try explainer.logits(input)
            let relevance = try explainer.attention(logitGradient: [0, 1], by: .relevance)
            #expect(relative(relevance, expected.relevance) < 1e-4)
            _ = try explainer.logits(input)
            let gradcam = try explainer.attention(logitGradient: [0, 1], by: .gradcam)
            #expect(distance(gradcam, expected.gradcam) < 1e-9)
            #expect(expected.gradcam.allSatisfy { $0 == 0 } || relative(gradcam, expected.gradcam) < 1e-3)
        }
    }

    @Test("integrated gradients are PyTorch's, and their sum is the change of the log-odds")
    func integrated() throws {
        let golden = try Golden("classifier_micro_f32")
        let explainer = try explainer(golden)
        for (i, expected) in try Expected.read().cases.enumerated() {
            let input = try input(golden, i)
            let found = try explainer.integrated(input, class: 1, from: input.voxels.map { $0 / 2 })
            let tokens = found.map.summed(edge: explainer.grid).values
            // Fewer places than the fixture's: the head's kinks are found to within completeness.
            #expect(relative(tokens, expected.integrated) < 5e-3)
            #expect(abs(Double(tokens.reduce(0, +)) - expected.change) < 1e-5)
        }
    }
}
