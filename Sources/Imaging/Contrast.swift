/// The four contrasts of the encoder, in the order of its input channels (LaMIM).
package enum Contrast: String, CaseIterable, Codable, Sendable, Hashable, Comparable, CodingKeyRepresentable {
    /// T1-weighted, before contrast agent.
    case t1w = "T1w"
    /// T1-weighted, after gadolinium.
    case t1c = "T1c"
    /// T2-weighted.
    case t2w = "T2w"
    /// Fluid-attenuated inversion recovery.
    case flair = "FLAIR"

    /// The input channel of the encoder, 0…3.
    package var channel: Int {
        switch self {
        case .t1w: 0
        case .t1c: 1
        case .t2w: 2
        case .flair: 3
        }
    }

    package static func < (a: Contrast, b: Contrast) -> Bool { a.channel < b.channel }
}
