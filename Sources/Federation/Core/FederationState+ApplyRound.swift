extension FederationState {
    mutating func applyRound(_ event: Event, at time: Timestamp) throws(TranscriptError) {
        switch event {
        case .roundOpened(let reference, let plan, let base, let sites, let globalStep):
            try change(study: reference.study) { study throws(TranscriptError) in
                guard study.rounds.last.map({ !$0.phase.isOpen }) ?? true else {
                    throw TranscriptError("\(reference) is opened while another is open")
                }
                study.rounds.append(
                    Round(
                        reference: reference, plan: plan, base: base, globalStep: globalStep, opened: time,
                        sites: sites))
            }
        case .updatesDeleted(let reference, let objects):
            try change(study: reference.study) { study throws(TranscriptError) in
                guard let index = study.kept.first(where: { study.rounds[$0].reference == reference }) else {
                    throw TranscriptError("\(reference) has nothing left to delete")
                }
                study.rounds[index].deleted = objects
                study.kept.removeAll { $0 == index }
            }
        case .siteJoined(let round, let site):
            try change(round, [.collecting]) { $0.sites = ($0.sites + [site]).sorted() }
        case .siteLeft(let round, let site, _): try change(round, Self.open) { $0.remove(site) }
        case .updateReceived(let round, let update, _):
            try change(round, [.collecting]) { round in
                round.updates[update.site] = Round.Update(received: update, at: time)
                round.declined[update.site] = nil
            }
        case .siteDeclined(let round, let site, _, let reason, let detail):
            try change(round, [.collecting, .evaluating]) {
                $0.declined[site] = Round.Declined(reason: reason, detail: detail)
            }
        case .deadlinePassed(let round, let phase): try change(round, [phase]) { $0.deadlinePassed = true }
        case .roundExtended(let round):
            try change(round, [.collecting]) { round in
                round.deadlinePassed = false
                round.extensions += 1
                round.declined = [:]
            }
        case .foldStarted(let round, let sites):
            try change(round, [.collecting]) { round in
                round.phase = .folding
                round.folding = sites
            }
        case .folded(let round, let verdicts, let candidate):
            try change(round, [.folding]) { round in
                round.verdicts = verdicts
                round.candidate = candidate
            }
        case .evaluationStarted(let round, let sites):
            try change(round, [.collecting, .folding]) { round in
                round.phase = .evaluating
                round.sites = sites
                round.declined = [:]
                round.deadlinePassed = false
            }
        case .reportReceived(let round, let site, let report, let cases):
            try change(round, [.evaluating]) { round in
                round.reports[site] = Round.Report(object: report, cases: cases)
                round.declined[site] = nil
            }
        case .coordinatorEvaluated(let round, let report, let problem):
            try change(round, [.evaluating]) {
                $0.coordinator = Round.CoordinatorReport(object: report, problem: problem)
            }
        case .judgementStarted(let round, let sites):
            try change(round, [.evaluating]) { round in
                round.phase = .judging
                round.judging = sites
            }
        case .gateDecided(let round, let decision): try change(round, Self.open) { $0.gate = decision }
        case .roundCommitted(let round, let model):
            try end(round, .committed, at: time)
            try change(study: round.study) { $0.base = model }
        case .candidateHeld(let round, _): try end(round, .held, at: time)
        case .roundFailed(let round, let reason):
            try change(round, Self.open) { $0.failure = reason }
            try end(round, .failed, at: time)
        default: break
        }
    }

    private static let open: [Round.Phase] = [.collecting, .folding, .evaluating, .judging]

    /// Changes the attempt that is open.
    private mutating func change(
        _ reference: RoundReference, _ phases: [Round.Phase], _ body: (inout Round) -> Void
    ) throws(TranscriptError) {
        try change(study: reference.study) { study throws(TranscriptError) in
            let last = study.rounds.count - 1
            guard last >= 0, study.rounds[last].reference == reference, phases.contains(study.rounds[last].phase)
            else { throw TranscriptError("\(reference) is not open for what is told of it") }
            body(&study.rounds[last])
        }
    }

    private mutating func end(
        _ reference: RoundReference, _ phase: Round.Phase, at time: Timestamp
    ) throws(TranscriptError) {
        try change(reference, Self.open) { round in
            round.phase = phase
            round.ended = time
            round.declined = [:]
        }
        try change(study: reference.study) { study in
            let last = study.rounds.count - 1
            if !study.rounds[last].updates.isEmpty || !study.rounds[last].withdrawn.isEmpty { study.kept.append(last) }
            guard phase != .failed else { return }
            study.completed += 1
            study.globalStep += study.steps(of: study.rounds[last])
        }
    }
}

extension Study {
    /// Steps by which a round moves the schedule: the most that a site took whose update counts. No site can claim more
    /// than the plan asks for, and so move the rate of all.
    fileprivate func steps(of round: Round) -> Int {
        let most = round.counted.map(\.steps).max() ?? 0
        guard case .steps(let asked) = plan(of: round).training.length else { return most }
        return min(most, asked)
    }
}

extension Round {
    /// A site that is revoked or takes back its consent: what it sent counts no more, unless it is folded already.
    mutating func remove(_ site: String) {
        sites.removeAll { $0 == site }
        declined[site] = nil
        if phase == .collecting || (phase == .folding && verdicts.isEmpty) {
            folding.removeAll { $0 == site }
            if let update = updates.removeValue(forKey: site) { withdrawn.append(update) }
        }
        if phase == .evaluating || phase == .judging {
            reports[site] = nil
            judging.removeAll { $0 == site }
        }
    }
}

extension RoundReference: CustomStringConvertible {
    /// Such as `study tumour, round 3, attempt 1`.
    package var description: String { "study \(study), round \(round), attempt \(attempt)" }
}
