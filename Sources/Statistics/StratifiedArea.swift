/// The area when only cases of one site are compared: Σ wins / Σ pairs over sites, that is the sites' areas weighted by
/// their pairs (van Elteren, Bull. Inst. Int. Stat. 37, 1960). How common the class is at each site has no part in it.
package enum StratifiedArea {
    /// A site's cases.
    package struct Site: Sendable, Equatable {
        /// True for a positive case.
        package let labels: [Bool]
        package let scores: [Double]

        package init(labels: [Bool], scores: [Double]) {
            self.labels = labels
            self.scores = scores
        }
    }

    /// - Returns: nil when no site has cases of both classes; the variance is nil where such a site has fewer than two
    ///   cases of a class.
    package static func estimate(_ sites: [Site], level: Double = 0.95) -> DeLong.Estimate? {
        var parts: [(pairs: Double, estimate: DeLong.Estimate)] = []
        var (positives, negatives) = (0, 0)
        for site in sites {
            guard let estimate = DeLong.estimate(labels: site.labels, scores: site.scores) else { continue }
            let positive = site.labels.count { $0 }
            positives += positive
            negatives += site.labels.count - positive
            parts.append((Double(positive * (site.labels.count - positive)), estimate))
        }
        let total = parts.reduce(0) { $0 + $1.pairs }
        guard total > 0 else { return nil }
        let area = parts.reduce(0) { $0 + $1.pairs * $1.estimate.area } / total
        var variance: Double? = 0
        for part in parts {
            let share = part.pairs / total
            variance = variance.flatMap { sum in part.estimate.variance.map { sum + share * share * $0 } }
        }
        return DeLong.Estimate(
            area: area, variance: variance, positives: positives, negatives: negatives, level: level)
    }
}
