/// What the reports of all sites say together of the base and the candidate.
///
/// *Site-stratified* compares only cases of the same site: Σ wins / Σ pairs over sites, that is the mean of the sites'
/// areas weighted by their pairs of cases (the stratified rank-sum of van Elteren, Bull. Inst. Int. Stat. 37, 1960; the
/// covariate-adjusted area of Janes and Pepe, Biometrika 96, 2009, with pairs for weights). Weights by pairs are fixed by
/// the design; weights by inverse variance would give a site with a perfect area, whose estimated variance is zero, all
/// the weight. *Pooled* compares cases of different sites too, so it mixes in how common the class is at each site.
///
/// Of two classes the second is the positive one; of more, areas are the mean over classes of one against the rest.
package struct CombinedAUC: Sendable, Equatable, Codable {
    package struct Site: Sendable, Equatable, Codable {
        package let site: String
        /// Select cases of each class.
        package let cases: [Int]
        package let areas: AreaComparison
    }

    /// Sites with histograms, in order.
    package let sites: [Site]
    /// Sites with too few cases for histograms.
    package let tooFew: [String]
    package let stratified: AreaComparison
    package let pooled: AreaComparison

    /// - Parameter reports: of one round, at most one a site; base and candidate in each. What does not fit the schema
    ///   must have been refused before.
    /// - Returns: nil when no site has histograms.
    package init?(_ reports: [EvaluationReport]) {
        let ordered = reports.sorted { $0.site.utf8.lexicographicallyPrecedes($1.site.utf8) }
        let whole = ordered.filter { report in
            report.models.count == 2 && report.cases.count > 1
                && report.models.allSatisfy { $0.histograms.count == report.cases.count }
        }
        guard let first = whole.first, whole.allSatisfy({ $0.cases.count == first.cases.count }) else { return nil }
        let positives = first.cases.count == 2 ? 1...1 : 0...(first.cases.count - 1)
        func macro(_ areas: [BinnedAUC]) -> AreaEstimate? {
            guard areas.count == positives.count else { return nil }
            return AreaEstimate(areas.map { (AreaEstimate($0), 1) }, independent: false)
        }
        func site(_ report: EvaluationReport, _ model: Int) -> AreaEstimate? {
            macro(positives.compactMap { BinnedAUC(report.models[model].histograms[$0].bins) })
        }
        sites = whole.compactMap { report in
            guard let base = site(report, 0), let candidate = site(report, 1) else { return nil }
            return Site(
                site: report.site, cases: report.cases, areas: AreaComparison(base: base, candidate: candidate))
        }
        let taking = Set(sites.map(\.site))
        tooFew = ordered.map(\.site).filter { !taking.contains($0) }
        let used = whole.filter { taking.contains($0.site) }

        func stratified(_ model: Int) -> AreaEstimate? {
            let perClass = positives.compactMap { c -> AreaEstimate? in
                let strata = used.compactMap { BinnedAUC($0.models[model].histograms[c].bins) }
                guard !strata.isEmpty else { return nil }
                return AreaEstimate(
                    strata.map { (AreaEstimate($0), Double($0.positives) * Double($0.negatives)) }, independent: true)
            }
            guard perClass.count == positives.count else { return nil }
            return AreaEstimate(perClass.map { ($0, 1) }, independent: false)
        }
        func pooled(_ model: Int) -> AreaEstimate? {
            macro(positives.compactMap { c in BinnedAUC(used.flatMap { $0.models[model].histograms[c].bins }) })
        }
        guard let base = stratified(0), let candidate = stratified(1), let pooledBase = pooled(0),
            let pooledCandidate = pooled(1)
        else { return nil }
        self.stratified = AreaComparison(base: base, candidate: candidate)
        self.pooled = AreaComparison(base: pooledBase, candidate: pooledCandidate)
    }

    /// Sites at which the candidate is worse beyond doubt, a sentence each. An alarm, not a veto.
    package func alarms(margin: Double) -> [String] {
        sites.filter { $0.areas.isWorse(margin: margin) }.map {
            "The candidate is worse at \($0.site): its AUC falls from \(short($0.areas.base.area)) to"
                + " \(short($0.areas.candidate.area)); ask the site whether its cases changed."
        }
    }
}
