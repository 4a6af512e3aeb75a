import Compute
import Encoder
import Foundation
import Testing
import Training

/// Steps, one property at a time.
@Suite struct TrainerTests {
    private let cases = FitCases(SmallProblem.cases(), budget: 1 << 30) { SmallProblem.load($0) }

    private static let loss = CrossEntropy(weights: [0.7, 1.4])

    private func trainer(
        batch: Int, clip: Double? = nil, optimizer: OptimizerRecipe = .adamW(), settings: FitSettings? = nil
    ) throws -> Trainer {
        let device = try Device(precision: .fp32, threads: 2)
        let model = SmallProblem.model()
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: 3)
        return try Trainer(
            model, store: store, batch: batch, optimizer: optimizer, goal: .classification(Self.loss),
            clip: clip,
            trains: { !(settings?.freezes($0.name) ?? false) })
    }

    private func samples(_ indices: [Int], shown: [Bool]? = nil) throws -> [Sample] {
        try indices.map { Sample(index: $0, shown: try shown ?? cases.input($0).present) }
    }

    private func labels(_ samples: [Sample]) -> [Int] { samples.map { cases.cases[$0.index].label } }

    private func gradients(_ trainer: Trainer, passes: [[Sample]]) throws -> [Float] {
        let normaliser = Self.loss.weight(of: passes.flatMap { labels($0) })
        for (i, pass) in passes.enumerated() {
            _ = try trainer.accumulate(
                .images(of: pass, from: cases), labels: labels(pass), normaliser: normaliser, first: i == 0)
        }
        return trainer.gradients.values.array
    }

    private func values(_ store: ParameterStore) -> [Float] {
        var values = [Float](repeating: 0, count: store.layout.count)
        store.read(0..<store.layout.count, into: &values)
        return values
    }

    @Test("accumulated passes give the gradient of one large batch")
    func accumulation() throws {
        let all = try samples(Array(0..<6))
        let together = try gradients(trainer(batch: 6), passes: [all])
        let apart = try gradients(trainer(batch: 2), passes: [Array(all[0..<2]), Array(all[2..<4]), Array(all[4..<6])])
        let one = try gradients(trainer(batch: 1), passes: all.map { [$0] })
        #expect(relative(apart, together) < 1e-5)
        #expect(relative(one, together) < 1e-5)
    }

    @Test("a clipped step is the step of the shortened gradient")
    func clipping() throws {
        let all = try samples([0, 1])
        let free = try trainer(batch: 2, optimizer: .sgd(momentum: 0, decay: 0))
        let clipped = try trainer(batch: 2, clip: 0.01, optimizer: .sgd(momentum: 0, decay: 0))
        let before = values(free.store)
        _ = try gradients(free, passes: [all])
        _ = try gradients(clipped, passes: [all])
        let norm = free.update(rate: 1)
        #expect(norm > 0.02)
        #expect(clipped.update(rate: 1) == norm)
        let long = zip(values(free.store), before).map { $0 - $1 }
        let short = zip(values(clipped.store), before).map { $0 - $1 }
        let length = short.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        #expect(abs(length - 0.01) < 1e-5)
        #expect(relative(short.map { $0 * Float(norm / 0.01) }, long) < 1e-3)
    }

    @Test("frozen parameters keep their bytes and the others move")
    func freezing() throws {
        var settings = SmallProblem.request("").settings
        settings.freeze = ["blocks.0.*", "patch_embedding.*"]
        let trainer = try trainer(batch: 2, settings: settings)
        let before = values(trainer.store)
        for _ in 0..<3 {
            _ = try gradients(trainer, passes: [samples([0, 1]), samples([2, 3])])
            _ = trainer.update(rate: 1e-2)
        }
        let after = values(trainer.store)
        for parameter in trainer.store.layout.parameters {
            let moved = before[parameter.range] != after[parameter.range]
            let frozen = settings.freezes(parameter.name) || Trainable.decoderOnly(parameter.name)
            #expect(moved == !frozen, "\(parameter.name)")
        }
    }

    @Test("a frozen encoder's features give the same step as the whole network")
    func features() throws {
        var settings = SmallProblem.request("").settings
        settings.freeze = ["encoder"]
        let whole = try trainer(batch: 1, settings: settings)
        let cached = try trainer(batch: 4, settings: settings)
        #expect(cached.trainsHeadOnly)
        #expect(!cached.network.training)
        #expect(try !trainer(batch: 1).trainsHeadOnly)
        let frozen = FrozenFeatures(cases, network: cached.network)
        let all = try samples([0, 1, 2, 3])
        for _ in 0..<3 {
            let expected = try gradients(whole, passes: all.map { [$0] })
            let normaliser = Self.loss.weight(of: labels(all))
            _ = try cached.accumulate(frozen.batch(all), labels: labels(all), normaliser: normaliser, first: true)
            #expect(relative(cached.gradients.values.array, expected) < 1e-5)
            _ = whole.update(rate: 1e-2)
            _ = cached.update(rate: 1e-2)
        }
        #expect(relative(values(cached.store), values(whole.store)) < 1e-5)
    }

    @Test("the vector of a contrast learns only from cases without it")
    func absentContrasts() throws {
        let trainer = try trainer(batch: 2)
        let layout = trainer.store.layout
        let parameter = try #require(layout[ParameterLayout.absentContrasts])
        let hidden = SmallProblem.encoder.hidden
        func vectors() -> [[Float]] {
            var values = [Float](repeating: 0, count: parameter.count)
            trainer.store.read(parameter.range, into: &values)
            return (0..<4).map { Array(values[$0 * hidden..<($0 + 1) * hidden]) }
        }
        _ = try gradients(trainer, passes: [samples([0, 1], shown: [true, true, true, true])])
        _ = trainer.update(rate: 1e-2)
        #expect(vectors().allSatisfy { $0.allSatisfy { $0 == 0 } })
        _ = try gradients(trainer, passes: [samples([0, 1], shown: [true, false, true, true])])
        _ = trainer.update(rate: 1e-2)
        for (channel, vector) in vectors().enumerated() {
            #expect(vector.contains { $0 != 0 } == (channel == 1), "contrast \(channel)")
        }
    }
}

private func relative(_ a: [Float], _ b: [Float]) -> Double {
    var difference = 0.0
    var norm = 0.0
    for (x, y) in zip(a, b) {
        difference += Double(x - y) * Double(x - y)
        norm += Double(y) * Double(y)
    }
    return (difference / norm).squareRoot()
}
