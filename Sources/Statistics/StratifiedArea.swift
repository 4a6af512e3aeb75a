/// The area when only scans of one site are compared: Σ wins / Σ pairs over sites, that is the sites' areas weighted by
/// their pairs (van Elteren, Bull. Inst. Int. Stat. 37, 1960). How common the class is at each site has no part in it.
/// Scans of one patient count together, as in ``ClusteredArea``; sites share no patients.
package enum StratifiedArea {
    /// - Parameters:
    ///   - labels: true for a positive scan.
    ///   - scores: one a scan.
    ///   - sites: where it is from.
    ///   - patients: whose it is.
    /// - Returns: nil when no site has scans of both classes; the variance is nil where such a site has fewer than two
    ///   patients of a class.
    package static func estimate(
        labels: [Bool], scores: [Double], sites: [String], patients: [String], level: Double = 0.95
    ) -> DeLong.Estimate? {
        var (pairs, wins, disjoint) = (0.0, 0.0, 0)
        var variance: Double? = 0
        for site in strata(labels, sites) {
            let (own, whose) = (site.of(scores), site.of(patients))
            guard let area = ROC(labels: site.labels, scores: own).area else { continue }
            pairs += site.pairs
            wins += site.pairs * area
            let estimate = ClusteredArea.estimate(labels: site.labels, scores: own, patients: whose)
            variance = variance.flatMap { sum in estimate?.variance.map { sum + site.pairs * site.pairs * $0 } }
            let patients = (site.patients(whose, true), site.patients(whose, false))
            disjoint += min(patients.0, patients.1)
        }
        guard pairs > 0 else { return nil }
        return DeLong.Estimate(
            area: wins / pairs, variance: variance.map { $0 / (pairs * pairs) }, disjointPairs: disjoint, level: level)
    }

    /// Two scores of the same scans, each site's compared as pairs. A site with fewer than two patients of a class is left
    /// out of areas and variance: how much its own would vary is not known.
    /// - Returns: nil when no site has two patients of each class.
    package static func compare(
        labels: [Bool], _ first: [Double], _ second: [Double], sites: [String], patients: [String]
    ) -> DeLong.Comparison? {
        compare(labels: labels, [first], [second], sites: sites, patients: patients)
    }

    /// The same of the mean area of some scores and that of others.
    static func compare(
        labels: [Bool], _ first: [[Double]], _ second: [[Double]], sites: [String], patients: [String]
    ) -> DeLong.Comparison? {
        var (pairs, wins, others, variance, covariance) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for site in strata(labels, sites) {
            guard
                let own = ClusteredArea.compare(
                    labels: site.labels, first.map(site.of), second.map(site.of), patients: site.of(patients))
            else { continue }
            pairs += site.pairs
            wins += site.pairs * own.areas.0
            others += site.pairs * own.areas.1
            variance += site.pairs * site.pairs * own.variance
            covariance += site.pairs * site.pairs * own.covariance
        }
        guard pairs > 0 else { return nil }
        return DeLong.Comparison(
            areas: (wins / pairs, others / pairs), variance: variance / (pairs * pairs),
            covariance: covariance / (pairs * pairs))
    }

    /// The scans of a site that has both classes.
    private struct Stratum {
        let scans: [Int]
        let labels: [Bool]

        var pairs: Double {
            let positives = labels.count { $0 }
            return Double(positives * (labels.count - positives))
        }

        func of<T>(_ values: [T]) -> [T] { scans.map { values[$0] } }

        /// How many have a scan of the class.
        func patients(_ whose: [String], _ label: Bool) -> Int {
            Set(zip(whose, labels).lazy.filter { $0.1 == label }.map(\.0)).count
        }
    }

    private static func strata(_ labels: [Bool], _ sites: [String]) -> [Stratum] {
        precondition(labels.count == sites.count, "every scan is from somewhere")
        return Dictionary(grouping: labels.indices) { sites[$0] }.sorted { $0.key < $1.key }
            .map { Stratum(scans: $0.value, labels: $0.value.map { labels[$0] }) }.filter { $0.pairs > 0 }
    }
}
