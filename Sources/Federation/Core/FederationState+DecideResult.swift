import Statistics

extension FederationState {
    /// Results of work, and clocks that ran out. What comes too late, or again, changes nothing.
    func decideResult(_ command: Command) throws(Problem) -> [Event] {
        switch command {
        case .deadline(let clock):
            return clocks.contains(clock) ? [.deadlinePassed(round: clock.round, phase: clock.phase)] : []
        case .folded(let reference, let verdicts, let candidate):
            guard let round = open(reference), round.phase == .folding, round.verdicts.isEmpty else { return [] }
            try check(verdicts, candidate, round)
            return [.folded(round: reference, verdicts: verdicts, candidate: candidate)]
        case .coordinatorEvaluated(let reference, let report, let problem):
            guard let round = open(reference), round.phase == .evaluating, round.coordinator == nil else { return [] }
            return [.coordinatorEvaluated(round: reference, report: report, problem: problem)]
        case .judged(let reference, let judgement):
            guard let study = studies[reference.study], let round = open(reference), round.phase == .judging else {
                return []
            }
            return [.gateDecided(round: reference, decision: study.plan(of: round).decision(on: judgement.finite))]
        case .deleted(let reference, let objects):
            let due = pendingWork.contains { work in
                if case .delete(let deletion) = work {
                    deletion.round == reference && deletion.objects == objects
                } else {
                    false
                }
            }
            return due ? [.updatesDeleted(round: reference, objects: objects)] : []
        default: return []
        }
    }

    /// The open attempt, if it is the one named.
    func open(_ reference: RoundReference) -> Round? {
        guard let round = studies[reference.study]?.openRound, round.reference == reference else { return nil }
        return round
    }

    private func check(
        _ verdicts: [FoldVerdict], _ candidate: ObjectReference?, _ round: Round
    ) throws(Problem) {
        let expected = round.folding.map { [$0, round.updates[$0]?.received.update.digest ?? ""] }
        guard verdicts.map({ [$0.site, $0.update] }) == expected else {
            throw Problem(.conflict, "The fold of \(round.reference) is of other updates than are to be folded.")
        }
        guard verdicts.allSatisfy(\.isSound), verdicts.contains(where: \.counts) == (candidate != nil) else {
            throw Problem(.malformed, "The verdicts of \(round.reference) contradict themselves.")
        }
    }
}

extension FoldVerdict {
    /// Whether the update is part of the candidate.
    package var counts: Bool { outcome == .accepted || outcome == .clipped }

    fileprivate var isSound: Bool {
        switch outcome {
        case .accepted: factor == 1 && weight >= 1
        case .clipped: factor > 0 && factor < 1 && weight >= 1
        case .rejected: true
        case .late, .deleted: false
        }
    }
}

extension StudyPlan {
    /// What the gate says to a candidate.
    func decision(on judgement: Judgement) -> GateDecision {
        func said(_ outcome: GateDecision.Outcome, _ reason: String) -> GateDecision {
            let alarms = judgement.alarms.map { "Site \($0.site) finds it worse by \(Self.digits(-$0.change.value))." }
            return GateDecision(outcome: outcome, reasons: [reason] + alarms, judgement: judgement)
        }
        guard kind == .training else { return said(.commit, "Nothing was trained.") }
        guard let change = judgement.change else {
            return said(
                .commit, "No report has enough cases, or scores that differ enough, to compare base and candidate.")
        }
        let words =
            "the \(Gate.Metric.auc.rawValue.uppercased()) changes by \(Self.digits(change.value))"
            + " (\(Self.digits(change.lower)) to \(Self.digits(change.upper)))"
        guard let gate else { return said(.commit, "There is no gate; \(words).") }
        return change.upper < -gate.margin
            ? said(.hold, "It is held: \(words), below −\(gate.margin) as a whole.")
            : said(.commit, "It passes: \(words), not wholly below −\(gate.margin).")
    }

    private static func digits(_ value: Double) -> String {
        guard value.isFinite else { return "\(value)" }
        let thousandths = (value * 1000).rounded()
        return thousandths == 0 ? "0" : "\(thousandths / 1000)"
    }
}

extension Judgement {
    /// Without figures that are not numbers, which no row can hold.
    fileprivate var finite: Judgement {
        Judgement(
            change: change.flatMap { $0.isFinite ? $0 : nil }, alarms: alarms.filter(\.change.isFinite),
            figures: figures.filter { figure in
                figure.value.isFinite && (figure.interval ?? []).allSatisfy(\.isFinite)
            }, point: point, familiarity: familiarity.flatMap { $0.isWhole ? $0 : nil })
    }
}

extension Judgement.Change {
    fileprivate var isFinite: Bool { value.isFinite && lower.isFinite && upper.isFinite }
}
