import Compute
import Encoder
import Explanation
import Foundation
import Statistics
import Testing
import Training

@Suite struct FaithfulnessTests {
    private func mask(_ inside: (Int, Int, Int) -> Bool) -> TumourMask {
        var voxels: [UInt8] = []
        for x in 0..<8 { for y in 0..<8 { for z in 0..<8 { voxels.append(inside(x, y, z) ? 1 : 0) } } }
        return TumourMask(voxels: voxels, size: 8, spacing: [2, 3, 4])
    }

    @Test("distances are millimetres to the nearest voxel, and a hit is within one token along every axis")
    func places() {
        let mask = mask { x, y, z in x < 2 && y < 2 && z < 2 }
        #expect(mask.count == 8 && abs(mask.millilitres - 8 * 24 / 1000.0) < 1e-12)
        #expect(mask.distance(to: [1, 1, 1]) == 0)
        #expect(abs(mask.distance(to: [4, 1, 1]) - 5) < 1e-12)
        #expect(abs(mask.distance(to: [4, 5, 1]) - (25 + 10.5 * 10.5).squareRoot()) < 1e-12)
        #expect(mask.isHit([3, 3, 3], within: 2) && !mask.isHit([3, 3, 4], within: 2))
    }

    @Test("a summary tells hits and opponents apart, by size and by whether the prediction was right")
    func summary() throws {
        var cases: [CaseFaithfulness] = []
        for i in 0..<20 {
            let pointing = CaseFaithfulness.Pointing(
                millilitres: i < 8 ? 2 : 40, isHit: i < 12, distance: Double(i), energyRatio: 2, brightestHits: i < 4,
                centreHits: false, randomWeightsHit: i % 2 == 0)
            cases.append(
                CaseFaithfulness(
                    case: "c\(i)", patient: "p\(i)", method: .occlusion, predicted: "tumour",
                    label: i % 2 == 0 ? "tumour" : "normal",
                    deletionGain: 0.1, insertionGain: 0.2, randomWeightsCorrelation: 0.05,
                    pointing: i < 16 ? pointing : nil))
        }
        let all = FaithfulnessSummary.all(cases, method: .occlusion)
        #expect(
            all.map(\.group) == ["all", "right", "wrong", "tumour below 8 mL", "tumour from 25 mL"])
        let hits = try #require(all[0].hits)
        #expect(hits.count == 16 && hits.mean == 0.75 && hits.lower < 0.75 && hits.upper > 0.75)
        #expect(all[0].hitsOverBrightest?.mean == 0.5 && all[0].hitsOverCentre?.mean == 0.75)
        #expect(all[0].deletionGain?.lower == all[0].deletionGain?.upper)
        #expect(all[3].hits?.mean == 1 && all[4].hits?.mean == 0.5)
        #expect(FaithfulnessTable.csv(cases).split(separator: "\n").count == 21)
        #expect(FaithfulnessTable.text(all).count == 7)
    }

    @Test("a model that looks at one token is found out by every figure")
    func meter() throws {
        let encoder = EncoderConfiguration(
            imageSize: 16, patchSize: 4, inChannels: 4, hidden: 24, heads: 3, layers: 1, mlp: 32)
        let model = ModelConfiguration(encoder: encoder, head: .mean(classes: 2))
        let device = try Device(precision: .fp32, threads: 2)
        func drawn(_ seed: UInt64) throws -> Explainer {
            let store = try ParameterStore(ParameterLayout(model), device: device)
            store.initialise(seed: seed)
            return try Explainer(model, parameters: store, methods: [.occlusion])
        }
        var random = RandomStream(seed: 1, name: "voxels")
        let voxels = (0..<encoder.imageValues).map { _ in 0.2 + 0.8 * random.unit() }
        let input = EncoderInput(voxels: voxels, present: [true, true, true, true])
        let explainer = try drawn(1)
        let map = try explainer.explain(input, class: 0, by: .occlusion).map
        // A tumour exactly where the model looks most.
        let peak = map.cell(map.peak)
        var inside = [UInt8](repeating: 0, count: 4096)
        for i in inside.indices where [i / 256 / 4, i / 16 % 16 / 4, i % 16 / 4] == peak { inside[i] = 1 }
        let mask = TumourMask(voxels: inside, size: 16, spacing: [2, 2, 2])
        let meter = FaithfulnessMeter(explainer, drawn: try drawn(2), methods: [.occlusion])
        let found = try #require(
            try meter.measure(
                input, case: "c", patient: "p", class: 0, label: 0, classes: ["normal", "tumour"], mask: mask
            ).first)
        let pointing = try #require(found.pointing)
        #expect(pointing.isHit && pointing.distance == 0 && (pointing.energyRatio ?? 0) > 1)
        #expect(found.deletionGain > 0 && found.insertionGain > 0)
        #expect(abs(found.randomWeightsCorrelation ?? 1) < 0.9)
        // Where another class is said, the tumour is looked for in the map of the case's own; without a label, of that said.
        func measured(_ said: Int, label: Int?) throws -> CaseFaithfulness? {
            try meter.measure(
                input, case: "c", patient: "p", class: said, label: label, classes: ["normal", "tumour"], mask: mask
            ).first
        }
        let wrong = try #require(try measured(1, label: 0))
        #expect(wrong.isRight == false && wrong.pointing?.isHit == true && wrong.pointing?.distance == 0)
        let unlabelled = try #require(try measured(1, label: nil))
        #expect(unlabelled.isRight == nil && unlabelled.pointing?.distance != 0)
        let again = try FaithfulnessMeter(explainer, drawn: try drawn(2), methods: [.occlusion]).measure(
            input, case: "c", patient: "p", class: 0, label: 0, classes: ["normal", "tumour"], mask: mask)
        #expect(again.first?.deletionGain == found.deletionGain)
    }
}
