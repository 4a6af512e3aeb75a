import Compute
import Encoder
import Testing
import Training

/// bfloat16 against fp32 on random cases: what a precision may cost.
@Suite struct PrecisionTests {
    static let hasBF16 = (try? MathLibrary.suited(to: .bf16)) != nil

    /// 216 tokens of 8³ voxels.
    private static let encoder = EncoderConfiguration(
        imageSize: 48, patchSize: 8, hidden: 256, heads: 8, layers: 6, mlp: 1024)

    private func run(_ precision: Precision, head: Head, seed: UInt64) throws -> (
        logits: [Float], gradients: [(String, [Float])]
    ) {
        let device = try Device(precision: precision, threads: 2)
        let model = ModelConfiguration(encoder: Self.encoder, head: head)
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: seed)
        let input = SmallProblem.input("precision \(seed)", label: Int(seed % 2), encoder: Self.encoder)
        let network = try Network(model, parameters: store, batch: 1, training: true)
        let gradients = try Gradients(.classification(store.layout))
        let logits = try network.classify(input.voxels, count: 1, present: [[true, true, false, true]])
        // The gradient of the logits' difference from fixed targets: the same direction in both precisions.
        try network.backward(logitGradient: [-0.5, 0.5], into: gradients)
        let parts = store.layout.parameters.enumerated().compactMap { index, parameter in
            gradients.pointer(index).map {
                (parameter.name, Array(UnsafeBufferPointer(start: $0, count: parameter.count)))
            }
        }
        return (logits, parts)
    }

    // The processor lacks bfloat16 products where this is skipped.
    @Test(
        "bf16 logits and gradients stay close to fp32", .enabled(if: hasBF16),
        arguments: [Head.mean(classes: 2), .published(classes: 2)], [1, 2, 3, 4] as [UInt64])
    func closeness(head: Head, seed: UInt64) throws {
        let exact = try run(.fp32, head: head, seed: seed)
        let half = try run(.bf16, head: head, seed: seed)
        var difference = 0.0
        var norm = 0.0
        for (a, b) in zip(half.logits, exact.logits) {
            difference += Double(a - b) * Double(a - b)
            norm += Double(b) * Double(b)
        }
        #expect((difference / norm).squareRoot() <= 0.02, "logits \(half.logits) against \(exact.logits)")
        // Where a ReLU of the published head gets an input next to 0, rounding decides on which side it is, and the
        // gradient belongs to another piece of the function: its distance says nothing about the precision.
        func active(_ gradients: [(String, [Float])]) -> [[Bool]] {
            gradients.filter { $0.0.hasPrefix("FC.") && $0.0.hasSuffix(".bias") }.map { $0.1.map { $0 != 0 } }
        }
        guard active(half.gradients) == active(exact.gradients) else {
            #expect(head == .published(classes: 2))
            return
        }
        var worst = 1.0
        var name = ""
        for ((tensor, a), (_, b)) in zip(half.gradients, exact.gradients) {
            var ab = 0.0
            var aa = 0.0
            var bb = 0.0
            for (x, y) in zip(a, b) {
                ab += Double(x) * Double(y)
                aa += Double(x) * Double(x)
                bb += Double(y) * Double(y)
            }
            guard bb > 0 else { continue }
            let cosine = ab / (aa * bb).squareRoot()
            if cosine < worst { (worst, name) = (cosine, tensor) }
        }
        #expect(worst >= 0.9998, "smallest cosine \(worst) of \(name)")
        print(
            "bf16 against fp32: logits \((difference / norm).squareRoot()), smallest gradient cosine \(worst) of \(name)"
        )
    }
}
