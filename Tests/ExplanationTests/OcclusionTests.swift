import Compute
import Encoder
import Explanation
import Foundation
import Golden
import Testing
import Training

@Suite struct OcclusionTests {
    private static let encoder = EncoderConfiguration(
        imageSize: 16, patchSize: 4, inChannels: 4, hidden: 24, heads: 3, layers: 2, mlp: 32)

    /// A ball of brain about a place, each contrast with a texture of its own.
    private func input(present: [Bool] = [true, true, true, true], radius: Float = 6) -> EncoderInput {
        var random = RandomStream(seed: 5, name: "case")
        var voxels: [Float] = []
        for channel in 0..<4 {
            for x in 0..<16 {
                for y in 0..<16 {
                    for z in 0..<16 {
                        let (a, b, c) = (Float(x) - 6.5, Float(y) - 7.5, Float(z) - 8.5)
                        let value = 0.2 + 0.8 * random.unit()
                        voxels.append(present[channel] && a * a + b * b + c * c < radius * radius ? value : 0)
                    }
                }
            }
        }
        return EncoderInput(voxels: voxels, present: present)
    }

    private func explainer(_ head: Head, _ methods: [SaliencyMethod] = SaliencyMethod.allCases) throws -> Explainer {
        let model = ModelConfiguration(encoder: Self.encoder, head: head)
        let store = try ParameterStore(
            ParameterLayout(model), device: try Device(precision: .fp32, threads: 2))
        store.initialise(seed: 3)
        return try Explainer(model, parameters: store, methods: methods)
    }

    @Test("a token is replaced by the Gaussian mean of the brain around it, without itself, and air stays air")
    func fill() {
        let input = input()
        let fill = TokenFill(of: input.voxels, present: input.present, size: 16, patch: 4)
        let count = 16 * 16 * 16
        func isBrain(_ i: Int) -> Bool { (0..<4).contains { input.voxels[$0 * count + i] != 0 } }
        func token(_ i: Int) -> [Int] { [i / 256 / 4, i / 16 % 16 / 4, i % 16 / 4] }
        for channel in [0, 3] {
            for i in stride(from: 0, to: count, by: 7) {
                let found = fill.voxels[channel * count + i]
                guard isBrain(i) else {
                    #expect(found == 0)
                    continue
                }
                var (sum, weight) = (0.0, 0.0)
                for j in 0..<count where isBrain(j) && token(j) != token(i) {
                    let d = [i / 256 - j / 256, i / 16 % 16 - j / 16 % 16, i % 16 - j % 16]
                    guard d.allSatisfy({ abs($0) <= 4 }) else { continue }
                    let w = exp(-0.5 * Double(d.reduce(0) { $0 + $1 * $1 }) / 4)
                    weight += w
                    sum += w * Double(input.voxels[channel * count + j])
                }
                #expect(weight > 0 && abs(Double(found) - sum / weight) < 1e-4)
            }
        }
        #expect(Set(fill.occupied) == Set((0..<count).filter(isBrain).map { token($0).reduce(0) { $0 * 4 + $1 } }))
    }

    @Test("brain with none around it takes the brain's mean")
    func lonely() {
        var voxels = [Float](repeating: 0, count: 4 * 4096)
        voxels[0] = 0.8
        let fill = TokenFill(of: voxels, present: [true, false, false, false], size: 16, patch: 4)
        #expect(fill.occupied == [0] && abs(fill.voxels[0] - 0.8) < 1e-6)
    }

    @Test(
        "occlusion is what the model says without each token",
        arguments: [Head.mean(classes: 2), .peak(classes: 2), .lamim(widths: [8, 3])])
    func occlusion(head: Head) throws {
        let explainer = try explainer(head)
        let input = input()
        let fill = explainer.fill(of: input)
        let map = try explainer.explain(input, class: 1, by: .occlusion).map
        let whole = Explainer.score(try explainer.logits(input)[...], class: 1)
        for token in 0..<64 {
            let without = fill.without([token], input)
            #expect(fill.occupied.contains(token) == (without.voxels != input.voxels))
            let score = Explainer.score(try explainer.logits(without)[...], class: 1)
            #expect(abs(map.values[token] - (whole - score)) < 1e-5)
        }
        #expect(map.values.contains { abs($0) > 1e-4 })
    }

    @Test("coarse to fine asks about cubes, and about single tokens where the cubes speak most for the class")
    func coarseToFine() throws {
        let explainer = try explainer(.mean(classes: 2))
        let input = input()
        let fill = explainer.fill(of: input)
        let map = try explainer.explain(input, class: 1, by: .coarseToFine).map
        let exact = try explainer.explain(input, class: 1, by: .occlusion).map
        let whole = Explainer.score(try explainer.logits(input)[...], class: 1)
        let cubes = (0..<8).map { cube in
            fill.occupied.filter { token in
                [token / 16 / 2, token / 4 % 4 / 2, token % 4 / 2] == [cube / 4, cube / 2 % 2, cube % 2]
            }
        }
        let changes = try cubes.map { cube in
            whole - Explainer.score(try explainer.logits(fill.without(cube, input))[...], class: 1)
        }
        // Of 64 tokens a quarter is asked about: the case, eight cubes, and the tokens of one.
        let best = try #require(changes.indices.max { changes[$0] < changes[$1] })
        for cube in cubes.indices {
            for token in cubes[cube] {
                let expected = cube == best ? exact.values[token] : changes[cube] / Float(cubes[cube].count)
                #expect(abs(map.values[token] - expected) < 1e-5)
            }
        }
        #expect(Set(map.values.indices.filter { map.values[$0] != 0 }).isSubset(of: Set(fill.occupied)))
    }

