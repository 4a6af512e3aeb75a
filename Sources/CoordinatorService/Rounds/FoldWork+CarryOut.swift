package import Federation
import Weights

extension FoldWork {
    /// Judges the round's updates and folds those that count.
    ///
    /// - Parameter path: where the candidate appears.
    /// - Returns: a verdict an update, in order of site; the candidate is nil when every update was rejected.
    /// - Throws: `FoldError`, `Problem` or `WeightsError` when a file cannot be read or the candidate not written.
    package func carryOut(_ objects: ObjectStore, to path: String) throws -> (
        verdicts: [FoldVerdict], candidate: ObjectReference?
    ) {
        let rule = WeightedMean(
            plan.weighting.rule, bound: plan.normBound ? .standard : nil, maximumNorm: plan.maxNorm)
        let judgements = rule.judge(
            inputs.map { Contribution(site: $0.site, update: $0.update.digest, samples: $0.samples, norm: $0.norm) })
        let verdicts = judgements.map {
            FoldVerdict(
                site: $0.site, update: $0.update, outcome: $0.outcome, factor: $0.takesPart ? $0.factor : 0,
                weight: $0.weight, reason: $0.reason)
        }
        let taken = judgements.filter(\.takesPart)
        guard !taken.isEmpty else { return (verdicts, nil) }
        let model = objects.path(of: base.digest)
        let fold = try Fold(
            base: model,
            updates: taken.map {
                Fold.Input(site: $0.site, path: objects.path(of: $0.update), weight: $0.weight, factor: $0.factor)
            },
            layout: try UpdateLayout(base: try SafetensorsFile(model).header, plan: plan), encoding: plan.encoding)
        return (verdicts, try fold.write(to: path).model)
    }
}

extension StudyPlan.Weighting {
    var rule: WeightedMean.Weighting {
        switch self {
        case .samples(let cap): .samples(cap: cap)
        case .uniform: .uniform
        }
    }
}
