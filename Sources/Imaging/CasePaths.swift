/// The files of one case.
package struct CasePaths: Sendable, Equatable, Codable {
    /// One 3D file a contrast. Empty when `volume` is given.
    package var contrasts: [Contrast: String]
    /// One 4D file of all four in LaMIM order.
    package var volume: String?
    /// A brain mask: what is above ½ is brain.
    package var brain: String?

    package init(contrasts: [Contrast: String] = [:], volume: String? = nil, brain: String? = nil) {
        self.contrasts = contrasts
        self.volume = volume
        self.brain = brain
    }

    /// Whether a contrast is named; a file of all four counts as having each.
    package func names(_ contrast: Contrast) -> Bool { volume != nil || contrasts[contrast] != nil }
}
