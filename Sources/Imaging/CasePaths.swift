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
}
