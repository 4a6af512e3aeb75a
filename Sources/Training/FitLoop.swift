import Cohort
import Cryptography
import Encoder
import Foundation

/// The epochs of a fit: steps, validation, checkpoints.
final class FitLoop {
    private let fit: Fit
    private let trainer: Trainer
    private let present: [[Bool]]
    private let identity: [String: String]
    private let frozen: FrozenFeatures?
    private(set) var state: FitState
    private var history: [EpochRecord]
    private let clock = ContinuousClock()
    private let began: ContinuousClock.Instant
    private let earlierSeconds: Double
    private var lastCheckpoint: ContinuousClock.Instant

    init(
        fit: Fit, trainer: Trainer, present: [[Bool]], identity: [String: String], state: FitState,
        history: [EpochRecord]
    ) {
        self.fit = fit
        self.trainer = trainer
        self.present = present
        self.identity = identity
        self.state = state
        self.history = history
        // Features are kept of cases that are shown the same each time.
        frozen =
            trainer.trainsHeadOnly && fit.augmentation.kinds.isEmpty
            ? FrozenFeatures(fit.cases, network: trainer.network) : nil
        began = clock.now
        lastCheckpoint = began
        earlierSeconds = state.seconds
    }

    /// - Returns: false when asked to stop; a checkpoint is then in place.
    func run(report: (FitReport) -> Void, shouldStop: () -> Bool) throws -> Bool {
        let training = fit.cases.indices(.train)
        let settings = fit.request.settings
        let schedule = settings.schedule(cases: training.count)
        let steps = settings.steps(cases: training.count)
        var pace = Pace(total: settings.epochs * steps - state.epoch * steps - state.step)
        while state.epoch < settings.epochs {
            let plan = EpochPlan(training, present: present, settings: settings, epoch: state.epoch)
            let rest = Array(plan.steps[state.step...])
            let maker = trainer.goal.maker(
                fit.cases, trainer.network.model.encoder, seed: settings.seed, epoch: state.epoch,
                augmentation: fit.augmentation)
            let queue = frozen == nil ? MicroBatchQueue(rest.flatMap { $0 }, make: maker) : nil
            defer { queue?.cancel() }
            for step in rest {
                let started = seconds()
                let rate = schedule.rate(at: state.optimizerSteps)
                guard let loss = try self.step(step, rate: rate, queue: queue, shouldStop: shouldStop) else {
                    return try stop()
                }
                let count = step.reduce(0) { $0 + $1.count }
                state.step += 1
                state.optimizerSteps = trainer.optimizer.step
                state.lossSum += loss * Double(count)
                state.lossCases += count
                pace.add(samples: count, from: started, to: seconds())
                report(
                    .step(
                        FitProgress(
                            epoch: state.epoch + 1, epochs: settings.epochs, step: state.step, steps: steps,
                            loss: loss, rate: rate, samplesPerSecond: pace.samplesPerSecond,
                            secondsLeft: pace.secondsLeft)))
                if clock.now - lastCheckpoint > .seconds(fit.request.checkpointSeconds) { try checkpoint() }
            }
            guard try endEpoch(report, shouldStop, rate: schedule.rate(at: state.optimizerSteps - 1)) else {
                return try stop()
            }
        }
        return true
    }

    /// - Returns: the loss; nil when asked to stop, the parameters are then as before the step.
    private func step(_ passes: [[Sample]], rate: Float, queue: MicroBatchQueue?, shouldStop: () -> Bool) throws
        -> Double?
    {
        let outcome = try trainer.step(
            passes, of: fit.cases, rate: rate, next: { try frozen?.batch($0) ?? queue?.next() }, shouldStop: shouldStop)
        switch outcome {
        case .loss(let loss): return loss
        case .stopped: return nil
        case .notFinite(let what, let samples): throw notFinite(what, samples)
        }
    }

    private func notFinite(_ what: String, _ samples: [Sample]) -> TrainingError {
        let names = samples.map { fit.cases.cases[$0.index].record.id }
        let shown = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
        return TrainingError(
            .notFinite,
            "The \(what) of epoch \(state.epoch + 1) after step \(state.step) is not a finite number (cases \(shown)): "
                + "lower --rate or look at these cases; the last checkpoint is kept")
    }

