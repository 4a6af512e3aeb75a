import Encoder
import Federation
import Statistics

extension ReleaseCard {
    /// The card of a committed round.
    /// - Parameters:
    ///   - head: the transcript's end, which everything on the card is written before.
    /// - Throws: ``OperatorError`` when the round is not one whose model may be given out.
    init(
        release: String, study: Study, round number: Int?, federation: String, lockedTestOpenings: Int,
        head: TranscriptHead, now: Timestamp
    ) throws(OperatorError) {
        guard Name.isValid(release) else {
            throw OperatorError("\(release) is not a release's name; use 1 to 63 of a-z, 0-9 and -")
        }
        guard study.plan.kind == .training else {
            throw OperatorError("\(study.name) is a study of kind \(study.plan.kind.rawValue): it makes no model")
        }
        let round = try Self.committed(number, of: study)
        guard let model = round.candidate else { throw OperatorError("round \(round.reference.round) has no model") }
        let plan = study.planDigest == round.plan ? study.plan : study.formerPlans[round.plan] ?? study.plan
        let familiarity = round.gate?.judgement?.familiarity
        let rounds = study.rounds.filter {
            $0.phase == .committed && $0.reference.round <= round.reference.round
        }
        self.init(
            federation: federation, name: release, standing: .candidate, model: model, round: round.reference,
            task: plan.task, classes: plan.classes.map(\.name), recipe: plan.recipe.line, plan: round.plan,
            transcript: head, sites: Self.sites(of: rounds),
            figures: (round.gate?.judgement?.figures ?? [])
                + study.evaluations.filter { $0.model == model.digest }.flatMap(\.figures),
            point: round.gate?.judgement?.point, familiarity: familiarity, lineage: plan.lineage,
            limits: Self.limits(
                plan: plan, lockedTestOpenings: lockedTestOpenings, lacking: study.lacking(in: rounds),
                familiarity: familiarity),
            notice: ModelDescription.investigational,
            created: now)
    }

    /// With two sites' cases alone nearly all of a third's were called unlike, with eleven sites' 1 to 5 % of a twelfth's.
    private static let fewestTellingSites = 5

    private static func committed(_ number: Int?, of study: Study) throws(OperatorError) -> Round {
        guard let number else {
            guard let newest = study.rounds.last(where: { $0.phase == .committed }) else {
                throw OperatorError("\(study.name) has no committed round yet; release one when it has")
            }
            return newest
        }
        guard let attempt = study.rounds.last(where: { $0.reference.round == number }) else {
            throw OperatorError("\(study.name) has no round \(number); coordinator study status lists them")
        }
        guard attempt.phase == .committed else {
            throw OperatorError("round \(number) of \(study.name) is \(attempt.phase.rawValue), not committed")
        }
        guard !attempt.deleted.contains(attempt.candidate?.digest ?? "") else {
            throw OperatorError("the model of round \(number) of \(study.name) is no longer kept; release a newer one")
        }
        return attempt
    }

    /// Who took part in some rounds: cases of the last round of each, and how many rounds it was in.
    private static func sites(of rounds: [Round]) -> [Site] {
        var sites: [String: Site] = [:]
        for round in rounds {
            for update in round.counted {
                let rounds = (sites[update.site]?.rounds ?? 0) + 1
                sites[update.site] = Site(name: update.site, samples: update.samples, rounds: rounds)
            }
        }
        return sites.values.sorted { $0.name < $1.name }
    }

    private static func limits(
        plan: StudyPlan, lockedTestOpenings: Int, lacking: [String], familiarity: Familiarity?
    ) -> [String] {
        var limits = ["cross-site patient overlap not checked"]
        if plan.governance.data == .synthetic { limits.append("trained on made data: says nothing about patients") }
        limits.append("single updates were visible to the coordinator")
        limits.append("locked test opened \(lockedTestOpenings) times before this release")
        if !lacking.isEmpty {
            limits.append(
                "no site had \(EgressLimits.standard.leastCases) training cases with "
                    + "\(lacking.joined(separator: ", or ")): the model learnt little of that")
        }
        if let familiarity {
            let sites = familiarity.between?.sites ?? 1
            if sites < fewestTellingSites {
                limits.append(
                    "how sites differ was learnt from \(sites) of them only: expect cases of others to be called unlike "
                        + "the training data")
            }
        }
        return limits
    }
}

extension StudyPlan.Recipe {
    /// One line, in the words the imaging module has for its recipes: what they have and no more.
    var line: String {
        let isCropped = ["consilium", "standardised"].contains(name)
        return "\(name) size=\(size)" + (orientation.map { " orientation=\($0)" } ?? "")
            + " unstripped=\(unstripped) nonfinite=\(nonfinite)" + (isCropped ? " margin=\(margin)mm" : "")
            + (name == "consilium" ? " percentiles=\(percentiles.map { "\($0)" }.joined(separator: ","))" : "")
    }
}
