extension FederationState {
    /// What follows by itself from how things stand; nil when nothing does. Applied until nothing follows, so that a
    /// round opens, folds and ends in the same transaction as what caused it.
    func consequence(at now: Timestamp) -> Event? {
        for name in studies.keys.sorted() {
            guard let study = studies[name], study.standing == .running else { continue }
            if let event = study.openRound.map({ consequence(of: $0, in: study) }) ?? opening(study, at: now) {
                return event
            }
        }
        return nil
    }

    /// Sites that may work on a study as its plan now stands, sorted.
    func eligibleSites(_ study: Study) -> [String] {
        study.consents.keys.filter { isEligible($0, study) }.sorted()
    }

    func isEligible(_ site: String, _ study: Study) -> Bool {
        study.hasConsent(of: site) && sites[site]?.standing == .active && study.plan.invites(site)
    }

    private func opening(_ study: Study, at now: Timestamp) -> Event? {
        if study.completed >= study.plan.rounds { return .studyFinished(study: study.name) }
        guard let base = study.base, !study.plan.governance.hasExpired(at: now) else { return nil }
        let sites = eligibleSites(study)
        guard sites.count >= study.plan.minimumSites else { return nil }
        let number = study.completed + 1
        let attempt = study.rounds.last.flatMap { $0.reference.round == number ? $0.reference.attempt + 1 : nil } ?? 1
        return .roundOpened(
            round: RoundReference(study: study.name, round: number, attempt: attempt), plan: study.planDigest,
            base: base, sites: sites, globalStep: study.globalStep)
    }

    private func consequence(of round: Round, in study: Study) -> Event? {
        let plan = study.plan(of: round)
        switch round.phase {
        case .collecting:
            if plan.kind == .evaluation { return .evaluationStarted(round: round.reference, sites: round.sites) }
            return collecting(round, plan, study)
        case .folding:
            if round.verdicts.isEmpty {
                guard round.folding.count < plan.minimumSites else { return nil }
                return .roundFailed(
                    round: round.reference,
                    reason: "\(round.folding.count) of at least \(plan.minimumSites) sites are left to fold")
            }
            return folded(round, plan, study)
        case .evaluating:
            guard round.evaluationIsOver(plan) else { return nil }
            guard !round.reports.isEmpty || round.coordinator?.object != nil else {
                return unjudged(round, "nobody reported")
            }
            return .judgementStarted(round: round.reference, sites: round.reports.keys.sorted())
        case .judging: return ending(round, plan)
        case .committed, .held, .failed: return nil
        }
    }

    private func collecting(_ round: Round, _ plan: StudyPlan, _ study: Study) -> Event? {
        let there = round.updates.count
        // A site that cannot take part must not hold up those that did.
        let possible = round.sites.filter { round.declined[$0] == nil }.count
        let wanted = max(plan.minimumSites, min(plan.quorum ?? round.sites.count, possible))
        if there >= wanted || (round.deadlinePassed && there >= plan.minimumSites) {
            return .foldStarted(round: round.reference, sites: round.updates.keys.sorted())
        }
        // Sites join between rounds, but a round that can no longer reach its minimum takes in who is new.
        if possible < plan.minimumSites, let fresh = eligibleSites(study).first(where: { !round.sites.contains($0) }) {
            return .siteJoined(round: round.reference, site: fresh)
        }
        guard round.deadlinePassed else { return nil }
        switch plan.belowQuorum {
        case .wait: return nil
        case .extend: return .roundExtended(round: round.reference)
        case .fail:
            return .roundFailed(
                round: round.reference,
                reason: "the deadline found \(there) of at least \(plan.minimumSites) updates")
        }
    }

    private func folded(_ round: Round, _ plan: StudyPlan, _ study: Study) -> Event? {
        let counted = round.verdicts.filter(\.counts).count
        guard round.candidate != nil, counted >= plan.minimumSites else {
            return .roundFailed(
                round: round.reference, reason: "\(counted) updates were accepted of at least \(plan.minimumSites)")
        }
        if plan.kind == .rehearsal { return .roundCommitted(round: round.reference, model: round.base) }
        let sites = plan.evaluation.sites ? eligibleSites(study) : []
        if sites.isEmpty, plan.evaluation.coordinator == nil {
            return unjudged(round, "nobody is asked to evaluate")
        }
        return .evaluationStarted(round: round.reference, sites: sites)
    }

    private func unjudged(_ round: Round, _ reason: String) -> Event {
        guard round.gate != nil else {
            let decision = GateDecision(
                outcome: .commit, reasons: ["It passes unjudged: \(reason)."], judgement: nil)
            return .gateDecided(round: round.reference, decision: decision)
        }
        return .roundCommitted(round: round.reference, model: round.candidate ?? round.base)
    }

    private func ending(_ round: Round, _ plan: StudyPlan) -> Event? {
        guard let gate = round.gate else { return nil }
        guard let candidate = round.candidate else {
            return .roundCommitted(round: round.reference, model: round.base)
        }
        return gate.outcome == .commit
            ? .roundCommitted(round: round.reference, model: candidate)
            : .candidateHeld(round: round.reference, candidate: candidate)
    }
}

extension Round {
    /// Whether no more reports are waited for.
    fileprivate func evaluationIsOver(_ plan: StudyPlan) -> Bool {
        if deadlinePassed { return true }
        guard plan.evaluation.coordinator == nil || coordinator != nil else { return false }
        let possible = sites.filter { declined[$0] == nil }.count
        return reports.count >= min(plan.quorum ?? sites.count, possible)
    }
}
