package import Encoder

/// How a map of what a prediction rests on is made.
package enum SaliencyMethod: String, CaseIterable, Codable, Sendable {
    /// The change of the score when one token's voxels are replaced by their smoothed neighbourhood, for every token: the
    /// reference, for it asks the model itself.
    case occlusion
    /// Occlusion of cubes of tokens, and of single tokens only where the cubes speak most for the class.
    case coarseToFine = "coarse-to-fine"
    /// Attention times its positive gradient, carried through the blocks (Chefer, Gur and Wolf, ICCV 2021, equations 5, 6).
    case relevance
    /// The last block's attention, its heads weighted by their mean gradient (Selvaraju et al., ICCV 2017, on attention).
    case gradcam
    /// The gradient at each voxel along the way from the smoothed case to the case (Sundararajan et al., ICML 2017).
    case gradients

    /// Whether it needs a network that keeps what a backward pass uses.
    package var usesGradients: Bool { self != .occlusion && self != .coarseToFine }

    /// Whether it looks at attention, which a residual network has none of.
    package var usesAttention: Bool { self == .relevance || self == .gradcam }

    /// What is taken where no method is named: the reference where it is cheap, else what costs few passes.
    package static func usual(for encoder: EncoderConfiguration) -> SaliencyMethod {
        if encoder.residual != nil { return .coarseToFine }
        return encoder.hidden <= Preset.small.configuration.hidden ? .occlusion : .relevance
    }
}
