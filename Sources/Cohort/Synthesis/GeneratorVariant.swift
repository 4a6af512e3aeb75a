/// A family of synthetic brains: how they deform, what their tissues are, how lesions are textured.
///
/// A cohort of another family is a test of what training on this one did not show.
struct GeneratorVariant: Sendable {
    /// Smooth displacements on two scales, and the width of the folds of the cortex; all in millimetres.
    struct Deformation: Sendable {
        var coarseSpacing: Float
        var coarseReach: Float
        var fineSpacing: Float
        var fineReach: Float
        var foldSpacing: Float
    }

    /// How uneven lesions are.
    struct LesionTexture: Sendable {
        /// Knot distance in millimetres of the border's bumps.
        var borderSpacing: Float
        /// Deviation of the border as a share of the radius.
        var borderReach: Float
        /// Knot distance in millimetres of the changes within.
        var grainSpacing: Float
    }

    var deformation: Deformation
    var relaxation: RelaxationTable
    var texture: LesionTexture

    /// The generator of `agent synthesize`.
    static let first = GeneratorVariant(
        deformation: Deformation(
            coarseSpacing: 45, coarseReach: 2.1, fineSpacing: 17, fineReach: 1.0, foldSpacing: 8.5),
        relaxation: .literature,
        texture: LesionTexture(borderSpacing: 9, borderReach: 0.13, grainSpacing: 4.5))

    /// Heads to test on that no training saw the like of: wider and finer deformations, tighter folds, tissues up to a
    /// tenth off the literature, lesions with rougher borders and coarser grain. All chosen.
    static let second = GeneratorVariant(
        deformation: Deformation(
            coarseSpacing: 62, coarseReach: 3.0, fineSpacing: 12, fineReach: 0.7, foldSpacing: 7),
        relaxation: .shifted,
        texture: LesionTexture(borderSpacing: 6, borderReach: 0.2, grainSpacing: 7))
}
