import Statistics

/// An area with its uncertainties, combined over sites and classes.
package struct AreaEstimate: Sendable, Equatable, Codable {
    package let area: Double
    /// Least and greatest area the unbinned scores can have.
    package let ties: [Double]
    /// Nil where a site has fewer than two cases of a class.
    package let variance: Double?
    /// Independent pairs of cases that it compares.
    let disjointPairs: Int

    /// 95 %, clipped to 0…1; bounded at an area of 0 or 1, where the variance is zero and says nothing.
    package var interval: [Double]? {
        DeLong.Estimate(area: area, variance: variance, disjointPairs: disjointPairs).interval?.ends
    }

    /// The variance; where that is zero, the one whose interval would reach as far. Nil without an interval.
    var spread: Double? {
        guard let variance, variance <= 0 else { return variance }
        return interval.map { ends in
            let error = max(area - ends[0], ends[1] - area) / NormalDistribution.quantile(0.975)
            return error * error
        }
    }

    /// The mean of estimates by weights above 0.
    /// - Parameter independent: whether the estimates are of different cases. If not, the variance is the greatest that
    ///   any correlation allows: the square of the mean standard error.
    init(_ parts: [(estimate: AreaEstimate, weight: Double)], independent: Bool) {
        let total = parts.reduce(0) { $0 + $1.weight }
        func mean(_ value: (AreaEstimate) -> Double) -> Double {
            parts.reduce(0) { $0 + $1.weight * value($1.estimate) } / total
        }
        area = mean(\.area)
        ties = [mean { $0.ties[0] }, mean { $0.ties[1] }]
        let pairs = parts.map(\.estimate.disjointPairs)
        disjointPairs = independent ? pairs.reduce(0, +) : pairs.min() ?? 0
        if parts.contains(where: { $0.estimate.variance == nil }) {
            variance = nil
        } else if independent {
            variance = parts.reduce(0) { sum, part in
                sum + part.weight * part.weight / (total * total) * (part.estimate.variance ?? 0)
            }
        } else {
            let error = mean { ($0.variance ?? 0).squareRoot() }
            variance = error * error
        }
    }

    init(_ binned: BinnedAUC) {
        area = binned.area
        ties = binned.ties
        variance = binned.variance
        disjointPairs = min(binned.positives, binned.negatives)
    }
}

/// The areas of the base and of the candidate on the same cases.
package struct AreaComparison: Sendable, Equatable, Codable {
    package let base: AreaEstimate
    package let candidate: AreaEstimate

    /// Candidate less base.
    package var change: Double { candidate.area - base.area }

    /// Least and greatest change the unbinned scores can have.
    package var ties: [Double] { [candidate.ties[0] - base.ties[1], candidate.ties[1] - base.ties[0]] }

    /// Variance of the change: the sum of both, an area of 0 or 1 counted by its interval.
    ///
    /// Histograms say nothing of how the two models' scores go together case by case. Models of which one was trained
    /// from the other err on the same cases, so that their correlation is positive and the true variance is less: the
    /// interval is too wide, never too narrow.
    package var variance: Double? {
        base.spread.flatMap { one in candidate.spread.map { one + $0 } }
    }

    /// 95 % interval of the change; its upper end is what the gate compares with −margin.
    package var interval: [Double]? {
        variance.map { variance in
            let half = NormalDistribution.quantile(0.975) * max(variance, 0).squareRoot()
            return [max(-1, change - half), min(1, change + half)]
        }
    }

    /// Whether the candidate is worse beyond doubt: even the upper end of the interval lies below −margin.
    /// - Returns: false where there is no interval.
    package func isWorse(margin: Double) -> Bool {
        interval.map { $0[1] < -margin } ?? false
    }
}
