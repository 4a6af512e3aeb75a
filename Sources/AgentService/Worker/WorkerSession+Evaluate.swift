import Cohort
import Compute
import Encoder
import Federation
import Foundation
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
        let precision = plan.precision(site: task.precision)
        let threads = plan.training.threads ?? task.threads
        let models = [task.base] + (task.candidate.map { [$0] } ?? [])
        let device = try Device(precision: precision, threads: threads)
        func result(_ counts: [Int], _ scores: [EvaluationReport.Scores]) -> WorkerResult {
            WorkerResult(
                .evaluation(WorkerResult.Evaluation(cases: counts, models: scores)), of: task,
                device: device.description)
        }
        if case .restoration(let scheme) = plan.goal {
            let errors = try RestorationErrors(scheme, seed: plan.seed, precision: precision, threads: threads)
            var scores: [EvaluationReport.Scores] = []
            for (index, model) in models.enumerated() {
                let error = try errors.mean(
                    of: ModelFile(model.path), cases: select, load: { try source.input($0) }
                ) { done in
                    progress.show(.evaluating, index * select.count + done, of: models.count * select.count)
                    return !shouldStop()
                }
                guard let error else { return nil }
                scores.append(.init(model: model.digest, loss: error, correct: 0, histograms: []))
            }
            return result([select.count], scores)
        }
        var scores: [EvaluationReport.Scores] = []
        var counts: [Int] = []
        for (index, model) in models.enumerated() {
            let file = try ModelFile(model.path)
            guard file.description.configuration.head?.classes == plan.classes.count else {
                throw TrainingError(.settings, "\(model.path) has no head for the plan's classes")
            }
            let made = try CaseScores.of(
                file, cases: select, load: { try source.input($0) }, precision: precision, threads: threads
            ) { done in
                progress.show(.evaluating, index * select.count + done, of: models.count * select.count)
                return !shouldStop()
            }
            guard let made else { return nil }
            var histogram = HistogramBuilder(classes: plan.classes.count)
            for (logits, label) in zip(made.logits, made.labels) {
                histogram.add(logits: logits.map { Double($0) }, label: label)
            }
            scores.append(histogram.scores(model: model.digest))
            counts = histogram.counts()
        }
        return result(counts, scores)
    }
}
