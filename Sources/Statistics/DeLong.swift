import Glibc

/// Variances of areas under ROC curves (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988), in O(n log n) by
/// midranks (Sun and Xu, IEEE Signal Processing Letters 21, 2014).
package enum DeLong {
    /// An area, its variance and its interval.
    package struct Estimate: Sendable, Equatable {
        package let area: Double
        /// Nil with fewer than two cases of a class.
        package let variance: Double?
        /// `area` ± z·√variance, clipped to 0…1; nil without a variance, or where it is zero since scores are tied. At an
        /// area of 0 or 1, where the variance is zero and says nothing, it ends where so few cases could no longer happen
        /// to be told apart so well: an area A makes k disjoint pairs all right with a chance of Aᵏ, k the cases of the
        /// smaller class, so it ends at ((1 − level)/2)^(1/k) from the other end, as Clopper and Pearson's interval of k
        /// out of k does.
        package let interval: ClosedRange<Double>?

        /// - Parameters:
        ///   - disjointPairs: of independent cases or patients, one of each class, that the area compares.
        ///   - level: confidence, above 0 and below 1.
        package init(area: Double, variance: Double?, disjointPairs: Int, level: Double = 0.95) {
            self.area = area
            self.variance = variance
            guard let variance else {
                interval = nil
                return
            }
            if area == 0 || area == 1 {
                let end = pow((1 - level) / 2, 1 / Double(max(1, disjointPairs)))
                interval = area == 1 ? end...1 : 0...1 - end
                return
            }
            guard variance > 0 else {
                interval = nil
                return
            }
            let half = NormalDistribution.quantile((1 + level) / 2) * variance.squareRoot()
            let low = max(0, area - half)
            interval = low...max(low, min(1, area + half))
        }
    }

    /// A paired comparison of two scores on the same cases.
    package struct Comparison: Sendable, Equatable {
        package let areas: (Double, Double)
        package let covariance: Double
        /// Of the difference.
        package let variance: Double
        /// Difference of the areas over its standard error; nil when the standard error is zero.
        package let z: Double?
        /// Two-sided; nil without `z`.
        package let p: Double?

        /// - Parameter variance: of the difference.
        init(areas: (Double, Double), variance: Double, covariance: Double) {
            self.areas = areas
            self.variance = variance
            self.covariance = covariance
            z = variance > 0 ? (areas.0 - areas.1) / variance.squareRoot() : nil
            p = z.map(NormalDistribution.twoSided)
        }

        /// The first area less the second.
        package var difference: Double { areas.0 - areas.1 }

        /// Of the difference, clipped to −1…1; nil when its standard error is zero, as of two scores that are all tied.
        package func interval(level: Double = 0.95) -> ClosedRange<Double>? {
            guard variance > 0 else { return nil }
            let half = NormalDistribution.quantile((1 + level) / 2) * variance.squareRoot()
            return max(-1, difference - half)...min(1, difference + half)
        }

        package static func == (one: Comparison, other: Comparison) -> Bool {
            one.areas == other.areas && one.variance == other.variance && one.covariance == other.covariance
                && one.z == other.z && one.p == other.p
        }
    }

    /// - Parameter level: confidence of the interval.
    /// - Returns: nil when a class has no case.
    package static func estimate(labels: [Bool], scores: [Double], level: Double = 0.95) -> Estimate? {
        let roc = ROC(labels: labels, scores: scores)
        guard let area = roc.area, let placements = roc.placements else { return nil }
        return Estimate(
            area: area, variance: covariance(placements, placements),
            disjointPairs: min(placements.positive.count, placements.negative.count), level: level)
    }

    /// - Parameters:
    ///   - labels: true for a positive case.
    ///   - first: a score a case.
    ///   - second: another score of the same cases.
    /// - Returns: nil with fewer than two cases of a class.
    package static func compare(labels: [Bool], _ first: [Double], _ second: [Double]) -> Comparison? {
        let rocs = (ROC(labels: labels, scores: first), ROC(labels: labels, scores: second))
        guard let one = rocs.0.placements, let other = rocs.1.placements, let areaOne = rocs.0.area,
            let areaOther = rocs.1.area, let varianceOne = covariance(one, one),
            let varianceOther = covariance(other, other), let between = covariance(one, other)
        else { return nil }
        return Comparison(
            areas: (areaOne, areaOther), variance: varianceOne + varianceOther - 2 * between, covariance: between)
    }

    private static func covariance(
        _ one: (positive: [Double], negative: [Double]), _ other: (positive: [Double], negative: [Double])
    ) -> Double? {
        guard let positive = sampleCovariance(one.positive, other.positive),
            let negative = sampleCovariance(one.negative, other.negative)
        else { return nil }
        return positive / Double(one.positive.count) + negative / Double(one.negative.count)
    }

    private static func sampleCovariance(_ one: [Double], _ other: [Double]) -> Double? {
        guard one.count > 1 else { return nil }
        let count = Double(one.count)
        let means = (one.reduce(0, +) / count, other.reduce(0, +) / count)
        return zip(one, other).reduce(0) { $0 + ($1.0 - means.0) * ($1.1 - means.1) } / (count - 1)
    }
}
