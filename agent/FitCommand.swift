import AgentService
import ArgumentParser
import Federation
import Cohort
import Compute
import Encoder
import Foundation
import Imaging
import Statistics
import Training
import Weights

extension Precision: ExpressibleByArgument {}
extension Augmentation.Kind: ExpressibleByArgument {}
extension FitSettings.Criterion: ExpressibleByArgument {}
extension FitSettings.Shape: ExpressibleByArgument {}
extension FitRequest.HeadKind: ExpressibleByArgument {}

/// `agent fit`: fine-tunes the encoder on a manifest's cases.
struct FitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fit",
        abstract: "Fine-tune the encoder to predict a column of a manifest.",
        discussion: """
            Trains on the train split, keeps the epoch that is best on the select split, and reports both and the \
            test split. Writes model.safetensors, history.csv, metrics.json and fit.json. Interrupted, the same \
            command goes on where it stopped and gives the same model.
            """)

    enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case adamw, adam, sgd }

    @Option(help: "Manifest of the cases.", completion: .file(extensions: ["csv"]))
    var data: String

    @Option(help: "Column of the manifest to predict.")
    var task: String

    @OptionGroup var shape: ShapeOptions

    @Option(help: "Start from these weights: a model.safetensors or a file made by import-weights.")
    var weights: String?

    @Option(help: "Start from this release, kept by `agent run`; what comes of it stays here.")
    var fromRelease: String?

    @OptionGroup var state: StatePlace

    @Option(help: "Folder for the model and all about it.", completion: .directory)
    var out: String

    @Option(help: "What turns tokens into classes; peak sees what few tokens show.")
    var head: FitRequest.HeadKind = .mean

    @Option(help: "How scans are prepared; by default as for the weights, else consilium.")
    var recipe: Recipe.Name?

    @Option(help: "Three letters the prepared axes point to, such as RAS, or stored.")
    var orientation: String?

    @Option(help: "Whether scans that are not brain-extracted pass.")
    var unstripped = Unstripped.refuse

    @Option(help: "Times every case is seen.")
    var epochs = 30

    @Option(help: "Cases of one pass through the network; by default 8, lamim 1.")
    var batch: Int?

    @Option(help: "Passes of one step; by default as many as make steps of 8 cases.")
    var accumulate: Int?

    @Option(help: "Highest learning rate; by default 1e-4, with --weights 1e-5.")
    var rate: Float?

    @Option(help: "Steps over which the rate rises; by default a twentieth of all.")
    var warmUp: Int?

    @Option(help: "How the rate goes on.")
    var schedule: FitSettings.Shape = .cosine

    @Option(help: "How weights follow gradients.")
    var optimizer: OptimizerName = .adamw

    @Option(help: "Weight decay; by default 1e-5 for adamw, else 0.")
    var decay: Float?

    @Option(help: "Momentum of sgd.")
    var momentum: Float = 0.9

    @Option(help: "Longest gradient, or none.")
    var clip = "1"

    @Option(
        parsing: .upToNextOption,
        help: "Parameters that stay as they are, such as 'blocks.*'; encoder for all but the head.")
    var freeze: [String] = []

    @Option(help: "balanced, none, or a number for each class: 1,2.5.")
    var classWeights = "balanced"

    @Option(help: "Chance that a contrast is left out of a training case.")
    var dropContrasts: Float = 0.1

    @Option(
        parsing: .upToNextOption,
        help:
            "What is done to a training case each time it is shown: flip, affine, intensity, bias-field; none by default."
    )
    var augment: [Augmentation.Kind] = []

    @Option(help: "By what the best epoch is chosen.")
    var select: FitSettings.Criterion = .auc

    @Option(help: "Chooses weights and order: the same seed, the same model.")
    var seed: UInt64 = 1

    @OptionGroup var machine: MachineOptions

    @Option(help: "Minutes between checkpoints.")
    var checkpointMinutes: Double = 10

    @Option(help: "Folder for prepared cases, or none.", completion: .directory)
    var cache: String?

    func validate() throws {
        guard [shape.preset != nil, weights != nil, fromRelease != nil].count(where: \.self) == 1 else {
            throw ValidationError("Give one of --preset, --weights and --from-release.")
        }
        guard checkpointMinutes > 0 else { throw ValidationError("--checkpoint-minutes must be above 0.") }
    }

    func run() throws {
        let stop = StopRequest()
        let progress = FitProgressLine()
        let precision = machine.chosenPrecision
        let start = try startingWeights()
        let cases = try TaskCases(manifest: data, column: task)
        let settings = try settings(start, trainingCases: cases.of(.train).count)
        let store = CaseLoader(recipe: settings.recipe, cacheOption: cache)
        let request = FitRequest(
            start: start, head: head, task: cases.task, settings: settings, cases: cases.cases,
            load: store.input, precision: precision, threads: machine.threads, out: out,
            checkpointSeconds: checkpointMinutes * 60)
        if cases.unlabelled > 0 {
            progress.line("note: \(cases.unlabelled) cases have no \(task) label and are left out")
        }
        let outcome: FitOutcome
        do {
            outcome = try Fit(request).run(report: progress.show, shouldStop: { stop.isAsked })
        } catch is CancellationError {
            progress.line("stopped before the first step")
            throw ExitCode(130)
        }
        for notice in store.cache?.notices ?? [] { progress.line("note: \(notice)") }
        try conclude(outcome, progress)
        try describeTrainingCases(cases.of(.train).map(\.record), store, start, precision, progress) { stop.isAsked }
    }

    /// Writes what the training cases are like, by which later ones unlike them are told.
    private func describeTrainingCases(
        _ records: [CaseRecord], _ loader: CaseLoader, _ start: FitRequest.Start, _ precision: Precision,
        _ progress: FitProgressLine, shouldStop: () -> Bool
    ) throws {
        let model = "\(out)/model.safetensors"
        let files = FamiliarityFiles(of: model)
        let digest = try ModelPath.digest(model)
        if (try? files.known(of: digest)) != nil { return }
        var restorer: (model: CaseRestorer, digest: String)?
        if case .weights(let file, let digest) = start,
            let made = try CaseRestorer(file, precision: precision, threads: machine.threads)
        {
            restorer = (made, digest)
        }
        let known = try Familiarity.of(
            ModelFile(model), digest: digest, restorer: restorer, cases: records, load: loader.prepared,
            precision: precision,
            threads: machine.threads,
            progress: { done in
                progress.step("describing the training cases: \(done) of \(records.count)", isLast: false)
                return !shouldStop()
            })
        guard let known else {
            if shouldStop() { throw ExitCode(130) }
            return progress.line("note: fewer than 10 training cases cannot tell which later ones are unlike them")
        }
        if restorer != nil, case .weights(let file, _) = start { try files.keep(restorer: file.file.path) }
        try OutputFile.write(json: known, to: files.known)
        progress.line("what the training cases are like: \(files.known)")
    }

    private func conclude(_ outcome: FitOutcome, _ progress: FitProgressLine) throws {
        switch outcome {
        case .interrupted(let epoch, let step):
            progress.line(
                "stopped after epoch \(epoch), step \(step) of the next; the same command goes on from there")
            throw ExitCode(130)
        case .finished(let metrics):
            progress.line("best epoch \(metrics.bestEpoch): \(out)/model.safetensors")
            if let select = metrics.select { progress.line("select: \(select.summary)") }
            if let test = metrics.test { progress.line("test: \(test.summary)") }
            progress.line(metrics.notice)
        }
    }

    private func startingWeights() throws -> FitRequest.Start {
        if let start = try shape.start() { return start }
        if let fromRelease {
            let kept = try Releases.usable(fromRelease, in: state.folder)
            return .weights(try ModelFile(kept.model), digest: kept.card.model.digest)
        }
        let path = try ModelPath.file(weights ?? "")
        return .weights(try ModelFile(path), digest: try ModelPath.digest(path))
    }

    private func settings(_ start: FitRequest.Start, trainingCases: Int) throws -> FitSettings {
        let size = start.encoder.imageSize
        var known: Recipe?
        if case .weights(let file, _) = start {
            known = try file.description.preparation(of: weights ?? fromRelease ?? "")
            // Published weights do not say how their scans were prepared; LaMIM's fine-tuning is what they expect.
            if known == nil { known = Recipe(name: .lamimFinetune, size: size) }
        }
        var prepared = recipe.map { Recipe(name: $0, size: size) } ?? known ?? Recipe(size: size)
        if let orientation { prepared.orientation = orientation }
        if unstripped == .allow { prepared.unstripped = true }
        try prepared.check()
        let batch = batch ?? (start.encoder.hidden >= 1024 ? 1 : 8)
        var settings = FitSettings(recipe: prepared)
        settings.epochs = epochs
        settings.batch = batch
        settings.accumulate = accumulate ?? max(1, 8 / max(batch, 1))
        settings.rate = rate ?? (shape.preset != nil ? 1e-4 : 1e-5)
        settings.shape = schedule
        settings.optimizer =
            switch optimizer {
            case .adamw: .adamW(decay: decay ?? 1e-5)
            case .adam: .adam(decay: decay ?? 0)
            case .sgd: .sgd(momentum: momentum, decay: decay ?? 0)
            }
        settings.clip = try clipping()
        settings.freeze = freeze
        settings.classWeights = try weighting()
        settings.dropContrasts = dropContrasts
        settings.augment = augment
        settings.select = select
        settings.seed = seed
        try settings.validate(classes: settings.classWeights.count ?? 2)
        settings.warmUp = warmUp ?? epochs * settings.steps(cases: trainingCases) / 20
        return settings
    }

    private func clipping() throws -> Double? {
        if clip == "none" { return nil }
        guard let norm = Double(clip) else { throw ValidationError("--clip takes a number or none.") }
        return norm
    }

    private func weighting() throws -> FitSettings.ClassWeights {
        switch classWeights {
        case "balanced": return .balanced
        case "none": return .none
        default:
            let numbers = classWeights.split(separator: ",").map { Float($0.trimmingCharacters(in: .whitespaces)) }
            guard !numbers.contains(where: { $0 == nil }) else {
                throw ValidationError("--class-weights takes balanced, none or numbers with commas between them.")
            }
            return .given(numbers.compactMap { $0 })
        }
    }
}

extension CaseLoader {
    /// - Parameter cacheOption: `--cache` of a command: a folder, `none`, or nil for the usual folder.
    init(recipe: Recipe, cacheOption: String?) {
        self.init(
            recipe: recipe,
            cache: cacheOption == "none" ? nil : cacheOption.map { PreparedCache(folder: $0) } ?? PreparedCache())
    }
}

extension FitSettings.ClassWeights {
    /// How many classes were weighed by hand.
    fileprivate var count: Int? {
        if case .given(let weights) = self { return weights.count }
        return nil
    }
}
