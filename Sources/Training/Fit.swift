import Cohort
import Compute
import Encoder
import Foundation
import Imaging
import Weights

/// Fine-tunes a model on the cases of a task, from the first step or from where an earlier run stopped.
///
/// ```swift
/// let outcome = try Fit(request).run(report: { print($0) }, shouldStop: { false })
/// ```
package final class Fit {
    let request: FitRequest
    let folder: FitFolder
    let device: Device
    let cases: FitCases
    let description: ModelDescription
    let augmentation: Augmentation

    /// Checks the request and the memory; reads no case.
    /// - Throws: one sentence saying what cannot be done and why.
    package init(_ request: FitRequest) throws {
        try request.validate()
        try request.model.encoder.validate()
        self.request = request
        device = try Device(precision: request.precision, threads: request.threads)
        description = try request.description()
        augmentation = try request.settings.augmentation()
        let layout = ParameterLayout(request.model)
        let trained = layout.parameters.filter { Self.trains($0, request.settings) }
        guard !trained.isEmpty else {
            throw TrainingError(.settings, "--freeze leaves nothing to train: leave at least the head free")
        }
        let estimate = MemoryEstimate.fit(
            request.model, precision: request.precision, batch: request.settings.batch, threads: device.threads,
            trained: trained.reduce(0) { $0 + $1.count }, moments: request.settings.optimizer.moments,
            features: trained.allSatisfy { ParameterLayout.isHead($0.name) } ? Self.mostFeatures(request) : nil,
            augmented: !augmentation.kinds.isEmpty)
        let available = MemoryEstimate.available()
        try estimate.require(
            available: available,
            advice: "close other programs, or choose a smaller --batch or --preset, or --precision bf16")
        // Half of what is left keeps cases, so that they are read once and not in every epoch.
        let spare = max((available ?? 0) - estimate.total, 0) / 2
        cases = FitCases(request.cases, budget: spare, load: request.load)
        folder = try FitFolder(request.out)
    }

    /// The most sets of contrasts that cases are shown with over the epochs, and so features kept of a frozen encoder.
    private static func mostFeatures(_ request: FitRequest) -> Int {
        let settings = request.settings
        guard settings.dropContrasts > 0 else { return request.cases.count }
        let subsets = (1 << min(request.model.encoder.inChannels, 20)) - 1
        let training = request.cases.count { $0.split == .train }
        return request.cases.count - training + training * min(subsets, settings.epochs)
    }

    static func trains(_ parameter: Parameter, _ settings: FitSettings) -> Bool {
        !Trainable.decoderOnly(parameter.name) && !settings.freezes(parameter.name)
    }

    /// Sentences about single cases that are told; all of them stand in the fit's description.
    private static let warningsShown = 5

    /// What a person should know of the cases before they are trained on.
    private func notes(_ survey: FitCases.Survey) -> [String] {
        var notes: [String] = []
        let task = request.task
        let choice =
            request.settings.select == .auc
            ? "the best epoch is the one with the least loss" : "the best epoch is chosen without it"
        for (split, meaning) in [(Split.select, choice), (.test, "no AUC of the split can be told")] {
            let labels = Set(cases.indices(split).map { cases.cases[$0].label })
            let missing = task.classes.indices.filter { !labels.contains($0) }
            if labels.isEmpty {
                if split == .select { notes.append("there are no select cases: the last epoch is kept") }
            } else if !missing.isEmpty {
                notes.append(
                    "no \(split.rawValue) case has the \(task.column) label "
                        + "\(missing.map { task.classes[$0] }.joined(separator: " or ")): \(meaning)")
            }
        }
        let training = cases.indices(.train)
        for (place, contrast) in Contrast.allCases.prefix(request.model.encoder.inChannels).enumerated()
        where !training.contains(where: { survey.present[$0][place] }) {
            notes.append("no training case has \(contrast.rawValue): the model learns nothing of it")
        }
        return notes
    }

    /// Trains until the last epoch or until asked to stop.
    ///
    /// - Parameters:
    ///   - report: told of every step and epoch.
    ///   - shouldStop: asked between passes.
    package func run(report: (FitReport) -> Void, shouldStop: () -> Bool) throws -> FitOutcome {
        let survey = try cases.survey(values: request.model.encoder.imageValues) { done in
            report(.reading(done: done, total: request.cases.count))
            if shouldStop() { throw CancellationError() }
        }
        for note in notes(survey) { report(.note(note)) }
        for warning in survey.warnings.prefix(Self.warningsShown) { report(.note(warning)) }
        if survey.warnings.count > Self.warningsShown {
            let more = survey.warnings.count - Self.warningsShown
            report(.note("\(more) more of single cases stand as warnings in \(folder.fit)"))
        }
        let identity = request.identity(device: device, data: survey.digest)
        let earlier = try Checkpoint.read(folder.checkpoint)
        if let metrics = try folder.earlier(identity, hasCheckpoint: earlier != nil) {
            folder.removeCheckpoint()
            report(.note("\(folder.path) was finished before: nothing is left to do"))
            return .finished(metrics)
        }
        let training = request.cases.filter { $0.split == .train }
        if let earlier {
            try folder.requireSame(earlier.identity, as: identity)
            let steps = request.settings.steps(cases: training.count)
            guard
                earlier.state.isPossible(
                    epochs: request.settings.epochs, steps: steps, history: earlier.history.count)
            else {
                throw TrainingError(
                    .checkpoint,
                    "The checkpoint \(folder.checkpoint) stands where this fit cannot be (epoch \(earlier.state.epoch), "
                        + "step \(earlier.state.step)): it is damaged, delete it to begin anew")
            }
        }
        try folder.makeCheckpointFolder()
        let weights = classWeights(training.map(\.label))
        let store = try ParameterStore(ParameterLayout(request.model), device: device)
        let trainer = try Trainer(
            request.model, store: store, batch: request.settings.batch, optimizer: request.settings.optimizer,
            goal: .classification(CrossEntropy(weights: weights)), clip: request.settings.clip,
            trains: { Self.trains($0, request.settings) })
        if let earlier {
            try Checkpoint.restore(
                folder.checkpoint, store: store, optimizer: trainer.optimizer, state: earlier.state)
            try requireModel(earlier.state)
            report(.note("continuing after epoch \(earlier.state.epoch), step \(earlier.state.step)"))
        } else {
            try begin(store, report: report)
        }
        var file = fitFile(identity, trainer, weights, survey.warnings)
        try OutputFile.write(json: file, to: folder.fit)
        let loop = FitLoop(
            fit: self, trainer: trainer, present: survey.present, identity: identity,
            state: earlier?.state ?? FitState(), history: earlier?.history ?? [])
        guard try loop.run(report: report, shouldStop: shouldStop), let metrics = try loop.finish(shouldStop) else {
            return .interrupted(epoch: loop.state.epoch, step: loop.state.step)
        }
        try OutputFile.write(json: metrics, to: folder.metrics)
        file.finished = true
        try OutputFile.write(json: file, to: folder.fit)
        folder.removeCheckpoint()
        return .finished(metrics)
    }

    /// Starting weights.
    private func begin(_ store: ParameterStore, report: (FitReport) -> Void) throws {
        guard case .weights(let file, _) = request.start else {
            return store.initialise(seed: request.settings.seed)
        }
        let present = Set(file.file.tensors.map(\.name))
        store.initialise(seed: request.settings.seed) { !present.contains($0.name) || ParameterLayout.isHead($0.name) }
        // The outputs of a head mean what its task says: of other classes it would begin with wrong answers.
        let (task, classes) = (file.description.task, file.description.classes)
        let isAnswered = task == request.task.column && classes == request.task.classes
        let takesHead = isAnswered && file.description.configuration.head == request.model.head
        var drawn = try file.load(into: store, head: takesHead)
        if file.hasHead, !takesHead {
            drawn.removeAll { ParameterLayout.isHead($0) }
            let what = task.map { "for \($0) (\(classes.joined(separator: ", ")))" } ?? "for a task it does not name"
            report(
                .note("the head of \(file.file.path) is \(isAnswered ? "of another kind" : what): a new one is drawn"))
        }
        if !drawn.isEmpty {
            report(.note("not in \(file.file.path), begun anew: \(drawn.joined(separator: ", "))"))
        }
        let left = present.subtracting(store.layout.parameters.map(\.name)).sorted()
        if !left.isEmpty { report(.note("in \(file.file.path) and not used: \(left.joined(separator: ", "))")) }
    }

    /// The best model so far must still be there to be compared with.
    private func requireModel(_ state: FitState) throws(TrainingError) {
        guard let best = state.best, !FileManager.default.fileExists(atPath: folder.model) else { return }
        throw TrainingError(
            .checkpoint,
            "\(folder.model) of epoch \(best.epoch) is missing: put it back, or delete \(folder.checkpoint) to begin anew"
        )
    }

    private func classWeights(_ labels: [Int]) -> [Float]? {
        switch request.settings.classWeights {
        case .none: return nil
        case .given(let weights): return weights
        case .balanced:
            let classes = request.task.classes.count
            return (0..<classes).map { c in
                Float(Double(labels.count) / Double(classes * max(labels.count { $0 == c }, 1)))
            }
        }
    }

    private func fitFile(_ identity: [String: String], _ trainer: Trainer, _ weights: [Float]?, _ warnings: [String])
        -> FitFile
    {
        var counts: [String: [String: Int]] = [:]
        for labelled in request.cases {
            counts[labelled.split.rawValue, default: [:]][request.task.classes[labelled.label], default: 0] += 1
        }
        let layout = trainer.store.layout
        let trained = layout.parameters.filter { Self.trains($0, request.settings) }
        return FitFile(
            identity: identity, settings: request.settings, model: request.model,
            parameters: layout.parameters.reduce(0) { $0 + $1.count }, trained: trained.reduce(0) { $0 + $1.count },
            cases: counts, classWeights: weights, lineage: description.lineage,
            licenceReference: description.licenceReference, warnings: warnings,
            versions: ["model": ModelDescription.format, "checkpoint": Checkpoint.format], finished: false)
    }
}
