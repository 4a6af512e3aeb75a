/// The mean of values and what other patients could have made of it: patients are drawn anew with replacement, each with
/// all their values.
package struct MeanBootstrap: Sendable, Equatable, Codable {
    package let mean: Double
    /// Percentiles of the drawn means: the ends of the interval.
    package let lower: Double
    package let upper: Double
    /// Values the mean is of.
    package let count: Int

    /// - Parameters:
    ///   - values: one a case.
    ///   - patients: whose case each is.
    ///   - draws: 100 or more.
    ///   - seed: the same seed, the same numbers.
    /// - Returns: nil with fewer than two patients, who say nothing of how they vary.
    package init?(_ values: [Double], patients: [String], draws: Int = 2000, level: Double = 0.95, seed: UInt64 = 1) {
        precondition(draws >= 100 && values.count == patients.count, "a patient for each value")
        var sums: [String: (sum: Double, count: Int)] = [:]
        for (value, patient) in zip(values, patients) {
            let own = sums[patient] ?? (0, 0)
            sums[patient] = (own.sum + value, own.count + 1)
        }
        let clusters = sums.keys.sorted().compactMap { sums[$0] }
        guard clusters.count > 1 else { return nil }
        mean = values.reduce(0, +) / Double(values.count)
        count = values.count
        var random = SplitMix(state: seed)
        var drawn: [Double] = []
        for _ in 0..<draws {
            var (sum, number) = (0.0, 0)
            for _ in clusters.indices {
                let cluster = clusters[random.below(clusters.count)]
                sum += cluster.sum
                number += cluster.count
            }
            drawn.append(sum / Double(number))
        }
        drawn.sort()
        lower = drawn.percentile((1 - level) / 2)
        upper = drawn.percentile((1 + level) / 2)
    }
}

extension [Double] {
    /// Of sorted values, the one below which a share of them lies, between its neighbours by their distance.
    func percentile(_ share: Double) -> Double {
        let place = share * Double(count - 1)
        let below = Int(place)
        return self[below] + (place - Double(below)) * (self[Swift.min(below + 1, count - 1)] - self[below])
    }
}
