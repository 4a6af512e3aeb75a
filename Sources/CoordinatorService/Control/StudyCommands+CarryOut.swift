import Cohort
import Federation
import Foundation
import Training

extension CreateStudy {
    package func carryOut(at desk: OperatorDesk) async throws -> StudyReport {
        let parsed = try StudyPlan.read(plan, file: file)
        try desk.requireEvaluationSet(of: parsed, file: file)
        if let weights {
            guard case .weights(let digest) = parsed.initial else {
                throw OperatorError("\(file) does not begin from weights; leave --weights out, or say so in the plan")
            }
            let object = try await desk.coordinator.bring(weights)
            guard object.digest == digest else {
                throw OperatorError("\(weights) has the digest \(object.digest), but \(file) begins from \(digest)")
            }
        }
        try await desk.coordinator.perform(.createStudy(text: plan), by: "operator")
        return try await StudyReport.of(parsed.name, at: desk)
    }
}

extension AmendStudy {
    package func carryOut(at desk: OperatorDesk) async throws -> StudyReport {
        try desk.requireEvaluationSet(of: StudyPlan.read(plan, file: file), file: file)
        try await desk.coordinator.perform(.amendStudy(study: study, text: plan, reason: reason), by: "operator")
        return try await StudyReport.of(study, at: desk)
    }
}

extension SteerStudy {
    package func carryOut(at desk: OperatorDesk) async throws -> StudyReport {
        let command: Command =
            switch action {
            case .start: .startStudy(study: study)
            case .pause: .pauseStudy(study: study, reason: reason)
            case .resume: .resumeStudy(study: study)
            case .abort: .abortStudy(study: study, reason: reason)
            }
        try await desk.coordinator.perform(command, by: "operator")
        return try await StudyReport.of(study, at: desk)
    }
}

extension ListStudies {
    package func carryOut(at desk: OperatorDesk) async throws -> [StudyReport] {
        if let study { return [try await StudyReport.of(study, at: desk)] }
        var reports: [StudyReport] = []
        for name in desk.coordinator.state.studies.keys.sorted() {
            reports.append(try await StudyReport.of(name, at: desk))
        }
        return reports
    }
}

extension OpenLockedTest {
    package func carryOut(at desk: OperatorDesk) async throws -> StudyReport {
        let subject = try desk.study(study)
        guard let chosen = model ?? subject.base?.digest else {
            throw OperatorError("\(study) has no model yet; open its locked test when a round is committed")
        }
        try desk.requireEvaluationSet(of: subject.plan, file: "the plan of \(study)")
        try await desk.coordinator.perform(
            .openLockedTest(study: study, model: chosen, purpose: purpose), by: "operator")
        if let set = subject.plan.evaluation.coordinator, let service = desk.service {
            try await evaluate(subject, model: chosen, on: set, by: service, at: desk.coordinator)
        }
        return try await StudyReport.of(study, at: desk)
    }

    /// The coordinator's own locked test set, once it is open.
    private func evaluate(
        _ study: Study, model: String, on set: String, by service: OperatorDesk.Service, at coordinator: Coordinator
    ) async throws {
        let outcome = try await service.evaluator.get().evaluate(
            set: set, split: .test, plan: study.plan,
            models: [
                .init(
                    path: coordinator.store.objects.path(of: model), digest: model,
                    threshold: study.rounds.last { $0.candidate?.digest == model }?.gate?.judgement?.point?.threshold)
            ],
            name: "\(study.name).locked-test")
        guard let area = outcome.areas.first ?? nil else {
            throw OperatorError(
                "the locked test is opened and counted, but of the test cases of \(set) none, or every one, is "
                    + "\(study.plan.classes[study.plan.positive].name): no area can be told")
        }
        let note = "\(outcome.cases.reduce(0, +)) cases, \(outcome.origin)"
        var figures = [
            ReleaseCard.Figure(
                name: "AUC, locked test of \(set)", value: area.value, interval: area.interval,
                note: note + ", all of them compared with all")
        ]
        if let calls = outcome.calls.first ?? nil {
            for (name, share) in [("sensitivity", calls.sensitivity), ("specificity", calls.specificity)] {
                figures.append(
                    ReleaseCard.Figure(
                        name: "\(name), locked test of \(set)", value: share.value, interval: share.interval,
                        note: "\(share.cases) cases, at the threshold chosen on the sites' select cases"))
            }
        }
        try await coordinator.perform(
            .recordEvaluation(study: study.name, model: model, set: "\(set) (locked test)", figures: figures),
            by: "operator")
    }
}

extension OperatorDesk {
    /// What a round would otherwise find out after it was trained.
    fileprivate func requireEvaluationSet(of plan: StudyPlan, file: String) throws(OperatorError) {
        guard let name = plan.evaluation.coordinator else { return }
        guard let set = configuration.evaluation.first(where: { $0.name == name }) else {
            throw OperatorError(
                "\(file) evaluates on the coordinator's set \(name), which coordinator.yaml does not name: add it under "
                    + "evaluation and start the coordinator anew")
        }
        do {
            _ = try TaskCases(manifest: set.manifest, column: plan.task, classes: plan.classes.map(\.name))
        } catch { throw OperatorError("the evaluation set \(name): \(error)") }
    }
}

extension StudyPlan {
    /// Reads a plan as its author gave it.
    /// - Throws: ``OperatorError`` with the file, and the line and the nearest name or what no site could carry out.
    static func read(_ text: String, file: String) throws(OperatorError) -> StudyPlan {
        let plan: StudyPlan
        do { plan = try StudyPlan.parse(text) } catch { throw OperatorError("\(file), \(error)") }
        do { try InitialModel.check(plan) } catch { throw OperatorError("\(file): \(error)") }
        return plan
    }
}

extension StudyReport {
    static func of(_ name: String, at desk: OperatorDesk) async throws -> StudyReport {
        let state = desk.coordinator.state
        guard let study = state.studies[name], let status = state.status(of: name) else {
            throw OperatorError("there is no study \(name); coordinator study status lists them")
        }
        let presence = desk.coordinator.presence
        let uploads = try await study.openRound.asyncMap { try await desk.coordinator.uploads(of: $0.reference) } ?? [:]
        let live = status.sites.map { row in
            let connections = state.sites[row.site].map { desk.connections(of: $0) } ?? 0
            return Live(
                site: row.site, connected: connections > 0,
                activity: presence[row.site]?.activities.last { $0.round.study == name },
                received: uploads[row.site]?.offset ?? 0, bytes: uploads[row.site]?.bytes ?? 0)
        }
        let left = try await desk.coordinator.remainingTimes().first { $0.key.round == study.openRound?.reference }
        return StudyReport(status: status, live: live, secondsLeft: left.map { Double($0.value) / 1000 })
    }
}

extension Optional {
    fileprivate func asyncMap<T>(_ body: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let self else { return nil }
        return try await body(self)
    }
}
