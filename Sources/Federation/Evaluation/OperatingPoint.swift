import Statistics

/// The one threshold of a released model of two classes, chosen on the select cases of all sites together.
package struct OperatingPoint: Codable, Sendable, Equatable {
    /// The model says the second class at this probability of it and above.
    package var threshold: Double
    /// The share of positive cases it was to find, of the plan.
    package var asked: Double
    /// Shares found on the very cases it was chosen on, with Clopper and Pearson's 95 % intervals; scores of a bin that
    /// the threshold falls into count as not found, so that the true ones of positive cases are no less.
    package var sensitivity: Share
    package var specificity: Share

    /// Cases rightly told of those there were.
    package struct Share: Codable, Sendable, Equatable {
        package var right: Int
        package var cases: Int

        package init(right: Int, cases: Int) {
            self.right = right
            self.cases = cases
        }

        package var value: Double { Double(right) / Double(cases) }
        package var interval: [Double]? {
            Proportion(successes: right, trials: cases).clopperPearson()?.ends
        }
    }

    /// The highest threshold that finds enough.
    ///
    /// - Parameters:
    ///   - bins: of the positive class against the other one, of one site or several.
    ///   - positive: whether the positive class is the first or the second, 0 or 1.
    ///   - asked: 0…1.
    /// - Returns: nil when a class has no case.
    package init?(_ bins: [ScoreHistogram.Bin], positive: Int, asked: Double) {
        let positives = bins.reduce(0) { $0 + $1.positive }
        let negatives = bins.reduce(0) { $0 + $1.negative }
        guard positives > 0, negatives > 0 else { return nil }
        let needed = Int((asked * Double(positives) - 1e-9).rounded(.up))
        // Cases are surely at or above an edge only when their whole bin is.
        func found(_ edge: Int) -> Int { bins.reduce(0) { $0 + ($1.first >= edge ? $1.positive : 0) } }
        let edge = Set(bins.map(\.first)).sorted(by: >).first { found($0) >= needed } ?? 0
        let isAll = edge == bins.map(\.first).min()
        let below = bins.reduce(0) { $0 + ($1.last < edge ? $1.negative : 0) }
        let score = isAll ? 0 : HistogramBuilder.probability(at: Double(edge))
        // Of the first class: said when its probability is at least `score`, that is, the second's not above 1 − score.
        threshold = positive == 1 ? score : min((1 - score).nextUp, 1)
        self.asked = asked
        sensitivity = Share(right: found(edge), cases: positives)
        specificity = Share(right: below, cases: negatives)
    }

    /// A sentence for people.
    /// - Parameter classes: names of the two.
    package func sentence(_ classes: [String]) -> String {
        let rounded = (threshold * 10_000).rounded() / 10_000
        return "\(classes.last ?? "the second class") is said at a probability of \(rounded) and above, chosen to find "
            + "\((asked * 1000).rounded() / 10) % of the positive select cases"
    }

    /// For cards.
    package var figures: [ReleaseCard.Figure] {
        let note = "at the threshold, on the cases it was chosen on"
        return [
            ReleaseCard.Figure(
                name: "sensitivity, select", value: sensitivity.value, interval: sensitivity.interval, note: note),
            ReleaseCard.Figure(
                name: "specificity, select", value: specificity.value, interval: specificity.interval, note: note),
        ]
    }
}

extension [EvaluationReport] {
    /// Bins of a model's scores for one of two classes, of all sites that hold enough cases to tell them.
    /// - Parameter model: its digest.
    package func bins(of model: String, class index: Int) -> [ScoreHistogram.Bin] {
        flatMap { report in
            report.models.last { $0.model == model && $0.histograms.count == 2 }?.histograms[index].bins ?? []
        }
    }
}
