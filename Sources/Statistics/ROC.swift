/// The receiver operating characteristic of scores against two classes.
package struct ROC: Sendable {
    private let positives: [Double]
    private let negatives: [Double]
    /// Position of each case among the cases of its class.
    private let labels: [Bool]
    private let scores: [Double]

    /// - Parameters:
    ///   - labels: true for a positive case.
    ///   - scores: finite, one a case, larger meaning more likely positive.
    package init(labels: [Bool], scores: [Double]) {
        precondition(labels.count == scores.count, "a label belongs to every score")
        self.labels = labels
        self.scores = scores
        positives = zip(labels, scores).filter { $0.0 }.map(\.1)
        negatives = zip(labels, scores).filter { !$0.0 }.map(\.1)
    }

    /// The area under the curve: the probability that a positive case scores above a negative one, ties counting half
    /// (Mann and Whitney 1947). O(n log n).
    /// - Returns: nil when a class has no case.
    package var area: Double? {
        placements.map { $0.positive.reduce(0, +) / Double(positives.count) }
    }

    /// DeLong's placement values: for every positive case the share of negatives below it, for every negative case the
    /// share of positives above it, ties counting half; nil when a class has no case.
    var placements: (positive: [Double], negative: [Double])? {
        guard !positives.isEmpty, !negatives.isEmpty else { return nil }
        let all = Self.midranks(positives + negatives)
        let (m, n) = (Double(positives.count), Double(negatives.count))
        let among = (Self.midranks(positives), Self.midranks(negatives))
        let positive = among.0.indices.map { (all[$0] - among.0[$0]) / n }
        let negative = among.1.indices.map { 1 - (all[positives.count + $0] - among.1[$0]) / m }
        return (positive, negative)
    }

    /// The score at which sensitivity + specificity − 1 is largest (Youden 1950), cases at it being called positive; of
    /// equals the highest score.
    /// - Returns: nil when a class has no case.
    package var youden: (threshold: Double, index: Double)? {
        guard !positives.isEmpty, !negatives.isEmpty else { return nil }
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        var (truePositives, falsePositives) = (0, 0)
        var best: (threshold: Double, index: Double)?
        // Sums of two rounded shares differ in the last place where the true values are equal; whole numbers do not.
        var bestScaled = Int.min
        for (place, index) in order.enumerated() {
            if labels[index] { truePositives += 1 } else { falsePositives += 1 }
            if place + 1 < order.count, scores[order[place + 1]] == scores[index] { continue }
            let scaled = truePositives * negatives.count - falsePositives * positives.count
            if scaled > bestScaled {
                bestScaled = scaled
                let sensitivity = Double(truePositives) / Double(positives.count)
                best = (scores[index], sensitivity - Double(falsePositives) / Double(negatives.count))
            }
        }
        return best
    }

    /// The highest score at which at least a share of the positive cases is called positive, cases at it included.
    /// - Parameter sensitivity: above 0, at most 1.
    /// - Returns: nil without positive cases.
    package func threshold(sensitivity: Double) -> Double? {
        precondition(sensitivity > 0 && sensitivity <= 1, "a sensitivity lies above 0, at most at 1")
        guard !positives.isEmpty else { return nil }
        // Rounding must not ask for one case more than the share says.
        let needed = Int((sensitivity * Double(positives.count) - 1e-9).rounded(.up))
        return positives.sorted(by: >)[max(needed, 1) - 1]
    }

    /// The mean of precision over the positive cases, weighted by steps of recall, without interpolation.
    /// - Returns: nil without positive cases.
    package var averagePrecision: Double? {
        guard !positives.isEmpty else { return nil }
        let order = scores.indices.sorted { scores[$0] > scores[$1] }
        var (truePositives, seen) = (0, 0)
        var sum = 0.0
        for (place, index) in order.enumerated() {
            if labels[index] { truePositives += 1 }
            if place + 1 < order.count, scores[order[place + 1]] == scores[index] { continue }
            sum += Double(truePositives - seen) * Double(truePositives) / Double(place + 1)
            seen = truePositives
        }
        return sum / Double(positives.count)
    }

    /// Ranks from 1, equal values sharing the mean of theirs.
    static func midranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for place in start..<end { ranks[order[place]] = Double(start + end + 1) / 2 }
            start = end
        }
        return ranks
    }
}
