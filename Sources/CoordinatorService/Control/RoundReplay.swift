import Federation
import Glibc

extension ReplayRound {
    package func carryOut(at desk: OperatorDesk) async throws -> Answer {
        let study = try desk.study(study)
        guard
            let attempt = study.rounds.last(where: {
                $0.reference.round == round && ($0.phase == .committed || $0.phase == .held)
            }), let recorded = attempt.candidate
        else {
            throw OperatorError("round \(round) of \(study.name) was not folded; coordinator study status lists them")
        }
        let plan = attempt.plan == study.planDigest ? study.plan : study.formerPlans[attempt.plan] ?? study.plan
        let objects = desk.coordinator.store.objects
        let work = attempt.foldWork(plan)
        guard objects.holds(work.base), work.inputs.allSatisfy({ objects.holds($0.update) }) else {
            throw OperatorError(
                "the updates of round \(round) of \(study.name) are no longer kept (keep_updates is \(plan.keepUpdates) "
                    + "rounds in its plan); it cannot be folded anew")
        }
        let path = objects.temporary("replay.\(getpid()).\(study.name).\(round)")
        defer { unlink(path) }
        let folded = try await Coordinator.onThread { try work.carryOut(objects, to: path).candidate }
        return Answer(
            recorded: recorded.digest, folded: folded?.digest ?? "no model", updates: work.inputs.count)
    }
}

extension Round {
    /// The work its fold was.
    func foldWork(_ plan: StudyPlan) -> FoldWork {
        FoldWork(
            round: reference, base: base,
            inputs: folding.compactMap { site in
                updates[site].map { update in
                    FoldWork.Input(
                        site: site, update: update.received.update, encoding: update.received.encoding,
                        samples: update.received.samples, weight: plan.weight(samples: update.received.samples),
                        norm: update.received.norm)
                }
            }, plan: plan)
    }
}
