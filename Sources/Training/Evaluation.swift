import Foundation

/// How well predictions agree with labels, each number only where it is defined.
package struct Evaluation: Codable, Sendable, Equatable {
    package var cases: Int
    /// Mean cross entropy, unweighted.
    package var loss: Double?
    package var accuracy: Double?
    /// Binary tasks: of the second class, at the threshold.
    package var sensitivity: Double?
    /// Binary tasks: of the first class, at the threshold.
    package var specificity: Double?
    /// Binary: area under the ROC curve. More classes: mean over classes of one against the rest.
    package var auc: Double?

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
        let predicted = probabilities.map { Prediction.choose($0, threshold: threshold) }
        func share(_ indices: [Int]) -> Double? {
            guard !indices.isEmpty else { return nil }
            return Double(indices.count { predicted[$0] == labels[$0] }) / Double(indices.count)
        }
        accuracy = share(Array(labels.indices))
        if classes == 2 {
            sensitivity = share(labels.indices.filter { labels[$0] == 1 })
            specificity = share(labels.indices.filter { labels[$0] == 0 })
            auc = Self.areaUnderCurve(probabilities.map { $0[1] }, positive: labels.map { $0 == 1 })
        } else {
            let areas = (0..<classes).map { c in
                Self.areaUnderCurve(probabilities.map { $0[c] }, positive: labels.map { $0 == c })
            }
            let defined = areas.compactMap { $0 }
            if defined.count == classes { auc = defined.reduce(0, +) / Double(classes) }
        }
    }

    /// Mann and Whitney's statistic over mid-ranks; nil when there is only one kind.
    static func areaUnderCurve(_ scores: [Double], positive: [Bool]) -> Double? {
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        let positives = positive.count { $0 }
        let negatives = positive.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        var ranks = 0.0
        var start = 0
        while start < order.count {
            var end = start
            while end < order.count, scores[order[end]] == scores[order[start]] { end += 1 }
            let middle = Double(start + end + 1) / 2
            ranks += middle * Double(order[start..<end].count { positive[$0] })
            start = end
        }
        let p = Double(positives)
        return (ranks - p * (p + 1) / 2) / (p * Double(negatives))
    }

    /// `accuracy 0.83, sensitivity 0.75, …`: what is defined.
    package var summary: String {
        let parts = [
            ("loss", loss), ("accuracy", accuracy), ("sensitivity", sensitivity), ("specificity", specificity),
            ("AUC", auc),
        ]
        let text = parts.compactMap { name, value in value.map { "\(name) \(String(format: "%.3f", $0))" } }
        return cases == 0 ? "no cases" : "\(cases) cases: " + text.joined(separator: ", ")
    }
}
