/// By how much two ways of training differ, from several pairs of trainings, one of each way, that were all tested on the
/// same scans: both that another pair would come out elsewhere and that other scans would be told apart otherwise count.
///
/// With the changes dᵢ of k pairs, each with the variance vᵢ that the scans give it (``StratifiedArea``), and the variance
/// V that they give the mean change, two pairs' changes have on average the covariance c = (kV − v̄)/(k − 1) by being
/// tested on the same scans. The changes' own sample variance is then expected to be τ² + v̄ − c, where τ² is that between
/// trainings, and the mean change has the variance V + τ²/k, with τ² not below zero. Its 95 % interval is Student's with
/// k − 1 degrees of freedom: too wide rather than too narrow where what the scans give outweighs τ²/k. It is for pairs
/// such as these, of one network over seeds or of several networks as a whole; what all pairs share, such as the training
/// cases, is no part of it.
package struct PairedTrainings: Sendable, Equatable {
    /// Mean of the pairs' changes of the area within sites, the first way's less the second's.
    package let difference: Double
    /// 95 %, clipped to −1…1.
    package let interval: ClosedRange<Double>
    /// τ², 0 or more.
    package let between: Double

    /// - Parameters:
    ///   - labels: true for a positive scan.
    ///   - first: of each pair's training of the first way, a score a scan.
    ///   - second: the same of the second, in the same order.
    ///   - sites: where each scan is from.
    ///   - patients: whose it is.
    /// - Returns: nil with fewer than two pairs, when no site has two patients of each class, and where neither scans nor
    ///   trainings make any difference, as of scores that are all tied.
    package init?(
        labels: [Bool], first: [[Double]], second: [[Double]], sites: [String], patients: [String]
    ) {
        precondition(first.count == second.count, "trainings come in pairs")
        let changes = zip(first, second).compactMap {
            StratifiedArea.compare(labels: labels, $0, $1, sites: sites, patients: patients)
        }
        let count = Double(changes.count)
        guard changes.count > 1,
            let mean = StratifiedArea.compare(labels: labels, first, second, sites: sites, patients: patients)
        else { return nil }
        let own = changes.reduce(0) { $0 + $1.variance } / count
        let shared = (count * mean.variance - own) / (count - 1)
        let squares = changes.map { ($0.difference - mean.difference) * ($0.difference - mean.difference) }
        between = max(0, squares.reduce(0, +) / (count - 1) - own + shared)
        let variance = mean.variance + between / count
        guard variance > 0 else { return nil }
        let half = StudentDistribution(freedom: count - 1).quantile(0.975) * variance.squareRoot()
        difference = mean.difference
        interval = max(-1, difference - half)...min(1, difference + half)
    }
}
