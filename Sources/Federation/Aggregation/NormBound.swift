/// Bounds an update's norm by the lower median of the round's norms.
///
/// With fewer than three updates there is no bound: of two that differ nobody can say which is the odd one. Where the
/// median is zero (most sites sent nothing) there is none either. A bound on norms stops scaled and broken updates; it
/// is no defence against a site that poisons within it.
package struct NormBound: Sendable, Equatable {
    /// Fewest updates for which there is a bound.
    package static let leastUpdates = 3
    /// Reject above 3 times, clip at 2 times the lower median.
    package static let standard = NormBound(reject: 3, clip: 2)

    /// Rejected above this multiple of the median.
    package var reject: Double
    /// Scaled down to this multiple of the median.
    package var clip: Double

    package init(reject: Double, clip: Double) {
        precondition(clip > 0 && reject >= clip, "an update is clipped before it is rejected")
        self.reject = reject
        self.clip = clip
    }

    package enum Finding: Sendable, Equatable {
        case taken
        /// To be multiplied by the factor, above 0 and below 1.
        case clipped(Double)
        case rejected
    }

    /// The lower median of the norms: of an even number the smaller of the middle two, so that half of the sites
    /// sending large ones cannot raise it.
    /// - Returns: nil when there is no bound.
    package func reference(of norms: [Double]) -> Double? {
        let sorted = norms.filter { $0.isFinite && $0 >= 0 }.sorted()
        guard sorted.count >= Self.leastUpdates else { return nil }
        let median = sorted[(sorted.count - 1) / 2]
        return median > 0 ? median : nil
    }

    package func verdict(of norm: Double, reference: Double) -> Finding {
        if norm > reject * reference { return .rejected }
        if norm > clip * reference { return .clipped(clip * reference / norm) }
        return .taken
    }
}
