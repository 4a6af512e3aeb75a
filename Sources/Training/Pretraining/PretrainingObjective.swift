package import Encoder
import Foundation

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

extension RestorationLoss {
    /// A step's loss as people read it, in pretraining with its parts.
    package static func text(_ loss: Double, _ parts: Value?) -> String {
        String(format: "loss %.4f", loss)
            + (parts.map {
                String(format: "  reconstruction %.4f  contrastive %.4f", $0.reconstruction, $0.contrastive)
            } ?? "")
    }
}
