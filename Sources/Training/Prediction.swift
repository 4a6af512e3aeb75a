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
    /// Nil where the case is unlike the training data: the model is not asked.
    package var predicted: String?
    /// A binary model says its second class at this probability and above.
    package var threshold: Double?
    /// Whose it is: `model`, `release NAME`, or a local recalibration.
    package var thresholdFrom: String?
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
    /// How the case compares with the training data, where the model says what those were like.
    package var familiarity: Familiar?
    /// Of a local recalibration: the classes that could be true, the true one among them in nine of ten cases.
    package var conformalSet: [String]?
    /// What the prediction rests on, where a map was asked for.
    package var saliency: Saliency?
    package var notice = ModelDescription.investigational

    /// How a case compares with the training data.
    package struct Familiar: Codable, Sendable, Equatable {
        /// Of a training case to lie as far out as this one.
        package var probability: Double
        /// Why it is unlike the training data; nil when it is not.
        package var unlike: String?

        package init(probability: Double, unlike: String?) {
            self.probability = probability
            self.unlike = unlike
        }
    }

    /// A map of what speaks for the class said.
    package struct Saliency: Codable, Sendable, Equatable {
        package var method: String
        /// The map in the grid of the scan that was the reference.
        package var map: String
        package var picture: String
        /// The largest value: voxel indices in the map's grid, and millimetres in the scanner (RAS+). Nil where nothing
        /// speaks for the class.
        package var peakVoxel: [Int]?
        package var peakMillimetres: [Double]?
        /// What each contrast adds to the class's log-odds: the change when it is declared absent. Nil with one contrast.
        package var contrasts: [String: Double]?
        /// Integrated gradients: how far the map's sum is from the change of the log-odds, as a share of that.
        package var incompleteness: Double?

        package init(
            method: String, map: String, picture: String, peakVoxel: [Int]?, peakMillimetres: [Double]?,
            contrasts: [String: Double]?, incompleteness: Double?
        ) {
            self.method = method
            self.map = map
            self.picture = picture
            self.peakVoxel = peakVoxel
            self.peakMillimetres = peakMillimetres
            self.contrasts = contrasts
            self.incompleteness = incompleteness
        }

        private enum CodingKeys: String, CodingKey {
            case method, map, picture
            case peakVoxel = "peak_voxel"
            case peakMillimetres = "peak_mm"
            case contrasts, incompleteness
        }
    }

    package init(
        case name: String, task: String?, probabilities: [Double], classes: [String], threshold: Double?,
        thresholdFrom: String, modelDigest: String, licenceReference: String?, recipe: String,
        contrasts: [(name: String, used: Bool)],
        warnings: [String], device: String
    ) {
        self.case = name
        self.task = task
        self.classes = classes
        self.probabilities = Dictionary(zip(classes, probabilities)) { first, _ in first }
        predicted = classes[Self.choose(probabilities, threshold: threshold ?? 0.5)]
        self.threshold = classes.count == 2 ? threshold ?? 0.5 : nil
        self.thresholdFrom = classes.count == 2 ? thresholdFrom : nil
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
        case thresholdFrom = "threshold_from"
        case modelDigest = "model_digest"
        case licenceReference = "licence_ref"
        case recipe
        case contrastsUsed = "contrasts_used"
        case contrastsAbsent = "contrasts_absent"
        case familiarity
        case conformalSet = "conformal_set"
        case warnings, device, saliency, notice
    }
}
