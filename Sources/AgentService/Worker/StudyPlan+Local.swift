import Cohort
import Compute
import Encoder
import Federation
import Imaging
import Training
import Weights

/// What a plan means at a site.
extension StudyPlan {
    /// The tensors an update holds.
    func updateLayout(of base: SafetensorsFile) throws(Problem) -> UpdateLayout {
        try UpdateLayout(base: base.header, plan: self)
    }

    /// Training as the fit's settings say it; how scans are prepared is for ``source(cache:)``.
    ///
    /// The seed is drawn from the plan's by the round and the site's name: each round shuffles anew, and sites of equal
    /// data do not shuffle alike. It does not depend on the attempt: a round opened anew is trained the same.
    func settings(site: String, round: Int) throws -> FitSettings {
        var seeds = RandomStream(seed: seed, name: "round \(round) of \(site)")
        let optimizer: OptimizerRecipe =
            switch training.optimizer {
            case .adam(let beta1, let beta2, let epsilon, let decay):
                .adam(beta1: Float(beta1), beta2: Float(beta2), epsilon: Float(epsilon), decay: Float(decay))
            case .adamW(let beta1, let beta2, let epsilon, let decay):
                .adamW(beta1: Float(beta1), beta2: Float(beta2), epsilon: Float(epsilon), decay: Float(decay))
            case .sgd(let momentum, let decay): .sgd(momentum: Float(momentum), decay: Float(decay))
            }
        return FitSettings(
            recipe: try CaseSource.recipe(MessageCoding.encode(recipe)), epochs: 1, batch: training.batch,
            accumulate: training.accumulate, optimizer: optimizer, rate: Float(training.rate), warmUp: training.warmUp,
            shape: training.schedule == .cosine ? .cosine : .constant, clip: training.clip, freeze: training.freeze,
            classWeights: training.classWeights.map { .given($0.map { Float($0) }) } ?? .none,
            dropContrasts: Float(training.dropContrasts),
            augment: training.augment.compactMap { .init(rawValue: $0.rawValue) }, seed: seeds.next())
    }

    /// The rate of a round's steps on the schedule of the whole study.
    ///
    /// Where a round is counted in steps, the study has rounds × steps of them and the round begins at the global step.
    /// Where it is counted in epochs, sites take different numbers of steps: each runs through the schedule at its own
    /// pace, so that all have the same rate at the same point of a round.
    /// - Parameter cases: training cases of this site.
    func rate(settings: FitSettings, round: Int, globalStep: Int, cases: Int) -> @Sendable (Int) -> Float {
        let (first, total): (Int, Int)
        switch training.length {
        case .steps(let steps): (first, total) = (globalStep, rounds * steps)
        case .epochs(let epochs):
            let steps = epochs * settings.steps(cases: cases)
            (first, total) = (max(round - 1, 0) * steps, rounds * steps)
        }
        let shape: Schedule.Shape =
            switch training.schedule {
            case .constant: .constant
            case .cosine: .cosine(period: max(total - 1 - settings.warmUp, 1), minimum: settings.rate / 100)
            }
        let schedule = Schedule(rate: settings.rate, warmUp: settings.warmUp, shape: shape)
        // A study that runs on beyond its plan keeps the last rate: a cosine would rise again.
        return { step in schedule.rate(at: min(first + step, max(total - 1, 0))) }
    }

    /// What a round trains for.
    var goal: Goal {
        pretraining?.goal ?? .classification(CrossEntropy(weights: training.classWeights?.map { Float($0) }))
    }

    /// What it learns by from scans without labels.
    var pretraining: PretrainingObjective? { objective.flatMap { .init(rawValue: $0.rawValue) } }

    var length: LocalRound.Length {
        switch training.length {
        case .steps(let steps): .steps(steps)
        case .epochs(let epochs): .epochs(epochs)
        }
    }

    /// The precision of the plan, else of the site, else the faster one that the processor has.
    func precision(site: Compute.Precision?) -> Compute.Precision {
        if let planned = training.precision { return planned == .bf16 ? .bf16 : .fp32 }
        return site ?? .suited
    }

    /// Prepares cases as the plan says.
    func source(cache: PreparedCache?) throws -> CaseSource {
        try CaseSource(recipe: try MessageCoding.encode(recipe), contrasts: contrasts, cache: cache)
    }
}
