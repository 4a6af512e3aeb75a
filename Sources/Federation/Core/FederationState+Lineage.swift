extension FederationState {
    /// Sites whose updates a model of this federation was made of, directly or through the weights it began with.
    /// - Parameter digest: of a round's candidate.
    func contributors(to digest: String) -> Set<String> {
        var sites: Set<String> = []
        var open = [digest]
        var seen: Set<String> = []
        while let digest = open.popLast() {
            guard seen.insert(digest).inserted else { continue }
            for study in studies.values {
                guard let made = study.rounds.first(where: { $0.phase == .committed && $0.candidate?.digest == digest })
                else { continue }
                for round in study.rounds
                where round.phase == .committed && round.reference.round <= made.reference.round {
                    sites.formUnion(round.verdicts.filter(\.counts).map(\.site))
                }
                if case .weights(let before) = study.plan.initial { open.append(before) }
            }
        }
        return sites
    }

    /// A site that a plan leaves out must have no part in the weights it begins with.
    func requireLeftOut(_ plan: StudyPlan) throws(Problem) {
        guard case .weights(let digest) = plan.initial else { return }
        if let site = contributors(to: digest).intersection(plan.leaveOut).min() {
            throw Problem(
                .conflict,
                "The plan leaves out \(site), which has a part in the weights it begins with: pretrain without it.")
        }
    }
}
