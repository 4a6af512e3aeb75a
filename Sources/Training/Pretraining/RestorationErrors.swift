package import Cohort
package import Compute
package import Encoder

/// How far off a model restores what was taken out of cases it did not learn from.
package struct RestorationErrors {
    private let scheme: ContentDropout.Scheme
    private let seed: UInt64
    private let device: Device

    /// - Parameter seed: with a case's name it decides what is taken out: the same for every model and round.
    package init(_ scheme: ContentDropout.Scheme, seed: UInt64, precision: Precision, threads: Int?) throws {
        self.scheme = scheme
        self.seed = seed
        device = try Device(precision: precision, threads: threads)
    }

    /// The mean absolute error over all voxels of the contrasts that cases have, averaged over cases.
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
        var configuration = model.description.configuration
        configuration.head = nil
        let store = try ParameterStore(ParameterLayout(configuration), device: device)
        _ = try model.load(into: store)
        return try mean(
            of: Network(configuration, parameters: store, batch: 1, training: false), cases: cases, load: load,
            progress: progress)
    }

    /// The same of a network that is in memory.
    package func mean(
        of network: Network, cases: [LabelledCase], load: (CaseRecord) throws -> EncoderInput,
        progress: (Int) -> Bool = { _ in true }
    ) throws -> Double? {
        var sum = 0.0
        for (done, labelled) in cases.enumerated() {
            let input = try load(labelled.record)
            guard input.voxels.count == network.model.encoder.imageValues else {
                throw TrainingError(
                    .data,
                    "\(labelled.record.name) has \(input.voxels.count) prepared voxels where the model takes "
                        + "\(network.model.encoder.imageValues)")
            }
            sum += try error(network, input, labelled.record.id)
            guard sum.isFinite else {
                throw TrainingError(.notFinite, "The model restores \(labelled.record.name) as no finite numbers")
            }
            guard progress(done + 1) else { return nil }
        }
        return cases.isEmpty ? nil : sum / Double(cases.count)
    }

    /// The same of views as they are, with nothing restored: what a model must be better than.
    package func ofViews(_ cases: [LabelledCase], size: Int, load: (CaseRecord) throws -> EncoderInput) throws
        -> Double?
    {
        var sum = 0.0
        for labelled in cases {
            let input = try load(labelled.record)
            sum += distance(view(of: input, labelled.record.id, size: size), input)
        }
        return cases.isEmpty ? nil : sum / Double(cases.count)
    }

    private func error(_ network: Network, _ input: EncoderInput, _ id: String) throws -> Double {
        let view = view(of: input, id, size: network.model.encoder.imageSize)
        return distance(Array(try network.reconstruct(view, count: 1, present: [input.present])), input)
    }

    /// The mean absolute difference over the contrasts that a case has.
    private func distance(_ output: [Float], _ input: EncoderInput) -> Double {
        let channel = input.voxels.count / input.present.count
        var sum = 0.0
        for contrast in input.present.indices where input.present[contrast] {
            for i in contrast * channel..<(contrast + 1) * channel { sum += Double(abs(output[i] - input.voxels[i])) }
        }
        return sum / Double(channel * input.present.count { $0 })
    }

    /// What the model is shown of a case.
    package func view(of input: EncoderInput, _ id: String, size: Int) -> [Float] {
        ContentDropout(scheme, size: size).view(
            input.voxels, shown: input.present, seed: seed, name: "\(id), chosen view")
    }
}
