package import Cohort
package import Compute
package import Encoder
import Foundation
import Imaging

/// A fit as it is asked for.
package struct FitRequest: Sendable {
    /// Where the weights begin.
    package enum Start: Sendable {
        /// Drawn anew by the seed.
        case preset(Preset)
        /// Drawn anew, in a shape of one's own.
        case configuration(EncoderConfiguration)
        /// A file, and its digest.
        case weights(ModelFile, digest: String)

        package var encoder: EncoderConfiguration {
            switch self {
            case .preset(let preset): preset.configuration
            case .configuration(let configuration): configuration
            case .weights(let file, _): file.description.configuration.encoder
            }
        }

        /// What must be the same for a training to be taken up again.
        var identity: String {
            switch self {
            case .preset(let preset): preset.rawValue
            case .configuration(let shape): "\(shape)"
            case .weights(_, let digest): "weights \(digest)"
            }
        }

        /// What a model file says of itself that comes of it.
        /// - Parameter recipe: how its scans are prepared.
        func description(of model: ModelConfiguration, recipe: Recipe) throws(TrainingError) -> ModelDescription {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            var description = ModelDescription(configuration: model)
            do { description.recipe = String(decoding: try encoder.encode(recipe), as: UTF8.self) } catch {
                throw TrainingError(.settings, "the recipe cannot be written as JSON: \(error)")
            }
            if case .weights(let file, let digest) = self {
                description.descend(from: file.description, digest: digest)
            }
            return description
        }
    }

    /// Which head turns tokens into classes.
    package enum HeadKind: String, Sendable, CaseIterable { case mean, peak, lamim }

    package var start: Start
    package var head: HeadKind
    package var task: LabelTask
    package var settings: FitSettings
    package var cases: [LabelledCase]
    /// Prepares a case; called from several threads.
    package var load: @Sendable (CaseRecord) throws -> EncoderInput
    package var precision: Precision
    package var threads: Int?
    /// The folder of everything the fit writes.
    package var out: String
    /// Seconds between checkpoints within an epoch.
    package var checkpointSeconds: Double

    package init(
        start: Start, head: HeadKind = .mean, task: LabelTask, settings: FitSettings, cases: [LabelledCase],
        load: @escaping @Sendable (CaseRecord) throws -> EncoderInput, precision: Precision, threads: Int? = nil,
        out: String, checkpointSeconds: Double = 600
    ) {
        self.start = start
        self.head = head
        self.task = task
        self.settings = settings
        self.cases = cases
        self.load = load
        self.precision = precision
        self.threads = threads
        self.out = out
        self.checkpointSeconds = checkpointSeconds
    }

    /// The model that comes of it.
    package var model: ModelConfiguration {
        let head: Head =
            switch self.head {
            case .mean: .mean(classes: task.classes.count)
            case .peak: .peak(classes: task.classes.count)
            case .lamim: .published(classes: task.classes.count)
            }
        return ModelConfiguration(encoder: start.encoder, head: head)
    }

    /// What the model file says of itself.
    func description() throws(TrainingError) -> ModelDescription {
        var description = try start.description(of: model, recipe: settings.recipe)
        description.task = task.column
        description.classes = task.classes
        description.threshold = 0.5
        return description
    }

    /// What must be the same for a fit to be taken up again, by name.
    func identity(device: Device, data: String) -> [String: String] {
        settings.identity.merging([
            "starting weights": start.identity, "head": head.rawValue, "task": task.column,
            "classes": task.classes.joined(separator: ", "), "class weights": "\(settings.classWeights)",
            "select": settings.select.rawValue, "seed": "\(settings.seed)", "device": device.description, "data": data,
        ]) { $1 }
    }

    /// Whether cases and classes allow a fit.
    func validate() throws(TrainingError) {
        try settings.validate(classes: task.classes.count)
        guard task.classes.count >= 2 else {
            throw TrainingError(
                .data,
                "The column \(task.column) has one class only (\(task.classes.joined())): a task needs two or more")
        }
        for (label, name) in task.classes.enumerated()
        where !cases.contains(where: { $0.split == .train && $0.label == label }) {
            throw TrainingError(
                .data, "No training case has the \(task.column) label \(name): add cases, or give another split column")
        }
    }
}
