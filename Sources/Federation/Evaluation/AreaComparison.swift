/// An area with its uncertainties, combined over sites and classes.
package struct AreaEstimate: Sendable, Equatable, Codable {
    package let area: Double
    /// Least and greatest area the unbinned scores can have.
    package let ties: [Double]
    /// Nil where a site has fewer than two cases of a class.
    package let variance: Double?
    /// 95 %, clipped to 0…1.
    package var interval: [Double]? { variance.map { Interval.around(area, variance: $0, in: 0...1) } }

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

    /// Variance of the change: the sum of both.
    ///
    /// Histograms say nothing of how the two models' scores go together case by case. Models of which one was trained
    /// from the other err on the same cases, so that their correlation is positive and the true variance is less: the
    /// interval is too wide, never too narrow.
    package var variance: Double? {
        base.variance.flatMap { one in candidate.variance.map { one + $0 } }
    }

    /// 95 % interval of the change; its upper end is what the gate compares with −margin.
    package var interval: [Double]? { variance.map { Interval.around(change, variance: $0, in: -1...1) } }

    /// Whether the candidate is worse beyond doubt: even the upper end of the interval lies below −margin.
    /// - Returns: false where there is no interval.
    package func isWorse(margin: Double) -> Bool {
        interval.map { $0[1] < -margin } ?? false
    }
}
