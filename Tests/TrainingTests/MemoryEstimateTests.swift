import Compute
import Encoder
import Testing
import Training

/// Memory computed before it is taken.
@Suite struct MemoryEstimateTests {
    @Test("a shape that overflows is refused, not counted wrong")
    func overflow() throws {
        let encoder = EncoderConfiguration(
            imageSize: 512, patchSize: 4, hidden: 65_536, heads: 65_536, layers: 64, mlp: 65_536)
        let model = ModelConfiguration(encoder: encoder, head: .mean(classes: 2))
        for precision in Precision.allCases {
            let inference = MemoryEstimate.inference(model, precision: precision, threads: 2)
            let fit = MemoryEstimate.fit(
                model, precision: precision, batch: 1024, threads: 64, trained: 1 << 50, moments: 2)
            #expect(inference.total > 1 << 58)
            #expect(fit.total == .max)
            let error = #expect(throws: TrainingError.self) { try fit.require(available: nil, advice: "") }
            #expect(error?.code == .memory)
        }
    }

    @Test("a fit of the head alone needs no gradients of activations, but room for the features it keeps")
    func headOnly() {
        let model = ModelConfiguration(encoder: Preset.base.configuration, head: .published(classes: 2))
        func estimate(_ features: Int?, augmented: Bool = false) -> MemoryEstimate {
            MemoryEstimate.fit(
                model, precision: .fp32, batch: 2, threads: 2, trained: 1000, moments: 2, features: features,
                augmented: augmented)
        }
        #expect(estimate(0).activations < (estimate(nil).activations / 5))
        #expect(estimate(100).total - estimate(0).total == 100 * 72 * 256 * 4)
        // Cases that change each time are loaded ahead, and their features not kept.
        #expect(estimate(100, augmented: true).cases == estimate(nil).cases)
    }

    @Test("attention's scratch is counted for every thread")
    func attention() {
        // 4096 tokens: a head's scores are 64 MiB in fp32.
        let encoder = EncoderConfiguration(imageSize: 128, patchSize: 8, hidden: 64, heads: 1, layers: 1, mlp: 64)
        let model = ModelConfiguration(encoder: encoder, head: .mean(classes: 2))
        let one = MemoryEstimate.inference(model, precision: .fp32, threads: 1)
        let two = MemoryEstimate.inference(model, precision: .fp32, threads: 2)
        #expect(two.total - one.total == (8 << 20) + 4096 * 4096 * 8 + 4 * 4096 * 64 * 4)
    }
}
