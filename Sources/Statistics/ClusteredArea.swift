/// Areas under ROC curves where a patient has several scans, which are no independent cases (Obuchowski, Biometrics 53,
/// 1997). With one scan a patient it is DeLong's estimate up to the factor of its small-sample correction.
package enum ClusteredArea {
    /// - Parameters:
    ///   - labels: true for a positive scan.
    ///   - scores: one a scan.
    ///   - patients: whose scan it is.
    /// - Returns: nil when a class has scans of fewer than two patients.
    package static func estimate(
        labels: [Bool], scores: [Double], patients: [String], level: Double = 0.95
    ) -> DeLong.Estimate? {
        guard let sums = Sums(labels: labels, scores: scores, patients: patients),
            let variance = covariance(sums, sums)
        else { return nil }
        return DeLong.Estimate(
            area: sums.area, variance: variance,
            disjointPairs: min(sums.clusters.positive, sums.clusters.negative), level: level)
    }

    /// Two scores of the same scans.
    package static func compare(
        labels: [Bool], _ first: [Double], _ second: [Double], patients: [String]
    ) -> DeLong.Comparison? {
        guard let one = Sums(labels: labels, scores: first, patients: patients),
            let other = Sums(labels: labels, scores: second, patients: patients),
            let varianceOne = covariance(one, one), let varianceOther = covariance(other, other),
            let between = covariance(one, other)
        else { return nil }
        return DeLong.Comparison(
            areas: (one.area, other.area), variance: varianceOne + varianceOther - 2 * between, covariance: between)
    }

    /// Placement values summed over each patient's scans, less what the area would make them.
    private struct Sums {
        let area: Double
        /// Scans.
        let positives: Double
        let negatives: Double
        /// Patients with a scan of the class.
        let clusters: (positive: Int, negative: Int)
        /// Of each patient.
        let deviations: [(positive: Double, negative: Double)]

        init?(labels: [Bool], scores: [Double], patients: [String]) {
            precondition(labels.count == patients.count, "every scan is somebody's")
            let roc = ROC(labels: labels, scores: scores)
            guard let placements = roc.placements, let area = roc.area else { return nil }
            self.area = area
            positives = Double(placements.positive.count)
            negatives = Double(placements.negative.count)
            var places: [String: Int] = [:]
            var deviations: [(positive: Double, negative: Double)] = []
            var counts: [(positive: Int, negative: Int)] = []
            var next = (positive: 0, negative: 0)
            for (label, patient) in zip(labels, patients) {
                let place = places[patient] ?? deviations.count
                if place == deviations.count {
                    places[patient] = place
                    deviations.append((0, 0))
                    counts.append((0, 0))
                }
                if label {
                    deviations[place].positive += placements.positive[next.positive] - area
                    counts[place].positive += 1
                    next.positive += 1
                } else {
                    deviations[place].negative += placements.negative[next.negative] - area
                    counts[place].negative += 1
                    next.negative += 1
                }
            }
            self.deviations = deviations
            clusters = (counts.count { $0.positive > 0 }, counts.count { $0.negative > 0 })
            guard clusters.positive > 1, clusters.negative > 1 else { return nil }
        }
    }

    private static func covariance(_ one: Sums, _ other: Sums) -> Double? {
        let (m, n) = (one.positives, one.negatives)
        func corrected(_ count: Int) -> Double { Double(count) / Double(count - 1) }
        var (positive, negative, mixed) = (0.0, 0.0, 0.0)
        for (a, b) in zip(one.deviations, other.deviations) {
            positive += a.positive * b.positive
            negative += a.negative * b.negative
            mixed += a.positive * b.negative + a.negative * b.positive
        }
        return corrected(one.clusters.positive) * positive / (m * m)
            + corrected(one.clusters.negative) * negative / (n * n)
            + corrected(one.deviations.count) * mixed / (m * n)
    }
}
