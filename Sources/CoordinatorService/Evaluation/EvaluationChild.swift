import Cohort
import Compute
import Encoder
import Federation
import Files
import Foundation
import Statistics
import Training

/// The evaluation's process: reads a request, runs the models, writes what came of it.
package enum EvaluationChild {
    /// What is in the result's file.
    enum Answer: Codable {
        case outcome(EvaluationOutcome)
        case problem(EvaluationError)
    }

    /// - Parameters:
    ///   - request: path of an ``EvaluationRequest``.
    ///   - result: path for the answer; it appears whole.
    package static func run(request: String, result: String) throws {
        let answer: Answer
        do {
            let asked = try JSONDecoder().decode(
                EvaluationRequest.self, from: Data(contentsOf: URL(filePath: request)))
            answer = .outcome(try evaluate(asked))
        } catch { answer = .problem(EvaluationError("\(error)")) }
        try DurableFile.write(MessageCoding.encode(answer).utf8, to: result)
    }

    private static func evaluate(_ request: EvaluationRequest) throws -> EvaluationOutcome {
        guard request.set.isDeclared else {
            throw EvaluationError(
                "The evaluation set \(request.set.name) does not say where it comes from: declare public, synthetic or "
                    + "agreement <reference>")
        }
        let plan = request.plan
        let cases = try TaskCases(
            manifest: request.set.manifest, column: plan.task, classes: plan.classes.map(\.name))
        let chosen = cases.of(request.split)
        guard !chosen.isEmpty else {
            throw EvaluationError(
                "\(request.set.manifest) has no \(request.split.rawValue) case with a \(plan.task) label: add some")
        }
        let source = try CaseSource(
            recipe: try MessageCoding.encode(plan.recipe), contrasts: plan.contrasts,
            cache: request.cache.map { PreparedCache(folder: $0) })
        let precision = request.precision ?? plan.training.precision.map { $0 == .bf16 ? .bf16 : .fp32 } ?? .suited
        var outcome = EvaluationOutcome(
            set: request.set.name, origin: request.set.origin, split: request.split,
            cases: cases.counts(request.split), models: [], areas: [], calls: [],
            device: try Device(precision: precision, threads: request.threads).description)
        // When the service is gone nobody waits for the answer.
        let service = getppid()
        for model in request.models {
            let file = try ModelFile(model.path)
            guard file.description.configuration.head?.classes == plan.classes.count else {
                throw EvaluationError("The model \(model.digest) has no head for the \(plan.classes.count) classes")
            }
            let scores = try CaseScores.of(
                file, cases: chosen, load: { try source.input($0) }, precision: precision, threads: request.threads,
                progress: { _ in getppid() == service })
            guard let scores else { throw EvaluationError("The service ended during the evaluation") }
            var histogram = HistogramBuilder(classes: plan.classes.count)
            for (logits, label) in zip(scores.logits, scores.labels) {
                histogram.add(logits: logits.map { Double($0) }, label: label)
            }
            outcome.models.append(histogram.scores(model: model.digest))
            let labels = scores.labels.map { $0 == plan.positive }
            let positive = scores.probabilities.map { $0[plan.positive] }
            let estimate =
                ClusteredArea.estimate(
                    labels: labels, scores: positive, patients: chosen.map(\.record.patient))
                ?? ROC(labels: labels, scores: positive).area.map {
                    DeLong.Estimate(area: $0, variance: nil, disjointPairs: 0)
                }
            outcome.calls.append(
                model.threshold.flatMap { threshold in
                    let called = scores.probabilities.map { ($0[1] >= threshold ? 1 : 0) == plan.positive }
                    return EvaluationOutcome.Calls(labels, called)
                })
            outcome.areas.append(
                estimate.map { found in
                    EvaluationOutcome.Area(
                        value: found.area, interval: found.interval?.ends)
                })
        }
        return outcome
    }
}
