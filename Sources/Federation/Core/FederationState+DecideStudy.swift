extension FederationState {
    /// Commands of operators on studies.
    func decideStudy(_ command: Command, at now: Timestamp) throws(Problem) -> [Event] {
        switch command {
        case .createStudy(let text): return try create(text, at: now)
        case .amendStudy(let name, let text, let reason): return try amend(study(name), text, reason, at: now)
        case .startStudy(let name):
            let study = try study(name)
            switch study.standing {
            case .running: return []
            case .paused: throw Problem(.conflict, "Study \(name) is paused: resume it.")
            case .finished, .aborted: throw over(study)
            case .draft: break
            }
            try unexpired(study.plan, at: now)
            return [.studyStarted(study: name)]
        case .pauseStudy(let name, let reason):
            let study = try study(name)
            if study.standing == .paused { return [] }
            guard study.standing == .running else {
                throw Problem(.conflict, "Study \(name) does not run, so it cannot be paused.")
            }
            return [.studyPaused(study: name, reason: reason)]
        case .resumeStudy(let name):
            let study = try study(name)
            if study.standing == .running { return [] }
            guard study.standing == .paused else { throw Problem(.conflict, "Study \(name) is not paused.") }
            try unexpired(study.plan, at: now)
            return [.studyResumed(study: name)]
        case .abortStudy(let name, let reason):
            let study = try study(name)
            if study.standing == .aborted { return [] }
            guard !study.standing.isOver else { throw over(study) }
            return failing(study, "the study was aborted") + [.studyAborted(study: name, reason: reason)]
        case .purgeStudy(let name, let reason):
            let study = try study(name)
            guard study.standing.isOver else {
                throw Problem(.conflict, "Study \(name) is not over: its updates are still needed.")
            }
            return study.purged ? [] : [.studyPurged(study: name, reason: reason)]
        case .restartRound(let name, let reason): return failing(try running(name), reason)
        case .closeRound(let name):
            let study = try running(name)
            guard let round = study.openRound, round.phase == .collecting || round.phase == .evaluating else {
                throw Problem(.conflict, "No round of study \(name) waits for sites.")
            }
            return round.deadlinePassed ? [] : [.deadlinePassed(round: round.reference, phase: round.phase)]
        case .openLockedTest(let name, let model, let purpose):
            try Self.check(digest: model, "model's digest")
            return [.lockedTestOpened(study: try study(name).name, model: model, purpose: purpose)]
        case .recordEvaluation(let name, let model, let set, let figures):
            try Self.check(digest: model, "model's digest")
            return [.operatorEvaluated(study: try study(name).name, model: model, set: set, figures: figures)]
        case .initialModelMade(let name, let model):
            let study = try study(name)
            try Self.check(digest: model.digest, "model's digest")
            // Weights that an operator brought are another file once they have the plan's head.
            if let initial = study.initial {
                guard initial == model else {
                    throw Problem(.conflict, "Study \(name) begins from \(initial.digest) already.")
                }
                return []
            }
            return study.standing.isOver ? [] : [.initialModelMade(study: name, model: model)]
        default: return []
        }
    }

    private func over(_ study: Study) -> Problem {
        Problem(.conflict, "Study \(study.name) is \(study.standing.rawValue): create a new one.")
    }

    private func running(_ name: String) throws(Problem) -> Study {
        let study = try study(name)
        guard study.standing == .running else {
            throw Problem(.conflict, "Study \(name) does not run: it is \(study.standing.rawValue).")
        }
        return study
    }

    private func unexpired(_ plan: StudyPlan, at now: Timestamp) throws(Problem) {
        guard !plan.governance.hasExpired(at: now) else {
            throw Problem(
                .conflict,
                "The plan of study \(plan.name) expired on \(plan.governance.expiry ?? ""): amend it with a later day.")
        }
    }

    private func failing(_ study: Study, _ reason: String) -> [Event] {
        study.openRound.map { [.roundFailed(round: $0.reference, reason: reason)] } ?? []
    }

    private func parsed(_ text: String) throws(Problem) -> StudyPlan {
        do {
            return try StudyPlan.parse(text)
        } catch { throw Problem(.malformed, "The plan, \(error.description)") }
    }

    private func create(_ text: String, at now: Timestamp) throws(Problem) -> [Event] {
        let plan = try parsed(text)
        let digest = StudyPlan.digest(of: text)
        if let study = studies[plan.name] {
            if study.planDigest == digest, study.planVersion == 1 { return [] }
            throw Problem(
                .conflict, "There is a study \(plan.name) already: give the new one another name, or amend the old.")
        }
        try unexpired(plan, at: now)
        try requireLeftOut(plan)
        return [.studyCreated(study: plan.name, plan: digest, text: text)]
    }

    private func amend(
        _ study: Study, _ text: String, _ reason: String, at now: Timestamp
    ) throws(Problem) -> [Event] {
        guard !study.standing.isOver else { throw over(study) }
        let plan = try parsed(text)
        let digest = StudyPlan.digest(of: text)
        if digest == study.planDigest { return [] }
        try unexpired(plan, at: now)
        let former = study.plan
        let fixed: [(String, Bool)] = [
            ("name", plan.name == former.name), ("kind", plan.kind == former.kind), ("task", plan.task == former.task),
            ("objective", plan.objective == former.objective),
            ("classes", plan.classes.map(\.name) == former.classes.map(\.name)), ("head", plan.head == former.head),
            ("contrasts", plan.contrasts == former.contrasts),
            ("recipe", plan.recipe.givesTheSame(as: former.recipe)),
            ("initial", plan.initial == former.initial), ("leave_out", plan.leaveOut == former.leaveOut),
        ]
        if let changed = fixed.first(where: { !$0.1 }) {
            throw Problem(
                .conflict,
                "An amendment cannot change `\(changed.0)`, since the model is made for it: create a new study.")
        }
        guard study.completed < plan.rounds else {
            throw Problem(
                .conflict, "Study \(study.name) has \(study.completed) rounds behind it: `rounds` must be more.")
        }
        return failing(study, "the plan was amended")
            + [.studyAmended(study: study.name, plan: digest, text: text, reason: reason)]
    }
}
