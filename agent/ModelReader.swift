import Cohort
import Compute
import Encoder
import Foundation
import Imaging
import Training

/// A model loaded for predictions, one case at a time.
final class ModelReader {
    let classes: [String]
    let threshold: Double
    /// The recipe the model's file names.
    let carriedRecipe: Recipe?
    private let description: ModelDescription
    private let digest: String
    private let loader: CaseLoader
    private let network: Network
    private let device: Device

    /// - Parameters:
    ///   - path: folder or file.
    ///   - recipe: for models that do not carry one.
    /// - Throws: one sentence saying what keeps the model from being used.
    init(_ path: String, recipe: Recipe.Name?, precision: Precision, threads: Int?) throws {
        let path = try ModelPath.file(path)
        let file = try ModelFile(path)
        description = file.description
        guard let head = description.configuration.head else {
            throw EncoderError(.input, "\(path) is an encoder without a head: fine-tune it first with `agent fit`")
        }
        classes = description.classes.isEmpty ? (0..<head.classes).map(String.init) : description.classes
        threshold = description.threshold ?? 0.5
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
        device = try Device(precision: precision, threads: threads)
        try MemoryEstimate.inference(description.configuration, precision: precision, threads: device.threads)
            .require(available: MemoryEstimate.available(), advice: "close other programs, or use --precision bf16")
        digest = try ModelPath.digest(path)
        // Predictions leave no prepared scans behind.
        loader = CaseLoader(recipe: prepared, cache: nil, threads: device.threads)
        let parameters = PackedParameters(description.configuration, device: device)
        try file.load(into: parameters)
        network = try Network(description.configuration, parameters: parameters, batch: 1, training: false)
    }

    /// - Returns: the prediction, and its probabilities in the order of the classes.
    func predict(_ record: CaseRecord) throws -> (Prediction, [Double]) {
        let volume = try loader.prepared(record)
        let logits = try network.classify(volume.voxels, count: 1, present: [volume.present])
        let probabilities = CrossEntropy.softmax(logits[...])
        guard probabilities.allSatisfy(\.isFinite) else {
            throw TrainingError(.notFinite, "the model gives no finite probability: the model file is damaged")
        }
        let prediction = Prediction(
            case: record.id, task: description.task, probabilities: probabilities, classes: classes,
            threshold: threshold, modelDigest: digest, licenceReference: description.licenceReference,
            recipe: loader.recipe.summary,
            contrasts: Contrast.allCases.map { ($0.rawValue, volume.present[$0.channel]) }, warnings: volume.warnings,
            device: device.description)
        return (prediction, probabilities)
    }
}
