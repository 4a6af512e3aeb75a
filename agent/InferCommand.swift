import AgentService
import ArgumentParser
import Cohort
import Compute
import Encoder
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

    @OptionGroup var machine: MachineOptions

    func validate() throws {
        guard (model == nil) != (from.release == nil) else {
            throw ValidationError("Give either --model or --release.")
        }
        guard (folder == nil) != (data == nil) else { throw ValidationError("Give either --case or --data.") }
        guard split == nil || data != nil else { throw ValidationError("--split needs --data.") }
    }

    func run() throws {
        let model = try from.model() ?? model ?? ""
        let (records, labels) = try cases(task: ModelFile(ModelPath.file(model)).description.task)
        let reader = try ModelReader(
            model, recipe: recipe, precision: try machine.chosenPrecision(), threads: machine.threads)
        if recipe != nil, let carried = reader.carriedRecipe {
            complain("note: --recipe is not used, for the model says how scans are prepared for it: \(carried.summary)")
        }
        try OutputFile.makeFolder(out)
        var rows: [PredictionTable.Row] = []
        var failed = 0
        for record in records {
            do {
                let (prediction, probabilities) = try reader.predict(record)
                try OutputFile.makeFolder("\(out)/\(record.id)")
                try OutputFile.write(json: prediction, to: "\(out)/\(record.id)/prediction.json")
                print(Self.line(prediction))
                rows.append(.init(prediction: prediction, probabilities: probabilities, label: labels[record.id]))
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
        let manifest = try Manifest.read(data)
        var records = manifest.cases
        if let split {
            guard manifest.hasSplit else {
                throw CohortError(
                    .badManifest, "\(data) has no split column: leave --split out, or add the column to the manifest.")
            }
            records = records.filter { $0.split == split }
            guard !records.isEmpty else { throw CohortError(.badManifest, "\(data) has no \(split.rawValue) case.") }
        }
        guard let task else { return (records, [:]) }
        let labels = records.compactMap { record in record.labels[task].map { (record.id, $0) } }
        return (records, Dictionary(uniqueKeysWithValues: labels))
    }

    /// A line on the standard error; one that cannot be written does not keep the cases from being predicted.
    private func complain(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8)) }

    private static func line(_ p: Prediction) -> String {
        let scores = p.classes.map { "\($0) \(String(format: "%.3f", p.probabilities[$0] ?? 0))" }
        var line = "\(p.case): \(p.predicted) (\(scores.joined(separator: ", ")))"
        if !p.contrastsAbsent.isEmpty { line += "  without \(p.contrastsAbsent.joined(separator: ", "))" }
        if !p.warnings.isEmpty { line += "  \(p.warnings.count) warning\(p.warnings.count == 1 ? "" : "s")" }
        return line
    }
}

extension Split: ExpressibleByArgument {}
