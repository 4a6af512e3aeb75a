import Foundation
import Statistics
import Testing

/// Golden values of scikit-learn, made by `Fixtures/statistics/make_logistic.py`.
private struct Golden: Decodable {
    struct Case: Decodable {
        let name: String
        let penalty: Double
        let features: [[Double]]
        let labels: [Int]
        let intercept: Double
        let coefficients: [Double]
        let probabilities: [Double]
        /// Of kernel ridge regression, for features 1.1 times as large.
        let kernel: [Double]
    }

    let cases: [Case]

    static func read() throws -> Golden {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/statistics/logistic.json")
        return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: path))
    }
}

@Suite struct LogisticRegressionTests {
    @Test("coefficients and probabilities are scikit-learn's")
    func golden() throws {
        for golden in try Golden.read().cases {
            let model = try #require(
                LogisticRegression(
                    features: golden.features, labels: golden.labels.map { $0 == 1 }, penalty: golden.penalty))
            #expect(abs(model.intercept - golden.intercept) < 1e-7, "\(golden.name)")
            for (one, other) in zip(model.coefficients, golden.coefficients) {
                #expect(abs(one - other) < 1e-7, "\(golden.name)")
            }
            for (row, expected) in zip(golden.features, golden.probabilities) {
                #expect(abs(model.probability(row) - expected) < 1e-7, "\(golden.name)")
            }
        }
    }

    @Test("kernel ridge regression is scikit-learn's; no case and a value that is not finite have no model")
    func kernel() throws {
        for golden in try Golden.read().cases {
            let model = try #require(
                KernelRidge(
                    features: golden.features, labels: golden.labels.map { $0 == 1 }, width: 0.3, penalty: 0.1))
            for (row, expected) in zip(golden.features, golden.kernel) {
                #expect(abs(model.score(row.map { 1.1 * $0 }) - expected) < 1e-9, "\(golden.name)")
            }
        }
        #expect(KernelRidge(features: [], labels: [], width: 1, penalty: 1) == nil)
        #expect(KernelRidge(features: [[1], [.nan]], labels: [true, false], width: 1, penalty: 1) == nil)
    }

    @Test("one class, no case and a value that is not finite have no model")
    func undefined() {
        #expect(LogisticRegression(features: [], labels: []) == nil)
        #expect(LogisticRegression(features: [[1], [2]], labels: [true, true]) == nil)
        #expect(LogisticRegression(features: [[1], [.nan]], labels: [true, false]) == nil)
    }

    @Test("without features the probability is the share of positives")
    func noFeatures() throws {
        let model = try #require(
            LogisticRegression(features: [[], [], [], []], labels: [true, false, false, false]))
        #expect(abs(model.probability([]) - 0.25) < 1e-9)
    }

    @Test("a patient's cases are all in one fold, and positives are spread over the folds")
    func folds() {
        let groups = (0..<40).map { "patient \($0 / 2)" }
        let labels = (0..<40).map { $0 / 2 % 4 == 0 }
        let folds = CrossValidation.assignFolds(labels: labels, groups: groups, folds: 5)
        for index in stride(from: 0, to: 40, by: 2) { #expect(folds[index] == folds[index + 1]) }
        for fold in 0..<5 {
            #expect(folds.count { $0 == fold } == 8)
            #expect(zip(folds, labels).count { $0 == fold && $1 } == 2)
        }
    }

    private static func crossValidated(features: [[Double]], labels: [Bool], groups: [String]) -> [Double]? {
        CrossValidation.scores(features: features, labels: labels, groups: groups) {
            LogisticRegression(features: $0, labels: $1)?.probability
        }
    }

    @Test("a prediction does not see its own patient: a feature that names the patient predicts nothing")
    func leakage() throws {
        // Two cases a patient with the same label: one feature a patient would give it away without grouping.
        let labels = (0..<40).map { $0 / 2 % 2 == 0 }
        let features = (0..<40).map { index in (0..<20).map { $0 == index / 2 ? 1.0 : 0.0 } }
        let groups = (0..<40).map { "\($0 / 2)" }
        let grouped = try #require(
            Self.crossValidated(features: features, labels: labels, groups: groups))
        let single = try #require(
            Self.crossValidated(features: features, labels: labels, groups: (0..<40).map(String.init)))
        #expect(try #require(ROC(labels: labels, scores: grouped).area) < 0.6)
        #expect(try #require(ROC(labels: labels, scores: single).area) > 0.9)
    }

    @Test("a feature that is the label is found, and two runs agree")
    func shortcut() throws {
        let labels = (0..<30).map { $0 % 3 == 0 }
        let features = labels.enumerated().map { [$1 ? 2.0 : 1.0, Double($0 * 7 % 11)] }
        let groups = (0..<30).map(String.init)
        let one = try #require(Self.crossValidated(features: features, labels: labels, groups: groups))
        let two = try #require(Self.crossValidated(features: features, labels: labels, groups: groups))
        #expect(one == two)
        #expect(ROC(labels: labels, scores: one).area == 1)
        #expect(
            Self.crossValidated(features: [[1], [2], [3]], labels: [true, false, false], groups: ["a", "b", "c"]) == nil
        )
    }
}
