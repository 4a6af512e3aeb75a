/// Student's t distribution.
struct StudentDistribution {
    /// Degrees of freedom, above zero.
    let freedom: Double

    /// The probability of a value at least as far from zero as `t`, on either side: the regularised incomplete beta
    /// function at ν/(ν + t²) with shapes ν/2 and ½.
    func twoSided(_ t: Double) -> Double {
        BetaDistribution(freedom / 2, 0.5).cumulative(freedom / (freedom + t * t))
    }

    /// The value not exceeded with probability `p`, above 0 and below 1.
    func quantile(_ p: Double) -> Double {
        guard p != 0.5 else { return 0 }
        // 1 − x instead of x, where x is close to 1.
        let rest = BetaDistribution(0.5, freedom / 2).quantile(1 - 2 * min(p, 1 - p))
        let t = (freedom * rest / (1 - rest)).squareRoot()
        return p < 0.5 ? -t : t
    }
}
