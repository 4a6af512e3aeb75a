import Glibc

/// The standard normal distribution.
package enum NormalDistribution {
    /// The probability of a value of at most `z`.
    package static func cumulative(_ z: Double) -> Double {
        erfc(-z / 2.0.squareRoot()) / 2
    }

    /// The probability of a value at least as far from zero as `z`, on either side.
    package static func twoSided(_ z: Double) -> Double {
        erfc(abs(z) / 2.0.squareRoot())
    }

    /// The value not exceeded with probability `p`; infinite at 0 and 1.
    ///
    /// Newton steps on the tail's logarithm from a rough start, exact to a few units in the last place.
    package static func quantile(_ p: Double) -> Double {
        guard p > 0, p < 1 else { return p <= 0 ? -.infinity : .infinity }
        guard p != 0.5 else { return 0 }
        let tail = min(p, 1 - p)
        // Abramowitz and Stegun 26.2.22, within 0.003.
        let t = (-2 * log(tail)).squareRoot()
        var z = t - (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + t * 0.04481))
        for _ in 0..<50 {
            let upper = erfc(z / 2.0.squareRoot()) / 2
            let density = exp(-z * z / 2) / (2 * Double.pi).squareRoot()
            let step = log(upper / tail) * upper / density
            z += step
            if abs(step) <= 1e-15 * abs(z) { break }
        }
        return p < 0.5 ? -z : z
    }
}
