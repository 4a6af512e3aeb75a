/// How many cases of a two-class test fell where, and what follows from it.
///
/// A ratio whose denominator is zero is nil: with no positive case there is no sensitivity.
package struct ConfusionCounts: Sendable, Equatable, Codable {
    package let truePositive: Int
    package let falseNegative: Int
    package let trueNegative: Int
    package let falsePositive: Int

    package init(truePositive: Int, falseNegative: Int, trueNegative: Int, falsePositive: Int) {
        self.truePositive = truePositive
        self.falseNegative = falseNegative
        self.trueNegative = trueNegative
        self.falsePositive = falsePositive
    }

    /// Counts cases, calling those positive whose score is at least the threshold.
    /// - Parameters:
    ///   - labels: true for a positive case.
    ///   - scores: one a case, larger meaning more likely positive.
    package init(labels: [Bool], scores: [Double], threshold: Double) {
        precondition(labels.count == scores.count, "a label belongs to every score")
        var counts = [0, 0, 0, 0]
        for (label, score) in zip(labels, scores) {
            counts[(label ? 0 : 2) + ((score >= threshold) == label ? 0 : 1)] += 1
        }
        self.init(
            truePositive: counts[0], falseNegative: counts[1], trueNegative: counts[2], falsePositive: counts[3])
    }

    /// Positive cases.
    package var positives: Int { truePositive + falseNegative }
    /// Negative cases.
    package var negatives: Int { trueNegative + falsePositive }
    /// All cases.
    package var total: Int { positives + negatives }

    /// Cases called right, of all.
    package var accuracy: Double? { Self.ratio(truePositive + trueNegative, total) }
    /// Positive cases found, of the positive (recall).
    package var sensitivity: Double? { Self.ratio(truePositive, positives) }
    /// Negative cases left alone, of the negative.
    package var specificity: Double? { Self.ratio(trueNegative, negatives) }
    /// Positive cases, of those called positive (positive predictive value).
    package var precision: Double? { Self.ratio(truePositive, truePositive + falsePositive) }
    /// Harmonic mean of precision and sensitivity.
    package var f1: Double? { Self.ratio(2 * truePositive, 2 * truePositive + falsePositive + falseNegative) }

    /// Mean of sensitivity and specificity; nil with one class only.
    package var balancedAccuracy: Double? {
        guard let sensitivity, let specificity else { return nil }
        return (sensitivity + specificity) / 2
    }

    /// Matthews' correlation coefficient, −1…1; nil when a row or column of the table is empty.
    package var matthewsCorrelation: Double? {
        let called = Double(truePositive + falsePositive)
        let left = Double(trueNegative + falseNegative)
        let denominator = (called * left * Double(positives) * Double(negatives)).squareRoot()
        guard denominator > 0 else { return nil }
        let products = (
            Double(truePositive) * Double(trueNegative), Double(falsePositive) * Double(falseNegative)
        )
        return (products.0 - products.1) / denominator
    }

    /// The shares of positive and of negative calls that would be right where the class is as common as said (Bayes), not
    /// as common as among these cases.
    /// - Parameter prevalence: above 0 and below 1.
    /// - Returns: each nil where nothing would be called so; nil without cases of both classes.
    package func predictiveValues(prevalence: Double) -> (positive: Double?, negative: Double?)? {
        precondition(prevalence > 0 && prevalence < 1, "a prevalence lies between 0 and 1")
        guard let sensitivity, let specificity else { return nil }
        let right = (sensitivity * prevalence, specificity * (1 - prevalence))
        let called = (right.0 + (1 - specificity) * (1 - prevalence), right.1 + (1 - sensitivity) * prevalence)
        return (called.0 > 0 ? right.0 / called.0 : nil, called.1 > 0 ? right.1 / called.1 : nil)
    }

    private static func ratio(_ part: Int, _ whole: Int) -> Double? {
        whole > 0 ? Double(part) / Double(whole) : nil
    }
}
