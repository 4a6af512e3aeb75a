package import Federation
package import Reporting
import Statistics

/// Curves from bins of scores, of one site or several.
package struct BinnedCurves {
    /// Sensitivity against 1 − specificity at the edges of bins, highest first.
    package let roc: [LineChart.Point]
    /// Shares of positive cases against the middle of what was predicted, of about ten groups.
    package let calibration: [LineChart.Point]

    /// - Returns: nil when a class has no case.
    package init?(_ bins: [ScoreHistogram.Bin]) {
        let positives = bins.reduce(0) { $0 + $1.positive }
        let negatives = bins.reduce(0) { $0 + $1.negative }
        guard positives > 0, negatives > 0 else { return nil }
        var roc = [LineChart.Point(0, 0)]
        for edge in Set(bins.map(\.first)).sorted(by: >) {
            let above = bins.filter { $0.first >= edge }
            let found = above.reduce(0) { $0 + $1.positive }
            roc.append(
                LineChart.Point(
                    Double(above.reduce(0) { $0 + $1.negative }) / Double(negatives), Double(found) / Double(positives),
                    Proportion(successes: found, trials: positives).clopperPearson()?.ends))
        }
        self.roc = roc
        // The outermost bins reach to the ends whatever their scores: these lie at the inner edge, or in the middle of all.
        func middle(_ bin: ScoreHistogram.Bin) -> Double {
            let place =
                switch (bin.first == 0, bin.last == HistogramBuilder.bins - 1) {
                case (true, false): Double(bin.last) + 0.5
                case (false, true): Double(bin.first) + 0.5
                default: Double(bin.first + bin.last + 1) / 2
                }
            return HistogramBuilder.probability(at: place)
        }
        var calibration: [LineChart.Point] = []
        var (sum, found, count) = (0.0, 0, 0)
        let enough = max(10, (positives + negatives) / 10)
        func close() {
            guard count > 0 else { return }
            calibration.append(
                LineChart.Point(
                    sum / Double(count), Double(found) / Double(count),
                    Proportion(successes: found, trials: count).wilson()?.ends))
            (sum, found, count) = (0, 0, 0)
        }
        for bin in bins.sorted(by: { middle($0) < middle($1) }) {
            let cases = bin.positive + bin.negative
            sum += middle(bin) * Double(cases)
            found += bin.positive
            count += cases
            if count >= enough { close() }
        }
        close()
        self.calibration = calibration
    }
}