    @Test("of two classes one's map is the other's with the opposite sign")
    func signs() throws {
        let explainer = try explainer(.mean(classes: 2))
        for method in [SaliencyMethod.occlusion, .gradients] {
            let maps = try (0..<2).map { try explainer.explain(input(), class: $0, by: method).map }
            #expect(relative(maps[0].values, maps[1].values.map { -$0 }) < 1e-3)
        }
    }

    @Test("the log-odds of three classes are against the two others together")
    func odds() {
        let p = CrossEntropy.softmax([0.3, -1, 2])
        for c in 0..<3 {
            #expect(abs(Double(Explainer.score([0.3, -1, 2], class: c)) - log(p[c] / (1 - p[c]))) < 1e-5)
        }
    }

    @Test("integrated gradients are complete, from the smoothed case")
    func completeness() throws {
        // The gradient of a highest value jumps where another token has it.
        for (head, most) in [
            (Head.mean(classes: 2), Explainer.completeness), (.peak(classes: 2), 0.02),
            (.lamim(widths: [8, 3]), Explainer.completeness),
        ] {
            let explainer = try explainer(head)
            let input = input()
            let found = try explainer.explain(input, class: 1, by: .gradients)
            #expect(try #require(found.incompleteness) < most)
            var smoothed = input
            smoothed.voxels = explainer.fill(of: input).voxels
            let change =
                Explainer.score(try explainer.logits(input)[...], class: 1)
                - Explainer.score(try explainer.logits(smoothed)[...], class: 1)
            #expect(abs(found.map.values.reduce(0, +) - change) < Float(most) * max(abs(change), 1e-2) + 1e-6)
        }
    }

    @Test("an absent contrast takes no part", arguments: SaliencyMethod.allCases)
    func absent(method: SaliencyMethod) throws {
        let explainer = try explainer(.mean(classes: 2))
        let input = input(present: [true, false, true, false])
        let map = try explainer.explain(input, class: 1, by: method).map
        let isFinite = map.values.allSatisfy(\.isFinite)
        #expect(isFinite)
        // Grad-CAM may find that nothing speaks for a class.
        let isBlank = map.values.allSatisfy { $0 == 0 }
        #expect(method == .gradcam || !isBlank)
        let contributions = try explainer.contributions(input, class: 1)
        #expect(contributions.map { $0 == nil } == [false, true, false, true])
        var other = input
        other.present[2] = false
        for i in 2 * 4096..<3 * 4096 { other.voxels[i] = 0 }
        let change =
            Explainer.score(try explainer.logits(input)[...], class: 1)
            - Explainer.score(try explainer.logits(other)[...], class: 1)
        let contribution = try #require(contributions[2])
        #expect(abs(contribution - change) < 1e-6)
        let single = self.input(present: [false, true, false, false])
        let alone = try explainer.contributions(single, class: 1)
        #expect(alone.allSatisfy { $0 == nil })
    }

    @Test("a curve over all tokens ends where the smoothed case stands, and a good order shows")
    func curves() throws {
        let explainer = try explainer(.mean(classes: 2))
        let input = input()
        let fill = explainer.fill(of: input)
        let map = try explainer.explain(input, class: 1, by: .occlusion).map
        let order = fill.occupied.sorted { map.values[$0] > map.values[$1] }
        let best = try PerturbationCurves(explainer, input, class: 1, fill: fill, order: order)
        let worst = try PerturbationCurves(explainer, input, class: 1, fill: fill, order: order.reversed())
        #expect(best.deletion < worst.deletion && best.insertion > worst.insertion)
        // What is taken away in one order is put in by the other: the two areas mirror each other.
        let mirrored = try PerturbationCurves(explainer, input, class: 1, fill: fill, order: order.reversed())
        #expect(abs(best.deletion - mirrored.insertion) < 0.02)
    }

    @Test("a model without a head or without attention is refused in a sentence")
    func refusals() throws {
        let device = try Device(precision: .fp32, threads: 1)
        let bare = ModelConfiguration(encoder: Self.encoder, head: nil)
        #expect(throws: EncoderError.self) {
            try Explainer(
                bare, parameters: try ParameterStore(ParameterLayout(bare), device: device), methods: [.occlusion])
        }
        let residual = ModelConfiguration(
            encoder: EncoderConfiguration(imageSize: 16, residual: ResidualStages(widths: [8, 16], blocks: [1, 1])),
            head: .mean(classes: 2))
        let store = try ParameterStore(ParameterLayout(residual), device: device)
        store.initialise(seed: 1)
        #expect(throws: EncoderError.self) { try Explainer(residual, parameters: store, methods: [.relevance]) }
        let explainer = try Explainer(residual, parameters: store, methods: [.occlusion, .gradients])
        #expect(try explainer.explain(input(), class: 0, by: .occlusion).map.edge == 8)
        let found = try explainer.explain(input(), class: 0, by: .gradients)
        #expect(try #require(found.incompleteness) < 0.05)
    }
}

extension TokenFill {
    /// The case it is of with some tokens replaced.
    fileprivate func without(_ tokens: [Int], _ input: EncoderInput) -> EncoderInput {
        var changed = input
        move(tokens, from: voxels, into: &changed.voxels)
        return changed
    }
}
