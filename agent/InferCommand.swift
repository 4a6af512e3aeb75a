import AgentService
import ArgumentParser
import Cohort
import Compute
import Encoder
import Explanation
import Federation
import Foundation
import Imaging
import Training

/// `agent infer`: what a model says of cases.
struct InferCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "infer",
        abstract: "Predict cases with a fine-tuned model.",
        discussion: """
            Writes OUT/CASE/prediction.json for every case and, with --data, OUT/predictions.csv. A case that cannot \
            be read is reported and the others go on; the exit code is then 1. \(ModelDescription.investigational)
            """)

    @Option(help: "Folder of a fit, or a model file.", completion: .directory)
    var model: String?

    @OptionGroup var from: ReleaseOptions

    @Option(name: .customLong("case"), help: "Folder of one case, or one 4D file.", completion: .directory)
    var folder: String?

    @Option(help: "Manifest of cases.", completion: .file(extensions: ["csv"]))
    var data: String?

    @Option(help: "Only this split of the manifest: train, select or test.")
    var split: Split?

    @Option(help: "Folder for the predictions.", completion: .directory)
    var out: String

    @Option(help: "How scans are prepared, for models that do not say.")
    var recipe: Recipe.Name?

    @Option(help: "Call by the threshold of this file, which agent recalibrate wrote for this very model.")
    var recalibration: String?

    @Option(
        defaultAsFlag: .usual,
        help: """
            Also write saliency.nii.gz, in the scan's own grid, and saliency.png: what speaks for the class said. \
            occlusion asks the model itself and is the reference, relevance is the quick one; without a method the one \
            that suits the model's size.
            """)
    var saliency: SaliencyChoice?

    @OptionGroup var machine: MachineOptions

    func validate() throws {
        guard (model == nil) != (from.release == nil) else {
            throw ValidationError("Give either --model or --release.")
        }
        guard (folder == nil) != (data == nil) else { throw ValidationError("Give either --case or --data.") }
        guard split == nil || data != nil else { throw ValidationError("--split needs --data.") }
    }

    func run() throws {
        let kept = try from.kept()
        let model = kept?.model ?? model ?? ""
        let description = try ModelFile(ModelPath.file(model)).description
        let (records, labels) = try cases(task: description.task)
        let saliency = saliency?.method(for: description.configuration.encoder)
        let reader = try ModelReader(
            model, recipe: recipe, threshold: kept?.threshold, familiarity: kept?.card.familiarity,
            recalibration: recalibration, saliency: saliency.map { [$0] } ?? [],
            precision: machine.chosenPrecision, threads: machine.threads)
        if recipe != nil, let carried = reader.carriedRecipe {
            complain("note: --recipe is not used, for the model says how scans are prepared for it: \(carried.summary)")
        }
        try OutputFile.makeFolder(out)
        var rows: [PredictionTable.Row] = []
        var failed = 0
        for record in records {
            do {
                var reading = try reader.predict(record)
                let folder = "\(out)/\(record.id)"
                try OutputFile.makeFolder(folder)
                if let saliency, let explainer = reader.explainer {
                    let made = try SaliencyFiles(reading, of: record, explainer: explainer, folder: folder)
                        .write(by: saliency)
                    if made.contrasts == nil { reading.prediction.warnings.append(SaliencyFiles.oneContrast) }
                    reading.prediction.saliency = made
                }
                try OutputFile.write(json: reading.prediction, to: "\(folder)/prediction.json")
                print(Self.line(reading.prediction))
                rows.append(
                    .init(
                        prediction: reading.prediction, probabilities: reading.probabilities, label: labels[record.id]))
            } catch let error as TrainingError where error.code == .cannotWrite {
                throw error
            } catch {
                failed += 1
                complain("\(record.name) failed: \(error)")
            }
        }
        if data != nil, !rows.isEmpty {
            let table = PredictionTable(classes: reader.classes, rows: rows, threshold: reader.threshold)
            try OutputFile.write(table.csv, to: out + "/predictions.csv")
            if let evaluation = try table.evaluation() {
                try OutputFile.write(json: evaluation, to: out + "/metrics.json")
                print(evaluation.summary)
            }
        }
        print(ModelDescription.investigational)
        if failed > 0 { throw ExitCode(1) }
    }

    /// The cases asked for and the labels known of them.
    private func cases(task: String?) throws -> ([CaseRecord], [String: String]) {
        guard let data else { return ([try CaseFolder.read(folder ?? "")], [:]) }
        let records = try Manifest.cases(data, of: split)
        guard let task else { return (records, [:]) }
        let labels = records.compactMap { record in record.labels[task].map { (record.id, $0) } }
        return (records, Dictionary(uniqueKeysWithValues: labels))
    }

    /// A line on the standard error; one that cannot be written does not keep the cases from being predicted.
    private func complain(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8)) }

    private static func line(_ p: Prediction) -> String {
        let scores = p.classes.map { "\($0) \(String(format: "%.3f", p.probabilities[$0] ?? 0))" }
        var line = "\(p.case): \(p.predicted ?? "no answer") (\(scores.joined(separator: ", ")))"
        if let unlike = p.familiarity?.unlike { line += "  \(unlike)" }
        if !p.contrastsAbsent.isEmpty { line += "  without \(p.contrastsAbsent.joined(separator: ", "))" }
        if !p.warnings.isEmpty { line += "  \(p.warnings.count) warning\(p.warnings.count == 1 ? "" : "s")" }
        return line
    }
}

extension Split: ExpressibleByArgument {}

extension Manifest {
    /// The cases of a split, at least one; all of them when nil.
    static func cases(_ path: String, of split: Split?) throws -> [CaseRecord] {
        let manifest = try read(path)
        guard let split else { return manifest.cases }
        guard manifest.hasSplit else {
            throw CohortError(
                .badManifest, "\(path) has no split column: leave --split out, or add the column to the manifest.")
        }
        let records = manifest.cases.filter { $0.split == split }
        guard !records.isEmpty else { throw CohortError(.badManifest, "\(path) has no \(split.rawValue) case.") }
        return records
    }
}
