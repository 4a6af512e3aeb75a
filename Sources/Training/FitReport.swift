import Encoder

/// What a fit tells while it runs.
package enum FitReport: Sendable {
    /// A sentence a person should read.
    case note(String)
    /// Cases read before the first step.
    case reading(done: Int, total: Int)
    case step(FitProgress)
    case epoch(EpochRecord, of: Int)
}

/// One step of a fit.
package struct FitProgress: Sendable {
    /// 1 for the first.
    package let epoch: Int
    package let epochs: Int
    /// Steps done of the epoch, and its steps.
    package let step: Int
    package let steps: Int
    package let loss: Double
    package let rate: Float
    package let samplesPerSecond: Double
    /// Seconds until the last step, at the pace so far.
    package let secondsLeft: Double
}

/// How a fit ended.
package enum FitOutcome: Sendable {
    /// All epochs are done.
    case finished(FitMetrics)
    /// Asked to stop; the same command goes on from the checkpoint.
    case interrupted(epoch: Int, step: Int)
}

/// The content of `metrics.json`.
package struct FitMetrics: Codable, Sendable, Equatable {
    package var task: String
    package var classes: [String]
    package var threshold: Double
    package var bestEpoch: Int
    package var select: Evaluation?
    package var test: Evaluation?
    package var modelDigest: String
    package var notice = ModelDescription.investigational

    private enum CodingKeys: String, CodingKey {
        case task, classes, threshold, bestEpoch = "best_epoch", select, test, modelDigest = "model_digest", notice
    }
}

/// The content of `fit.json`: all that is needed to make the same model again.
struct FitFile: Codable {
    var identity: [String: String]
    var settings: FitSettings
    var model: ModelConfiguration
    var parameters: Int
    var trained: Int
    var cases: [String: [String: Int]]
    var classWeights: [Float]?
    var lineage: [String]
    var licenceReference: String?
    var warnings: [String]
    var versions: [String: Int]
    var finished: Bool
    var notice = ModelDescription.investigational

    private enum CodingKeys: String, CodingKey {
        case identity, settings, model, parameters, trained, cases
        case classWeights = "class_weights"
        case lineage
        case licenceReference = "licence_ref"
        case warnings, versions, finished, notice
    }
}
