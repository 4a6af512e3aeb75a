import Cohort
import Compute
import Encoder
import Explanation
import Foundation
import Imaging
import Statistics
import Training

/// A model loaded for predictions, one case at a time.
final class ModelReader {
    /// Where the second of two classes begins, and who says so.
    struct Threshold {
        var value: Double
        var from: String
    }

    let classes: [String]
    var threshold: Double { chosen.value }
    /// The manifest's column it predicts.
    var task: String? { description.task }
    let digest: String
    private let chosen: Threshold
    /// The recipe the model's file names.
    let carriedRecipe: Recipe?
    private let description: ModelDescription
    private let source: CaseSource
    /// Pooled features of a case, and its logits.
    private let read: (EncoderInput) throws(EncoderError) -> (features: [Float], logits: [Float])
    /// What the training cases were like, where the model's folder says.
    private let familiarity: (known: Familiarity, projection: FeatureProjection)?
    /// The pretrained model it began as, where that lies beside it.
    private let restorer: CaseRestorer?
    private let recalibration: Recalibration?
    /// For maps of predictions, when they were asked for.
    let explainer: Explainer?
    private let device: Device

    /// - Parameters:
    ///   - path: folder or file.
    ///   - recipe: for models that do not carry one.
    ///   - threshold: of a release's card or a recalibration, in place of the file's.
    ///   - known: what a release's card says of the training cases; otherwise what lies beside the model.
    ///   - recalibration: a file of agent recalibrate, whose threshold then counts.
    ///   - saliency: maps that will be asked for.
    /// - Throws: one sentence saying what keeps the model from being used.
    init(
        _ path: String, recipe: Recipe.Name?, threshold fixed: Threshold?, familiarity known: Familiarity? = nil,
        recalibration: String? = nil,
        saliency: [SaliencyMethod] = [], precision: Precision, threads: Int?
    ) throws {
        let path = try ModelPath.file(path)
        let file = try ModelFile(path)
        description = file.description
        guard let head = description.configuration.head else {
            throw EncoderError(.input, "\(path) is an encoder without a head: fine-tune it first with `agent fit`")
        }
        classes = description.classes.isEmpty ? (0..<head.classes).map(String.init) : description.classes
        let digest = try ModelPath.digest(path)
        self.digest = digest
        let local = try recalibration.map { try Self.recalibration($0, of: digest) }
        self.recalibration = local
        chosen =
            local.map { Threshold(value: $0.threshold, from: "local recalibration") } ?? fixed
            ?? Threshold(value: description.threshold ?? 0.5, from: "model")
        let inputs = head.features(of: description.configuration.encoder)
        let beside = FamiliarityFiles(of: path)
        // What another version of this program summed for a release cannot be judged by.
        familiarity = try (known ?? beside.known(of: digest)).flatMap { known in
            guard known.isWhole else { return nil }
            return (known, FeatureProjection(inputs: inputs, dimensions: known.dimensions, seed: known.seed))
        }
        restorer = try familiarity?.known.restoration.flatMap { restoration in
            try beside.restorer(digest: restoration.model, precision, threads)
        }
        let prepared: Recipe
        carriedRecipe = try description.preparation(of: path)
        if let carriedRecipe {
            prepared = carriedRecipe
        } else if let recipe {
            prepared = Recipe(name: recipe, size: description.configuration.encoder.imageSize)
        } else {
            throw EncoderError(
                .input,
                "\(path) does not say how scans are prepared for it: name the recipe with --recipe lamim-finetune")
        }
        try description.require(prepared, of: path)
        if saliency.isEmpty {
            let network = try file.inferenceNetwork(
                precision: precision, threads: threads, advice: "close other programs, or use --precision bf16")
            read = { (input) throws(EncoderError) in
                let features = try network.features(input.voxels, count: 1, present: [input.present])
                return (features, try network.classify(features: features, count: 1))
            }
            device = network.parameters.device
            explainer = nil
        } else {
            let explainer = try Explainer(file, methods: saliency, precision: precision, threads: threads)
            read = { (input) throws(EncoderError) in try explainer.read(input) }
            device = explainer.device
            self.explainer = explainer
        }
        // Predictions leave no prepared scans behind.
        source = CaseSource(
            CaseLoader(recipe: prepared, cache: nil, threads: device.threads), contrasts: description.contrasts)
    }

    /// What was read of a case.
    struct Reading {
        var prediction: Prediction
        /// In the order of the classes.
        var probabilities: [Double]
        /// The class that would be said, also where none is.
        var chosen: Int
        var className: String
        var volume: PreparedVolume

        var input: EncoderInput { EncoderInput(voxels: volume.voxels, present: volume.present) }
    }

    func predict(_ record: CaseRecord) throws -> Reading {
        let volume = try source.volume(record)
        let input = EncoderInput(voxels: volume.voxels, present: volume.present)
        let (features, logits) = try read(input)
        let probabilities = CrossEntropy.softmax(logits[...])
        guard probabilities.allSatisfy(\.isFinite) else {
            throw TrainingError(.notFinite, "the model gives no finite probability: the model file is damaged")
        }
        var prediction = Prediction(
            case: record.id, task: description.task, probabilities: probabilities, classes: classes,
            threshold: threshold, thresholdFrom: chosen.from, modelDigest: digest,
            licenceReference: description.licenceReference,
            recipe: source.recipe.summary,
            contrasts: Contrast.allCases.map { ($0.rawValue, volume.present[$0.channel]) }, warnings: volume.warnings,
            device: device.description)
        if let (known, projection) = familiarity,
            let verdict = known.judge(
                features: projection(features), images: ImageStatistics(volume).values,
                restoration: try restorer?.error(of: input))
        {
            prediction.familiarity = .init(probability: verdict.probability, unlike: verdict.reason)
            if verdict.reason != nil { prediction.predicted = nil }
        }
        prediction.conformalSet = recalibration?.conformal.map { conformal in
            classes.indices.filter { probabilities[$0] >= 1 - conformal.quantile }.map { classes[$0] }
        }
        let chosen = Prediction.choose(probabilities, threshold: threshold)
        return Reading(
            prediction: prediction, probabilities: probabilities, chosen: chosen, className: classes[chosen],
            volume: volume)
    }

    /// The local threshold and conformal set of a file.
    private static func recalibration(_ path: String, of digest: String) throws -> Recalibration {
        guard let data = FileManager.default.contents(atPath: path),
            let found = try? JSONDecoder().decode(Recalibration.self, from: data)
        else {
            throw TrainingError(.settings, "\(path) is no file of agent recalibrate: give the one it wrote")
        }
        guard found.modelDigest == digest else {
            throw TrainingError(
                .settings, "\(path) was made for another model: run agent recalibrate with this one")
        }
        return found
    }
}
