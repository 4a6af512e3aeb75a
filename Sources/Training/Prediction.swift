import Encoder
import Foundation

/// What a model says of a case: the content of `prediction.json`.
package struct Prediction: Codable, Sendable, Equatable {
    package var `case`: String
    package var task: String?
    /// Class name to probability.
    package var probabilities: [String: Double]
    /// Class names in the order of the model's outputs.
    package var classes: [String]
    package var predicted: String
    /// A binary model says its second class at this probability and above.
    package var threshold: Double?
    /// SHA-256 of the model file.
    package var modelDigest: String
    package var licenceReference: String?
    /// How the scans were prepared.
    package var recipe: String
    package var contrastsUsed: [String]
    package var contrastsAbsent: [String]
    package var warnings: [String]
    /// Precision, library, instruction set and threads.
    package var device: String
    package var notice = ModelDescription.investigational

    package init(
        case name: String, task: String?, probabilities: [Double], classes: [String], threshold: Double?,
        modelDigest: String, licenceReference: String?, recipe: String, contrasts: [(name: String, used: Bool)],
        warnings: [String], device: String
    ) {
        self.case = name
        self.task = task
        self.classes = classes
        self.probabilities = Dictionary(zip(classes, probabilities)) { first, _ in first }
        predicted = classes[Self.choose(probabilities, threshold: threshold ?? 0.5)]
        self.threshold = classes.count == 2 ? threshold ?? 0.5 : nil
        self.modelDigest = modelDigest
        self.licenceReference = licenceReference
        self.recipe = recipe
        contrastsUsed = contrasts.filter(\.used).map(\.name)
        contrastsAbsent = contrasts.filter { !$0.used }.map(\.name)
        self.warnings = warnings
        self.device = device
    }

    /// The class said: of two the second at the threshold and above, of more the likeliest.
    package static func choose(_ probabilities: [Double], threshold: Double) -> Int {
        if probabilities.count == 2 { return probabilities[1] >= threshold ? 1 : 0 }
        return probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
    }

    private enum CodingKeys: String, CodingKey {
        case `case`, task, probabilities, classes, predicted, threshold
        case modelDigest = "model_digest"
        case licenceReference = "licence_ref"
        case recipe
        case contrastsUsed = "contrasts_used"
        case contrastsAbsent = "contrasts_absent"
        case warnings, device, notice
    }
}
