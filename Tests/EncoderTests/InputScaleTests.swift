import Compute
import Encoder
import Foundation
import Golden
import Testing

@Suite struct InputScaleTests {
    private static let transformer = EncoderConfiguration(
        imageSize: 16, patchSize: 8, hidden: 32, heads: 4, layers: 2, mlp: 64)
    private static let residual = EncoderConfiguration(
        imageSize: 16, residual: ResidualStages(widths: [8, 16], blocks: [1, 1]))
    private static let scale = InputScale(mean: 0.4, deviation: 0.25)
    private static let present = [[true, true, true, true], [true, false, true, true]]

    /// Two cases with air about them, of which the second lacks a contrast; some brain is 0 in one contrast.
    private static let images: [Float] = {
        var random = RandomStream(seed: 4, name: "images")
        return (0..<2 * 4 * 4096).map { i in
            let (sample, channel, x) = (i / (4 * 4096), i / 4096 % 4, i % 4096 / 256)
            let value = random.unit()
            return x < 4 || !present[sample][channel] || value < 0.1 ? 0 : value
        }
    }()

    /// The formula, by hand.
    private static let scaled: [Float] = images.indices.map { i in
        let (sample, channel, v) = (i / (4 * 4096), i / 4096 % 4, i % 4096)
        let isBrain = (0..<4).contains { images[(sample * 4 + $0) * 4096 + v] != 0 }
        return isBrain && present[sample][channel] ? (images[i] - 0.4) / 0.25 : 0
    }

    private func network(_ encoder: EncoderConfiguration) throws -> (Network, Gradients) {
        let model = ModelConfiguration(encoder: encoder, head: .mean(classes: 2))
        let layout = ParameterLayout(model)
        let store = try ParameterStore(layout, device: try Device(precision: .fp32, threads: 1))
        store.initialise(seed: 9)
        return (
            try Network(model, parameters: store, batch: 2, training: true),
            try Gradients(Trainable(layout) { _ in true })
        )
    }

    @Test(
        "a network with a scale says of images what one without says of scaled images, and so do its gradients",
        arguments: [transformer, residual])
    func same(encoder: EncoderConfiguration) throws {
        var own = encoder
        own.input = Self.scale
        let (plain, plainGradients) = try network(encoder)
        let (network, gradients) = try network(own)
        let unscaled = try plain.classify(Self.images, count: 2, present: Self.present)
        let expected = try plain.classify(Self.scaled, count: 2, present: Self.present)
        let found = try network.classify(Self.images, count: 2, present: Self.present)
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 })
        #expect(unscaled != found)
        let dy: [Float] = [0.5, -0.5, 1, -1]
        var expectedImages = [Float](repeating: 0, count: Self.images.count)
        var foundImages = expectedImages
        try plain.backward(logitGradient: dy, into: plainGradients, images: &expectedImages)
        try network.backward(logitGradient: dy, into: gradients, images: &foundImages)
        #expect(expectedImages.contains { abs($0) > 1e-6 })
        #expect(relative(foundImages, expectedImages.map { $0 / 0.25 }) < 1e-4)
        if encoder.residual == nil {
            let one = Array(Self.images.suffix(4 * 4096))
            let tokens = try network.embedded(one, present: Self.present[1])
            let again = try network.classify(embedded: tokens, count: 1)
            #expect(zip(again, found.suffix(2)).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test("a configuration of before has none, and one that cannot be run is refused")
    func reading() throws {
        var encoder = Self.transformer
        encoder.input = Self.scale
        let text = try JSONEncoder().encode(encoder)
        #expect(try JSONDecoder().decode(EncoderConfiguration.self, from: text) == encoder)
        let before = try JSONEncoder().encode(Self.transformer)
        #expect(!String(decoding: before, as: UTF8.self).contains("input\""))
        #expect(try JSONDecoder().decode(EncoderConfiguration.self, from: before).input == nil)
        for deviation: Float in [0, -1, .nan, .infinity] {
            encoder.input = InputScale(mean: 0, deviation: deviation)
            #expect(throws: EncoderError.self) { try encoder.validate() }
        }
        #expect(Preset.lamim.configuration.input == nil)
    }
}
