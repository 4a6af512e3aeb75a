import Federation
import Testing

@Suite struct FoldRuleTests {
    private func contributions(_ norms: [Double], samples: [Int] = []) -> [Contribution] {
        norms.enumerated().map { index, norm in
            Contribution(
                site: "site-\(index)", update: String(repeating: "\(index % 10)", count: 64),
                samples: samples.indices.contains(index) ? samples[index] : 50, norm: norm)
        }
    }

    @Test("above three times the lower median an update is rejected, above twice clipped to twice")
    func normBound() {
        let rule = WeightedMean(.samples(cap: 1000))
        let found = rule.judge(contributions([1, 1.2, 2.5, 3.7, 0.5]))
        // The lower median of five is 1.2.
        #expect(found.map(\.outcome) == [.accepted, .accepted, .clipped, .rejected, .accepted])
        #expect(abs(found[2].factor * 2.5 - 2.4) < 1e-12)
        #expect(found[3].weight == 0 && !found[3].takesPart)
        #expect(found[3].reason.contains("left out") && found[3].reason.contains("1.2"))
        #expect(rule.judge(contributions([1, 2, 3, 3.01]))[3].outcome == .accepted, "of four the second is the median")
        #expect(rule.judge(contributions([1, 2, 3, 4.01]))[3].outcome == .clipped)
        #expect(rule.judge(contributions([1, 2, 3, 6.01]))[3].outcome == .rejected)
    }

    @Test("of two updates neither is the odd one; a median of zero bounds nothing")
    func noBound() {
        let rule = WeightedMean(.uniform)
        #expect(rule.judge(contributions([1, 1000])).allSatisfy { $0.outcome == .accepted })
        #expect(rule.judge(contributions([0, 0, 1])).allSatisfy { $0.outcome == .accepted })
        let off = WeightedMean(.uniform, bound: nil)
        #expect(off.judge(contributions([1, 1, 1000])).allSatisfy { $0.outcome == .accepted && $0.weight == 1 })
    }

    @Test("what is above max_norm is rejected and does not move the median")
    func maximumNorm() {
        let rule = WeightedMean(.uniform, maximumNorm: 10)
        let found = rule.judge(contributions([1, 1, 1, 11, 12, 13, 14]))
        #expect(found.map(\.outcome) == [.accepted, .accepted, .accepted] + Array(repeating: .rejected, count: 4))
        #expect(found[3].reason.contains("max_norm"))
        #expect(rule.judge(contributions([.nan]))[0].outcome == .rejected)
    }

    @Test("samples count up to the cap and below what keeps products exact")
    func weights() {
        let found = WeightedMean(.samples(cap: 300)).judge(contributions([1, 1, 1], samples: [10, 300, 5000]))
        #expect(found.map(\.weight) == [10, 300, 300])
        let most = WeightedMean(.samples(cap: .max)).judge(contributions([1], samples: [.max]))
        #expect(most[0].weight == (1 << 29) - 1)
    }

    @Test("judgements are in order of site and the same for any order of arrival")
    func order() {
        let rule = WeightedMean(.samples(cap: 100))
        let all = contributions([1, 2.1, 5, 0.3, 1.1], samples: [5, 6, 7, 8, 900])
        var random = SplitMix(state: 5)
        for _ in 0..<20 { #expect(rule.judge(all.shuffled(using: &random)) == rule.judge(all)) }
        #expect(rule.judge(all.reversed()).map(\.site) == all.map(\.site))
    }
}
