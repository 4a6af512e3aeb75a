/// Comparing two *methods*, not two fitted models: training again, and other patients, are both part of what may vary.
/// Seeds and patients are drawn anew with replacement, patients with all their scans and within their class.
package struct MethodBootstrap: Sendable, Equatable {
    /// Mean over seeds of the first method's area, less that of the second's.
    package let difference: Double
    /// Percentiles of the drawn differences.
    package let interval: ClosedRange<Double>
    /// Two-sided: twice the smaller share of draws on one side of zero, with one added to both.
    package let p: Double

    package enum Refusal: Error, Equatable {
        /// A method was trained with too few seeds to say how it varies: at least five are needed.
        case tooFewSeeds(Int)
        /// Sites were to be drawn, and there are too few to say how they vary: at least ten are needed.
        case tooFewSites(Int)
        /// No class, or no case.
        case oneClass
    }

    package static let fewestSeeds = 5
    package static let fewestSites = 10

    /// - Parameters:
    ///   - labels: true for a positive scan.
    ///   - patients: whose scan it is; a patient's first scan says the class they are drawn in.
    ///   - first: for each seed of the first method a score a scan.
    ///   - second: the same of the second.
    ///   - draws: 100 or more.
    ///   - seed: the same seed, the same numbers.
    package init(
        labels: [Bool], patients: [String], first: [[Double]], second: [[Double]], draws: Int = 2000,
        level: Double = 0.95, seed: UInt64 = 1
    ) throws(Refusal) {
        for seeds in [first.count, second.count] where seeds < Self.fewestSeeds { throw .tooFewSeeds(seeds) }
        var groups: [String: [Int]] = [:]
        var order: [String] = []
        for (scan, patient) in patients.enumerated() {
            if groups[patient] == nil { order.append(patient) }
            groups[patient, default: []].append(scan)
        }
        let clusters = order.map { groups[$0] ?? [] }
        let strata = [true, false].map { label in clusters.indices.filter { labels[clusters[$0][0]] == label } }
        try self.init(
            labels: labels, clusters: clusters, strata: strata, first: first, second: second, draws: draws,
            level: level,
            seed: seed)
    }

    /// The same with whole sites drawn instead of patients, for what to expect at other sites.
    /// - Parameter sites: where each scan is from.
    package init(
        labels: [Bool], sites: [String], first: [[Double]], second: [[Double]], draws: Int = 2000, level: Double = 0.95,
        seed: UInt64 = 1
    ) throws(Refusal) {
        for seeds in [first.count, second.count] where seeds < Self.fewestSeeds { throw .tooFewSeeds(seeds) }
        let names = Set(sites).sorted()
        guard names.count >= Self.fewestSites else { throw .tooFewSites(names.count) }
        let clusters = names.map { name in sites.indices.filter { sites[$0] == name } }
        try self.init(
            labels: labels, clusters: clusters, strata: [Array(clusters.indices)], first: first, second: second,
            draws: draws, level: level, seed: seed)
    }

    private init(
        labels: [Bool], clusters: [[Int]], strata: [[Int]], first: [[Double]], second: [[Double]], draws: Int,
        level: Double, seed: UInt64
    ) throws(Refusal) {
        precondition(draws >= 100 && (first + second).allSatisfy { $0.count == labels.count }, "a score for each scan")
        let methods = [first, second].map { $0.map { WeightedArea(labels: labels, scores: $0) } }
        let once = [Int](repeating: 1, count: labels.count)
        func mean(_ areas: [Double?]) -> Double? {
            areas.contains { $0 == nil } ? nil : areas.reduce(0) { $0 + ($1 ?? 0) } / Double(areas.count)
        }
        guard let one = mean(methods[0].map { $0.area(once) }), let other = mean(methods[1].map { $0.area(once) })
        else {
            throw .oneClass
        }
        difference = one - other
        var random = SplitMix(state: seed)
        var drawn: [Double] = []
        var tries = 0
        // A draw of sites may happen to hold one class only; it says nothing and is drawn again.
        while drawn.count < draws, tries < 10 * draws {
            tries += 1
            var times = [Int](repeating: 0, count: labels.count)
            for stratum in strata {
                for _ in stratum { for scan in clusters[stratum[random.below(stratum.count)]] { times[scan] += 1 } }
            }
            let means = methods.map { seeds in
                mean(seeds.indices.map { _ in seeds[random.below(seeds.count)].area(times) })
            }
            if let one = means[0], let other = means[1] { drawn.append(one - other) }
        }
        guard drawn.count == draws else { throw .oneClass }
        drawn.sort()
        interval = drawn.percentile((1 - level) / 2)...drawn.percentile((1 + level) / 2)
        let (low, high) = (drawn.count { $0 <= 0 }, drawn.count { $0 >= 0 })
        p = min(1, 2 * Double(min(low, high) + 1) / Double(draws + 1))
    }
}

/// The area of scores of which some cases count several times, or not at all; sorted once.
private struct WeightedArea {
    private let order: [Int]
    private let labels: [Bool]
    private let scores: [Double]

    init(labels: [Bool], scores: [Double]) {
        self.labels = labels
        self.scores = scores
        order = scores.indices.sorted { scores[$0] < scores[$1] }
    }

    /// Ties counting half; nil when a class has no case.
    func area(_ times: [Int]) -> Double? {
        var (negatives, positives, wins) = (0, 0, 0)
        var start = 0
        while start < order.count {
            var (tiedPositives, tiedNegatives) = (0, 0)
            var end = start
            while end < order.count, scores[order[end]] == scores[order[start]] {
                if labels[order[end]] { tiedPositives += times[order[end]] } else { tiedNegatives += times[order[end]] }
                end += 1
            }
            wins += tiedPositives * (2 * negatives + tiedNegatives)
            negatives += tiedNegatives
            positives += tiedPositives
            start = end
        }
        guard negatives > 0, positives > 0 else { return nil }
        return Double(wins) / (2 * Double(negatives) * Double(positives))
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
struct SplitMix {
    var state: UInt64

    /// A whole number in 0..<count, by multiplication (Lemire 2019); the bias is below 2⁻³² for any count of cases.
    mutating func below(_ count: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ (z >> 31)).multipliedFullWidth(by: UInt64(count)).high)
    }
}
