import Compute
import Encoder
import Foundation
import Golden
import Testing
import Training

/// The weights after a few steps of PyTorch's optimisers, for every golden case that is found.
@Suite struct OptimizerTests {
    @Test("AdamW with a cosine follows PyTorch", arguments: Golden.names("classifier"))
    func adamW(name: String) throws {
        let golden = try Golden(name)
        let device = try Device(precision: .fp32, threads: 2)
        let widths = golden.list("config", "fc").map { Int($0) }
        let model = ModelConfiguration(encoder: golden.encoder, head: .lamim(widths: widths))
        let store = try golden.store(model, device)
        let images = try #require(golden.tensors["in/x"])
        let labels = try #require(golden.integers["in/y"])
        let network = try Network(model, parameters: store, batch: labels.count, training: true)
        let gradients = try Gradients(.classification(store.layout))
        let optimizer = try Optimizer(
            .adamW(decay: Float(golden.number("adamw", "wd"))), trainable: gradients.trainable)
        let schedule = Schedule(
            rate: Float(golden.number("adamw", "lr")),
            shape: .cosine(
                period: golden.integer("cosine", "T_max"), minimum: Float(golden.number("cosine", "eta_min"))))
        for (step, expected) in golden.list("loss_per_step").enumerated() {
            let logits = try network.classify(images, count: labels.count)
            let loss = CrossEntropy(weights: nil).evaluate(logits, labels: labels)
            #expect(abs(loss.loss - expected) < 2e-5, "loss of step \(step)")
            try network.backward(logitGradient: loss.gradient, into: gradients)
            optimizer.update(store, gradients: gradients, rate: schedule.rate(at: step))
            let next = golden.list("lr_after_step")[step]
            #expect(abs(Double(schedule.rate(at: step + 1)) - next) < 1e-9)
        }
        try golden.compare(store, "step6/", tolerance: golden.number("tol", "grad_rel"))
    }

    @Test("Adam follows PyTorch", arguments: Golden.names("pretrain"))
    func adam(name: String) throws {
        let golden = try Golden(name)
        let device = try Device(precision: .fp32, threads: 2)
        let model = ModelConfiguration(encoder: golden.encoder, head: nil)
        let store = try golden.store(model, device)
        let views = try #require(golden.tensors["in/view1"]) + (try #require(golden.tensors["in/view2"]))
        let target = try #require(golden.tensors["in/target"])
        let cases = target.count / model.encoder.imageValues
        let network = try Network(model, parameters: store, batch: 2 * cases, training: true)
        let gradients = try Gradients(.reconstruction(store.layout))
        let optimizer = try Optimizer(.adam(), trainable: gradients.trainable)
        var outputGradient = [Float](repeating: 0, count: 2 * cases * model.encoder.outputValues)
        for (step, expected) in golden.list("loss_per_step").enumerated() {
            let output = try network.reconstruct(views, count: 2 * cases)
            let loss = try RestorationLoss().evaluate(
                try #require(output.baseAddress), target: target, cases: cases,
                values: model.encoder.outputValues, gradient: &outputGradient, device: device)
            #expect(abs(loss.total - expected) < 2e-5, "loss of step \(step)")
            try network.backward(reconstructionGradient: outputGradient, into: gradients)
            optimizer.update(store, gradients: gradients, rate: Float(golden.number("adam", "lr")))
        }
        try golden.compare(store, "step3/", tolerance: golden.number("tol", "grad_rel"))
    }

    @Test("SGD with momentum follows its formula, in fp32 and in planes", arguments: [false, true])
    func sgd(planes: Bool) throws {
        guard !planes || (try? Device(precision: .bf16, threads: 1)) != nil else { return }
        let device = try Device(precision: planes ? .bf16 : .fp32, threads: 2)
        let encoder = EncoderConfiguration(
            imageSize: 8, patchSize: 4, inChannels: 1, outChannels: 1, hidden: 4, heads: 2, layers: 1, mlp: 4)
        let model = ModelConfiguration(encoder: encoder, head: .mean(classes: 2))
        let store = try ParameterStore(ParameterLayout(model), device: device)
        let gradients = try Gradients(Trainable(store.layout) { _ in true })
        let optimizer = try Optimizer(.sgd(momentum: 0.5, decay: 0.1), trainable: gradients.trainable)
        for i in 0..<gradients.values.count { gradients.values.base[i] = Float(i % 7) - 3 }
        var w = 0.0
        var velocity = 0.0
        for step in 0..<4 {
            optimizer.update(store, gradients: gradients, rate: 0.01, scale: 0.5)
            let g = -3 * 0.5 + 0.1 * w
            velocity = step == 0 ? g : 0.5 * velocity + g
            w -= 0.01 * velocity
        }
        var first: Float = 0
        store.read(0..<1, into: &first)
        #expect(abs(Double(first) - w) < 1e-7)
    }
}

extension Golden {
    func compare(_ store: ParameterStore, _ kind: String, tolerance: Double) throws {
        for parameter in store.layout.parameters where parameter.name != ParameterLayout.absentContrasts {
            let expected = try #require(tensor(kind, parameter.name))
            var values = [Float](repeating: 0, count: parameter.count)
            store.read(parameter.range, into: &values)
            #expect(relative(values, expected) < tolerance, "\(parameter.name) after the steps")
        }
    }
}
