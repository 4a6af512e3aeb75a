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
        guard let sums = Sums(labels: labels, scores: [scores], patients: patients),
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
        compare(labels: labels, [first], [second], patients: patients)
    }

    /// The mean area of some scores and that of others, all of the same scans.
    static func compare(
        labels: [Bool], _ first: [[Double]], _ second: [[Double]], patients: [String]
    ) -> DeLong.Comparison? {
        guard let one = Sums(labels: labels, scores: first, patients: patients),
            let other = Sums(labels: labels, scores: second, patients: patients),
            let varianceOne = covariance(one, one), let varianceOther = covariance(other, other),
            let between = covariance(one, other)
        else { return nil }
        return DeLong.Comparison(
            areas: (one.area, other.area), variance: varianceOne + varianceOther - 2 * between, covariance: between)
    }

    /// Placement values summed over each patient's scans, less what the area would make them; of several scores their mean.
    private struct Sums {
        private(set) var area = 0.0
        /// Scans.
        let positives: Double
        let negatives: Double
        /// Patients with a scan of the class.
        let clusters: (positive: Int, negative: Int)
        /// Of each patient.
        private(set) var deviations: [(positive: Double, negative: Double)]

        /// - Parameter scores: of each of one or more scores, one value a scan.
        init?(labels: [Bool], scores: [[Double]], patients: [String]) {
            precondition(labels.count == patients.count, "every scan is somebody's")
            var places: [String: Int] = [:]
            let owners = patients.map { patient in
                let place = places[patient] ?? places.count
                places[patient] = place
                return place
            }
            func owning(_ label: Bool) -> Int { Set(zip(labels, owners).lazy.filter { $0.0 == label }.map(\.1)).count }
            clusters = (owning(true), owning(false))
            positives = Double(labels.count { $0 })
            negatives = Double(labels.count) - positives
            deviations = [(positive: Double, negative: Double)](repeating: (0, 0), count: places.count)
            guard clusters.positive > 1, clusters.negative > 1 else { return nil }
            for one in scores {
                let roc = ROC(labels: labels, scores: one)
                guard let placements = roc.placements, let own = roc.area else { return nil }
                area += own / Double(scores.count)
                var next = (positive: 0, negative: 0)
                for (label, owner) in zip(labels, owners) {
                    if label {
                        deviations[owner].positive += (placements.positive[next.positive] - own) / Double(scores.count)
                        next.positive += 1
                    } else {
                        deviations[owner].negative += (placements.negative[next.negative] - own) / Double(scores.count)
                        next.negative += 1
                    }
                }
            }
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
