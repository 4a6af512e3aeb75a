import AgentService
import ArgumentParser
import Cohort
import Compute
import Encoder
import Explanation
import Foundation
import Imaging
import Statistics
import Training

/// `agent explain`: maps of a cohort's predictions by several methods, and how far they can be trusted.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Make saliency maps of a cohort and measure how faithful they are.",
        discussion: """
            Writes OUT/CASE/saliency-METHOD.nii.gz and .png; with --faithfulness instead OUT/faithfulness.csv, a row a \\
            case and method, and OUT/faithfulness.json: maps against random orders, and where the manifest names a mask \\
            against the tumour, the brightest voxel, the brain's middle and the same model with drawn weights. \\
            \(ModelDescription.investigational)
            """)

    @Option(help: "Folder of a fit, or a model file.", completion: .directory)
    var model: String?

    @OptionGroup var from: ReleaseOptions

    @Option(help: "Manifest of cases; its mask column names tumours.", completion: .file(extensions: ["csv"]))
    var data: String

    @Option(help: "Only this split of the manifest: train, select or test.")
    var split: Split?

    @Option(name: .customLong("method"), help: "A method; may be given several times. By default all the model has.")
    var methods: [SaliencyMethod] = []

    @Flag(help: "Measure the maps.")
    var faithfulness = false

    @Option(help: "At most so many cases, the first of the manifest.")
    var cases: Int?

    @Option(help: "Folder for what is made.", completion: .directory)
    var out: String

    @OptionGroup var machine: MachineOptions

    func validate() throws {
        guard (model == nil) != (from.release == nil) else {
            throw ValidationError("Give either --model or --release.")
        }
        guard (cases ?? 1) > 0 else { throw ValidationError("--cases is at least 1.") }
    }

    func run() throws {
        let kept = try from.kept()
        let path = try ModelPath.file(kept?.model ?? model ?? "")
        let file = try ModelFile(path)
        let isResidual = file.description.configuration.encoder.residual != nil
        let chosen =
            methods.isEmpty ? SaliencyMethod.allCases.filter { !(isResidual && $0.usesAttention) } : methods
        let reader = try ModelReader(
            path, recipe: nil, threshold: kept?.threshold, saliency: chosen, precision: machine.chosenPrecision,
            threads: machine.threads)
        guard let explainer = reader.explainer else { return }
        let records = try Manifest.cases(data, of: split).prefix(cases ?? .max)
        try OutputFile.makeFolder(out)
        var measured: [CaseFaithfulness] = []
        let meter = faithfulness ? try meter(explainer, chosen) : nil
        var failed = 0
        for record in records {
            do {
                let reading = try reader.predict(record)
                if let meter {
                    let label = reader.task.flatMap { record.labels[$0] }
                        .flatMap { reader.classes.firstIndex(of: $0) }
                    measured += try meter.measure(
                        reading.input, case: record.id, patient: record.patient, class: reading.chosen,
                        label: label, classes: reader.classes,
                        mask: try SaliencyFiles.mask(of: record, on: reading.volume))
                } else {
                    let folder = "\(out)/\(record.id)"
                    try OutputFile.makeFolder(folder)
                    let files = try SaliencyFiles(reading, of: record, explainer: explainer, folder: folder)
                    for method in chosen { _ = try files.write(by: method, suffix: "-\(method.rawValue)") }
                }
                print("\(record.id): \(reading.className)")
            } catch let error as TrainingError where error.code == .cannotWrite {
                throw error
            } catch {
                failed += 1
                try? FileHandle.standardError.write(contentsOf: Data("\(record.name) failed: \(error)\n".utf8))
            }
        }
        if faithfulness { try write(measured, chosen) }
        print(ModelDescription.investigational)
        if failed > 0 { throw ExitCode(1) }
    }

    /// The model's own maps are compared with those of its shape with drawn weights.
    private func meter(_ explainer: Explainer, _ methods: [SaliencyMethod]) throws -> FaithfulnessMeter {
        let store = try ParameterStore(ParameterLayout(explainer.model), device: explainer.device)
        store.initialise(seed: 1)
        return FaithfulnessMeter(
            explainer, drawn: try Explainer(explainer.model, parameters: store, methods: methods), methods: methods)
    }

    private func write(_ measured: [CaseFaithfulness], _ methods: [SaliencyMethod]) throws {
        let summaries = methods.flatMap { FaithfulnessSummary.all(measured, method: $0) }
        try OutputFile.write(FaithfulnessTable.csv(measured), to: out + "/faithfulness.csv")
        try OutputFile.write(json: FaithfulnessTable.Document(summaries: summaries), to: out + "/faithfulness.json")
        for line in FaithfulnessTable.text(summaries) { print(line) }
    }
}
