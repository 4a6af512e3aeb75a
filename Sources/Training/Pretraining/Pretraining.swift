package import Cohort
package import Compute
import Cryptography
package import Encoder
import Foundation
import Imaging

/// Pretraining at one site: restoring what was taken out of a manifest's cases, with checkpoints, a history, pictures, and the
/// model that restores the select cases best.
///
/// ```swift
/// let outcome = try Pretraining(request).run(report: { print($0) }, shouldStop: { false })
/// ```
package final class Pretraining {
    package struct Request: Sendable {
        package var start: FitRequest.Start
        package var objective: PretrainingObjective
        /// Class weights and the criterion are not used.
        package var settings: FitSettings
        /// Cases of the test split are not looked at.
        package var cases: [LabelledCase]
        /// Prepares a case; called from several threads.
        package var load: @Sendable (CaseRecord) throws -> EncoderInput
        package var precision: Precision
        package var threads: Int?
        /// The folder of everything that is written.
        package var out: String
        /// Seconds between checkpoints within an epoch.
        package var checkpointSeconds: Double
        /// Epochs between two pictures; nil for none.
        package var pictures: Int?

        package init(
            start: FitRequest.Start, objective: PretrainingObjective, settings: FitSettings, cases: [LabelledCase],
            load: @escaping @Sendable (CaseRecord) throws -> EncoderInput, precision: Precision, threads: Int? = nil,
            out: String, checkpointSeconds: Double = 600, pictures: Int? = nil
        ) {
            self.start = start
            self.objective = objective
            self.settings = settings
            self.cases = cases
            self.load = load
            self.precision = precision
            self.threads = threads
            self.out = out
            self.checkpointSeconds = checkpointSeconds
            self.pictures = pictures
        }
    }

    package enum Report: Sendable {
        /// A sentence a person should read.
        case note(String)
        case reading(done: Int, total: Int)
        /// A step of all, and the loss's parts.
        case step(done: Int, total: Int, loss: Double, parts: RestorationLoss.Value?)
        case epoch(EpochRecord, of: Int)
    }

    /// The content of `metrics.json`.
    package struct Metrics: Codable, Sendable, Equatable {
        package var epochs: Int
        package var bestEpoch: Int
        /// Mean absolute error of restored select cases, of the best epoch and before the first, and of what was shown as
        /// it is, with nothing restored; nil without such cases.
        package var error: Double?
        package var errorBefore: Double?
        package var errorOfViews: Double?
        package var modelDigest: String
        package var notice = ModelDescription.investigational

        private enum CodingKeys: String, CodingKey {
            case epochs, bestEpoch = "best_epoch", error, errorBefore = "error_before", errorOfViews = "error_of_views",
                modelDigest = "model_digest",
                notice
        }
    }

    private let request: Request
    private let folder: FitFolder
    private let round: LocalRound
    private let errors: RestorationErrors
    private let select: [LabelledCase]
    private let description: ModelDescription
    private let clock = ContinuousClock()

    /// Checks the request and the memory; reads no case.
    /// - Throws: one sentence saying what cannot be done and why.
    package init(_ request: Request) throws {
        self.request = request
        let s = request.settings
        let model = request.objective.model(request.start.encoder)
        description = try request.start.description(of: model, recipe: s.recipe)
        select = request.cases.filter { $0.split == .select }
        folder = try FitFolder(request.out)
        var identity = s.identity
        identity["starting weights"] = request.start.identity
        identity["objective"] = request.objective.rawValue
        try Self.claim(
            folder,
            identity.merging(["seed": "\(s.seed)", "data": Self.digest(of: request.cases)]) { $1 })
        try folder.makeCheckpointFolder()
        errors = try RestorationErrors(
            request.objective, seed: s.seed, precision: request.precision, threads: request.threads)
        let training = request.cases.count { $0.split == .train }
        let schedule = s.schedule(cases: training)
        round = try LocalRound(
            LocalRound.Request(
                model: model, goal: request.objective.goal, begin: Self.begin(request.start, seed: s.seed),
                settings: s, length: .epochs(s.epochs), rate: { schedule.rate(at: $0) },
                trains: { !s.freezes($0) }, cases: request.cases, load: request.load, precision: request.precision,
                threads: request.threads,
                identity: identity, checkpoint: folder.checkpoint, checkpointSeconds: request.checkpointSeconds,
                replacesOthers: false))
    }

    /// Over names and splits, before anything is read; the checkpoint's own is over voxels too.
    private static func digest(of cases: [LabelledCase]) -> String {
        var hash = SHA256()
        for labelled in cases { hash.update("\(labelled.record.id)\n\(labelled.split.rawValue)\n") }
        return hash.finish()
    }

    /// Writes what is going to be trained here, or finds it to be the same.
    /// - Throws: ``TrainingError`` when the folder holds anything else, which stays as it is.
    private static func claim(_ folder: FitFolder, _ identity: [String: String]) throws {
        let path = folder.path + "/pretraining.json"
        let files = FileManager.default
        // What ended before its first checkpoint, such as for a case it could not read, left nothing to go on from.
        guard [folder.model, folder.fit, folder.checkpoint].contains(where: files.fileExists(atPath:)) else {
            return try OutputFile.write(json: identity, to: path)
        }
        guard let data = files.contents(atPath: path) else {
            throw folder.wouldOverwrite("it is of another training: \(path) is not there")
        }
        guard let known = try? JSONDecoder().decode([String: String].self, from: data) else {
            throw folder.wouldOverwrite("\(path) cannot be read")
        }
        try folder.requireSame(known, as: identity)
    }

    private static func begin(_ start: FitRequest.Start, seed: UInt64) -> @Sendable (ParameterStore) throws -> Void {
        { store in
            store.initialise(seed: seed)
            if case .weights(let file, _) = start { _ = try file.load(into: store) }
        }
    }

    /// Trains until the last epoch or until asked to stop.
    ///
    /// - Parameters:
    ///   - report: told of every step and epoch.
    ///   - shouldStop: asked between passes.
    /// - Returns: nil when asked to stop; the same request goes on from the checkpoint.
    package func run(report: (Report) -> Void, shouldStop: () -> Bool) throws -> Metrics? {
        if let done = try? JSONDecoder().decode(Metrics.self, from: Data(contentsOf: URL(filePath: folder.metrics))),
            FileManager.default.fileExists(atPath: folder.model)
        {
            report(.note("\(folder.path) was finished before: nothing is left to do"))
            return done
        }
        let began = clock.now
        var earlierSeconds: Double?
        let result = try round.run(
            report: { told in
                switch told {
                case .reading(let done, let total): report(.reading(done: done, total: total))
                case .step(let done, let total, let loss, let parts):
                    report(.step(done: done, total: total, loss: loss, parts: parts))
                }
            }, shouldStop: shouldStop,
            epochEnd: { state, trainer, history in
                let earlier = earlierSeconds ?? history.last?.seconds ?? 0
                earlierSeconds = earlier
                let seconds = earlier + (clock.now - began) / .seconds(1)
                guard let row = try endEpoch(&state, trainer, seconds: seconds, shouldStop) else {
                    return .stopped
                }
                try OutputFile.write(EpochRecord.table(history + [row]), to: folder.history)
                report(.epoch(row, of: request.settings.epochs))
                return .row(row)
            })
        guard result != nil else { return nil }
        return try finish()
    }

    private func endEpoch(
        _ state: inout FitState, _ trainer: Trainer, seconds: Double, _ shouldStop: () -> Bool
    ) throws -> EpochRecord? {
        var evaluation = Evaluation(probabilities: [], labels: [])
        if !select.isEmpty {
            guard
                let error = try errors.mean(
                    of: trainer.store, description.configuration, cases: select, load: request.load,
                    progress: { _ in !shouldStop() })
            else { return nil }
            evaluation.cases = select.count
            evaluation.loss = error
        }
        let score = evaluation.loss.map { -$0 } ?? Double(state.epoch)
        let isBest = state.best.map { score > $0.score } ?? true
        if isBest {
            let digest = try ModelFile.save(trainer.store, as: description, to: folder.model)
            state.best = FitState.Best(
                epoch: state.epoch, score: score, loss: evaluation.loss ?? 0, digest: digest)
        }
        if let every = request.pictures, state.epoch % every == 0 || state.epoch == request.settings.epochs {
            try draw(trainer.store, epoch: state.epoch)
        }
        return EpochRecord(
            epoch: state.epoch, step: state.optimizerSteps,
            rate: request.settings.schedule(cases: request.cases.count { $0.split == .train })
                .rate(at: state.optimizerSteps - 1),
            trainLoss: state.lossSum / Double(max(state.lossCases, 1)), select: evaluation, isBest: isBest,
            seconds: seconds)
    }

    /// A case that was not trained on, where there is one: what is there, what the network saw, what it made of it.
    private func draw(_ store: ParameterStore, epoch: Int) throws {
        guard let shown = (select.first ?? request.cases.first { $0.split == .train }) else { return }
        let pictures = folder.path + "/pictures"
        try OutputFile.makeFolder(pictures)
        try errors.picture(
            of: store, description.configuration, request.load(shown.record), shown.record.id
        ).write(to: pictures + "/epoch-\(String(format: "%04d", epoch)).png")
    }

    private func finish() throws -> Metrics {
        guard let best = try Checkpoint.read(folder.checkpoint)?.state.best else {
            throw TrainingError(.checkpoint, "\(folder.checkpoint) is gone: begin anew with another --out")
        }
        let metrics = Metrics(
            epochs: request.settings.epochs, bestEpoch: best.epoch, error: select.isEmpty ? nil : best.loss,
            errorBefore: try before(),
            errorOfViews: try errors.ofViews(
                select, description.configuration.encoder, load: request.load), modelDigest: best.digest)
        try OutputFile.write(json: metrics, to: folder.metrics)
        folder.removeCheckpoint()
        return metrics
    }

    /// The error of the model as it was before the first step, whose weights take the place of the last ones: those of the
    /// best epoch are in the file.
    private func before() throws -> Double? {
        guard !select.isEmpty else { return nil }
        try Self.begin(request.start, seed: request.settings.seed)(round.store)
        return try errors.mean(of: round.store, description.configuration, cases: select, load: request.load)
    }
}
