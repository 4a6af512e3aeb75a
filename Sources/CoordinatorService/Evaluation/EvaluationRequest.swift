package import Cohort
package import Compute
package import Federation
import Statistics

/// Cases the coordinator itself may evaluate on.
package struct EvaluationSet: Sendable, Equatable, Codable {
    /// What plans call it.
    package var name: String
    /// The manifest's path.
    package var manifest: String
    /// `public`, `synthetic` or `agreement <reference>`: how the coordinator comes to have them.
    package var origin: String

    package init(name: String, manifest: String, origin: String) {
        self.name = name
        self.manifest = manifest
        self.origin = origin
    }

    /// Whether the origin is one of those that may be declared.
    package var isDeclared: Bool {
        origin == "public" || origin == "synthetic"
            || (origin.hasPrefix("agreement ") && origin.utf8.count > "agreement ".utf8.count)
    }
}

/// What the evaluation's process is asked.
package struct EvaluationRequest: Sendable, Codable {
    package struct Model: Sendable, Codable, Equatable {
        package var path: String
        /// SHA-256.
        package var digest: String
        /// Of two classes the second is said at this probability of it and above; nil where none was chosen.
        package var threshold: Double?

        package init(path: String, digest: String, threshold: Double? = nil) {
            self.path = path
            self.digest = digest
            self.threshold = threshold
        }
    }

    package var set: EvaluationSet
    /// `select` judges candidates; `test` is the locked test, opened by an operator's act only.
    package var split: Split
    /// Task, classes, contrasts, recipe.
    package var plan: StudyPlan
    package var models: [Model]
    /// Folder of prepared cases; nil for none.
    package var cache: String?
    /// Nil for the plan's, else the faster one that the processor has.
    package var precision: Precision?
    package var threads: Int?

    package init(
        set: EvaluationSet, split: Split, plan: StudyPlan, models: [Model], cache: String? = nil,
        precision: Precision? = nil, threads: Int? = nil
    ) {
        self.set = set
        self.split = split
        self.plan = plan
        self.models = models
        self.cache = cache
        self.precision = precision
        self.threads = threads
    }
}

/// What came of it.
package struct EvaluationOutcome: Sendable, Codable, Equatable {
    /// The area under the ROC curve of the plan's positive class against the rest, over exact scores.
    package struct Area: Sendable, Codable, Equatable {
        package var value: Double
        /// DeLong's, 95 %, scans of a patient counted together; absent with fewer than two patients of a side.
        package var interval: [Double]?
    }

    /// Positive and negative cases rightly called at a threshold.
    package struct Calls: Sendable, Codable, Equatable {
        package var sensitivity: OperatingPoint.Share
        package var specificity: OperatingPoint.Share
    }

    package var set: String
    package var origin: String
    package var split: Split
    /// Cases of each class, in the order of the plan's classes.
    package var cases: [Int]
    /// In the order asked for; histograms under the same least cohorts as a site's.
    package var models: [EvaluationReport.Scores]
    /// One a model; nil where a side has no case.
    package var areas: [Area?]
    /// One a model; nil where it came without a threshold or a side has no case.
    package var calls: [Calls?]
    /// Mathematics library and precision.
    package var device: String
}

extension EvaluationOutcome.Calls {
    /// - Parameters:
    ///   - positive: what each case is.
    ///   - called: what it was called.
    /// - Returns: nil when a side has no case.
    package init?(_ positive: [Bool], _ called: [Bool]) {
        let counts = ConfusionCounts(labels: positive, scores: called.map { $0 ? 1 : 0 }, threshold: 1)
        guard counts.positives > 0, counts.negatives > 0 else { return nil }
        sensitivity = .init(right: counts.truePositive, cases: counts.positives)
        specificity = .init(right: counts.trueNegative, cases: counts.negatives)
    }
}

/// Why there is no outcome, in one sentence.
package struct EvaluationError: Error, CustomStringConvertible, Sendable, Equatable, Codable {
    package let description: String
    package init(_ description: String) { self.description = description }
}
