import Encoder

/// One case within a step, and the contrasts it is shown with.
package struct Sample: Sendable, Equatable {
    /// Position in the cases of the fit.
    package let index: Int
    /// Contrasts shown: those the case has less those dropped.
    package let shown: [Bool]

    package init(index: Int, shown: [Bool]) {
        self.index = index
        self.shown = shown
    }
}

/// The order of an epoch: a function of seed, epoch and cases only, so that a resumed fit goes on where it was.
package struct EpochPlan: Sendable {
    /// Samples of each step, divided into passes through the network.
    package let steps: [[[Sample]]]

    /// - Parameters:
    ///   - indices: the training cases.
    ///   - present: for each case of the fit which contrasts it has.
    package init(_ indices: [Int], present: [[Bool]], settings: FitSettings, epoch: Int) {
        var order = indices
        var shuffle = RandomStream(seed: settings.seed, name: "order of epoch \(epoch)")
        for i in stride(from: order.count - 1, to: 0, by: -1) {
            order.swapAt(i, Int(shuffle.next() % UInt64(i + 1)))
        }
        var stream = RandomStream(seed: settings.seed, name: "contrasts of epoch \(epoch)")
        let samples = order.map { index in
            Sample(index: index, shown: Self.drop(present[index], chance: settings.dropContrasts, &stream))
        }
        steps = samples.pieces(of: settings.effectiveBatch).map { $0.pieces(of: settings.batch) }
    }

    /// Every contrast is dropped by chance, but never all.
    private static func drop(_ present: [Bool], chance: Float, _ stream: inout RandomStream) -> [Bool] {
        guard chance > 0 else { return present }
        let kept = present.map { $0 && stream.unit() >= chance }
        guard !kept.contains(true), present.contains(true) else { return kept }
        let choices = present.indices.filter { present[$0] }
        var one = [Bool](repeating: false, count: present.count)
        one[choices[Int(stream.next() % UInt64(choices.count))]] = true
        return one
    }
}

extension Array {
    /// Consecutive pieces; the last may be shorter.
    func pieces(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
