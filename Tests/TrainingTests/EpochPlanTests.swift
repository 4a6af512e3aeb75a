import Imaging
import Testing
import Training

@Suite struct EpochPlanTests {
    private var settings: FitSettings {
        FitSettings(recipe: Recipe(), batch: 2, accumulate: 3, dropContrasts: 0.5, seed: 11)
    }
    private let present = (0..<20).map { $0 % 4 == 0 ? [true, false, false, false] : [true, true, false, true] }

    private func samples(epoch: Int) -> [Sample] {
        EpochPlan(Array(0..<20), present: present, settings: settings, epoch: epoch).steps.flatMap { $0.flatMap { $0 } }
    }

    @Test("every case is seen once an epoch, in an order of the epoch's own")
    func order() {
        let first = samples(epoch: 0)
        #expect(first.map(\.index).sorted() == Array(0..<20))
        #expect(first.map(\.index) != samples(epoch: 1).map(\.index))
        #expect(first == samples(epoch: 0))
    }

    @Test("steps hold batch times accumulate cases, the last one what is left")
    func steps() {
        let plan = EpochPlan(Array(0..<20), present: present, settings: settings, epoch: 3)
        #expect(plan.steps.map { $0.map(\.count) } == [[2, 2, 2], [2, 2, 2], [2, 2, 2], [2]])
    }

    @Test("contrasts are dropped, but never all, and none appears that the case lacks")
    func dropping() {
        var dropped = 0
        for epoch in 0..<20 {
            for sample in samples(epoch: epoch) {
                #expect(sample.shown.contains(true))
                for c in 0..<4 where sample.shown[c] { #expect(present[sample.index][c]) }
                dropped += zip(present[sample.index], sample.shown).count { $0 && !$1 }
            }
        }
        // Half of 3 in three quarters of 400 cases, less where all would go.
        #expect((350...450).contains(dropped), "\(dropped)")
    }

    @Test(
        "patterns of names fit as a shell's do",
        arguments: [
            ("blocks.*", "blocks.0.norm1.weight", true), ("blocks.*", "norm.weight", false),
            ("*.bias", "blocks.0.norm1.bias", true), ("blocks.?.norm1.*", "blocks.3.norm1.bias", true),
            ("blocks.?.norm1.*", "blocks.13.norm1.bias", false), ("*", "", true), ("", "a", false),
            ("*a*b*c", "xxaybzbc", true), ("*a*b*c", "xxaybzb", false), ("norm", "norm", true),
        ])
    func patterns(pattern: String, name: String, fits: Bool) {
        #expect(NamePattern(pattern).matches(name) == fits)
    }
}
