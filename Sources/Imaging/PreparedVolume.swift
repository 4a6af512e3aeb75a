/// A case as the encoder takes it.
package struct PreparedVolume: Sendable, Equatable {
    /// Edge of the cube in voxels, S.
    package var size: Int
    /// (4, S, S, S): contrast, x, y, z with z fastest, index `((c*S + x)*S + y)*S + z`; 0…1; absent contrasts are 0.
    package var voxels: [Float]
    /// For each of the four contrasts whether the case has it.
    package var present: [Bool]
    /// How it was prepared.
    package var recipe: Recipe
    /// Where it lies, and the way back to the scan.
    package var geometry: PreparedGeometry
    /// What a person should know about this case, one sentence each; scans by their contrast, never by a path.
    package var warnings: [String]

    package init(
        size: Int, voxels: [Float], present: [Bool], recipe: Recipe, geometry: PreparedGeometry, warnings: [String]
    ) {
        self.size = size
        self.voxels = voxels
        self.present = present
        self.recipe = recipe
        self.geometry = geometry
        self.warnings = warnings
    }
}
