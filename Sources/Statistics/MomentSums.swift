/// Counts, sums and sums of products of values of cases: what several sites can add up to a mean and a covariance without
/// telling of any case.
package struct MomentSums: Codable, Sendable, Equatable {
    package private(set) var count: Int
    /// One a dimension.
    package private(set) var sums: [Double]
    /// xᵢ·xⱼ for i ≤ j: (0, 0), (0, 1), …, (1, 1), ….
    package private(set) var products: [Double]

    package init(dimensions: Int) {
        count = 0
        sums = Array(repeating: 0, count: dimensions)
        products = Array(repeating: 0, count: dimensions * (dimensions + 1) / 2)
    }

    package var dimensions: Int { sums.count }

    /// Whether the numbers are as many as the dimensions ask for, finite, and of at least one case.
    package var isWhole: Bool {
        count > 0 && products.count == sums.count * (sums.count + 1) / 2 && (sums + products).allSatisfy(\.isFinite)
    }

    /// Takes in a case.
    package mutating func add(_ values: [Double]) {
        precondition(values.count == dimensions, "\(values.count) values for \(dimensions) dimensions")
        count += 1
        var at = 0
        for i in values.indices {
            sums[i] += values[i]
            for j in i..<values.count {
                products[at] += values[i] * values[j]
                at += 1
            }
        }
    }

    /// Takes in the sums of other cases.
    package mutating func add(_ other: MomentSums) {
        precondition(other.dimensions == dimensions, "sums of \(other.dimensions) and \(dimensions) dimensions")
        count += other.count
        for i in sums.indices { sums[i] += other.sums[i] }
        for i in products.indices { products[i] += other.products[i] }
    }

    /// Cases for each dimension that a covariance needs.
    package static let casesPerDimension = 10

    /// The deviation of each value at a site that is not among those summed: one-way random effects by analysis of
    /// variance (Searle, Casella and McCulloch, Variance Components, 1992, chapter 3). The variance between sites counts
    /// 1 + 1/s times, and by the square of Student's quantile over the normal one at 95 %, since s sites tell little of it.
    /// - Returns: nil with fewer than two sites or no more cases than sites.
    package static func deviations(atAnother sites: [MomentSums]) -> [Double]? {
        let sites = sites.filter { $0.count > 0 }
        guard let first = sites.first, sites.count > 1 else { return nil }
        var all = MomentSums(dimensions: first.dimensions)
        for site in sites { all.add(site) }
        let (n, s) = (Double(all.count), Double(sites.count))
        guard n > s else { return nil }
        let size = (n - sites.reduce(0) { $0 + Double($1.count * $1.count) } / n) / (s - 1)
        let widening = StudentDistribution(freedom: s - 1).quantile(0.975) / NormalDistribution.quantile(0.975)
        var square = 0
        return (0..<first.dimensions).map { i in
            let mean = all.sums[i] / n
            let total = all.products[square] - n * mean * mean
            let between = sites.reduce(0.0) { sum, site in
                let own = site.sums[i] / Double(site.count) - mean
                return sum + Double(site.count) * own * own
            }
            square += first.dimensions - i
            let within = max(total - between, 0) / (n - s)
            let ofSites = max((between / (s - 1) - within) / size, 0)
            return (within + ofSites * (1 + 1 / s) * widening * widening).squareRoot()
        }
    }
}