    /// Validates, keeps the best, writes history and checkpoint.
    private func endEpoch(_ report: (FitReport) -> Void, _ shouldStop: () -> Bool, rate: Float) throws -> Bool {
        guard let evaluation = try evaluate(.select, shouldStop) else { return false }
        let trainLoss = state.lossSum / Double(max(state.lossCases, 1))
        let isBest = isBetter(evaluation)
        if isBest {
            let digest = try ModelFile.save(trainer.store, as: fit.description, to: fit.folder.model)
            state.best = FitState.Best(
                epoch: state.epoch + 1, score: score(evaluation) ?? 0, loss: evaluation.loss ?? 0, digest: digest)
        }
        state.epoch += 1
        state.step = 0
        state.lossSum = 0
        state.lossCases = 0
        let record = EpochRecord(
            epoch: state.epoch, step: state.optimizerSteps, rate: rate, trainLoss: trainLoss, select: evaluation,
            isBest: isBest, seconds: earlierSeconds + seconds())
        history.append(record)
        try OutputFile.write(EpochRecord.table(history), to: fit.folder.history)
        try checkpoint()
        report(.epoch(record, of: fit.request.settings.epochs))
        return true
    }

    /// Larger is better; nil where the criterion is not defined on these cases.
    private func score(_ evaluation: Evaluation) -> Double? {
        switch fit.request.settings.select {
        case .auc: evaluation.auc
        case .accuracy: evaluation.accuracy
        case .loss: evaluation.loss.map { -$0 }
        }
    }

    /// Better by the criterion, or as good with a lower loss; without cases to select on, the latest.
    private func isBetter(_ evaluation: Evaluation) -> Bool {
        guard let loss = evaluation.loss, let best = state.best else { return true }
        // One class only has no AUC: the loss decides.
        guard let score = score(evaluation) else { return loss < best.loss }
        return score > best.score || (score == best.score && loss < best.loss)
    }

    /// - Returns: nil when asked to stop.
    private func evaluate(_ split: Split, _ shouldStop: () -> Bool) throws -> Evaluation? {
        let indices = fit.cases.indices(split)
        let passes = indices.map { Sample(index: $0, shown: present[$0]) }.pieces(of: fit.request.settings.batch)
        let queue =
            frozen == nil ? MicroBatchQueue(passes) { [cases = fit.cases] in try .images(of: $0, from: cases) } : nil
        defer { queue?.cancel() }
        var probabilities: [[Double]] = []
        for samples in passes {
            if shouldStop() { return nil }
            guard let batch = try frozen?.batch(samples) ?? queue?.next() else { return nil }
            let logits = try trainer.logits(batch)
            guard logits.allSatisfy(\.isFinite) else { throw notFinite("prediction", samples) }
            let classes = logits.count / samples.count
            probabilities += samples.indices.map { CrossEntropy.softmax(logits[$0 * classes..<($0 + 1) * classes]) }
        }
        return Evaluation(probabilities: probabilities, labels: indices.map { fit.cases.cases[$0].label })
    }

    /// Evaluates the best model on what it was chosen on and on what it never saw.
    /// - Returns: nil when asked to stop.
    func finish(_ shouldStop: () -> Bool) throws -> FitMetrics? {
        guard let best = state.best else { return nil }
        guard SHA256.hex(ofFile: fit.folder.model) == best.digest else {
            throw TrainingError(
                .checkpoint,
                "\(fit.folder.model) is not the model of epoch \(best.epoch) this fit wrote: put it back, or delete "
                    + "\(fit.folder.checkpoint) to begin anew")
        }
        if best.epoch != state.epoch {
            _ = try ModelFile(fit.folder.model).load(into: trainer.store)
        }
        guard let select = try evaluate(.select, shouldStop), let test = try evaluate(.test, shouldStop) else {
            return nil
        }
        return FitMetrics(
            task: fit.request.task.column, classes: fit.request.task.classes,
            threshold: fit.description.threshold ?? 0.5, bestEpoch: best.epoch,
            select: select.cases > 0 ? select : nil, test: test.cases > 0 ? test : nil, modelDigest: best.digest)
    }

    private func stop() throws -> Bool {
        try checkpoint()
        return false
    }

    private func checkpoint() throws(TrainingError) {
        state.seconds = earlierSeconds + seconds()
        try Checkpoint.write(
            fit.folder.checkpoint, store: trainer.store, optimizer: trainer.optimizer, state: state,
            identity: identity, history: history)
        lastCheckpoint = clock.now
    }

    private func seconds() -> Double {
        let d = clock.now - began
        return Double(d.components.seconds) + Double(d.components.attoseconds) * 1e-18
    }
}

/// How fast steps go.
private struct Pace {
    /// Steps to do in this run.
    let total: Int
    private var done = 0
    private var samples = 0
    /// Seconds within steps, and since the run began: the latter holds validation and checkpoints too.
    private var inSteps = 0.0
    private var elapsed = 0.0

    init(total: Int) { self.total = total }

    mutating func add(samples: Int, from start: Double, to end: Double) {
        done += 1
        self.samples += samples
        inSteps += end - start
        elapsed = end
    }

    var samplesPerSecond: Double { inSteps > 0 ? Double(samples) / inSteps : 0 }
    var secondsLeft: Double { done > 0 ? elapsed / Double(done) * Double(total - done) : 0 }
}
