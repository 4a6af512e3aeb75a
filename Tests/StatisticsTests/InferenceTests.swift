import Foundation
import Statistics
import Testing

/// Values of scikit-learn, SciPy and statsmodels; Fixtures/statistics/make_inference.py makes them.
@Suite struct InferenceTests {
    private struct Golden: Decodable {
        struct Calibration: Decodable {
            var labels: [Int]
            var probabilities: [Double]
            var intercept, slope, inTheLarge: Double
        }
        struct Temperature: Decodable {
            var labels: [Int]
            var logits: [[Double]]
            var temperature: Double
        }
        struct Adjusted: Decodable { var p, adjusted: [Double] }
        struct Effects: Decodable {
            var effect, variance, interval, weights: [Double]
            var mean, tau2, p, i2: Double
            var prediction: [Double]?
        }
        struct Clustered: Decodable {
            var labels: [Int]
            var first, second: [Double]
            var patients: [String]
            var area, variance, other, z, p: Double
        }
        struct Stratified: Decodable {
            struct Site: Decodable {
                var labels: [Int]
                var scores: [Double]
            }
            var sites: [Site]
            var area, variance: Double
        }
        struct Strata: Decodable {
            var labels: [Int]
            var first, second: [Double]
            var sites, patients: [String]
            var area, variance, other, covariance, z, p: Double
        }
        struct Pairs: Decodable {
            var labels: [Int]
            var first, second: [[Double]]
            var sites, patients: [String]
            var difference, between: Double
            var interval: [Double]
        }
        struct Threshold: Decodable {
            var labels: [Int]
            var scores: [Double]
            var sensitivity, threshold: Double
        }
        struct Predictive: Decodable {
            var counts: [Int]
            var prevalence, positive, negative: Double
        }
        struct Perfect: Decodable {
            var positives, negatives: Int
            var end: Double
        }
        var calibration: [Calibration]
        var temperature: [Temperature]
        var holm: [Adjusted]
        var effects: [Effects]
        var clustered: [Clustered]
        var stratified: Stratified
        var strata: Strata
        var pairs: [Pairs]
        var thresholds: [Threshold]
        var predictive: [Predictive]
        var perfect: [Perfect]
    }

