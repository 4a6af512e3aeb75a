package import Cohort
package import Compute
package import Encoder
package import Imaging

/// How far off a model restores what was taken out of cases it did not learn from.
///
/// The error of a case is the mean absolute difference over all voxels of the contrasts that it has; where tokens are
/// hidden, over the voxels of the brain in those.
package struct RestorationErrors {
    let objective: PretrainingObjective
    private let seed: UInt64
    private let device: Device

    /// - Parameter seed: with a case's name it decides what is taken out: the same for every model and round.
    package init(_ objective: PretrainingObjective, seed: UInt64, precision: Precision, threads: Int?) throws {
        self.objective = objective
        self.seed = seed
        device = try Device(precision: precision, threads: threads)
    }

    /// The mean error over cases.
    ///
    /// - Parameters:
    ///   - cases: at least one.
    ///   - load: prepares a case.
    ///   - progress: told the number of cases done; ends when it returns false.
    /// - Returns: nil when it was ended.
    package func mean(
        of model: ModelFile, cases: [LabelledCase], load: (CaseRecord) throws -> EncoderInput,
        progress: (Int) -> Bool = { _ in true }
    ) throws -> Double? {
        let (store, configuration) = try parameters(of: model)
        return try mean(of: store, configuration, cases: cases, load: load, progress: progress)
    }

    /// A model's parameters and its shape, without a head.
    func parameters(of model: ModelFile) throws -> (ParameterStore, ModelConfiguration) {
        var configuration = model.description.configuration
        configuration.head = nil
        let store = try ParameterStore(ParameterLayout(configuration), device: device)
        _ = try model.load(into: store)
        return (store, configuration)
    }

    /// The same of parameters that are in memory.
    package func mean(
        of store: ParameterStore, _ model: ModelConfiguration, cases: [LabelledCase],
        load: (CaseRecord) throws -> EncoderInput, progress: (Int) -> Bool = { _ in true }
    ) throws -> Double? {
        let restorer = try Restorer(objective, model, store)
        var sum = 0.0
        for (done, labelled) in cases.enumerated() {
            let input = try load(labelled.record)
            guard input.voxels.count == model.encoder.imageValues else {
                throw TrainingError(
                    .data,
                    "\(labelled.record.name) has \(input.voxels.count) prepared voxels where the model takes "
                        + "\(model.encoder.imageValues)")
            }
            let part = part(of: input, labelled.record.id, model.encoder)
            sum += part.distance(try restorer.restore(part, present: input.present), input)
            guard sum.isFinite else {
                throw TrainingError(.notFinite, "The model restores \(labelled.record.name) as no finite numbers")
            }
            guard progress(done + 1) else { return nil }
        }
        return cases.isEmpty ? nil : sum / Double(cases.count)
    }

    /// The same of what is shown as it is, with nothing restored: what a model must be better than.
    package func ofViews(
        _ cases: [LabelledCase], _ encoder: EncoderConfiguration, load: (CaseRecord) throws -> EncoderInput
    ) throws -> Double? {
        var sum = 0.0
        for labelled in cases {
            let input = try load(labelled.record)
            let part = part(of: input, labelled.record.id, encoder)
            sum += part.distance(part.view, input)
        }
        return cases.isEmpty ? nil : sum / Double(cases.count)
    }

    /// A case, what a model is shown of it, and what it makes of that.
    package func picture(of model: ModelFile, _ input: EncoderInput, _ id: String) throws -> RestorationPicture {
        let (store, configuration) = try parameters(of: model)
        return try picture(of: store, configuration, input, id)
    }

    /// The same of parameters that are in memory.
    func picture(
        of store: ParameterStore, _ model: ModelConfiguration, _ input: EncoderInput, _ id: String
    ) throws -> RestorationPicture {
        let part = part(of: input, id, model.encoder)
        let restored = try Restorer(objective, model, store).restore(part, present: input.present)
        return RestorationPicture(
            columns: [input.voxels, part.view, restored], present: input.present, size: model.encoder.imageSize)
    }

    /// What is shown of a case, drawn by its name.
    func part(of input: EncoderInput, _ id: String, _ encoder: EncoderConfiguration) -> ShownPart {
        let name = "\(id), chosen view"
        guard let scheme = objective.scheme else {
            let mask = TokenMask(encoder)
            let visible = mask.draw(seed: seed, name: name)
            return ShownPart(
                view: mask.view(input.voxels, shown: visible, contrasts: input.present.count), visible: visible,
                hidden: mask.hidden(shown: visible))
        }
        return ShownPart(
            view: ContentDropout(scheme, size: encoder.imageSize).view(
                input.voxels, shown: input.present, seed: seed, name: name))
    }
}
