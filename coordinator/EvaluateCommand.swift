import ArgumentParser
import Cohort
import Compute
import CoordinatorService
import Cryptography
import Encoder
import Federation
import Files
import Foundation
import Imaging
import Training
import Weights

extension Precision: ExpressibleByArgument {}

/// `coordinator evaluate`: fitted models compared on labelled cases of the coordinator's own.
struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Compare models on labelled cases, with intervals and tests.",
        discussion: """
            On the test split, each model by itself, and each against the first: areas (site-stratified first, pooled \
            second), calls at a threshold chosen on the select split, calibration, paired tests adjusted for their \
            number, and with several manifests, one a site, a random-effects summary. Writes comparison.json and \
            scores.csv. What a study's locked test is for is told by coordinator locked-test, which is recorded; this \
            command is not.
            """)

    @Option(
        name: .customLong("models"), parsing: .upToNextOption,
        help: "Model files, by spaces or commas; the first is what the others are compared with.")
    var given: [String]

    @Option(
        parsing: .upToNextOption,
        help:
            "Manifests of the cases, one a site; a site is called by as much of its manifest's path as tells it apart.")
    var data: [String]

    @Option(help: "The positive class; the last of the models' by default.")
    var positive: String?

    @Option(help: "Share of positive select cases the threshold must find.")
    var sensitivity = 0.9

    @Option(help: "How common the positive class is where predictive values are to hold; none are told without it.")
    var prevalence: Double?

    @Option(help: "Folder for what is written.", completion: .directory)
    var out: String

    @Option(help: "Of matrix products; by default bf16 where the processor is faster at it.")
    var precision: Precision?

    @Option(help: "Threads; by default one for each processor.")
    var threads: Int?

    func validate() throws {
        guard !models.isEmpty, !data.isEmpty else { throw ValidationError("Give --models and --data.") }
        guard sensitivity > 0, sensitivity <= 1 else {
            throw ValidationError("--sensitivity lies above 0, at most at 1.")
        }
        if let prevalence, !(prevalence > 0 && prevalence < 1) {
            throw ValidationError("--prevalence lies between 0 and 1.")
        }
    }

    /// A file may have a comma in its name.
    private var models: [String] {
        given.flatMap { argument in
            FileManager.default.fileExists(atPath: argument)
                ? [argument] : argument.split(separator: ",").map(String.init)
        }
    }

    func run() throws {
        let models = models
        let files = try models.map { try ModelFile($0) }
        let description = files[0].description
        guard let task = description.task, description.classes.count == 2 else {
            throw OperatorError("\(models[0]) is no model of a task of two classes; give a fitted one")
        }
        let classes = description.classes
        for (path, file) in zip(models, files)
        where file.description.task != task || file.description.classes != classes {
            throw OperatorError(
                "\(path) is not of the task \(task) (\(classes.joined(separator: ", "))): compare like with like")
        }
        let index = positive.map { classes.firstIndex(of: $0) } ?? classes.count - 1
        guard let index else {
            throw OperatorError("the class \(positive ?? "") is none of \(classes.joined(separator: ", "))")
        }
        let (cases, compared, choosing) = try read(task: task, classes: classes, positive: index)
        var scores: [ModelScores] = []
        for (path, file) in zip(models, files) {
            // Each model is loaded once, for both.
            let all = try self.scores(file, compared + choosing)
            let probabilities = all.probabilities.map { $0[index] }
            let logits = all.logits.map { $0.map { Double($0) } }
            let chosen = compared.count..<all.labels.count
            scores.append(
                ModelScores(
                    name: path, digest: SHA256.hex(ofFile: path) ?? "",
                    probabilities: Array(probabilities[..<compared.count]), logits: Array(logits[..<compared.count]),
                    choosing: Array(probabilities[chosen]), choosingLogits: Array(logits[chosen])))
        }
        let comparison = try ModelComparison(
            scores, on: cases, task: task, sensitivity: sensitivity, prevalence: prevalence)
        try OutputFile.makeFolder(out)
        try OutputFile.write(json: comparison, to: out + "/comparison.json")
        try OutputFile.write(Self.table(scores, cases), to: out + "/scores.csv")
        for line in ComparisonTable(comparison).lines { print(line) }
    }

    /// The cases of all manifests, and their records to be scored.
    private func read(
        task: String, classes: [String], positive: Int
    ) throws -> (ComparedCases, compared: [LabelledCase], choosing: [LabelledCase]) {
        var cases = ComparedCases(ids: [], patients: [], sites: [], labels: [], classes: classes, positive: positive)
        var (compared, choosing): ([LabelledCase], [LabelledCase]) = ([], [])
        for (path, site) in zip(data, try SiteNames.of(data)) {
            let found = try TaskCases(manifest: path, column: task, classes: classes)
            try found.requireSplits(of: path)
            for labelled in found.of(.test) {
                cases.ids.append(labelled.record.id)
                // Two sites may call two patients the same.
                cases.patients.append("\(site)/\(labelled.record.patient)")
                cases.sites.append(site)
                cases.labels.append(labelled.label)
                compared.append(labelled)
            }
            let select = found.of(.select)
            cases.choosingLabels += select.map(\.label)
            choosing += select
        }
        guard !compared.isEmpty else {
            throw OperatorError("no test case has a \(task) label in \(data.joined(separator: ", "))")
        }
        try cases.requireBothClasses()
        return (cases, compared, choosing)
    }

    private func scores(_ file: ModelFile, _ cases: [LabelledCase]) throws -> CaseScores {
        guard let text = file.description.recipe else {
            throw OperatorError("\(file.file.path) does not say how scans are prepared for it; fit it again")
        }
        let source = try CaseSource(recipe: text, contrasts: file.description.contrasts, cache: nil)
        return try CaseScores.of(
            file, cases: cases, load: source.input, precision: precision ?? .suited, threads: threads)
            ?? CaseScores(logits: [], labels: [])
    }

    private static func table(_ scores: [ModelScores], _ cases: ComparedCases) -> String {
        var lines = ["site,case,label," + scores.indices.map { "model_\($0 + 1)" }.joined(separator: ",")]
        for row in cases.ids.indices {
            let values = scores.map { String(format: "%.6f", $0.probabilities[row]) }.joined(separator: ",")
            lines.append("\(cases.sites[row]),\(cases.ids[row]),\(cases.classes[cases.labels[row]]),\(values)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// What sites are called whose manifests are given.
enum SiteNames {
    /// The folder of each manifest; folders above it, or the file's name, where that does not tell them apart.
    /// - Throws: ``OperatorError`` when a manifest is given twice.
    static func of(_ manifests: [String]) throws(OperatorError) -> [String] {
        let files = manifests.map { URL(fileURLWithPath: $0).resolvingSymlinksInPath() }
        for (index, file) in files.enumerated() where files[..<index].contains(file) {
            throw OperatorError("the manifest \(manifests[index]) is given twice: give each site's once")
        }
        let folders = files.map { $0.deletingLastPathComponent().pathComponents.dropFirst() }
        let names = files.map { $0.deletingPathExtension().pathComponents.dropFirst() }
        for components in [folders, names] {
            for depth in 1...max(1, components.map(\.count).max() ?? 1) {
                let short = components.map { $0.suffix(depth).joined(separator: "/") }
                if Set(short).count == short.count { return short }
            }
        }
        return files.map(\.path)
    }
}

/// A comparison as people read it.
struct ComparisonTable {
    let lines: [String]

    init(_ c: ModelComparison) {
        func text(_ figure: ModelComparison.Figure?) -> String { Figures.estimate(figure?.value, figure?.interval) }
        var lines = [
            "\(c.task), positive \(c.positive): \(c.cases.reduce(0, +)) cases (\(c.cases.map(String.init).joined(separator: " and "))) "
                + "of \(c.patients) patients at \(c.sites.joined(separator: ", ")); 95 % intervals", "",
        ]
        var table = TextTable("model", "AUC within sites", "AUC pooled", "sensitivity", "specificity", "threshold")
        for model in c.models {
            table.add(
                model.name, text(model.stratifiedArea), text(model.pooledArea), text(model.sensitivity),
                text(model.specificity), "\(Figures.rounded(model.threshold, 3)) (\(model.thresholdFrom))")
        }
        lines += table.lines + [""]
        var calibration = TextTable(
            "model", "accuracy", "F1", "MCC", "Brier", "log loss", "ECE", "slope", "intercept", "temperature", "PPV",
            "NPV")
        for model in c.models {
            calibration.add(
                model.name, text(model.accuracy), Figures.optional(model.f1, 3),
                Figures.optional(model.matthewsCorrelation, 3), Figures.optional(model.brier, 4),
                Figures.optional(model.logLoss, 4), Figures.optional(model.calibrationError, 3),
                Figures.optional(model.calibrationSlope, 2), Figures.optional(model.calibrationIntercept, 2),
                Figures.optional(model.temperature, 2),
                Figures.optional(model.positivePredictive, 3), Figures.optional(model.negativePredictive, 3))
        }
        lines += calibration.lines
        if let prevalence = c.prevalence { lines.append("predictive values at a prevalence of \(prevalence)") }
        for contrast in c.contrasts {
            lines += ["", "\(contrast.name) against \(c.models[0].name)"]
            lines.append(
                "  change of AUC within sites \(text(contrast.change)), p \(Figures.optional(contrast.p, 4)), Holm "
                    + "\(Figures.optional(contrast.adjusted, 4)); pooled \(text(contrast.pooledChange)), p "
                    + "\(Figures.optional(contrast.pooledP, 4)); McNemar of calls p \(Figures.optional(contrast.callsP, 4))"
            )
            if contrast.change == nil {
                lines.append("  no site has two patients of each class, so the change within sites has no variance")
            }
            for site in contrast.sites ?? [] {
                lines.append(
                    "  \(site.site) (\(site.cases) cases): \(text(site.change)), weight \(Figures.rounded(site.weight, 2))"
                )
            }
            if let combined = contrast.combined {
                lines.append(
                    "  random effects (Hartung–Knapp): \(text(combined.change)), p \(Figures.optional(combined.p, 4)), I² "
                        + "\(Figures.rounded(combined.inconsistency, 2))")
            }
        }
        self.lines = lines + ["", c.notice]
    }
}
