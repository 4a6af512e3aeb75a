import Glibc

/// Counts how a model scores cases, in a form that may leave a site.
///
/// The score of a class is the logit of its probability against all others, counted on 64 bins over −8…8, the outermost
/// taking what lies beyond; neighbouring bins are merged until each holds ``EgressLimits/leastCasesPerBin`` cases.
package struct HistogramBuilder: Sendable {
    package static let bins = 64
    package static let range = -8.0...8.0

    private let classes: Int
    /// For each class and bin: cases of the class, cases of the others.
    private var counts: [[(positive: Int, negative: Int)]]
    /// Cases of each class.
    package private(set) var cases: [Int]
    /// Cases whose most probable class is the true one; of equals the first class counts.
    package private(set) var correct = 0
    private var lossSum = 0.0

    package init(classes: Int) {
        precondition(classes >= 2, "a classifier has two classes or more")
        self.classes = classes
        counts = Array(repeating: Array(repeating: (0, 0), count: Self.bins), count: classes)
        cases = Array(repeating: 0, count: classes)
    }

    /// Counts a case.
    /// - Parameters:
    ///   - logits: finite, one a class, before the softmax.
    ///   - label: the true class.
    package mutating func add(logits: [Double], label: Int) {
        precondition(logits.count == classes && cases.indices.contains(label) && logits.allSatisfy(\.isFinite))
        cases[label] += 1
        var best = 0
        for c in logits.indices where logits[c] > logits[best] { best = c }
        if best == label { correct += 1 }
        lossSum += Self.softplus(-Self.oneAgainstRest(logits, label))
        for c in logits.indices {
            let bin = Self.bin(of: Self.oneAgainstRest(logits, c))
            if c == label { counts[c][bin].positive += 1 } else { counts[c][bin].negative += 1 }
        }
    }

    /// Counts a case by its probabilities, one a class.
    package mutating func add(probabilities: [Double], label: Int) {
        add(logits: probabilities.map { log(max($0, .leastNormalMagnitude)) }, label: label)
    }

    /// Mean cross entropy; nil without cases.
    package var loss: Double? {
        let all = cases.reduce(0, +)
        return all > 0 ? lossSum / Double(all) : nil
    }

    /// Cases of each class; one number, of all together, when a class has fewer than
    /// ``EgressLimits/leastCasesPerClass``.
    package func counts(_ limits: EgressLimits = .standard) -> [Int] {
        cases.allSatisfy { $0 >= limits.leastCasesPerClass } ? cases : [cases.reduce(0, +)]
    }

    /// One histogram a class, in order; none when a class has fewer than ``EgressLimits/leastCasesPerClass`` cases.
    package func histograms(_ limits: EgressLimits = .standard) -> [ScoreHistogram] {
        guard cases.allSatisfy({ $0 >= limits.leastCasesPerClass }) else { return [] }
        return counts.indices.map { ScoreHistogram(class: $0, bins: Self.merged(counts[$0], limits)) }
    }

    /// What a report says of a model.
    package func scores(model: String, limits: EgressLimits = .standard) -> EvaluationReport.Scores {
        EvaluationReport.Scores(model: model, loss: loss ?? 0, correct: correct, histograms: histograms(limits))
    }

    private static var width: Double { (range.upperBound - range.lowerBound) / Double(bins) }

    /// The probability whose logit lies at a place among the bins: whole numbers are edges, halves the middles.
    package static func probability(at place: Double) -> Double { 1 / (1 + exp(-(range.lowerBound + place * width))) }

    /// Which of the 64 bins a logit falls into.
    package static func bin(of logit: Double) -> Int {
        return Int(max(0, min(Double(bins - 1), ((logit - range.lowerBound) / width).rounded(.down))))
    }

    /// Merges from the left until a bin holds enough; what is left at the right joins its neighbour.
    private static func merged(
        _ counts: [(positive: Int, negative: Int)], _ limits: EgressLimits
    ) -> [ScoreHistogram.Bin] {
        var bins: [ScoreHistogram.Bin] = []
        var open = ScoreHistogram.Bin(first: 0, last: 0, positive: 0, negative: 0)
        for (index, count) in counts.enumerated() {
            open.last = index
            open.positive += count.positive
            open.negative += count.negative
            if open.positive + open.negative >= limits.leastCasesPerBin {
                bins.append(open)
                open = ScoreHistogram.Bin(first: index + 1, last: index + 1, positive: 0, negative: 0)
            }
        }
        guard open.first < Self.bins, var last = bins.popLast() else { return bins }
        last.last = Self.bins - 1
        last.positive += open.positive
        last.negative += open.negative
        return bins + [last]
    }

    /// log(p / (1 − p)) of a class under the softmax: its logit less the logarithm of the sum of the others' exponentials.
    private static func oneAgainstRest(_ logits: [Double], _ c: Int) -> Double {
        let others = logits.indices.filter { $0 != c }.map { logits[$0] }
        let largest = others.max() ?? 0
        return logits[c] - largest - log(others.reduce(0) { $0 + exp($1 - largest) })
    }

    private static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
