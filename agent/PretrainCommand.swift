import ArgumentParser
import Cohort
import Compute
import Encoder
import Foundation
import Imaging
import Training

extension PretrainingObjective: ExpressibleByArgument {}

/// `agent pretrain`: lets the encoder learn from scans without labels.
struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Pretrain the encoder on a manifest's scans, which need no label.",
        discussion: """
            Takes content out of two views of every case and learns to restore it, as published for LaMIM, or hides \
            three quarters of a case's tokens and learns to predict them. Patients \
            whom a test split holds are left out; of the select split's cases it tells how far off they are restored, \
            and keeps the epoch that is best at it. Writes model.safetensors, history.csv, metrics.json, \
            pretraining.json and pictures of patients' scans under pictures/. Interrupted, the same command goes on \
            where it stopped. What comes of it is given to agent fit --weights.
            """)

    @Option(help: "Manifest of the cases.", completion: .file(extensions: ["csv"]))
    var data: String

    @OptionGroup var shape: ShapeOptions

    @Option(help: "Start from these weights: a model.safetensors or a file made by import-weights.")
    var weights: String?

    @Option(help: "Folder for the model and all about it.", completion: .directory)
    var out: String

    @Option(
        help:
            "What is taken out: 86 cubes of 16³ voxels or 6000 of 4³, at 96³, scaled at other sizes; masked hides three quarters of the tokens, which is several times faster."
    )
    var objective: PretrainingObjective = .blocks16

    @Option(help: "How scans are prepared; by default as for the weights, else consilium.")
    var recipe: Recipe.Name?

    @Option(help: "Whether scans that are not brain-extracted pass.")
    var unstripped = Unstripped.refuse

    @Option(help: "Times every case is seen.")
    var epochs = 100

    @Option(help: "Cases of one pass, each in two views; their views are told apart within a pass.")
    var batch = 4

    @Option(help: "Passes of one step.")
    var accumulate = 1

    @Option(help: "Highest learning rate.")
    var rate: Float = 1e-4

    @Option(help: "Steps over which the rate rises; by default a twentieth of all.")
    var warmUp: Int?

    @Option(help: "How the rate goes on.")
    var schedule: FitSettings.Shape = .cosine

    @Option(help: "Longest gradient, or none.")
    var clip = "1"

    @Option(help: "Chance that a contrast is left out of a training case.")
    var dropContrasts: Float = 0

    @Option(
        parsing: .upToNextOption,
        help:
            "What is done to a training case each time it is shown: flip, affine, intensity, bias-field; none by default."
    )
    var augment: [Augmentation.Kind] = []

    @Option(help: "Chooses weights, order and what is taken out: the same seed, the same model.")
    var seed: UInt64 = 1

    @OptionGroup var machine: MachineOptions

    @Option(help: "Epochs between two pictures of what is restored; 0 for none.")
    var pictures = 10

    @Option(help: "Minutes between checkpoints.")
    var checkpointMinutes: Double = 10

    @Option(help: "Folder for prepared cases, or none.", completion: .directory)
    var cache: String?

    func validate() throws {
        guard (shape.preset != nil) != (weights != nil) else {
            throw ValidationError("Give one of --preset and --weights.")
        }
        guard checkpointMinutes > 0 else { throw ValidationError("--checkpoint-minutes must be above 0.") }
        guard pictures >= 0 else { throw ValidationError("--pictures is a number of epochs, 0 or more.") }
        if clip != "none", Double(clip) == nil { throw ValidationError("--clip takes a number or none.") }
    }

    func run() throws {
        let stop = StopRequest()
        let progress = FitProgressLine()
        let start = try startingWeights()
        let cases = try TaskCases(forPretraining: data).cases
        let settings = try settings(start, cases: cases.count { $0.split == .train })
        let loader = CaseLoader(recipe: settings.recipe, cacheOption: cache)
        let left = cases.count { $0.split == .test }
        if left > 0 { progress.line("note: \(left) cases of patients in a test split are left out") }
        for note in notes(cases) { progress.line("note: \(note)") }
        let pretraining = try Pretraining(
            Pretraining.Request(
                start: start, objective: objective, settings: settings, cases: cases,
                load: loader.input, precision: machine.chosenPrecision, threads: machine.threads, out: out,
                checkpointSeconds: checkpointMinutes * 60, pictures: pictures == 0 ? nil : pictures))
        let metrics = try pretraining.run(report: progress.show, shouldStop: { stop.isAsked })
        for notice in loader.cache?.notices ?? [] { progress.line("note: \(notice)") }
        guard let metrics else {
            progress.line("stopped; the same command goes on from there")
            throw ExitCode(130)
        }
        progress.line("best epoch \(metrics.bestEpoch): \(out)/model.safetensors")
        if let error = metrics.error, let before = metrics.errorBefore, let views = metrics.errorOfViews {
            progress.line(
                String(
                    format:
                        "select: mean absolute error %.4f; before %.4f; of what was shown, with nothing restored, %.4f",
                    error, before, views))
        }
        progress.line(metrics.notice)
    }

    /// What it will not learn or not tell, before the first step.
    private func notes(_ cases: [LabelledCase]) -> [String] {
        let training = cases.filter { $0.split == .train }.map(\.record.paths)
        guard !training.isEmpty else { return [] }
        let absent = Contrast.allCases.filter { contrast in !training.contains { $0.names(contrast) } }
        var notes = absent.map { "no training case has \($0.rawValue): the model learns nothing of it" }
        if !cases.contains(where: { $0.split == .select }) {
            notes.append("there are no select cases: the model of the last epoch is kept, its error is not told")
        }
        if batch == 1, objective != .masked {
            notes.append("with --batch 1 a case has no other to differ from: the contrastive loss is 0")
        }
        return notes
    }

    private func startingWeights() throws -> FitRequest.Start {
        if let start = try shape.start() { return start }
        let path = try ModelPath.file(weights ?? "")
        return .weights(try ModelFile(path), digest: try ModelPath.digest(path))
    }

    private func settings(_ start: FitRequest.Start, cases: Int) throws -> FitSettings {
        let size = start.encoder.imageSize
        var known: Recipe?
        if case .weights(let file, _) = start {
            known = try file.description.preparation(of: weights ?? "") ?? Recipe(name: .lamimPretrain, size: size)
        }
        var prepared = recipe.map { Recipe(name: $0, size: size) } ?? known ?? Recipe(size: size)
        if unstripped == .allow { prepared.unstripped = true }
        try prepared.check()
        var settings = FitSettings(
            recipe: prepared, epochs: epochs, batch: batch, accumulate: accumulate, optimizer: .adam(), rate: rate,
            shape: schedule, clip: Double(clip), classWeights: .none, dropContrasts: dropContrasts, augment: augment,
            seed: seed)
        try settings.validate(classes: 1)
        settings.warmUp = warmUp ?? epochs * settings.steps(cases: cases) / 20
        return settings
    }
}

extension FitProgressLine {
    func show(_ report: Pretraining.Report) {
        switch report {
        case .note(let text): show(FitReport.note(text))
        case .reading(let done, let total): show(FitReport.reading(done: done, total: total))
        case .epoch(let record, let epochs): show(FitReport.epoch(record, of: epochs))
        case .step(let done, let total, let loss, let parts):
            step("step \(done)/\(total)  " + RestorationLoss.text(loss, parts), isLast: done == total)
        }
    }
}
