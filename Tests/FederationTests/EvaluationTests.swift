import Federation
import Foundation
import Statistics
import Testing

/// Areas over all pairs of cases by NumPy (Tests/Fixtures/federation/make_areas.py).
private struct GoldenStudy: Decodable {
    struct Area: Decodable { let area, low, high, variance: Double }
    struct Site: Decodable {
        let site: String
        let labels: [Int]
        let models: [[[Double]]]
        let areas: [Area]
    }

    let sites: [Site]
    let stratified, pooled: [Area]

    static func all() throws -> [GoldenStudy] {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/federation/areas.json")
        return try JSONDecoder().decode([GoldenStudy].self, from: Data(contentsOf: path))
    }
}

@Suite struct EvaluationTests {
    private static let digest = String(repeating: "a", count: 64)

    /// The report a site would make.
    static func report(_ site: String, labels: [Int], models: [[[Double]]]) -> EvaluationReport {
        let classes = models[0][0].count
        let builders = models.map { logits in
            var builder = HistogramBuilder(classes: classes)
            for (one, label) in zip(logits, labels) { builder.add(logits: one, label: label) }
            return builder
        }
        return EvaluationReport(
            federation: "test", site: site, round: RoundReference(study: "s", round: 1, attempt: 1), plan: digest,
            cases: builders[0].cases, models: builders.map { $0.scores(model: digest) }, software: "test")
    }

    private func expect(_ found: AreaEstimate, _ right: GoldenStudy.Area) {
        #expect(abs(found.area - right.area) < 1e-12)
        #expect(abs(found.ties[0] - right.low) < 1e-12 && abs(found.ties[1] - right.high) < 1e-12)
        #expect(abs((found.variance ?? -1) - right.variance) < 1e-14)
    }

    @Test("stratified and pooled areas, tie bounds and variances equal NumPy's over all pairs of cases")
    func golden() throws {
        for study in try GoldenStudy.all() {
            let reports = study.sites.map { Self.report($0.site, labels: $0.labels, models: $0.models) }
            let found = try #require(CombinedAUC(reports.reversed()))
            #expect(found.sites.map(\.site) == study.sites.map(\.site) && found.tooFew.isEmpty)
            for (site, right) in zip(found.sites, study.sites) {
                expect(site.areas.base, right.areas[0])
                expect(site.areas.candidate, right.areas[1])
            }
            expect(found.stratified.base, study.stratified[0])
            expect(found.stratified.candidate, study.stratified[1])
            expect(found.pooled.base, study.pooled[0])
            expect(found.pooled.candidate, study.pooled[1])
            let sum = study.stratified[0].variance + study.stratified[1].variance
            let half = 1.959963984540054 * sum.squareRoot()
            let change = study.stratified[1].area - study.stratified[0].area
            let interval = try #require(found.stratified.interval)
            #expect(abs(interval[0] - change + half) < 1e-12 && abs(interval[1] - change - half) < 1e-12)
        }
    }

