/// An area under a ROC curve from binned scores.
package struct BinnedAUC: Sendable, Equatable, Codable {
    package let positives: Int
    package let negatives: Int
    /// Ties counting half.
    package let area: Double
    /// Least and greatest area the unbinned scores can have: all ties resolved against, all for the positive case.
    package let ties: [Double]
    /// DeLong's variance of the area, on the binned scores; nil with fewer than two cases of a class, and where all cases
    /// are in one bin.
    package let variance: Double?

    /// - Parameter bins: bins of one site in order, or of several, whose bins may overlap: cases of overlapping bins are
    ///   tied.
    /// - Returns: nil when a class has no case.
    package init?(_ bins: [ScoreHistogram.Bin]) {
        let positives = bins.reduce(0) { $0 + $1.positive }
        let negatives = bins.reduce(0) { $0 + $1.negative }
        guard positives > 0, negatives > 0 else { return nil }
        let (m, n) = (Double(positives), Double(negatives))
        // Cases in bins that end before bin i, and that begin at or before it.
        let ends = Cumulative(bins, at: \.last)
        let starts = Cumulative(bins, at: \.first)
        var (wins, ties) = (0.0, 0.0)
        var (positiveSquares, negativeSquares) = (0.0, 0.0)
        for bin in bins {
            let below = ends.negatives(before: bin.first)
            let tied = starts.negatives(before: bin.last + 1) - below
            wins += Double(bin.positive) * below
            ties += Double(bin.positive) * tied
        }
        let area = (wins + ties / 2) / (m * n)
        // Placement values (DeLong et al. 1988), the same for all cases of a bin.
        for bin in bins {
            let below = ends.negatives(before: bin.first)
            let tied = starts.negatives(before: bin.last + 1) - below
            let positive = (below + tied / 2) / n - area
            positiveSquares += Double(bin.positive) * positive * positive
            let notAbove = starts.positives(before: bin.last + 1)
            let tiedAbove = notAbove - ends.positives(before: bin.first)
            let negative = 1 - (notAbove - tiedAbove / 2) / m - area
            negativeSquares += Double(bin.negative) * negative * negative
        }
        self.positives = positives
        self.negatives = negatives
        self.area = area
        self.ties = [wins / (m * n), (wins + ties) / (m * n)]
        // Where all cases are tied, that they do not vary says nothing.
        variance =
            positives > 1 && negatives > 1 && ties < m * n
            ? positiveSquares / (m - 1) / m + negativeSquares / (n - 1) / n : nil
    }

    /// Sums over the bins that begin or end before a place.
    private struct Cumulative {
        private var sums: [(positive: Double, negative: Double)]

        init(_ bins: [ScoreHistogram.Bin], at place: KeyPath<ScoreHistogram.Bin, Int>) {
            sums = Array(repeating: (0, 0), count: HistogramBuilder.bins + 1)
            for bin in bins {
                let index = Self.clamp(bin[keyPath: place] + 1)
                sums[index].positive += Double(bin.positive)
                sums[index].negative += Double(bin.negative)
            }
            for index in sums.indices.dropFirst() {
                sums[index].positive += sums[index - 1].positive
                sums[index].negative += sums[index - 1].negative
            }
        }

        func positives(before place: Int) -> Double { sums[Self.clamp(place)].positive }
        func negatives(before place: Int) -> Double { sums[Self.clamp(place)].negative }
        private static func clamp(_ place: Int) -> Int { max(0, min(place, HistogramBuilder.bins)) }
    }
}
