package import Encoder

/// What pretraining learns from scans without labels.
package enum PretrainingObjective: String, Codable, Sendable, CaseIterable {
    /// Restoring 86 cubes of 16³ voxels, two views agreeing (LAMIM §6).
    case blocks16
    /// The same with 6000 cubes of 4³.
    case blocks4
    /// Predicting the three quarters of the tokens that the encoder is not shown.
    case masked

    /// How content is taken out of a view; nil where whole tokens are hidden.
    package var scheme: ContentDropout.Scheme? {
        switch self {
        case .blocks16: .blocks16
        case .blocks4: .blocks4
        case .masked: nil
        }
    }

    package var goal: Goal { scheme.map { .restoration($0) } ?? .masked }

    /// The model that is trained by it.
    package func model(_ encoder: EncoderConfiguration) -> ModelConfiguration {
        ModelConfiguration(
            encoder: encoder, head: nil,
            maskDecoder: self == .masked && encoder.residual == nil ? MaskDecoder(of: encoder) : nil)
    }
}
