extension FederationState {
    /// How a study stands, for people.
    package func status(of name: String) -> StudyStatus? {
        guard let study = studies[name] else { return nil }
        let round = study.rounds.last
        let asked = sites.keys.filter { study.plan.invites($0) || study.consents[$0] != nil }.sorted()
        return StudyStatus(
            name: name, kind: study.plan.kind, task: study.plan.task, standing: study.standing, plan: study.planDigest,
            planVersion: study.planVersion, round: round?.reference.round ?? 0, rounds: study.plan.rounds,
            attempt: round?.reference.attempt ?? 0, phase: round?.phase, waitsFor: waitsFor(study),
            sites: asked.map { status(of: $0, in: study) }, lacking: study.lacking(in: study.rounds), base: study.base,
            history: study.rounds.map { RoundSummary($0) }, lockedTestOpenings: lockedTestOpenings(of: study),
            reason: study.reason)
    }

    /// How often the locked test of a study was opened: where it is a set of the coordinator's, by every study whose plan
    /// names it.
    package func lockedTestOpenings(of study: Study) -> Int {
        guard let set = study.plan.evaluation.coordinator else { return study.lockedTestOpenings }
        return studies.values.reduce(0) {
            $0 + ($1.plan.evaluation.coordinator == set ? $1.lockedTestOpenings : 0)
        }
    }

    private func status(of site: String, in study: Study) -> StudyStatus.SiteStatus {
        let consent = study.consents[site]
        var status = StudyStatus.SiteStatus(site: site, standing: study.standing(of: site))
        if let round = study.rounds.last {
            status.samples = round.updates[site]?.received.samples
            status.progress = round.progress(of: site)
            status.detail = round.declined[site]?.detail
        }
        if status.standing == .refused { status.detail = consent?.reason }
        if sites[site]?.standing == .revoked { status.detail = "revoked" }
        return status
    }

    private func waitsFor(_ study: Study) -> String {
        switch study.standing {
        case .draft: return "the operator to start it; \(eligibleSites(study).count) sites have consented"
        case .paused: return "the operator to resume it"
        case .finished, .aborted: return "nothing"
        case .running: break
        }
        guard let round = study.openRound else {
            if study.base == nil { return "the initial model" }
            let there = eligibleSites(study).count
            return there < study.plan.minimumSites
                ? "consent: \(there) of at least \(study.plan.minimumSites) sites have given it"
                : "a plan that has not expired"
        }
        let plan = study.plan(of: round)
        switch round.phase {
        case .collecting:
            let missing = round.sites.filter { round.updates[$0] == nil && round.declined[$0] == nil }
            let need = round.deadlinePassed || missing.isEmpty ? " (at least \(plan.minimumSites) in all)" : ""
            return "updates\(need) from \(missing.isEmpty ? "more sites" : missing.joined(separator: ", "))"
        case .folding: return "the fold of \(round.folding.count) updates"
        case .evaluating:
            var missing = round.sites.filter { round.reports[$0] == nil && round.declined[$0] == nil }
            if plan.evaluation.coordinator != nil, round.coordinator == nil { missing.append("the coordinator itself") }
            return "reports from \(missing.joined(separator: ", "))"
        case .judging: return "the reports to be combined"
        case .committed, .held, .failed: return "the next round"
        }
    }
}

extension Round {
    fileprivate func progress(of site: String) -> String? {
        guard phase.isOpen, sites.contains(site) else { return nil }
        if declined[site] != nil { return "declined" }
        if phase == .evaluating || phase == .judging { return reports[site] == nil ? "awaited" : "reported" }
        return updates[site] == nil ? "awaited" : "received"
    }
}

extension RoundSummary {
    init(_ round: Round) {
        reference = round.reference
        phase = round.phase
        opened = round.opened
        ended = round.ended
        asked = round.sites
        contributions = round.updates.keys.sorted().compactMap { round.updates[$0]?.received }.map { update in
            Contribution(
                site: update.site, samples: update.samples, bytes: update.update.bytes, norm: update.norm,
                loss: update.loss, outcome: round.verdicts.first { $0.site == update.site }?.outcome)
        }
        base = round.base.digest
        candidate = round.candidate
        gate = round.gate
        failure = round.failure
    }
}
