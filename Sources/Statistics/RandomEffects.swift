/// Effects of several sites combined, where sites may truly differ.
///
/// Between-site variance by the method of moments (DerSimonian and Laird, Controlled Clinical Trials 7, 1986); interval
/// by Hartung and Knapp (Statistics in Medicine 20, 2001) with Student's t, which holds its level with few sites; what to
/// expect at another site by Higgins, Thompson and Spiegelhalter (JRSS A 172, 2009).
package struct RandomEffects: Sendable, Equatable {
    /// A site's estimate, such as a change of its area, and the estimate's variance.
    package struct Site: Sendable, Equatable {
        package let effect: Double
        package let variance: Double

        package init(effect: Double, variance: Double) {
            self.effect = effect
            self.variance = variance
        }
    }

    package let effect: Double
    /// 95 % or as asked; nil for one site, whose own interval is all there is.
    package let interval: ClosedRange<Double>?
    /// Two-sided, of no effect; nil for one site, and where all sites agree exactly.
    package let p: Double?
    /// Variance of the true effects between sites, 0 or more.
    package let between: Double
    /// Share of the variation that is between sites rather than by chance, 0..<1 (I², Higgins and Thompson 2002).
    package let inconsistency: Double
    /// Where the effect of another such site is expected; nil with fewer than three sites.
    package let prediction: ClosedRange<Double>?
    /// Of each site, in order, adding up to 1: the sizes of the squares in a forest plot.
    package let weights: [Double]

    /// - Parameters:
    ///   - sites: in any order.
    ///   - level: confidence, above 0 and below 1.
    /// - Returns: nil without sites, or with a variance that is not above zero: such a site would take all the weight.
    package init?(_ sites: [Site], level: Double = 0.95) {
        guard !sites.isEmpty, sites.allSatisfy({ $0.effect.isFinite && $0.variance > 0 && $0.variance.isFinite }) else {
            return nil
        }
        let count = Double(sites.count)
        let fixed = sites.map { 1 / $0.variance }
        let sum = fixed.reduce(0, +)
        let common = zip(fixed, sites).reduce(0) { $0 + $1.0 * $1.1.effect } / sum
        let spread = zip(fixed, sites).reduce(0) {
            $0 + $1.0 * ($1.1.effect - common) * ($1.1.effect - common)
        }
        let scale = sum - fixed.reduce(0) { $0 + $1 * $1 } / sum
        let between = sites.count > 1 ? max(0, (spread - (count - 1)) / scale) : 0
        let random = sites.map { 1 / ($0.variance + between) }
        let total = random.reduce(0, +)
        let mean = zip(random, sites).reduce(0) { $0 + $1.0 * $1.1.effect } / total
        effect = mean
        self.between = between
        inconsistency = spread > 0 ? max(0, (spread - (count - 1)) / spread) : 0
        weights = random.map { $0 / total }
        guard sites.count > 1 else {
            (interval, p, prediction) = (nil, nil, nil)
            return
        }
        let variance =
            zip(random, sites).reduce(0) { $0 + $1.0 * ($1.1.effect - mean) * ($1.1.effect - mean) }
            / ((count - 1) * total)
        let error = variance.squareRoot()
        let student = StudentDistribution(freedom: count - 1)
        let half = student.quantile((1 + level) / 2) * error
        interval = mean - half...mean + half
        p = error > 0 ? student.twoSided(mean / error) : nil
        guard sites.count > 2 else {
            prediction = nil
            return
        }
        let reach =
            StudentDistribution(freedom: count - 2).quantile((1 + level) / 2) * (between + variance).squareRoot()
        prediction = mean - reach...mean + reach
    }
}
