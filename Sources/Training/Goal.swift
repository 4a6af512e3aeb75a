import Cohort
package import Encoder

/// What training is for: how passes are made of cases, and how the network's outputs become a loss.
package enum Goal: Sendable {
    /// The classes of a task, by its loss with its class weights.
    case classification(CrossEntropy)
    /// Two views of a case with content taken out, the first to be restored, both to agree (LAMIM §6).
    case restoration(ContentDropout.Scheme)
    /// Tokens the encoder is not shown, predicted by a decoder of their own.
    case masked

    /// Whether a parameter has a gradient by this goal.
    package func reaches(_ name: String) -> Bool {
        switch self {
        case .classification: !Trainable.decoderOnly(name)
        case .restoration: !ParameterLayout.isHead(name) && !name.hasPrefix(ParameterLayout.maskDecoder)
        case .masked: !ParameterLayout.isHead(name) && !name.hasPrefix("conv3d_transpose")
        }
    }

    /// Volumes the network sees of a case at once.
    package var views: Int {
        switch self {
        case .classification, .masked: 1
        case .restoration: 2
        }
    }

    /// Whether a model has what it takes.
    package func check(_ model: ModelConfiguration) throws(TrainingError) {
        switch self {
        case .restoration:
            guard model.encoder.residual == nil else {
                throw TrainingError(
                    .settings, "A residual network has no decoder: pretrain one of the transformer's presets")
            }
        case .classification:
            guard model.head != nil else {
                throw TrainingError(.settings, "The base model has no head: begin from a model that classifies")
            }
        case .masked:
            guard model.maskDecoder != nil else {
                throw TrainingError(
                    .settings, "The base model has no decoder for hidden tokens: begin from a preset, or from weights")
            }
            guard model.encoder.tokens >= 2 else {
                throw TrainingError(.settings, "The model has a single token, of which nothing can be hidden")
            }
        }
    }

    /// Makes the passes of an epoch, on the thread that loads them.
    /// - Parameter seed: with the epoch and the case it decides what is drawn.
    func maker(
        _ cases: FitCases, _ encoder: EncoderConfiguration, seed: UInt64, epoch: Int, augmentation: Augmentation
    ) -> @Sendable ([Sample]) throws -> MicroBatch {
        { samples in
            let whole = try MicroBatch.images(of: samples, from: cases)
                .augmented(by: augmentation, cases, seed: seed, epoch: epoch)
            switch self {
            case .classification: return whole
            case .restoration(let scheme):
                return whole.views(by: scheme, cases, seed: seed, name: "epoch \(epoch)")
            case .masked:
                return whole.masked(by: TokenMask(encoder), cases, seed: seed, name: "epoch \(epoch)")
            }
        }
    }
}
