extension FederationState {
    /// What must be done next, studies by name and within them in a fixed order.
    package var pendingWork: [Work] { studies.keys.sorted().flatMap { work(of: $0) } }

    private func work(of name: String) -> [Work] {
        guard let study = studies[name] else { return [] }
        var work: [Work] = []
        if study.initial == nil, !study.standing.isOver {
            work.append(.makeInitialModel(study: name, plan: study.plan))
        }
        // What was sent to a study that is paused stays where it is.
        if study.standing == .running, let round = study.openRound { work += self.work(on: round, in: study) }
        return work + deletions(study)
    }

    private func work(on round: Round, in study: Study) -> [Work] {
        let plan = study.plan(of: round)
        switch round.phase {
        case .folding where round.verdicts.isEmpty:
            let inputs = round.folding.compactMap { round.updates[$0]?.received }.map { update in
                FoldWork.Input(
                    site: update.site, update: update.update, encoding: update.encoding, samples: update.samples,
                    weight: plan.weight(samples: update.samples), norm: update.norm)
            }
            return [.fold(FoldWork(round: round.reference, base: round.base, inputs: inputs, plan: plan))]
        case .evaluating:
            guard let set = plan.evaluation.coordinator, round.coordinator == nil else { return [] }
            return [
                .evaluate(
                    EvaluationWork(
                        round: round.reference, base: round.base, candidate: round.candidate, set: set, plan: plan))
            ]
        case .judging where round.gate == nil:
            let reports = round.judging.compactMap { site in
                round.reports[site].map { JudgeWork.Report(site: site, object: $0.object) }
            }
            return [
                .judge(
                    JudgeWork(
                        round: round.reference, base: round.base, candidate: round.candidate, reports: reports,
                        coordinator: round.coordinator?.object, plan: plan))
            ]
        default: return []
        }
    }

    private func deletions(_ study: Study) -> [Work] {
        study.kept.compactMap { index in
            let round = study.rounds[index]
            guard study.isDue(index) else { return nil }
            let updates = round.allUpdates.map(\.received.update.digest)
            let models = [round.base.digest] + (round.candidate.map { [$0.digest] } ?? [])
            let needed = needs(besides: round.reference)
            let objects = updates + models.filter { !needed.contains($0) }
            var seen: Set<String> = []
            let unique = objects.filter { seen.insert($0).inserted }
            return .delete(
                DeletionWork(round: round.reference, objects: unique, files: unique.filter { !needed.contains($0) }))
        }
    }

    /// Updates and models that something refers to, one kept attempt left out.
    private func needs(besides left: RoundReference?) -> Set<String> {
        var needed = Set(releases.values.map(\.body.model.digest))
        for study in studies.values {
            needed.formUnion([study.base, study.initial].compactMap { $0?.digest })
            if let round = study.openRound { needed.formUnion(round.objects) }
            for index in study.kept where study.rounds[index].reference != left {
                needed.formUnion(study.rounds[index].objects)
            }
        }
        return needed
    }

    /// Whether anything that is kept refers to an object: updates, models, reports.
    package func refers(to digest: String) -> Bool {
        needs(besides: nil).contains(digest)
            || studies.values.contains { study in
                study.rounds.contains { round in
                    round.coordinator?.object?.digest == digest
                        || round.reports.values.contains { $0.object.digest == digest }
                }
            }
    }

    /// Clocks that run: of rounds that wait for sites, in studies that are not paused.
    package var clocks: [RoundClock] {
        studies.keys.sorted().compactMap { name in
            guard let study = studies[name], study.standing == .running, let round = study.openRound,
                round.phase == .collecting || round.phase == .evaluating, !round.deadlinePassed,
                let length = study.plan(of: round).deadline
            else { return nil }
            return RoundClock(
                round: round.reference, phase: round.phase, turn: round.extensions, milliseconds: length)
        }
    }
}

extension Study {
    /// Whether what an ended attempt holds is kept no longer.
    fileprivate func isDue(_ index: Int) -> Bool {
        let round = rounds[index]
        // A failed attempt cannot be folded again; nothing of a study that was given up may stay.
        if round.phase == .failed || standing == .aborted || purged { return true }
        return completed - round.reference.round >= plan.keepUpdates
    }
}

extension Round {
    fileprivate var allUpdates: [Update] { updates.keys.sorted().compactMap { updates[$0] } + withdrawn }

    /// Updates and models.
    fileprivate var objects: [String] {
        allUpdates.map(\.received.update.digest) + [base.digest] + (candidate.map { [$0.digest] } ?? [])
    }
}
