package import Federation

/// The site's word on what a coordinator asks: the plan's governance and the floors of `agent.yaml`. Pure, so that every
/// rule can be tested; nothing that a coordinator sends changes the rules.
package struct Policy: Sendable {
    let configuration: AgentConfiguration
    let site: String

    package init(configuration: AgentConfiguration, site: String) {
        self.configuration = configuration
        self.site = site
    }

    /// Why this site does not take part in a study as its plan now stands; nil when it may.
    ///
    /// The sentence goes to the coordinator too, and names nothing of the site but its rules.
    /// - Parameter now: the site's own clock.
    package func objection(to plan: StudyPlan, at now: Timestamp) -> String? {
        governance(plan, at: now) ?? floors(plan) ?? data(plan)
    }

    private func governance(_ plan: StudyPlan, at now: Timestamp) -> String? {
        let governance = plan.governance
        if governance.purpose.isBlank { return "the plan names no purpose" }
        if governance.hasExpired(at: now) { return "the plan expired on \(governance.expiry ?? "a day before")" }
        if plan.leaveOut.contains(site) { return "the plan leaves \(site) out" }
        if !governance.invites(site) { return "the plan has no approval or contract reference for \(site)" }
        // Made or public data need no contract, and a rehearsal touches none. What they are is the site's word and the
        // plan's: the stricter counts.
        let origins = [governance.data, configuration.origin(study: plan.name)]
        guard origins.contains(.agreement), plan.kind != .rehearsal else { return nil }
        if governance.controllers.allSatisfy(\.isBlank) { return "the plan names no controller" }
        if governance.approvals[site]?.isBlank ?? true {
            return "the plan has no approval or contract reference for \(site)"
        }
        if governance.retention.isBlank { return "the plan does not say how long what comes of it is kept" }
        if governance.expiry == nil { return "the plan has no expiry" }
        if governance.releaseRights.isBlank { return "the plan does not say who may release a model" }
        if configuration.floors.requireOpenModeAgreed, !governance.openModeAgreed {
            return "the plan does not say open_mode_agreed, and the coordinator would see this site's single updates"
        }
        return nil
    }

    private func floors(_ plan: StudyPlan) -> String? {
        let floors = configuration.floors
        if let studies = configuration.studies, studies[plan.name] == nil {
            return "this site's policy does not list the study \(plan.name)"
        }
        guard floors.kinds.contains(plan.kind.rawValue) else {
            return "this site's policy does not allow a study of kind \(plan.kind.rawValue)"
        }
        if plan.kind != .evaluation, plan.minimumSites < floors.minimumSites {
            return
                "the plan folds updates of \(plan.minimumSites) sites, this site's policy wants \(floors.minimumSites)"
        }
        if let most = floors.maximumNorm, plan.kind != .evaluation {
            guard let norm = plan.maxNorm, norm <= most else {
                return "this site's policy wants a max_norm of at most \(most)"
            }
        }
        if let most = floors.maximumRounds, plan.rounds > most {
            return "the plan has \(plan.rounds) rounds, this site's policy allows \(most)"
        }
        return nil
    }

    private func data(_ plan: StudyPlan) -> String? {
        guard plan.kind != .rehearsal, configuration.data(study: plan.name) == nil else { return nil }
        return "this site has no data for the study"
    }

    /// Whether something waits for the admin.
    package func approval(of kind: Assignment.Kind) -> AgentConfiguration.Approval {
        switch kind {
        case .train: configuration.approve.update
        case .evaluate: configuration.approve.evaluation
        // Made of random numbers: consent to the study was the admin's word.
        case .rehearse: .automatic
        }
    }
}

extension StringProtocol {
    /// Nothing, or the dots of a template that nobody has filled in.
    fileprivate var isBlank: Bool { allSatisfy { $0.isWhitespace || $0 == "." } }
}
