import Glibc

/// The beta distribution with two shapes above zero.
struct BetaDistribution {
    private let a: Double
    private let b: Double

    init(_ a: Double, _ b: Double) {
        precondition(a > 0 && b > 0, "the shapes of a beta distribution are above zero")
        self.a = a
        self.b = b
    }

    /// The probability of a value of at most `x`: the regularised incomplete beta function, by its continued fraction
    /// (Lentz's method; Numerical Recipes §6.4).
    func cumulative(_ x: Double) -> Double {
        guard x > 0 else { return 0 }
        guard x < 1 else { return 1 }
        let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
        if x < (a + 1) / (a + b + 2) { return front * Self.fraction(a, b, x) / a }
        return 1 - front * Self.fraction(b, a, 1 - x) / b
    }

    /// The value not exceeded with probability `p`, by bisection: it always converges, and sixty steps are cheap.
    func quantile(_ p: Double) -> Double {
        var (low, high) = (0.0, 1.0)
        for _ in 0..<200 {
            let middle = (low + high) / 2
            guard middle > low, middle < high else { break }
            if cumulative(middle) < p { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    private static func fraction(_ a: Double, _ b: Double, _ x: Double) -> Double {
        func guarded(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
        var c = 1.0
        var d = 1 / guarded(1 - (a + b) * x / (a + 1))
        var result = d
        // Terms needed grow with the square root of the larger shape.
        let limit = 300 + 20 * Int(min(max(a, b), 1e12).squareRoot())
        for m in 1...limit {
            let m = Double(m)
            let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            d = 1 / guarded(1 + even * d)
            c = guarded(1 + even / c)
            result *= d * c
            let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            d = 1 / guarded(1 + odd * d)
            c = guarded(1 + odd / c)
            result *= d * c
            if abs(d * c - 1) < 1e-16 { break }
        }
        return result
    }
}
