import Encoder
import Federation
import Reporting
import Weights

/// What the training of a study's model took, of all sites and committed rounds together.
struct TrainingEffort {
    private let study: String
    private let steps: Int
    private let cases: Int
    /// Values of the model that the task uses, and those of them that are trained; nil where the model is gone or another
    /// program's.
    private let parameters: (used: Int, trained: Int)?
    /// Of a case shown in training; nil in pretraining, which shows parts and views of cases.
    private let flop: Double?

    /// - Parameter model: the one in force.
    init(_ study: Study, model: ModelFile?) {
        self.study = study.name
        let rounds = study.rounds.filter { $0.phase == .committed }
        steps = rounds.reduce(0) { $0 + $1.counted.reduce(0) { $0 + $1.steps } }
        cases = rounds.reduce(0) { sum, round in
            let training = study.plan(of: round).training
            return sum + round.counted.reduce(0) { $0 + Self.shown($1, training) }
        }
        guard let model, let update = try? UpdateLayout(base: model.file.header, plan: study.plan) else {
            (parameters, flop) = (nil, nil)
            return
        }
        let isPretraining = study.plan.objective != nil
        let used = ParameterLayout(model.description.configuration).parameters.filter {
            isPretraining || !Trainable.decoderOnly($0.name)
        }
        let names = Set(update.entries.map(\.name))
        let trained = used.filter { names.contains($0.name) }
        parameters = (used.reduce(0) { $0 + $1.count }, trained.reduce(0) { $0 + $1.count })
        let passes = trained.allSatisfy { ParameterLayout.isHead($0.name) } ? 1.0 : 3
        flop = isPretraining ? nil : 2 * Double(model.description.configuration.encoder.products) * passes
    }

    /// A step takes no cases beyond its epoch: the last of one is mostly short.
    private static func shown(_ update: ReceivedUpdate, _ training: LocalTraining) -> Int {
        let step = training.batch * training.accumulate
        switch training.length {
        case .epochs(let epochs): return update.samples * epochs
        case .steps:
            let epoch = max(1, (update.samples + step - 1) / step)
            return update.steps / epoch * update.samples + min(update.steps % epoch * step, update.samples)
        }
    }

    static func table(_ efforts: [TrainingEffort]) -> ReportTable {
        var table = ReportTable(
            "effort", title: "What training took, all sites and committed rounds",
            columns: ["study", "parameters", "of them trained", "optimiser steps", "cases shown", "GFLOP a case"],
            note:
                "A case is counted as three forward passes of the encoder, as one where the head alone is trained; heads "
                + "are not counted. Of pretraining, which shows parts and views of cases, none is told.")
        for effort in efforts {
            table.add([
                effort.study, effort.parameters.map { "\($0.used)" } ?? "",
                effort.parameters.map { "\($0.trained)" } ?? "", "\(effort.steps)", "\(effort.cases)",
                Number.text(effort.flop.map { $0 / 1e9 }),
            ])
        }
        return table
    }
}
