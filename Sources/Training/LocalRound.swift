package import Cohort
package import Compute
package import Encoder
import Foundation

/// One site's training of one round: from the round's base model over the site's training cases, moments begun at
/// nought.
///
/// ```swift
/// let round = try LocalRound(request)
/// if let result = try round.run(report: { … }, shouldStop: { false }) { … round.store … }
/// ```
/// Stopped or killed, a round over the same request goes on from its checkpoint and ends with the same parameters, bit
/// by bit, on the same device.
package final class LocalRound {
    /// How long it trains.
    package enum Length: Sendable, Equatable {
        case steps(Int)
        /// Passes over the training cases.
        case epochs(Int)
    }

    package struct Request: Sendable {
        /// The model trained, and how its parameters begin.
        package var model: ModelConfiguration
        package var begin: @Sendable (ParameterStore) throws -> Void
        package var goal: Goal
        /// Batch, optimiser, clipping, class weights, dropped contrasts, seed; its rate and epochs are not used.
        package var settings: FitSettings
        package var length: Length
        /// The learning rate of each step of the round, 0 for the first.
        package var rate: @Sendable (Int) -> Float
        /// Whether the parameter of a name is trained; those only the decoder uses never are.
        package var trains: @Sendable (String) -> Bool
        /// Training cases; cases of other splits are not looked at.
        package var cases: [LabelledCase]
        /// Prepares a case; called from several threads.
        package var load: @Sendable (CaseRecord) throws -> EncoderInput
        package var precision: Precision
        package var threads: Int?
        /// What must be the same for a checkpoint to be taken up, by name: the round, its plan, its base.
        package var identity: [String: String]
        /// The checkpoint's file.
        package var checkpoint: String
        /// Seconds between checkpoints.
        package var checkpointSeconds: Double
        /// Whether a checkpoint of something else gives way to this round, instead of being an error.
        package var replacesOthers: Bool

        package init(
            model: ModelConfiguration, goal: Goal, begin: @escaping @Sendable (ParameterStore) throws -> Void,
            settings: FitSettings, length: Length, rate: @escaping @Sendable (Int) -> Float,
            trains: @escaping @Sendable (String) -> Bool, cases: [LabelledCase],
            load: @escaping @Sendable (CaseRecord) throws -> EncoderInput, precision: Precision, threads: Int?,
            identity: [String: String], checkpoint: String, checkpointSeconds: Double = 600,
            replacesOthers: Bool = true
        ) {
            self.model = model
            self.goal = goal
            self.begin = begin
            self.settings = settings
            self.length = length
            self.rate = rate
            self.trains = trains
            self.cases = cases
            self.load = load
            self.precision = precision
            self.threads = threads
            self.identity = identity
            self.checkpoint = checkpoint
            self.checkpointSeconds = checkpointSeconds
            self.replacesOthers = replacesOthers
        }
    }

    package enum Report: Sendable, Equatable {
        /// Cases read before the first step.
        case reading(done: Int, total: Int)
        /// `parts` only in pretraining, of the step's last pass.
        case step(done: Int, total: Int, loss: Double, parts: RestorationLoss.Value?)
    }

    /// What came of the time between two epochs.
    package enum EpochEnd {
        /// Nothing was done.
        case nothing
        /// Cases were looked at that are not trained on: a row of the history, which the checkpoint keeps.
        case row(EpochRecord)
        /// Asked to stop.
        case stopped
    }

    package struct Result: Sendable, Equatable {
        /// Training cases.
        package let samples: Int
        /// Optimiser steps.
        package let steps: Int
        /// Mean loss over the cases of the last epoch, or of the last hundred steps.
        package let loss: Double
    }

    /// Steps over which the loss is averaged where the round is counted in steps.
    private static let window = 100

    private let request: Request
    private let device: Device
    private let cases: FitCases
    private let augmentation: Augmentation
    private let stepsPerEpoch: Int
    private let totalSteps: Int
    /// Rows of the epochs that ended, where somebody makes them.
    private var history: [EpochRecord] = []
    /// The parameters, after ``run(report:shouldStop:)`` those of the trained model.
    package let store: ParameterStore
    private let trainer: Trainer

    /// What results depend on beside the request.
    package var deviceDescription: String { device.description }

    /// Checks the request and the memory; reads no case.
    /// - Throws: ``TrainingError`` or ``EncoderError``, one sentence.
    package init(_ request: Request) throws {
        let settings = request.settings
        let model = request.model
        try settings.validate(classes: model.head?.classes ?? 0)
        let training = request.cases.filter { $0.split == .train }
        guard !training.isEmpty else { throw TrainingError(.data, "There is no training case") }
        try request.goal.check(model)
        if case .classification = request.goal, let head = model.head {
            guard training.allSatisfy({ $0.label < head.classes }) else {
                throw TrainingError(.settings, "The base model's head has \(head.classes) classes, fewer than the task")
            }
        }
        self.request = request
        augmentation = try settings.augmentation()
        device = try Device(precision: request.precision, threads: request.threads)
        let trained = ParameterLayout(model).parameters.filter {
            request.trains($0.name) && request.goal.reaches($0.name)
        }
        guard !trained.isEmpty else { throw TrainingError(.settings, "The plan leaves nothing to train") }
        stepsPerEpoch = settings.steps(cases: training.count)
        totalSteps =
            switch request.length {
            case .steps(let steps): steps
            case .epochs(let epochs): epochs * stepsPerEpoch
            }
        // A frozen encoder's features are kept for every set of contrasts that a case is shown with.
        let subsets = settings.dropContrasts > 0 ? (1 << min(model.encoder.inChannels, 8)) - 1 : 1
        let estimate = MemoryEstimate.fit(
            model, precision: request.precision, batch: settings.batch * request.goal.views, threads: device.threads,
            trained: trained.reduce(0) { $0 + $1.count }, moments: settings.optimizer.moments,
            decoded: request.goal.views > 1 ? settings.batch * request.goal.views : 0,
            features: trained.allSatisfy { ParameterLayout.isHead($0.name) } ? training.count * subsets : nil,
            augmented: !augmentation.kinds.isEmpty)
        let available = MemoryEstimate.available()
        try estimate.require(
            available: available, advice: "close other programs, or ask for a smaller batch or model in the plan")
        cases = FitCases(training, budget: max((available ?? 0) - estimate.total, 0) / 2, load: request.load)
        store = try ParameterStore(ParameterLayout(model), device: device)
        trainer = try Trainer(
            model, store: store, batch: settings.batch, optimizer: settings.optimizer,
            goal: request.goal, clip: settings.clip, trains: { request.trains($0.name) })
    }

    /// Trains to the last step.
    ///
    /// - Parameters:
    ///   - report: told of every case read and every step.
    ///   - shouldStop: asked between passes.
    ///   - epochEnd: called after each epoch.
    /// - Returns: nil when asked to stop; a checkpoint is then in place once training had begun.
    package func run(
        report: (Report) -> Void, shouldStop: () -> Bool,
        epochEnd: (_ state: inout FitState, _ trainer: Trainer, _ history: [EpochRecord]) throws -> EpochEnd = {
            _, _, _ in .nothing
        }
    ) throws -> Result? {
        var stopped = false
        let survey: FitCases.Survey
        do {
            survey = try cases.survey(values: request.model.encoder.imageValues) { done in
                report(.reading(done: done, total: cases.cases.count))
                stopped = shouldStop()
                if stopped { throw CancellationError() }
            }
        } catch is CancellationError where stopped { return nil }
        var identity = request.identity
        identity["data"] = survey.digest
        identity["device"] = device.description
        identity["seed"] = "\(request.settings.seed)"
        var state = try begin(identity)
        let frozen =
            trainer.trainsHeadOnly && augmentation.kinds.isEmpty ? FrozenFeatures(cases, network: trainer.network) : nil
        let clock = ContinuousClock()
        var lastCheckpoint = clock.now
        // A checkpoint may stand between the last step of an epoch and what follows it.
        while state.optimizerSteps < totalSteps || state.step == stepsPerEpoch {
            let plan = EpochPlan(
                Array(cases.cases.indices), present: survey.present, settings: request.settings, epoch: state.epoch)
            let rest = plan.steps[state.step...].prefix(totalSteps - state.optimizerSteps)
            let maker = request.goal.maker(
                cases, request.model.encoder, seed: request.settings.seed, epoch: state.epoch,
                augmentation: augmentation)
            let queue = frozen == nil ? MicroBatchQueue(rest.flatMap { $0 }, make: maker) : nil
            defer { queue?.cancel() }
            for passes in rest {
                let outcome = try trainer.step(
                    passes, of: cases, rate: request.rate(state.optimizerSteps),
                    next: { try frozen?.batch($0) ?? queue?.next() }, shouldStop: shouldStop)
                guard case .loss(let loss) = outcome else {
                    if case .notFinite(let what, let samples) = outcome { throw notFinite(what, samples, state) }
                    try write(state, identity)
                    return nil
                }
                count(loss, of: passes, in: &state)
                report(.step(done: state.optimizerSteps, total: totalSteps, loss: loss, parts: trainer.parts))
                if clock.now - lastCheckpoint > .seconds(request.checkpointSeconds) {
                    try write(state, identity)
                    lastCheckpoint = clock.now
                }
            }
            if state.step == stepsPerEpoch {
                state.epoch += 1
                state.step = 0
                switch try epochEnd(&state, trainer, history) {
                case .nothing: break
                case .stopped:
                    state.epoch -= 1
                    state.step = stepsPerEpoch
                    try write(state, identity)
                    return nil
                case .row(let row):
                    history.append(row)
                    try write(state, identity)
                    lastCheckpoint = clock.now
                }
            }
        }
        return Result(
            samples: cases.cases.count, steps: totalSteps, loss: state.lossSum / Double(max(state.lossCases, 1)))
    }

    /// Adds a step to the state; its loss only when it is one of the last that are averaged.
    private func count(_ loss: Double, of passes: [[Sample]], in state: inout FitState) {
        let isAveraged: Bool
        switch request.length {
        case .steps: isAveraged = state.optimizerSteps >= totalSteps - min(Self.window, totalSteps)
        case .epochs:
            isAveraged = true
            if state.step == 0 { (state.lossSum, state.lossCases) = (0, 0) }
        }
        if isAveraged {
            let samples = passes.reduce(0) { $0 + $1.count }
            state.lossSum += loss * Double(samples)
            state.lossCases += samples
        }
        state.step += 1
        state.optimizerSteps = trainer.optimizer.step
    }

    /// Begins from a model file that must have every parameter.
    package static func begin(_ base: ModelFile) -> @Sendable (ParameterStore) throws -> Void {
        { store in
            let missing = try base.load(into: store)
            guard missing.isEmpty else {
                throw TrainingError(.settings, "The base model lacks \(missing[0]): it is no model a study can train")
            }
        }
    }

    /// Takes up the checkpoint where there is one of this very round, else the base.
    private func begin(_ identity: [String: String]) throws -> FitState {
        if let earlier = try? Checkpoint.read(request.checkpoint), earlier.identity == identity,
            isPossible(earlier.state)
        {
            do {
                try Checkpoint.restore(
                    request.checkpoint, store: store, optimizer: trainer.optimizer, state: earlier.state)
                history = earlier.history
                return earlier.state
            } catch {
                // A damaged checkpoint costs the work it held, not the round. Moments it may have left are cleared.
                for moment in trainer.optimizer.moments { moment.elements.update(repeating: 0) }
                trainer.optimizer.resume(atStep: 0)
            }
        }
        if !request.replacesOthers, let earlier = try? Checkpoint.read(request.checkpoint) {
            try FitFolder.requireSame(earlier.identity, as: identity, in: request.checkpoint)
        }
        unlink(request.checkpoint)
        try request.begin(store)
        return FitState()
    }

    private func isPossible(_ state: FitState) -> Bool {
        state.epoch >= 0 && (0...stepsPerEpoch).contains(state.step) && state.optimizerSteps <= totalSteps
            && state.optimizerSteps == state.epoch * stepsPerEpoch + state.step && state.lossSum.isFinite
            && state.lossCases >= 0
    }

    private func write(_ state: FitState, _ identity: [String: String]) throws(TrainingError) {
        try Checkpoint.write(
            request.checkpoint, store: store, optimizer: trainer.optimizer, state: state, identity: identity,
            history: history)
    }

    private func notFinite(_ what: String, _ samples: [Sample], _ state: FitState) -> TrainingError {
        let names = samples.prefix(8).map { cases.cases[$0.index].record.id }.joined(separator: ", ")
        return TrainingError(
            .notFinite,
            "The \(what) of step \(state.optimizerSteps + 1) of \(totalSteps) is not a finite number (cases \(names)): "
                + "look at these cases, and tell the coordinator that the rate may be too high")
    }
}
