import Statistics
import Testing

@Suite struct UndefinedStatisticsTests {
    @Test("with one class or no case there is no area, threshold or interval, and nothing traps")
    func oneClass() {
        for labels in [[], [true], [true, true], [false, false, false]] {
            let scores = labels.indices.map { Double($0) }
            let roc = ROC(labels: labels, scores: scores)
            #expect(roc.area == nil)
            #expect(roc.youden == nil)
            #expect(DeLong.estimate(labels: labels, scores: scores) == nil)
            #expect(DeLong.compare(labels: labels, scores, scores) == nil)
            let counts = ConfusionCounts(labels: labels, scores: scores, threshold: 0.5)
            #expect(counts.total == labels.count)
            #expect(counts.matthewsCorrelation == nil)
            #expect(counts.balancedAccuracy == nil)
        }
        #expect(ROC(labels: [false], scores: [1]).averagePrecision == nil)
        #expect(Calibration.brier(labels: [], probabilities: []) == nil)
        #expect(Calibration.logLoss(labels: [], probabilities: []) == nil)
        #expect(Calibration.expectedError(labels: [], probabilities: []) == nil)
        #expect(Proportion(successes: 0, trials: 0).clopperPearson() == nil)
        #expect(Proportion(successes: 0, trials: 0).wilson() == nil)
        #expect(ConfusionCounts(labels: [], scores: [], threshold: 0).accuracy == nil)
    }

    @Test("one case a class has an area but no variance; equal scores have no paired test")
    func tooFew() {
        let estimate = DeLong.estimate(labels: [true, false], scores: [0.9, 0.1])
        #expect(estimate?.area == 1)
        #expect(estimate?.variance == nil)
        #expect(estimate?.interval == nil)
        let labels = [true, true, false, false]
        let same = DeLong.compare(labels: labels, [1, 2, 1, 0], [1, 2, 1, 0])
        #expect(same?.z == nil)
        #expect(same?.p == nil)
        #expect(same?.interval() == nil)
    }

    @Test("scores that are all tied have an area and no interval, and no difference that is sure")
    func tied() {
        let labels = [true, true, true, false, false, false]
        let scores = [Double](repeating: 0.3, count: 6)
        let names = labels.indices.map { "p\($0)" }
        let sites = labels.map { _ in "a" }
        let estimates = [
            DeLong.estimate(labels: labels, scores: scores),
            ClusteredArea.estimate(labels: labels, scores: scores, patients: names),
            StratifiedArea.estimate(labels: labels, scores: scores, sites: sites, patients: names),
        ]
        for estimate in estimates { #expect(estimate?.area == 0.5 && estimate?.interval == nil) }
        #expect(DeLong.compare(labels: labels, scores, scores.map { $0 + 0.1 })?.interval() == nil)
    }

    @Test("certain errors give a finite logarithmic loss, and classifiers that never differ p = 1")
    func extremes() {
        #expect(Calibration.logLoss(labels: [true, false], probabilities: [0, 1])?.isFinite == true)
        #expect(McNemar(firstOnly: 0, secondOnly: 0).p == 1)
        #expect(McNemar(firstOnly: 3, secondOnly: 3).p == 1)
    }

    @Test("large counts keep exact intervals in 0…1")
    func large() throws {
        let interval = try #require(Proportion(successes: 500_000, trials: 1_000_000).clopperPearson())
        #expect(abs(interval.lowerBound - 0.499_019_5) < 1e-6)
        #expect(abs(interval.upperBound - 0.500_980_5) < 1e-6)
    }
}
