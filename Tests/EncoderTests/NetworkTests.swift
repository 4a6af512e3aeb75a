import CKernels
import Compute
import Encoder
import Foundation
import Testing

/// What the golden cases do not cover: other shapes, the `mean` head, absent contrasts, freezing, packed parameters.
@Suite struct NetworkTests {
    static let tiny = EncoderConfiguration(
        imageSize: 16, patchSize: 8, inChannels: 3, outChannels: 3, hidden: 12, heads: 3, layers: 2, mlp: 20,
        deconvolutionChannels: 5)

    private func images(_ count: Int, seed: UInt64 = 3) -> [Float] {
        var stream = RandomStream(seed: seed, name: "images")
        return (0..<count).map { _ in stream.unit() }
    }

    private func model(_ head: Head?) -> ModelConfiguration { ModelConfiguration(encoder: Self.tiny, head: head) }

    /// A store whose zeros and ones are disturbed too, so that no gradient is zero by chance.
    private func store(_ model: ModelConfiguration, _ device: Device) throws -> ParameterStore {
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: 7)
        for parameter in store.layout.parameters {
            var values = [Float](repeating: 0, count: parameter.count)
            store.read(parameter.range, into: &values)
            var stream = RandomStream(seed: 8, name: parameter.name)
            for i in values.indices { values[i] += 0.2 * (stream.unit() - 0.5) }
            store.write(parameter.range, from: values)
        }
        store.refreshVectors()
        return store
    }

    @Test("the published encoder has 506,112,020 parameters and its classifier 6,293,826 more")
    func published() throws {
        let layout = ParameterLayout(
            ModelConfiguration(encoder: Preset.lamim.configuration, head: .published(classes: 2)))
        let own = layout.parameters.filter { $0.name != ParameterLayout.absentContrasts }
        let head = own.filter { $0.name.hasPrefix("FC.") }.reduce(0) { $0 + $1.count }
        #expect(own.reduce(0) { $0 + $1.count } - head == 506_112_020)
        #expect(head == 6_293_826)
        #expect(own.first?.name == "patch_embedding.position_embeddings")
        #expect(own.count { !$0.name.hasPrefix("FC.") } == 185)
    }

    @Test("the peak head sees the mean of each feature over the tokens, then its highest value")
    func peak() throws {
        let model = model(.peak(classes: 2))
        let network = try Network(
            model, parameters: try store(model, try Device(precision: .fp32, threads: 1)), batch: 1, training: true)
        let features = try network.features(images(Self.tiny.imageValues), count: 1)
        let tokens = network.hiddenStateOfLastPass(Self.tiny.layers - 1)
        let width = Self.tiny.hidden
        #expect(features.count == 2 * width && tokens.count == Self.tiny.tokens * width)
        for j in 0..<width {
            let values = (0..<Self.tiny.tokens).map { tokens[$0 * width + j] }
            #expect(abs(features[j] - values.reduce(0, +) / Float(values.count)) < 1e-5)
            #expect(features[width + j] == values.max())
        }
    }

    @Test(
        "gradients are those of finite differences",
        arguments: [Head.mean(classes: 3), .peak(classes: 3), .lamim(widths: [6, 3])])
    func finiteDifferences(head: Head) throws {
        let device = try Device(precision: .fp32, threads: 2)
        let model = model(head)
        let store = try store(model, device)
        let network = try Network(model, parameters: store, batch: 2, training: true)
        var images = images(2 * Self.tiny.imageValues)
        // The second case lacks the second contrast.
        let volume = Self.tiny.imageValues / 3
        for i in Self.tiny.imageValues + volume..<Self.tiny.imageValues + 2 * volume { images[i] = 0 }
        let present = [[true, true, true], [true, false, true]]
        let entropy = CrossEntropy(weights: [1, 2, 0.5])
        func loss() throws -> Double {
            entropy.evaluate(try network.classify(images, count: 2, present: present), labels: [2, 1]).loss
        }
        let value = entropy.evaluate(try network.classify(images, count: 2, present: present), labels: [2, 1])
        let gradients = try Gradients(.classification(store.layout))
        try network.backward(logitGradient: value.gradient, into: gradients)
        for (index, parameter) in store.layout.parameters.enumerated() {
            guard let gradient = gradients.pointer(index) else { continue }
            let i = parameter.count / 2
            var values = [Float](repeating: 0, count: parameter.count)
            store.read(parameter.range, into: &values)
            let kept = values[i]
            func moved(_ by: Float) throws -> Double {
                values[i] = kept + by
                store.write(parameter.range, from: values)
                return try loss()
            }
            let slope = (try moved(2e-2) - (try moved(-2e-2))) / 4e-2
            _ = try moved(0)
            #expect(
                abs(Double(gradient[i]) - slope) < 2e-3 * max(0.1, abs(slope)),
                "\(parameter.name): \(gradient[i]) against \(slope)")
        }
    }

    @Test("a missing contrast's vector matters only where the contrast is missing")
    func absentContrasts() throws {
        let device = try Device(precision: .fp32, threads: 1)
        let model = model(.mean(classes: 2))
        let store = try store(model, device)
        let network = try Network(model, parameters: store, batch: 1, training: true)
        let images = images(Self.tiny.imageValues)
        let index = try #require(store.layout.index(of: ParameterLayout.absentContrasts))
        let gradients = try Gradients(.classification(store.layout))
        let vectors = try #require(gradients.pointer(index))
        for missing in [nil, 1] as [Int?] {
            let present = [(0..<3).map { $0 != missing }]
            _ = try network.classify(images, count: 1, present: present)
            try network.backward(logitGradient: [1, -1], into: gradients)
            for channel in 0..<3 {
                let row = UnsafeBufferPointer(start: vectors + channel * 12, count: 12)
                #expect(row.contains { $0 != 0 } == (channel == missing))
            }
        }
    }

    @Test("accumulated gradients are the sum of the parts")
    func accumulation() throws {
        let device = try Device(precision: .fp32, threads: 2)
        let model = model(.mean(classes: 2))
        let store = try store(model, device)
        let network = try Network(model, parameters: store, batch: 2, training: true)
        let values = Self.tiny.imageValues
        let images = images(2 * values)
        let whole = try Gradients(.classification(store.layout))
        _ = try network.classify(images, count: 2)
        try network.backward(logitGradient: [1, 0, 0, -1], into: whole)
        let parts = try Gradients(.classification(store.layout))
        _ = try network.classify(images, count: 1)
        try network.backward(logitGradient: [1, 0], into: parts)
        _ = try network.classify(Array(images[values...]), count: 1)
        try network.backward(logitGradient: [0, -1], into: parts, accumulate: true)
        for i in 0..<whole.values.count {
            #expect(abs(whole.values.base[i] - parts.values.base[i]) < 1e-5)
        }
    }

    @Test("what is frozen has no gradient, and what is trained has the same as ever")
    func freezing() throws {
        let device = try Device(precision: .fp32, threads: 2)
        let model = model(.mean(classes: 2))
        let store = try store(model, device)
        let network = try Network(model, parameters: store, batch: 1, training: true)
        let images = images(Self.tiny.imageValues)
        let all = try Gradients(.classification(store.layout))
        let some = try Gradients(
            Trainable(store.layout) { $0.name.hasPrefix("blocks.1.mlp") || $0.name.hasPrefix("head.linear") })
        for gradients in [all, some] {
            _ = try network.classify(images, count: 1)
            try network.backward(logitGradient: [1, -1], into: gradients)
        }
        var compared = 0
        for (i, parameter) in store.layout.parameters.enumerated() {
            guard let own = some.pointer(i), let expected = all.pointer(i) else { continue }
            for j in 0..<parameter.count { #expect(own[j] == expected[j]) }
            compared += 1
        }
        #expect(compared == 6)
    }

    @Test("packed parameters predict what the trainable ones do", arguments: Precision.allCases)
    func packed(precision: Precision) throws {
        guard let device = try? Device(precision: precision, threads: 2) else { return }
        let encoder = EncoderConfiguration(
            imageSize: 32, patchSize: 8, hidden: 96, heads: 3, layers: 2, mlp: 160)
        let model = ModelConfiguration(encoder: encoder, head: .published(classes: 2))
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: 1)
        let images = images(encoder.imageValues)
        let expected = try Network(model, parameters: store, batch: 1, training: true).classify(images, count: 1)
        let packed = PackedParameters(model, device: device)
        for (i, parameter) in packed.layout.parameters.enumerated() {
            var values = [Float](repeating: 0, count: parameter.count)
            store.read(parameter.range, into: &values)
            try packed.set(i, to: values)
        }
        let logits = try Network(model, parameters: packed, batch: 1, training: false).classify(images, count: 1)
        for (a, b) in zip(logits, expected) { #expect(abs(a - b) < (precision == .bf16 ? 2e-3 : 1e-5)) }
    }

    @Test("initial values have the published spread and depend on the seed alone")
    func initialisation() throws {
        let layout = ParameterLayout(ModelConfiguration(encoder: Preset.small.configuration, head: .mean(classes: 2)))
        let device = try Device(precision: .fp32, threads: 2)
        let first = try ParameterStore(layout, device: device)
        let second = try ParameterStore(layout, device: device)
        first.initialise(seed: 1)
        second.initialise(seed: 1)
        func values(_ store: ParameterStore, _ name: String) throws -> [Float] {
            let parameter = try #require(layout[name])
            var values = [Float](repeating: 0, count: parameter.count)
            store.read(parameter.range, into: &values)
            return values
        }
        for name in layout.parameters.map(\.name) { #expect(try values(first, name) == values(second, name)) }
        let qkv = try values(first, "blocks.0.attn.qkv.weight")
        #expect(abs((qkv.max() ?? 0) - 1 / 16) < 1e-4)
        #expect(abs((qkv.min() ?? 0) + 1 / 16) < 1e-4)
        let position = try values(first, "patch_embedding.position_embeddings")
        let variance = position.reduce(0) { $0 + Double($1 * $1) } / Double(position.count)
        #expect(abs(variance.squareRoot() - 0.02) < 2e-4)
        second.initialise(seed: 2)
        #expect(try values(first, "blocks.0.attn.qkv.weight") != values(second, "blocks.0.attn.qkv.weight"))
    }

    @Test(
        "a shape that cannot be built is refused by the number that does not fit",
        arguments: [
            (EncoderConfiguration(imageSize: 50, patchSize: 16, hidden: 64, heads: 4, layers: 1, mlp: 8), "50"),
            (EncoderConfiguration(imageSize: 48, patchSize: 6, hidden: 64, heads: 4, layers: 1, mlp: 8), "6"),
            (EncoderConfiguration(imageSize: 48, patchSize: 8, hidden: 65, heads: 4, layers: 1, mlp: 8), "65"),
            (EncoderConfiguration(imageSize: 48, patchSize: 8, hidden: 64, heads: 4, layers: 0, mlp: 8), "layers"),
        ])
    func refused(configuration: EncoderConfiguration, named: String) {
        #expect {
            try configuration.validate()
        } throws: { "\($0)".contains(named) }
    }
}
