import Encoder
import Foundation
import Statistics

/// A threshold of a site's own for a model of two classes, and how far its probabilities are off there: a result beside
/// the model's, never in its place unless it is asked for by name.
package struct Recalibration: Codable, Sendable, Equatable {
    package static let label = "Local recalibration on select cases of one site: not the model's own threshold."

    package var what = Self.label
    /// SHA-256 of the model's file.
    package var modelDigest: String
    package var task: String?
    /// The second class is said at this probability of it and above.
    package var threshold: Double
    /// The share of positive select cases it was to find.
    package var asked: Double
    /// What logits should be divided by; nil where that cannot be told from these cases.
    package var temperature: Double?
    /// For sets of classes that hold the true one nine times of ten; nil with too few select cases.
    package var conformal: Conformal?
    /// The model's own, or its release's.
    package var ownThreshold: Double
    /// Select cases at the local threshold: those it was chosen on.
    package var select: Evaluation
    /// Test cases at the local threshold, and at the model's own; nil without test cases.
    package var test: Evaluation?
    package var testAtOwn: Evaluation?
    package var notice = ModelDescription.investigational

    private enum CodingKeys: String, CodingKey {
        case what, modelDigest = "model_digest", task, threshold, asked, temperature, conformal, ownThreshold =
            "own_threshold",
            select, test, testAtOwn = "test_at_own_threshold", notice
    }

    /// Probabilities and labels of cases.
    package struct Cases: Sendable {
        package var probabilities: [[Double]] = []
        package var labels: [Int] = []

        package init() {}
    }

    /// A split-conformal set (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, §4): the classes
    /// whose probability is at least 1 − `quantile`.
    package struct Conformal: Codable, Sendable, Equatable {
        /// How often the true class is in the set, for cases like the select ones.
        package var coverage = 0.9
        /// The ⌈(n + 1)·coverage⌉-th smallest of 1 − the true class's probability.
        package var quantile: Double
        package var cases: Int

        /// Least select cases.
        package static let fewest = 100

        /// - Returns: nil with fewer than a hundred cases.
        package init?(_ select: Cases) {
            cases = select.labels.count
            guard cases >= Self.fewest else { return nil }
            let scores = zip(select.probabilities, select.labels).map { 1 - $0[$1] }.sorted()
            let place = Int((Double(cases + 1) * 0.9).rounded(.up))
            quantile = scores[min(place, cases) - 1]
        }
    }

    /// Least positive select cases: fewer say nothing of a share.
    package static let fewest = 10

    /// - Parameters:
    ///   - asked: above 0, at most 1.
    ///   - own: the model's threshold.
    /// - Throws: ``TrainingError`` when there are too few cases of a class, or more than two classes.
    package init(
        select: Cases, test: Cases, asked: Double, own: Double, modelDigest: String, task: String?
    ) throws(TrainingError) {
        guard select.probabilities.allSatisfy({ $0.count == 2 }) else {
            throw TrainingError(.settings, "a threshold is for models of two classes")
        }
        let positive = select.labels.map { $0 == 1 }
        guard positive.count(where: { $0 }) >= Self.fewest, positive.count(where: { !$0 }) >= Self.fewest else {
            throw TrainingError(
                .data,
                "there are \(positive.count { $0 }) positive and \(positive.count { !$0 }) negative select cases: a threshold "
                    + "of one's own needs \(Self.fewest) of each")
        }
        guard
            let threshold = ROC(labels: positive, scores: select.probabilities.map { $0[1] })
                .threshold(sensitivity: asked)
        else { throw TrainingError(.data, "no threshold finds that share of the positive select cases") }
        self.threshold = threshold
        self.asked = asked
        self.modelDigest = modelDigest
        self.task = task
        ownThreshold = own
        temperature = TemperatureScaling.temperature(
            logits: select.probabilities.map { $0.map(Self.logarithm) }, labels: select.labels)
        conformal = Conformal(select)
        self.select = Evaluation(
            probabilities: select.probabilities, labels: select.labels, threshold: threshold)
        if !test.labels.isEmpty {
            self.test = Evaluation(probabilities: test.probabilities, labels: test.labels, threshold: threshold)
            testAtOwn = Evaluation(probabilities: test.probabilities, labels: test.labels, threshold: own)
        }
    }

    /// Logits up to a constant, which the softmax does not see.
    private static func logarithm(_ probability: Double) -> Double { log(max(probability, .leastNormalMagnitude)) }
}
