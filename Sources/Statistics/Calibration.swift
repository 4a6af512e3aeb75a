import Glibc

/// How well probabilities of the positive class agree with what happened.
package enum Calibration {
    /// The mean squared difference of probability and outcome (Brier 1950); nil without cases.
    package static func brier(labels: [Bool], probabilities: [Double]) -> Double? {
        mean(labels, probabilities) { label, p in (p - (label ? 1 : 0)) * (p - (label ? 1 : 0)) }
    }

    /// The mean negative logarithm of the probability given to what happened; probabilities are kept 2⁻⁵² from 0 and 1,
    /// so that one certain error does not make it infinite. Nil without cases.
    package static func logLoss(labels: [Bool], probabilities: [Double]) -> Double? {
        mean(labels, probabilities) { label, p in
            let p = min(max(p, Double.ulpOfOne), 1 - Double.ulpOfOne)
            return -log(label ? p : 1 - p)
        }
    }

    /// Expected calibration error: over bins of equal width, the difference of mean probability and share of positives,
    /// weighted by cases. A bin holds its upper edge, the first also zero. Nil without cases.
    /// - Parameter bins: at least one.
    package static func expectedError(labels: [Bool], probabilities: [Double], bins: Int = 10) -> Double? {
        precondition(bins > 0 && labels.count == probabilities.count, "a label belongs to every probability")
        guard !labels.isEmpty else { return nil }
        var sums = [(cases: Int, positives: Int, probability: Double)](repeating: (0, 0, 0), count: bins)
        for (label, p) in zip(labels, probabilities) {
            let bin = p.isNaN ? 0 : Int(min(max((p * Double(bins)).rounded(.up) - 1, 0), Double(bins - 1)))
            sums[bin].cases += 1
            sums[bin].positives += label ? 1 : 0
            sums[bin].probability += p
        }
        return sums.reduce(0) { $0 + abs($1.probability - Double($1.positives)) } / Double(labels.count)
    }

    private static func mean(_ labels: [Bool], _ values: [Double], _ loss: (Bool, Double) -> Double) -> Double? {
        precondition(labels.count == values.count, "a label belongs to every probability")
        guard !labels.isEmpty else { return nil }
        return zip(labels, values).reduce(0) { $0 + loss($1.0, $1.1) } / Double(labels.count)
    }
}
