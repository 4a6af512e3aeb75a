import Foundation
import Statistics
import Testing

/// Values of scikit-learn, SciPy, statsmodels and an independent DeLong, in `stats.json`.
private struct Golden: Decodable {
    struct Counts: Decodable { let tp, fn, tn, fp: Int }
    struct Pair: Decodable {
        let first, second: Int
        let p: Double

        enum CodingKeys: String, CodingKey {
            case first = "n10"
            case second = "n01"
            case p = "p_exact"
        }
    }

    let labels, first, second: [Double]
    let numbers: [String: Double]
    let intervals: [String: [Double]]
    let counts: Counts
    let mcnemar: Pair

    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        var numbers: [String: Double] = [:]
        var lists: [String: [Double]] = [:]
        for key in container.allKeys {
            if let number = try? container.decode(Double.self, forKey: key) { numbers[key.stringValue] = number }
            if let list = try? container.decode([Double].self, forKey: key) { lists[key.stringValue] = list }
        }
        labels = lists["y"] ?? []
        first = lists["p_a"] ?? []
        second = lists["p_b"] ?? []
        self.numbers = numbers
        intervals = lists
        counts = try container.decode(Counts.self, forKey: Key(stringValue: "counts"))
        mcnemar = try container.decode(Pair.self, forKey: Key(stringValue: "mcnemar"))
    }

    static func all() throws -> [String: Golden] {
        let folder =
            ProcessInfo.processInfo.environment["CONSILIUM_GOLDEN"]
            ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/golden").path
        return try JSONDecoder().decode(
            [String: Golden].self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/stats.json")))
    }

    /// Whether a value is the one of that name to 1e-9.
    func agrees(_ name: String, _ value: Double?) -> Bool {
        guard let value, let expected = numbers[name] else { return false }
        return abs(value - expected) <= 1e-9
    }

    /// Whether an interval is the one of that name to 1e-9.
    func agrees(_ name: String, _ value: ClosedRange<Double>?) -> Bool {
        guard let value, let expected = intervals[name] else { return false }
        return abs(value.lowerBound - expected[0]) <= 1e-9 && abs(value.upperBound - expected[1]) <= 1e-9
    }
}

@Suite struct GoldenStatisticsTests {
    @Test("areas, their variances, intervals and paired test are those of an independent DeLong")
    func areas() throws {
        for (name, golden) in try Golden.all() {
            let labels = golden.labels.map { $0 == 1 }
            let estimate = DeLong.estimate(labels: labels, scores: golden.first)
            #expect(golden.agrees("auc_a", estimate?.area), "\(name)")
            #expect(golden.agrees("auc_b", ROC(labels: labels, scores: golden.second).area), "\(name)")
            #expect(golden.agrees("delong_var_a", estimate?.variance), "\(name)")
            // At an area of 1 DeLong's own interval is a point; ours is not (see InferenceTests).
            if estimate?.area != 1 { #expect(golden.agrees("delong_ci95_a", estimate?.interval), "\(name)") }
            let comparison = DeLong.compare(labels: labels, golden.first, golden.second)
            #expect(golden.agrees("delong_cov", comparison?.covariance), "\(name)")
            #expect(golden.agrees("delong_z", comparison?.z), "\(name)")
            #expect(golden.agrees("delong_p", comparison?.p), "\(name)")
        }
    }

    @Test("Youden's threshold, the counts at it, their ratios and intervals are those of scikit-learn and statsmodels")
    func counts() throws {
        for (name, golden) in try Golden.all() {
            let labels = golden.labels.map { $0 == 1 }
            let youden = try #require(ROC(labels: labels, scores: golden.first).youden)
            #expect(youden.threshold == golden.numbers["youden_threshold"], "\(name)")
            #expect(golden.agrees("youden_j", youden.index), "\(name)")
            let counts = ConfusionCounts(labels: labels, scores: golden.first, threshold: youden.threshold)
            #expect(
                counts
                    == ConfusionCounts(
                        truePositive: golden.counts.tp, falseNegative: golden.counts.fn,
                        trueNegative: golden.counts.tn, falsePositive: golden.counts.fp), "\(name)")
            #expect(golden.agrees("sens", counts.sensitivity), "\(name)")
            #expect(golden.agrees("spec", counts.specificity), "\(name)")
            #expect(golden.agrees("acc", counts.accuracy), "\(name)")
            #expect(golden.agrees("mcc", counts.matthewsCorrelation), "\(name)")
            #expect(golden.agrees("balanced_acc", counts.balancedAccuracy), "\(name)")
            let sensitivity = Proportion(successes: counts.truePositive, trials: counts.positives)
            let specificity = Proportion(successes: counts.trueNegative, trials: counts.negatives)
            let accuracy = Proportion(successes: counts.truePositive + counts.trueNegative, trials: counts.total)
            #expect(golden.agrees("sens_clopper_pearson", sensitivity.clopperPearson()), "\(name)")
            #expect(golden.agrees("spec_clopper_pearson", specificity.clopperPearson()), "\(name)")
            #expect(golden.agrees("acc_clopper_pearson", accuracy.clopperPearson()), "\(name)")
            #expect(golden.agrees("sens_wilson", sensitivity.wilson()), "\(name)")
        }
    }

    @Test("calibration, average precision and McNemar's test are those of scikit-learn and SciPy")
    func calibration() throws {
        for (name, golden) in try Golden.all() {
            let labels = golden.labels.map { $0 == 1 }
            #expect(golden.agrees("brier", Calibration.brier(labels: labels, probabilities: golden.first)), "\(name)")
            #expect(
                golden.agrees("log_loss", Calibration.logLoss(labels: labels, probabilities: golden.first)), "\(name)")
            #expect(
                golden.agrees(
                    "ece10_equal_width", Calibration.expectedError(labels: labels, probabilities: golden.first)),
                "\(name)")
            #expect(
                golden.agrees("average_precision", ROC(labels: labels, scores: golden.first).averagePrecision),
                "\(name)"
            )
            let test = McNemar(firstOnly: golden.mcnemar.first, secondOnly: golden.mcnemar.second)
            #expect(abs(test.p - golden.mcnemar.p) <= 1e-9, "\(name)")
        }
    }
}
