import Foundation
import Statistics

/// How well predictions agree with labels, each number only where it is defined.
package struct Evaluation: Codable, Sendable, Equatable {
    package var cases: Int
    /// Further cases with a label, unlike the training cases and left without an answer.
    package var withheld: Int?
    /// Mean cross entropy, unweighted.
    package var loss: Double?
    package var accuracy: Double?
    /// Binary tasks: of the second class, at the threshold.
    package var sensitivity: Double?
    /// Binary tasks: of the first class, at the threshold.
    package var specificity: Double?
    /// Binary: area under the ROC curve. More classes: mean over classes of one against the rest.
    package var auc: Double?
    /// DeLong's 95 % interval of a binary task's area: lower and upper.
    package var aucInterval: [Double]?

    private enum CodingKeys: String, CodingKey {
        case cases, withheld, loss, accuracy, sensitivity, specificity, auc, aucInterval = "auc_interval"
    }

    /// - Parameters:
    ///   - probabilities: for each case one a class.
    ///   - labels: the class of each case.
    package init(probabilities: [[Double]], labels: [Int], threshold: Double = 0.5) {
        cases = labels.count
        guard !labels.isEmpty else { return }
        let classes = probabilities[0].count
        loss =
            zip(probabilities, labels).reduce(0) { $0 - log(max($1.0[$1.1], .leastNormalMagnitude)) }
            / Double(labels.count)
        if classes == 2 {
            let positive = labels.map { $0 == 1 }
            let scores = probabilities.map { $0[1] }
            let counts = ConfusionCounts(labels: positive, scores: scores, threshold: threshold)
            accuracy = counts.accuracy
            sensitivity = counts.sensitivity
            specificity = counts.specificity
            let estimate = DeLong.estimate(labels: positive, scores: scores)
            auc = estimate?.area
            aucInterval = estimate?.interval?.ends
        } else {
            let predicted = probabilities.map { Prediction.choose($0, threshold: threshold) }
            accuracy = Double(zip(predicted, labels).count { $0 == $1 }) / Double(labels.count)
            let areas = (0..<classes).compactMap { c in
                ROC(labels: labels.map { $0 == c }, scores: probabilities.map { $0[c] }).area
            }
            if areas.count == classes { auc = areas.reduce(0, +) / Double(classes) }
        }
    }

    /// `accuracy 0.83, sensitivity 0.75, …`: what is defined.
    package var summary: String {
        let parts = [
            ("loss", loss), ("accuracy", accuracy), ("sensitivity", sensitivity), ("specificity", specificity),
            ("AUC", auc),
        ]
        let text = parts.compactMap { name, value in value.map { "\(name) \(String(format: "%.3f", $0))" } }
        let told = cases == 0 ? "no cases" : "\(cases) cases: " + text.joined(separator: ", ")
        return told + (withheld.map { "; \($0) more without an answer" } ?? "")
    }
}
