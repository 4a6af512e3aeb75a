/// A normal distribution fitted to sums: the correlation is shrunk towards none (oracle approximating shrinkage: Chen,
/// Wiesel, Eldar and Hero, IEEE Transactions on Signal Processing 2010;58:5016, equation 23), so that few cases do.
package struct ShrunkGaussian: Sendable, Equatable {
    package let count: Int
    package let mean: [Double]
    /// One a dimension, above 0.
    package let deviation: [Double]
    /// (d, d), rows after each other.
    package let correlation: [Double]
    /// How much of the correlation was given up, 0…1.
    package let shrinkage: Double
    /// What T² is divided by; see ``inflation(_:)``.
    package let inflation: Double

    /// - Returns: nil with fewer than ten cases a dimension, or where a dimension does not vary.
    package init?(_ sums: MomentSums, inflation: Double = 1) {
        self.inflation = inflation
        let d = sums.dimensions
        let n = Double(sums.count)
        guard d > 0, sums.isWhole, sums.count >= MomentSums.casesPerDimension * d else { return nil }
        let mean = sums.sums.map { $0 / n }
        var covariance = [Double](repeating: 0, count: d * d)
        var at = 0
        for i in 0..<d {
            for j in i..<d {
                let value = (sums.products[at] / n - mean[i] * mean[j]) * n / (n - 1)
                covariance[i * d + j] = value
                covariance[j * d + i] = value
                at += 1
            }
        }
        let deviation = (0..<d).map { max(covariance[$0 * d + $0], 0).squareRoot() }
        // What rounding leaves of a constant is no spread.
        guard (0..<d).allSatisfy({ deviation[$0] > 1e-7 * max(abs(mean[$0]), 1e-6) }) else { return nil }
        var correlation = covariance
        for i in 0..<d { for j in 0..<d { correlation[i * d + j] /= deviation[i] * deviation[j] } }
        let p = Double(d)
        let squares = correlation.reduce(0) { $0 + $1 * $1 }
        let above = (1 - 2 / p) * squares + p * p
        let below = (n + 1 - 2 / p) * (squares - p)
        shrinkage = below > 0 ? min(max(above / below, 0), 1) : 1
        for i in 0..<d { for j in 0..<d where i != j { correlation[i * d + j] *= 1 - shrinkage } }
        count = sums.count
        self.mean = mean
        self.deviation = deviation
        self.correlation = correlation
    }

    /// How many deviations each known value lies from the mean, by other deviations where they are given.
    package func standardised(_ values: [Double?], deviations: [Double]? = nil) -> [Double?] {
        values.indices.map { i in values[i].map { ($0 - mean[i]) / (deviations ?? deviation)[i] } }
    }

    /// How much farther out the cases of a site lie, in the mean, than those of the others say: the mean over sites of the
    /// expected T² of a site's cases under the distribution of all others, over the dimensions. It takes sums only.
    /// - Returns: 1 with fewer than two sites of enough cases, and at least 1.
    package static func inflation(_ sites: [MomentSums]) -> Double {
        var found: [Double] = []
        for (index, site) in sites.enumerated() where site.count > 0 {
            var others = MomentSums(dimensions: site.dimensions)
            for (other, sums) in sites.enumerated() where other != index { others.add(sums) }
            guard let fitted = ShrunkGaussian(others) else { continue }
            found.append(fitted.expectedSquare(of: site) / Double(site.dimensions))
        }
        return found.isEmpty ? 1 : max(1, found.reduce(0, +) / Double(found.count))
    }

    /// The mean over cases of (x − μ)ᵀ Σ⁻¹ (x − μ), from their sums.
    private func expectedSquare(of sums: MomentSums) -> Double {
        let d = mean.count
        let n = Double(sums.count)
        var second = [Double](repeating: 0, count: d * d)
        var at = 0
        for i in 0..<d {
            for j in i..<d {
                let value =
                    sums.products[at] / n - mean[i] * sums.sums[j] / n - sums.sums[i] / n * mean[j] + mean[i] * mean[j]
                second[i * d + j] = value / (deviation[i] * deviation[j])
                second[j * d + i] = second[i * d + j]
                at += 1
            }
        }
        // The trace of Σ⁻¹ M.
        guard let factor = Cholesky(correlation, size: d) else { return .infinity }
        return (0..<d).reduce(0) { sum, column in
            sum + factor.solve((0..<d).map { second[$0 * d + column] })[column]
        }
    }

    /// The probability of a case as far from the mean as this one, or farther, were it of the same distribution: Hotelling's
    /// T² of a new observation, n(n − d) / ((n + 1)(n − 1)d) · T² ~ F(d, n − d). Unknown values are left out.
    /// - Returns: 1 where nothing is known.
    package func probability(_ values: [Double?]) -> Double {
        precondition(values.count == mean.count, "\(values.count) values for \(mean.count) dimensions")
        let z = standardised(values)
        let known = z.indices.filter { z[$0]?.isFinite == true }
        guard !known.isEmpty else { return values.contains { $0 != nil } ? 0 : 1 }
        let d = mean.count
        let part = known.flatMap { i in known.map { correlation[i * d + $0] } }
        let x = known.map { z[$0] ?? 0 }
        let squared =
            Cholesky(part, size: x.count).map { zip(x, $0.solve(x)).reduce(0) { $0 + $1.0 * $1.1 } } ?? .infinity
        let (n, k) = (Double(count), Double(known.count))
        let f = n * (n - k) / ((n + 1) * (n - 1) * k) * squared / inflation
        return BetaDistribution((n - k) / 2, k / 2).cumulative((n - k) / (n - k + k * f))
    }
}
