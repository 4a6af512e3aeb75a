import Encoder

/// What came of a step.
enum StepOutcome {
    /// The step's loss; the parameters have followed.
    case loss(Double)
    /// Asked to stop; the parameters are as before the step.
    case stopped
    /// `loss` or `gradient` is not a finite number, with these samples; the parameters are as before the step.
    case notFinite(String, [Sample])
}

extension Trainer {
    /// A step over its passes.
    ///
    /// - Parameters:
    ///   - passes: samples of each pass.
    ///   - cases: where their labels are.
    ///   - next: the pass of these samples, ready for the network; nil to stop.
    ///   - shouldStop: asked before each pass.
    func step(
        _ passes: [[Sample]], of cases: FitCases, rate: Float, next: ([Sample]) throws -> MicroBatch?,
        shouldStop: () -> Bool
    ) throws -> StepOutcome {
        let all = passes.flatMap { $0 }
        func labels(_ samples: [Sample]) -> [Int] { samples.map { cases.cases[$0.index].label } }
        var sum = 0.0
        for (i, samples) in passes.enumerated() {
            if shouldStop() { return .stopped }
            guard let batch = try next(samples) else { return .stopped }
            let part: Double
            switch (goal, batch.content) {
            case (.classification(let loss), _):
                part = try accumulate(
                    batch, labels: labels(samples), normaliser: loss.weight(of: labels(all)), first: i == 0)
            case (.restoration, .views(let views, let target)):
                let share = Double(samples.count) / Double(all.count)
                part =
                    share
                    * (try accumulate(views: views, of: target, samples, share: share, first: i == 0)).total
            case (.masked, .masked(let images, let visible)):
                let share = Double(samples.count) / Double(all.count)
                part =
                    share
                    * (try accumulate(masked: images, visible: visible, samples, share: share, first: i == 0))
            case (.restoration, _), (.masked, _):
                throw EncoderError(.input, "the passes are not those of this pretraining")
            }
            guard part.isFinite else { return .notFinite("loss", samples) }
            sum += part
        }
        guard update(rate: rate).isFinite else { return .notFinite("gradient", all) }
        return .loss(sum)
    }
}
