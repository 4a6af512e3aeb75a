import AgentService
import ArgumentParser
import Cohort
import Encoder
import Foundation
import Imaging
import Training

/// `agent recalibrate`: a threshold of this site's own, as a result of its own.
struct RecalibrateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recalibrate",
        abstract: "Choose a threshold for a model on this site's select cases, and say what it changes.",
        discussion: """
            Writes one JSON file with the local threshold and temperature, and what test cases are called by it and by \
            the model's own. The model and its release stay as they are; agent infer --recalibration uses the file, and \
            its predictions say so. Nothing leaves this machine. \(ModelDescription.investigational)
            """)

    @Option(help: "Folder of a fit, or a model file.", completion: .directory)
    var model: String?

    @OptionGroup var from: ReleaseOptions

    @Option(help: "Manifest of labelled cases with a split column.", completion: .file(extensions: ["csv"]))
    var data: String

    @Option(help: "Share of positive select cases the threshold must find.")
    var sensitivity = 0.9

    @Option(help: "The file to write.", completion: .file(extensions: ["json"]))
    var out: String

    @OptionGroup var machine: MachineOptions

    func validate() throws {
        guard (model == nil) != (from.release == nil) else {
            throw ValidationError("Give either --model or --release.")
        }
        guard sensitivity > 0, sensitivity <= 1 else {
            throw ValidationError("--sensitivity lies above 0, at most at 1.")
        }
    }

    func run() throws {
        let kept = try from.kept()
        let reader = try ModelReader(
            kept?.model ?? model ?? "", recipe: nil, threshold: kept?.threshold,
            precision: machine.chosenPrecision, threads: machine.threads)
        guard let task = reader.task, reader.classes.count == 2 else {
            throw TrainingError(.settings, "the model is of no task of two classes: a threshold means nothing for it")
        }
        let cases = try TaskCases(manifest: data, column: task, classes: reader.classes)
        try cases.requireSplits(of: data)
        var (select, test) = (Recalibration.Cases(), Recalibration.Cases())
        for labelled in cases.cases where labelled.split != .train {
            let probabilities = try reader.predict(labelled.record).probabilities
            if labelled.split == .select {
                select.probabilities.append(probabilities)
                select.labels.append(labelled.label)
            } else {
                test.probabilities.append(probabilities)
                test.labels.append(labelled.label)
            }
        }
        let made = try Recalibration(
            select: select, test: test, asked: sensitivity, own: reader.threshold, modelDigest: reader.digest,
            task: task)
        try OutputFile.write(json: made, to: out)
        print(made.what)
        print(String(format: "threshold %.4f (the model's own %.4f)", made.threshold, made.ownThreshold))
        if let conformal = made.conformal {
            print(
                String(
                    format: "conformal: classes of probability %.4f and above hold the true one nine times of ten",
                    1 - conformal.quantile))
        }
        print("select: \(made.select.summary)")
        if let test = made.test, let own = made.testAtOwn {
            print("test: \(test.summary)")
            print("test at the model's own threshold: \(own.summary)")
        }
        print(made.notice)
    }
}
