import Compute
import Encoder
import Foundation
import Golden
import Testing

/// Every golden case of PyTorch + MONAI that is found, in fp32 on both matrix libraries.
@Suite struct GoldenTests {
    @Test("classification agrees with PyTorch", arguments: Golden.names("classifier"), MathLibrary.allCases)
    func classification(name: String, library: MathLibrary) throws {
        let golden = try Golden(name)
        let device = try Device(precision: .fp32, threads: 2, library: library)
        let widths = golden.list("config", "fc").map { Int($0) }
        let model = ModelConfiguration(encoder: golden.encoder, head: .lamim(widths: widths))
        let store = try golden.store(model, device)
        let images = try #require(golden.tensors["in/x"])
        let labels = try #require(golden.integers["in/y"])
        let network = try Network(model, parameters: store, batch: labels.count, training: true)
        let forward = Float(golden.number("tol", "forward"))

        var attention: [[Float]] = []
        let logits = try network.classify(images, count: labels.count)
        for output in network.attentionOfLastPass() { attention.append(output) }
        #expect(distance(logits, try #require(golden.tensors["out/logits"])) < forward)
        for (i, a) in attention.enumerated() {
            if let expected = golden.tensors["out/attn\(i)"] { #expect(distance(a, expected) < forward) }
        }
        let loss = CrossEntropy(weights: nil).evaluate(logits, labels: labels)
        #expect(abs(loss.loss - golden.number("loss_ce")) < Double(forward))
        if let expected = golden.tensors["out/prob"] {
            let classes = widths.last ?? 0
            let p = labels.indices.flatMap {
                CrossEntropy.softmax(logits[$0 * classes..<($0 + 1) * classes]).map { Float($0) }
            }
            #expect(distance(p, expected) < forward)
        }

        let gradients = try Gradients(.classification(store.layout))
        var imageGradient = [Float](repeating: 0, count: images.count)
        try network.backward(logitGradient: loss.gradient, into: gradients, images: &imageGradient)
        let tolerance = golden.number("tol", "grad_rel")
        try compare(gradients, store.layout, golden, tolerance)
        #expect(relative(imageGradient, try #require(golden.tensors["grad_in/x"])) < tolerance)

        // The gradient of the second logit, by which saliency maps are made.
        if let expected = golden.tensors["grad_in_logit1/x"] {
            let classes = logits.count / labels.count
            let second = logits.indices.map { Float($0 % classes == 1 ? 1 : 0) }
            var seen: [Int: [Float]] = [:]
            _ = try network.classify(images, count: labels.count)
            try network.backward(logitGradient: second, into: gradients, images: &imageGradient) { block, d in
                seen[block] = Array(UnsafeBufferPointer(start: d, count: attention[block].count))
            }
            #expect(relative(imageGradient, expected) < tolerance)
            for (block, d) in seen {
                guard let expected = golden.tensors["grad_attn_logit1/\(block)"] else { continue }
                #expect(relative(d, expected) < tolerance, "attention gradient of block \(block)")
            }
        }
    }

    @Test("pretraining agrees with PyTorch", arguments: Golden.names("pretrain"), MathLibrary.allCases)
    func pretraining(name: String, library: MathLibrary) throws {
        let golden = try Golden(name)
        let device = try Device(precision: .fp32, threads: 2, library: library)
        let model = ModelConfiguration(encoder: golden.encoder, head: nil)
        let store = try golden.store(model, device)
        let views = try #require(golden.tensors["in/view1"]) + (try #require(golden.tensors["in/view2"]))
        let target = try #require(golden.tensors["in/target"])
        let cases = target.count / model.encoder.imageValues
        let network = try Network(model, parameters: store, batch: 2 * cases, training: true)
        let forward = Float(golden.number("tol", "forward"))

        let output = try network.reconstruct(views, count: 2 * cases)
        let half = output.count / 2
        #expect(distance(Array(output[..<half]), try #require(golden.tensors["out/recon1"])) < forward)
        #expect(distance(Array(output[half...]), try #require(golden.tensors["out/recon2"])) < forward)
        for i in 0..<model.encoder.layers {
            guard let expected = golden.tensors["out/hidden\(i)"] else { continue }
            let hidden = network.hiddenStateOfLastPass(i)
            #expect(distance(Array(hidden.prefix(expected.count)), expected) < forward, "hidden state \(i)")
        }
        if let expected = golden.tensors["out/attn_last"], let last = network.attentionOfLastPass().last {
            #expect(distance(Array(last.prefix(expected.count)), expected) < forward)
        }

        var outputGradient = [Float](repeating: 0, count: output.count)
        let value = try RestorationLoss().evaluate(
            try #require(output.baseAddress), target: target, cases: cases,
            values: model.encoder.outputValues, gradient: &outputGradient, device: device)
        #expect(abs(value.reconstruction - golden.number("loss_recon")) < 2e-5)
        #expect(abs(value.contrastive - golden.number("loss_contrastive")) < 2e-5)
        #expect(abs(value.total - golden.number("loss_total")) < 2e-5)

        let gradients = try Gradients(.reconstruction(store.layout))
        var imageGradient = [Float](repeating: 0, count: views.count)
        try network.backward(reconstructionGradient: outputGradient, into: gradients, images: &imageGradient)
        let tolerance = golden.number("tol", "grad_rel")
        try compare(gradients, store.layout, golden, tolerance)
        let expected = try #require(golden.tensors["grad_in/x"])
        #expect(relative(Array(imageGradient.prefix(expected.count)), expected) < tolerance)
    }

    @Test("masked pretraining agrees with PyTorch", arguments: MathLibrary.allCases)
    func masked(library: MathLibrary) throws {
        let golden = try Golden("masked_micro_f32", fixtures: "pretraining")
        let device = try Device(precision: .fp32, threads: 2, library: library)
        let model = ModelConfiguration(
            encoder: golden.encoder, head: nil, maskDecoder: MaskDecoder(of: golden.encoder))
        #expect(model.maskDecoder?.hidden == 6 && model.maskDecoder?.mlp == 10)
        let store = try golden.store(model, device, without: "conv3d_transpose")
        let vectors = try #require(store.layout[ParameterLayout.absentContrasts])
        store.write(vectors.range, from: try #require(golden.tensors["w/absent_contrasts"]))
        store.refreshVectors()
        let images = try #require(golden.tensors["in/x"])
        let visible = try #require(golden.integers["in/visible"]).map { Int32($0) }
        let present = [[true, true], [true, false]]
        let network = try MaskedAutoencoder(model, parameters: store, batch: 2, training: true, shown: 16)
        let output = try network.predict(images, visible: visible, count: 2, present: present)
        #expect(
            distance(Array(output), try #require(golden.tensors["out/predicted"]))
                < Float(golden.number("tol", "forward")))
        var targets = [Float](repeating: 0, count: output.count)
        var gradient = targets
        network.targets(images, into: &targets)
        let loss = MaskedLoss.evaluate(
            try #require(output.baseAddress), targets: targets, rows: 48, values: model.encoder.patchValues,
            present: present, gradient: &gradient)
        #expect(abs(loss - golden.number("loss")) < 2e-6)
        let gradients = try Gradients(
            Trainable(store.layout) { !$0.name.hasPrefix("conv3d_transpose") })
        let tolerance = golden.number("tol", "grad_rel")
        // The second time the gradients are added: twice those of once.
        for times in 1...2 {
            try network.backward(gradient, into: gradients, accumulate: times == 2)
            for (i, parameter) in store.layout.parameters.enumerated() {
                guard let expected = golden.tensor("grad/", parameter.name) else { continue }
                let pointer = try #require(gradients.pointer(i), "\(parameter.name) has no gradient")
                let values = (0..<parameter.count).map { pointer[$0] / Float(times) }
                #expect(relative(values, expected) < tolerance, "gradient of \(parameter.name)")
            }
            if times == 1 { _ = try network.predict(images, visible: visible, count: 2, present: present) }
        }
        // A single case: what is shown stays, what is not is predicted.
        let one = try network.restore(
            Array(images[..<model.encoder.imageValues]), visible: Array(visible[..<16]), present: present[0])
        let changed = zip(one, images).count { $0 != $1 }
        #expect(changed == 48 * model.encoder.patchValues)
    }

    @Test("the residual network agrees with PyTorch", arguments: MathLibrary.allCases)
    func residual(library: MathLibrary) throws {
        let golden = try Golden("residual_micro_f32", fixtures: "residual")
        let stages = ResidualStages(
            widths: golden.list("config", "widths").map { Int($0) },
            blocks: golden.list("config", "blocks").map { Int($0) })
        let model = ModelConfiguration(
            encoder: EncoderConfiguration(imageSize: 12, inChannels: 2, residual: stages), head: .mean(classes: 3))
        let images = try #require(golden.tensors["in/x"])
        let labels = try #require(golden.integers["in/y"])
        let tolerance = golden.number("tol", "grad_rel")
        for threads in [1, 2, 5] {
            let device = try Device(precision: .fp32, threads: threads, library: library)
            let store = try golden.store(model, device)
            let network = try Network(model, parameters: store, batch: 3, training: true)
            let logits = try network.classify(images, count: 3)
            #expect(
                distance(logits, try #require(golden.tensors["out/logits"])) < Float(golden.number("tol", "forward")))
            let loss = CrossEntropy(weights: nil).evaluate(logits, labels: labels)
            #expect(abs(loss.loss - golden.number("loss")) < 2e-6)
            let gradients = try Gradients(.classification(store.layout))
            var imageGradient = [Float](repeating: 0, count: images.count)
            try network.backward(logitGradient: loss.gradient, into: gradients, images: &imageGradient)
            try compare(gradients, store.layout, golden, tolerance)
            #expect(relative(imageGradient, try #require(golden.tensors["grad_in/x"])) < tolerance)
            // Added a second time, twice as much.
            let once = gradients.values.array
            try network.backward(logitGradient: loss.gradient, into: gradients, accumulate: true)
            #expect(relative(gradients.values.array, once.map { 2 * $0 }) < 1e-6)
        }
    }

    private func compare(_ gradients: Gradients, _ layout: ParameterLayout, _ golden: Golden, _ tolerance: Double)
        throws
    {
        for (i, parameter) in layout.parameters.enumerated() where parameter.name != ParameterLayout.absentContrasts {
            guard let expected = golden.tensor("grad/", parameter.name) else {
                #expect(gradients.pointer(i) == nil, "\(parameter.name) has a gradient that PyTorch does not have")
                continue
            }
            let pointer = try #require(gradients.pointer(i), "\(parameter.name) has no gradient")
            let values = Array(UnsafeBufferPointer(start: pointer, count: parameter.count))
            #expect(relative(values, expected) < tolerance, "gradient of \(parameter.name)")
        }
    }
}