    private static let golden: Golden? = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/statistics/inference.json")
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(Golden.self, from: Data(contentsOf: path))
    }()

    private func same(_ one: Double?, _ other: Double, _ tolerance: Double = 1e-9) -> Bool {
        one.map { abs($0 - other) <= tolerance * max(1, abs(other)) } ?? false
    }

    private func bools(_ labels: [Int]) -> [Bool] { labels.map { $0 == 1 } }

    @Test("calibration slope, intercept and calibration in the large are those of a generalised linear model")
    func calibration() throws {
        for case_ in try #require(Self.golden).calibration {
            let line = CalibrationLine(labels: bools(case_.labels), probabilities: case_.probabilities)
            #expect(same(line?.slope, case_.slope) && same(line?.intercept, case_.intercept))
            #expect(same(line?.inTheLarge, case_.inTheLarge))
        }
        // Separated classes have no slope; one class, or one probability for all, has no line.
        #expect(CalibrationLine(labels: [false, false, true, true], probabilities: [0.1, 0.2, 0.8, 0.9]) == nil)
        #expect(CalibrationLine(labels: [true, true], probabilities: [0.5, 0.6]) == nil)
        #expect(CalibrationLine(labels: [true, false, true], probabilities: [0.4, 0.4, 0.4]) == nil)
        #expect(CalibrationLine(labels: [true], probabilities: [0.4]) == nil)
    }

    @Test("the temperature is where the cross entropy is least")
    func temperature() throws {
        for case_ in try #require(Self.golden).temperature {
            let found = TemperatureScaling.temperature(logits: case_.logits, labels: case_.labels)
            #expect(same(found, case_.temperature, 1e-6))
        }
        #expect(TemperatureScaling.temperature(logits: [], labels: []) == nil)
        #expect(TemperatureScaling.temperature(logits: [[5, 0], [0, 5]], labels: [0, 1]) == nil)
    }

    @Test("adjusted p values are Holm's")
    func holm() throws {
        for case_ in try #require(Self.golden).holm {
            #expect(zip(Holm.adjusted(case_.p), case_.adjusted).allSatisfy { same($0, $1) })
        }
        #expect(Holm.adjusted([]) == [])
    }

    @Test("sites combine by random effects with Hartung and Knapp's interval")
    func effects() throws {
        for case_ in try #require(Self.golden).effects {
            let sites = zip(case_.effect, case_.variance).map { RandomEffects.Site(effect: $0, variance: $1) }
            let found = try #require(RandomEffects(sites))
            #expect(same(found.effect, case_.mean) && same(found.between, case_.tau2))
            #expect(same(found.inconsistency, case_.i2) && same(found.p, case_.p))
            #expect(same(found.interval?.lowerBound, case_.interval[0]))
            #expect(same(found.interval?.upperBound, case_.interval[1]))
            #expect(zip(found.weights, case_.weights).allSatisfy { same($0, $1) })
            #expect((found.prediction == nil) == (case_.prediction == nil))
            if let expected = case_.prediction { #expect(same(found.prediction?.lowerBound, expected[0])) }
        }
        let alone = try #require(RandomEffects([.init(effect: 0.1, variance: 0.01)]))
        #expect(alone.effect == 0.1 && alone.interval == nil && alone.p == nil && alone.weights == [1])
        #expect(RandomEffects([]) == nil)
        #expect(RandomEffects([.init(effect: 0.1, variance: 0), .init(effect: 0, variance: 1)]) == nil)
    }

    @Test("scans of one patient count together")
    func clustered() throws {
        for case_ in try #require(Self.golden).clustered {
            let labels = bools(case_.labels)
            let found = ClusteredArea.estimate(labels: labels, scores: case_.first, patients: case_.patients)
            #expect(same(found?.area, case_.area) && same(found?.variance, case_.variance))
            let compared = ClusteredArea.compare(labels: labels, case_.first, case_.second, patients: case_.patients)
            #expect(same(compared?.areas.1, case_.other) && same(compared?.z, case_.z) && same(compared?.p, case_.p))
        }
        // Two scans of each patient that say the same tell no more than one.
        let (labels, scores) = ([true, true, false, false, true, false], [0.9, 0.4, 0.5, 0.1, 0.8, 0.3])
        let single = ClusteredArea.estimate(labels: labels, scores: scores, patients: ["a", "b", "c", "d", "e", "f"])
        let double = ClusteredArea.estimate(
            labels: labels + labels, scores: scores + scores,
            patients: ["a", "b", "c", "d", "e", "f", "a", "b", "c", "d", "e", "f"])
        #expect(same(double?.variance, try #require(single?.variance)))
        #expect(ClusteredArea.estimate(labels: [true, false], scores: [1, 0], patients: ["a", "b"]) == nil)
    }

    @Test("only cases of one site are compared")
    func stratified() throws {
        let golden = try #require(Self.golden).stratified
        let places = golden.sites.enumerated().flatMap { site, cases in cases.labels.map { _ in "site-\(site)" } }
        let labels = golden.sites.flatMap { bools($0.labels) }
        let found = StratifiedArea.estimate(
            labels: labels, scores: golden.sites.flatMap(\.scores), sites: places,
            patients: labels.indices.map { "p\($0)" })
        #expect(same(found?.area, golden.area) && same(found?.variance, golden.variance))
        #expect(StratifiedArea.estimate(labels: [true], scores: [1], sites: ["a"], patients: ["p"]) == nil)
        #expect(StratifiedArea.estimate(labels: [], scores: [], sites: [], patients: []) == nil)
    }

    @Test("within sites, too, scans of one patient count together and two scores are compared as pairs")
    func strata() throws {
        let golden = try #require(Self.golden).strata
        let labels = bools(golden.labels)
        let found = StratifiedArea.estimate(
            labels: labels, scores: golden.first, sites: golden.sites, patients: golden.patients)
        #expect(same(found?.area, golden.area) && same(found?.variance, golden.variance))
        let compared = StratifiedArea.compare(
            labels: labels, golden.first, golden.second, sites: golden.sites, patients: golden.patients)
        #expect(same(compared?.areas.1, golden.other) && same(compared?.covariance, golden.covariance))
        #expect(same(compared?.z, golden.z) && same(compared?.p, golden.p))
        // A site with a single positive case has no variance of its own: it is left out.
        let more = StratifiedArea.compare(
            labels: labels + [true, false, false], golden.first + [1, 2, 0], golden.second + [0, 1, 2],
            sites: golden.sites + ["new", "new", "new"], patients: golden.patients + ["a", "b", "c"])
        #expect(more == compared)
        // Told apart without a fault, two cases of one class at a site and two of the other at the next: four pairs share
        // no case, as scipy.stats.beta.ppf(0.025, 4, 1).
        let (rare, common) = ([true, true, false, false, false], [true, true, true, false, false])
        let perfect = StratifiedArea.estimate(
            labels: rare + common, scores: (rare + common).map { $0 ? 2 : 1 },
            sites: rare.map { _ in "a" } + common.map { _ in "b" }, patients: (0..<10).map { "p\($0)" })
        #expect(perfect?.area == 1 && abs((perfect?.interval?.lowerBound ?? 0) - 0.397635364384) < 1e-9)
    }

    @Test("a change over pairs of trainings varies with the trainings and with the scans they were all tested on")
    func pairs() throws {
        for golden in try #require(Self.golden).pairs {
            let labels = bools(golden.labels)
            let found = try #require(
                PairedTrainings(
                    labels: labels, first: golden.first, second: golden.second, sites: golden.sites,
                    patients: golden.patients))
            #expect(same(found.difference, golden.difference) && same(found.between, golden.between))
            #expect(same(found.interval.lowerBound, golden.interval[0]))
            #expect(same(found.interval.upperBound, golden.interval[1]))
            #expect(
                PairedTrainings(
                    labels: labels, first: [golden.first[0]], second: [golden.second[0]], sites: golden.sites,
                    patients: golden.patients) == nil)
            let tied = [[Double]](repeating: labels.map { _ in 0.5 }, count: 3)
            #expect(
                PairedTrainings(
                    labels: labels, first: tied, second: tied, sites: golden.sites, patients: golden.patients) == nil)
        }
    }

    @Test("the threshold is the highest with the sensitivity asked for")
    func thresholds() throws {
        for case_ in try #require(Self.golden).thresholds {
            let roc = ROC(labels: bools(case_.labels), scores: case_.scores)
            #expect(roc.threshold(sensitivity: case_.sensitivity) == case_.threshold)
        }
        #expect(ROC(labels: [false], scores: [1]).threshold(sensitivity: 0.9) == nil)
        #expect(ROC(labels: [true], scores: [0.3]).threshold(sensitivity: 0.9) == 0.3)
    }

    @Test("predictive values are at the prevalence that is stated")
    func predictive() throws {
        for case_ in try #require(Self.golden).predictive {
            let n = case_.counts
            let counts = ConfusionCounts(
                truePositive: n[0], falseNegative: n[1], trueNegative: n[2], falsePositive: n[3])
            let found = counts.predictiveValues(prevalence: case_.prevalence)
            #expect(same(found?.positive, case_.positive) && same(found?.negative, case_.negative))
        }
        let oneClass = ConfusionCounts(truePositive: 3, falseNegative: 1, trueNegative: 0, falsePositive: 0)
        #expect(oneClass.predictiveValues(prevalence: 0.5) == nil)
    }

    @Test("at an area of 0 or 1 the interval ends somewhere")
    func perfect() throws {
        for case_ in try #require(Self.golden).perfect {
            let labels = (0..<case_.positives + case_.negatives).map { $0 < case_.positives }
            let right = try #require(DeLong.estimate(labels: labels, scores: labels.map { $0 ? 1 : 0 })?.interval)
            #expect(same(right.lowerBound, case_.end) && right.upperBound == 1)
            let wrong = try #require(DeLong.estimate(labels: labels, scores: labels.map { $0 ? 0 : 1 })?.interval)
            #expect(wrong.lowerBound == 0 && same(wrong.upperBound, 1 - case_.end))
        }
    }

    /// Scores of patients with one or two scans, over seeds of a method that is `better` than chance by so much.
    private func method(_ better: Double, _ labels: [Bool], seeds: Int, name: UInt64) -> [[Double]] {
        var state = name
        func unit() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / Double(UInt64(1) << 53)
        }
        let shared = labels.map { _ in unit() }
        return (0..<seeds).map { _ in
            zip(labels, shared).map { label, common in common + 0.5 * unit() + (label ? better : 0) }
        }
    }

    @Test("methods are compared over seeds and patients; too few seeds or sites are refused")
    func methods() throws {
        let labels = (0..<300).map { $0 % 3 == 0 }
        let patients = (0..<300).map { "p\($0 / 2)" }
        let (good, same) = (method(0.6, labels, seeds: 5, name: 1), method(0.6, labels, seeds: 6, name: 2))
        let poor = method(0.1, labels, seeds: 5, name: 3)
        let better = try MethodBootstrap(labels: labels, patients: patients, first: good, second: poor, draws: 500)
        #expect(better.difference > 0.1 && better.interval.lowerBound > 0 && better.p < 0.01)
        let equal = try MethodBootstrap(labels: labels, patients: patients, first: good, second: same, draws: 500)
        #expect(equal.interval.contains(0) && equal.p > 0.05)
        #expect(
            try MethodBootstrap(labels: labels, patients: patients, first: good, second: poor, draws: 500) == better)
        // The interval has about the width of DeLong's where nothing but patients varies.
        let fixed = [[Double]](repeating: good[0], count: 5)
        let none = [[Double]](repeating: labels.indices.map { Double($0 % 7) }, count: 5)
        let alone = (0..<300).map { "p\($0)" }
        let drawn = try MethodBootstrap(labels: labels, patients: alone, first: fixed, second: none, draws: 2000)
        let paired = try #require(DeLong.compare(labels: labels, fixed[0], none[0]))
        let error = try #require(paired.z.map { (paired.areas.0 - paired.areas.1) / $0 })
        let width = drawn.interval.upperBound - drawn.interval.lowerBound
        #expect(abs(width / (2 * 1.96 * error) - 1) < 0.1)
        #expect(throws: MethodBootstrap.Refusal.tooFewSeeds(4)) {
            try MethodBootstrap(labels: labels, patients: patients, first: Array(good.prefix(4)), second: poor)
        }
        let sites = (0..<300).map { "s\($0 % 9)" }
        #expect(throws: MethodBootstrap.Refusal.tooFewSites(9)) {
            try MethodBootstrap(labels: labels, sites: sites, first: good, second: poor)
        }
        let more = (0..<300).map { "s\($0 % 12)" }
        let across = try MethodBootstrap(labels: labels, sites: more, first: good, second: poor, draws: 300)
        #expect(across.interval.lowerBound > 0)
        #expect(throws: MethodBootstrap.Refusal.oneClass) {
            try MethodBootstrap(
                labels: labels.map { _ in true }, patients: patients, first: good, second: poor, draws: 100)
        }
    }
}