    @Test(
        "the threshold finds what was asked of the cases themselves, as few of the others as bins allow",
        arguments: [0, 1])
    func threshold(positive: Int) throws {
        let studies = try GoldenStudy.all().filter { $0.sites.allSatisfy { $0.models[0][0].count == 2 } }
        #expect(!studies.isEmpty)
        for study in studies {
            let reports = study.sites.map { Self.report($0.site, labels: $0.labels, models: [$0.models[0]]) }
            for asked in [0.5, 0.8, 0.9, 1] {
                let point = try #require(
                    OperatingPoint(
                        reports.bins(of: Self.digest, class: positive), positive: positive, asked: asked))
                // Each case by its own probability, as a site would say it.
                var (found, positives, right, negatives) = (0, 0, 0, 0)
                for site in study.sites {
                    for (logits, label) in zip(site.models[0], site.labels) {
                        let second = 1 / (1 + exp(logits[0] - logits[1]))
                        let said = second >= point.threshold ? 1 : 0
                        if label == positive {
                            positives += 1
                            found += said == positive ? 1 : 0
                        } else {
                            negatives += 1
                            right += said != positive ? 1 : 0
                        }
                    }
                }
                #expect(point.sensitivity.cases == positives && point.specificity.cases == negatives)
                #expect(Double(found) >= asked * Double(positives) - 1e-9 && found >= point.sensitivity.right)
                #expect(right >= point.specificity.right)
                // Asking for less never finds more.
                let less = try #require(
                    OperatingPoint(
                        reports.bins(of: Self.digest, class: positive), positive: positive, asked: asked / 2))
                #expect(less.specificity.right >= point.specificity.right)
            }
        }
        #expect(OperatingPoint([.init(first: 0, last: 63, positive: 9, negative: 0)], positive: 1, asked: 0.9) == nil)
        let one = try #require(
            OperatingPoint([.init(first: 0, last: 63, positive: 9, negative: 3)], positive: 1, asked: 0.9))
        #expect(one.threshold == 0 && one.sensitivity.value == 1 && one.specificity.value == 0)
    }

    @Test("a binned area and its variance are DeLong's on the bins")
    func deLong() throws {
        var random = SplitMix(state: 21)
        for _ in 0..<50 {
            let bins = (0..<Int.random(in: 1...9, using: &random)).map {
                ScoreHistogram.Bin(
                    first: 2 * $0, last: 2 * $0 + 1, positive: Int.random(in: 0...9, using: &random),
                    negative: Int.random(in: 0...9, using: &random))
            }
            let labels = bins.flatMap {
                Array(repeating: true, count: $0.positive) + Array(repeating: false, count: $0.negative)
            }
            let scores = bins.flatMap { Array(repeating: Double($0.first), count: $0.positive + $0.negative) }
            let right = DeLong.estimate(labels: labels, scores: scores)
            let found = BinnedAUC(bins)
            #expect((found == nil) == (right == nil))
            guard let found, let right else { continue }
            #expect(abs(found.area - right.area) < 1e-12)
            // Where all cases are in one bin, DeLong's zero says nothing.
            let areTied = Set(scores).count == 1
            #expect((found.variance == nil) == (right.variance == nil || areTied))
            if let one = found.variance, let other = right.variance { #expect(abs(one - other) < 1e-12) }
        }
    }

    /// The ends are those of scipy.stats.beta.ppf(0.025, k, 1), k the cases of the smaller class.
    @Test("an area of 1 is no certainty, and neither is the change between two of them")
    func perfect() throws {
        let labels = (0..<60).map { $0 % 2 }
        let logits = labels.map { $0 == 1 ? [0, 6.0] : [0, -6.0] }
        let found = try #require(
            CombinedAUC(["a", "b"].map { Self.report($0, labels: labels, models: [logits, logits]) }))
        let (both, one) = (0.9403705077138331, 0.8842966917779722)
        let interval = try #require(found.stratified.candidate.interval)
        #expect(found.stratified.candidate.area == 1 && abs(interval[0] - both) < 1e-12 && interval[1] == 1)
        #expect(abs((found.sites[0].areas.base.interval?[0] ?? 0) - one) < 1e-12)
        let change = try #require(found.stratified.interval)
        let half = (1 - both) * 2.0.squareRoot()
        #expect(abs(change[0] + half) < 1e-12 && abs(change[1] - half) < 1e-12)
    }

    @Test("the true area lies within the tie bound of the binned one")
    func tieBound() throws {
        for study in try GoldenStudy.all() {
            for site in study.sites where site.models[0][0].count == 2 {
                let report = Self.report(site.site, labels: site.labels, models: site.models)
                for (logits, model) in zip(site.models, report.models) {
                    let scores = logits.map { $0[1] - $0[0] }
                    let area = try #require(ROC(labels: site.labels.map { $0 == 1 }, scores: scores).area)
                    let binned = try #require(BinnedAUC(model.histograms[1].bins))
                    #expect(binned.ties[0] <= area && area <= binned.ties[1])
                    #expect(binned.ties[1] - binned.ties[0] < 0.4)
                }
            }
        }
    }

    @Test("bins hold ten cases or more and cover all 64; a class below twenty leaves no histogram")
    func merging() {
        for cases in [[20, 20], [19, 400], [400, 19], [20, 33], [300, 2000]] {
            let labels = cases.enumerated().flatMap { Array(repeating: $0, count: $1) }
            let values = UpdateFolder.numbers(labels.count, seed: cases[0], scale: 14).map(Double.init)
            let report = Self.report("a", labels: labels, models: [values.map { [0, $0] }])
            let histograms = report.models[0].histograms
            #expect(report.cases == cases)
            #expect(histograms.count == (cases.contains { $0 < 20 } ? 0 : 2))
            for histogram in histograms {
                #expect(histogram.bins.allSatisfy { $0.positive + $0.negative >= 10 })
                #expect(histogram.bins.first?.first == 0 && histogram.bins.last?.last == 63)
                #expect(zip(histogram.bins, histogram.bins.dropFirst()).allSatisfy { $0.last + 1 == $1.first })
                #expect(histogram.bins.reduce(0) { $0 + $1.positive } == cases[histogram.class])
            }
        }
    }

    @Test("the outermost bins take what lies beyond; a bin's lower edge belongs to it")
    func edges() {
        #expect(
            [-1e300, -9, -8, -7.76, -7.75, 0, 7.74, 7.75, 8, 1e300].map(HistogramBuilder.bin) == [
                0, 0, 0, 0, 1, 32, 62, 63, 63, 63,
            ])
    }

    @Test("loss and correct cases are those of the softmax")
    func loss() throws {
        var builder = HistogramBuilder(classes: 3)
        #expect(builder.loss == nil)
        builder.add(logits: [1, 2, 3], label: 2)
        builder.add(logits: [1000, 0, 0], label: 1)
        builder.add(probabilities: [0.2, 0.3, 0.5], label: 0)
        #expect(builder.correct == 1 && builder.cases == [1, 1, 1])
        let first = log(1 + exp(-1.0) + exp(-2.0))
        #expect(abs(try #require(builder.loss) - (first + 1000 - log(0.2)) / 3) < 1e-9)
    }

    @Test("a candidate is held only when worse beyond doubt; one bad site is an alarm and no veto")
    func gate() throws {
        let sizes = [400, 400]
        let labels = sizes.enumerated().flatMap { Array(repeating: $0, count: $1) }
        func model(_ signal: Double, seed: Int) -> [[Double]] {
            let noise = UpdateFolder.numbers(labels.count, seed: seed, scale: 2)
            return zip(labels, noise).map { [0, signal * Double($0.0) + Double($0.1)] }
        }
        let good = ["a", "b", "c"].enumerated().map {
            Self.report($1, labels: labels, models: [model(2, seed: $0), model(2.02, seed: 10 + $0)])
        }
        let bad = Self.report("bad", labels: labels, models: [model(2, seed: 5), model(0, seed: 6)])
        let fine = try #require(CombinedAUC(good))
        #expect(!fine.stratified.isWorse(margin: 0.01) && fine.alarms(margin: 0.01).isEmpty)
        let mixed = try #require(CombinedAUC(good + [bad]))
        #expect(mixed.alarms(margin: 0.05).count == 1)
        #expect(mixed.alarms(margin: 0.05)[0].contains("at bad"))
        #expect(!mixed.stratified.isWorse(margin: 0.3))
        let worse = try #require(CombinedAUC([bad]))
        #expect(worse.stratified.isWorse(margin: 0.05))
    }

    @Test("a site with too few cases is named and left out; with none there is no area")
    func tooFew() throws {
        let labels = (0..<30).map { $0 % 3 == 0 ? 1 : 0 }
        let small = Self.report(
            "small", labels: labels, models: [labels.map { [0, Double($0)] }, labels.map { [0, Double($0)] }])
        #expect(CombinedAUC([small]) == nil && CombinedAUC([]) == nil)
        let many = (0..<90).map { $0 % 2 }
        let large = Self.report(
            "large", labels: many, models: [many.map { [0, Double($0)] }, many.map { [0, Double($0)] }])
        let found = try #require(CombinedAUC([small, large]))
        #expect(found.tooFew == ["small"] && found.sites.map(\.site) == ["large"])
    }
}
