import Cohort
import Compute
import Encoder
import Federation
import Foundation
import Imaging
import Statistics
import Training

extension WorkerSession {
    /// Evaluates base and candidate on the site's select cases.
    func evaluate(_ plan: StudyPlan) throws -> WorkerResult? {
        let cases = try labelledCases(plan)
        let select = cases.of(.select)
        guard select.count >= EgressLimits.standard.leastCases else {
            throw WorkerResult.Refusal(
                .cases, "The site has fewer than \(EgressLimits.standard.leastCases) select cases.",
                local: "The manifest has \(select.count) select cases with a \(plan.task) label")
        }
        let source = try plan.source(cache: cache)
        let models = [task.base] + (task.candidate.map { [$0] } ?? [])
        let training = plan.evaluation.familiarity == nil || plan.pretraining != nil ? [] : cases.of(.train)
        let all = models.count * select.count + training.count
        /// Shows how far it is; false to stop.
        func goesOn(_ index: Int, _ done: Int) -> Bool {
            progress.show(.evaluating, index * select.count + done, of: all)
            return !shouldStop()
        }
        var result =
            if let objective = plan.pretraining {
                try restorationErrors(of: models, by: objective, plan, select, source, goesOn)
            } else {
                try histograms(of: models, plan, select, source, goesOn)
            }
        guard result != nil else { return nil }
        if let dimensions = plan.evaluation.familiarity, let model = models.last, !training.isEmpty {
            let known = try Familiarity.of(
                ModelFile(model.path), digest: model.digest, cases: training.map(\.record), load: source.volume,
                precision: plan.precision(site: task.precision), threads: threads(plan), dimensions: dimensions,
                seed: plan.seed
            ) { goesOn(models.count, $0) }
            if known == nil, shouldStop() { return nil }
            result?.familiarity = known.flatMap { $0.isEnough(for: dimensions) ? $0 : nil }
        }
        guard let result else { return nil }
        let device = try Device(precision: plan.precision(site: task.precision), threads: threads(plan))
        return WorkerResult(.evaluation(result), of: task, device: device.description)
    }

    private func threads(_ plan: StudyPlan) -> Int? { plan.training.threads ?? task.threads }

    private func restorationErrors(
        of models: [WorkerTask.Model], by objective: PretrainingObjective, _ plan: StudyPlan, _ cases: [LabelledCase],
        _ source: CaseSource, _ goesOn: (Int, Int) -> Bool
    ) throws -> WorkerResult.Evaluation? {
        let errors = try RestorationErrors(
            objective, seed: plan.seed, precision: plan.precision(site: task.precision), threads: threads(plan))
        var scores: [EvaluationReport.Scores] = []
        for (index, model) in models.enumerated() {
            let error = try errors.mean(of: ModelFile(model.path), cases: cases, load: source.input) {
                goesOn(index, $0)
            }
            guard let error else { return nil }
            scores.append(.init(model: model.digest, loss: error, correct: 0, histograms: []))
        }
        if let model = models.last, let shown = cases.first {
            // A picture that cannot be written ends no evaluation.
            try? errors.picture(of: ModelFile(model.path), source.input(shown.record), shown.record.id)
                .write(to: folder.picture)
        }
        return WorkerResult.Evaluation(cases: [cases.count], models: scores)
    }

    private func histograms(
        of models: [WorkerTask.Model], _ plan: StudyPlan, _ cases: [LabelledCase], _ source: CaseSource,
        _ goesOn: (Int, Int) -> Bool
    ) throws -> WorkerResult.Evaluation? {
        var scores: [EvaluationReport.Scores] = []
        var counts: [Int] = []
        for (index, model) in models.enumerated() {
            let file = try ModelFile(model.path)
            guard file.description.configuration.head?.classes == plan.classes.count else {
                throw TrainingError(.settings, "\(model.path) has no head for the plan's classes")
            }
            let made = try CaseScores.of(
                file, cases: cases, load: source.input, precision: plan.precision(site: task.precision),
                threads: threads(plan)
            ) { goesOn(index, $0) }
            guard let made else { return nil }
            var histogram = HistogramBuilder(classes: plan.classes.count)
            for (logits, label) in zip(made.logits, made.labels) {
                histogram.add(logits: logits.map { Double($0) }, label: label)
            }
            scores.append(histogram.scores(model: model.digest))
            counts = histogram.counts()
        }
        return WorkerResult.Evaluation(cases: counts, models: scores)
    }
}
