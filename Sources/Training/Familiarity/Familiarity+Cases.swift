package import Cohort
package import Compute
package import Encoder
package import Imaging
package import Statistics

extension Familiarity {
    /// The sums of training cases, each seen once by the model.
    ///
    /// - Parameters:
    ///   - digest: of the model's file.
    ///   - restorer: the pretrained model it began as, and its digest, where there is one.
    ///   - load: prepares a case.
    ///   - most: dimensions, where the cases are enough for them.
    ///   - progress: told the number of cases done; it ends when it returns false.
    /// - Returns: nil where there are fewer than ten cases, or when stopped.
    /// - Throws: one sentence: the machine's memory, a case that cannot be prepared.
    package static func of(
        _ model: ModelFile, digest: String, restorer: (model: CaseRestorer, digest: String)? = nil, cases: [CaseRecord],
        load: (CaseRecord) throws -> PreparedVolume, precision: Precision, threads: Int?,
        dimensions most: Int = mostDimensions,
        seed: UInt64 = standardSeed, progress: (Int) -> Bool = { _ in true }
    ) throws -> Familiarity? {
        let dimensions = min(dimensions(cases: cases.count), most)
        let configuration = model.description.configuration
        guard dimensions > 0, let head = configuration.head else { return nil }
        let network = try model.inferenceNetwork(precision: precision, threads: threads)
        let projection = FeatureProjection(
            inputs: head.features(of: configuration.encoder), dimensions: dimensions, seed: seed)
        var made = Familiarity(model: digest, seed: seed, dimensions: dimensions, restorer: restorer?.digest)
        for (index, record) in cases.enumerated() {
            let volume = try load(record)
            let features = try network.features(volume.voxels, count: 1, present: [volume.present])
            made.add(
                features: projection(features), images: ImageStatistics(volume).values,
                restoration: try restorer?.model.error(
                    of: EncoderInput(voxels: volume.voxels, present: volume.present)))
            guard progress(index + 1) else { return nil }
        }
        return made
    }
}
