import Cryptography
import Encoder
package import Federation
import Glibc
import Training
import Weights

/// The model a study begins with: all of the plan's encoder and its head.
package enum InitialModel {
    /// Numbers written at once.
    private static let chunk = 64 << 10

    /// Writes the model a plan's preset and seed stand for: the same bytes on every machine, in the memory of one chunk.
    package static func make(_ plan: StudyPlan, path: String) throws -> ObjectReference {
        guard case .preset(let name, let seed) = plan.initial, let preset = Preset(rawValue: name) else {
            throw StoreError(.missing, "The plan of \(plan.name) names no preset this coordinator knows; amend it.")
        }
        var encoder = preset.configuration
        encoder.imageSize = plan.recipe.size
        try encoder.validate()
        return try write(
            model(plan, encoder), plan, seed: seed, from: nil, path: path)
    }

    /// What every site would refuse in the first round.
    /// - Throws: one sentence.
    package static func check(_ plan: StudyPlan) throws {
        var settings = FitSettings(recipe: try CaseSource.recipe(MessageCoding.encode(plan.recipe)))
        settings.augment = plan.training.augment.compactMap { .init(rawValue: $0.rawValue) }
        _ = try settings.augmentation()
        guard case .preset(let name, _) = plan.initial, let preset = Preset(rawValue: name),
            let objective = objective(plan)
        else { return }
        try objective.goal.check(model(plan, preset.configuration))
    }

    /// Gives weights that an operator brought the plan's head.
    ///
    /// Weights of the very task keep its head, and are taken word for word where they have the plan's recipe and
    /// contrasts; otherwise a new head is drawn by the plan's seed, as is anything else the weights lack. A file that
    /// holds no part of our networks is another architecture, which only sites with trainers of their own can train: it is
    /// taken word for word too, when all its numbers are F32.
    /// - Parameters:
    ///   - weights: path of the object.
    ///   - digest: SHA-256 of the object.
    /// - Returns: nil when the object itself is the initial model.
    package static func adapt(
        _ weights: String, digest: String, _ plan: StudyPlan, path: String
    ) throws -> ObjectReference? {
        let tensors = try SafetensorsFile(weights).tensors
        let isOurs = tensors.contains { $0.name.hasPrefix("patch_embedding.") || $0.name == "stem.weight" }
        if !isOurs, !tensors.isEmpty,
            tensors.allSatisfy({ $0.type == .float32 })
        {
            return nil
        }
        let file = try ModelFile(weights)
        let model = model(plan, file.description.configuration.encoder)
        let layout = ParameterLayout(model)
        let takesHead =
            file.description.task == task(plan) && file.description.classes == plan.classes.map(\.name)
            && file.description.configuration.head == model.head
        let isWhole = layout.parameters.allSatisfy { parameter in
            file.file.tensor(parameter.name).map { $0.shape == parameter.shape && $0.type == .float32 } ?? false
        }
        // What is released says how scans are prepared for it: as the plan does.
        let recipe = try CaseSource.recipe(MessageCoding.encode(plan.recipe))
        let isPreparedAlike = file.description.recipe.flatMap { try? CaseSource.recipe($0) } == recipe
        let isShownAlike = file.description.contrasts == contrasts(plan)
        if takesHead, isWhole, isPreparedAlike, isShownAlike, file.file.tensors.count == layout.parameters.count {
            return nil
        }
        return try write(model, plan, seed: plan.seed, from: (file, digest, takesHead), path: path)
    }

    /// The column the model predicts; a pretrained encoder predicts none.
    private static func task(_ plan: StudyPlan) -> String? { plan.objective == nil ? plan.task : nil }

    /// Those the plan names, when it leaves any out.
    private static func contrasts(_ plan: StudyPlan) -> [String]? {
        plan.contrasts == StudyPlan.everyContrast ? nil : plan.contrasts
    }

    private static func objective(_ plan: StudyPlan) -> PretrainingObjective? {
        plan.objective.flatMap { PretrainingObjective(rawValue: $0.rawValue) }
    }

    /// The encoder with what the study trains beside it.
    private static func model(_ plan: StudyPlan, _ encoder: EncoderConfiguration) -> ModelConfiguration {
        if let objective = objective(plan) { return objective.model(encoder) }
        let head: Head =
            switch plan.head {
            case .mean: .mean(classes: plan.classes.count)
            case .peak: .peak(classes: plan.classes.count)
            case .lamim: .published(classes: plan.classes.count)
            }
        return ModelConfiguration(encoder: encoder, head: head)
    }

    private static func write(
        _ model: ModelConfiguration, _ plan: StudyPlan, seed: UInt64,
        from source: (file: ModelFile, digest: String, head: Bool)?, path: String
    ) throws -> ObjectReference {
        let layout = ParameterLayout(model)
        var description = ModelDescription(
            configuration: model, task: task(plan), classes: plan.classes.map(\.name),
            recipe: try MessageCoding.encode(plan.recipe), contrasts: contrasts(plan),
            threshold: plan.objective == nil ? 0.5 : nil)
        if let source { description.descend(from: source.file.description, digest: source.digest) }
        var writer = try SafetensorsWriter(
            path, entries: layout.parameters.map { .init($0.name, .float32, $0.shape) },
            metadata: try description.metadata())
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: chunk)
        defer { buffer.deallocate() }
        for parameter in layout.parameters {
            var draw = Draw(parameter, seed: seed)
            let tensor = source?.file.file.tensor(parameter.name)
            let isTaken =
                tensor?.shape == parameter.shape && (source?.head == true || !ParameterLayout.isHead(parameter.name))
            for start in stride(from: 0, to: parameter.count, by: chunk) {
                let piece = UnsafeMutableBufferPointer(rebasing: buffer[..<min(chunk, parameter.count - start)])
                if isTaken, let source {
                    try source.file.file.read(parameter.name, into: piece, offset: start)
                } else {
                    draw.fill(piece)
                }
                try writer.append(UnsafeBufferPointer(piece))
            }
        }
        let digest = try writer.finish()
        var status = stat()
        guard stat(path, &status) == 0 else { throw StoreError(.cannotWrite, "\(path) cannot be found again.") }
        return ObjectReference(digest: digest, bytes: Int(status.st_size))
    }

    /// Initial values of one parameter, in order: those the encoder itself would draw by the same seed.
    private struct Draw {
        private let initial: Parameter.Initial
        private var stream: RandomStream

        init(_ parameter: Parameter, seed: UInt64) {
            initial = parameter.initial
            stream = RandomStream(seed: seed, name: parameter.name)
        }

        mutating func fill(_ values: UnsafeMutableBufferPointer<Float>) {
            switch initial {
            case .zero: values.update(repeating: 0)
            case .one: values.update(repeating: 1)
            case .uniform(let bound): for i in values.indices { values[i] = (2 * stream.unit() - 1) * bound }
            case .normal(let deviation): for i in values.indices { values[i] = stream.normal() * deviation }
            }
        }
    }
}
