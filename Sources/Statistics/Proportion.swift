/// A share of `successes` in `trials` and its confidence intervals.
package struct Proportion: Sendable, Equatable {
    package let successes: Int
    package let trials: Int

    /// - Parameter successes: 0…`trials`.
    package init(successes: Int, trials: Int) {
        precondition((0...max(trials, 0)).contains(successes) && trials >= 0, "successes are some of the trials")
        self.successes = successes
        self.trials = trials
    }

    /// Clopper and Pearson's exact interval (Biometrika 26, 1934), from quantiles of the beta distribution.
    /// - Parameter level: confidence, above 0 and below 1.
    /// - Returns: nil without trials.
    package func clopperPearson(level: Double = 0.95) -> ClosedRange<Double>? {
        guard trials > 0 else { return nil }
        let tail = (1 - level) / 2
        let (k, n) = (Double(successes), Double(trials))
        let low = successes == 0 ? 0 : BetaDistribution(k, n - k + 1).quantile(tail)
        let high = successes == trials ? 1 : BetaDistribution(k + 1, n - k).quantile(1 - tail)
        return low...max(low, high)
    }

    /// Wilson's score interval (JASA 22, 1927).
    /// - Parameter level: confidence, above 0 and below 1.
    /// - Returns: nil without trials.
    package func wilson(level: Double = 0.95) -> ClosedRange<Double>? {
        guard trials > 0 else { return nil }
        let n = Double(trials)
        let p = Double(successes) / n
        let z = NormalDistribution.quantile((1 + level) / 2)
        let centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
        let low = max(0, centre - half)
        return low...max(low, min(1, centre + half))
    }
}
