/// The mean of the deltas, weighted by training cases or uniform (McMahan et al., AISTATS 2017), with a bound on norms.
package struct WeightedMean: AggregationRule, Equatable {
    /// What a site's update counts.
    package enum Weighting: Sendable, Equatable {
        /// Its training cases, at most `cap`, so that a large count, true or not, cannot outweigh all others.
        case samples(cap: Int)
        /// Every site the same.
        case uniform
    }

    /// Weights are whole numbers below this: a 24-bit fraction times such a number is exact in double.
    package static let weightLimit = 1 << 29

    package var weighting: Weighting
    /// Nil: off.
    package var bound: NormBound?
    /// Above this norm an update is rejected, however the others are; nil without limit.
    package var maximumNorm: Double?

    package init(_ weighting: Weighting, bound: NormBound? = .standard, maximumNorm: Double? = nil) {
        self.weighting = weighting
        self.bound = bound
        self.maximumNorm = maximumNorm
    }

    package func judge(_ contributions: [Contribution]) -> [UpdateJudgement] {
        let ordered = contributions.sorted { $0.site.utf8.lexicographicallyPrecedes($1.site.utf8) }
        let reference = bound?.reference(of: ordered.filter { !isOverLimit($0) }.map(\.norm))
        return ordered.map { judge($0, reference: reference) }
    }

    private func judge(_ contribution: Contribution, reference: Double?) -> UpdateJudgement {
        func judgement(_ outcome: Verdict.Outcome, factor: Double = 1, _ reason: String) -> UpdateJudgement {
            UpdateJudgement(
                site: contribution.site, update: contribution.update, outcome: outcome,
                weight: outcome == .rejected ? 0 : weight(of: contribution), factor: factor, reason: reason)
        }
        guard contribution.norm.isFinite, contribution.norm >= 0 else {
            return judgement(.rejected, "The update's norm is not a finite number; train again from the round's base.")
        }
        if let maximumNorm, isOverLimit(contribution) {
            return judgement(
                .rejected,
                "The update's norm \(short(contribution.norm)) is above the plan's max_norm"
                    + " \(short(maximumNorm)); check the learning rate and the data, and ask the coordinator.")
        }
        guard let bound, let reference else { return judgement(.accepted, "The update was taken as it is.") }
        switch bound.verdict(of: contribution.norm, reference: reference) {
        case .taken:
            return judgement(.accepted, "The update was taken as it is.")
        case .clipped(let factor):
            return judgement(
                .clipped, factor: factor,
                "The update was taken at \(short(factor)) of its size, since its norm \(short(contribution.norm)) is"
                    + " above \(short(bound.clip)) times the round's median \(short(reference)).")
        case .rejected:
            return judgement(
                .rejected,
                "The update was left out, since its norm \(short(contribution.norm)) is above"
                    + " \(short(bound.reject)) times the round's median \(short(reference)); check the learning rate"
                    + " and the data.")
        }
    }

    private func isOverLimit(_ contribution: Contribution) -> Bool {
        maximumNorm.map { contribution.norm > $0 } ?? false
    }

    private func weight(of contribution: Contribution) -> Int {
        switch weighting {
        case .uniform: 1
        case .samples(let cap): max(1, min(contribution.samples, cap, Self.weightLimit - 1))
        }
    }
}

/// A number for a sentence: four significant digits.
func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    let magnitude = abs(value)
    if magnitude >= 1e6 || magnitude < 1e-4 {
        var exponent = 0
        var fraction = magnitude
        while fraction >= 10 { (fraction, exponent) = (fraction / 10, exponent + 1) }
        while fraction < 1 { (fraction, exponent) = (fraction * 10, exponent - 1) }
        return "\(value < 0 ? "-" : "")\((fraction * 1000).rounded() / 1000)e\(exponent)"
    }
    var scale = 1.0
    while magnitude * scale < 1000 { scale *= 10 }
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}
