package import Imaging
import NIfTI

/// What reading one scan of a case said about it.
package struct ScanFacts: Sendable, Codable {
    /// Which contrast; a 4D file gives four of these.
    package var contrast: Contrast
    package var file: String
    /// Sizes along the stored axes.
    package var dims: [Int]
    /// Voxel edges along the stored axes, millimetres.
    package var spacing: [Double]
    /// Where the stored axes point, `LPS` and the like.
    package var orientation: String
    /// The largest angle between a stored axis and the nearest of the body, degrees.
    package var obliqueDegrees: Double
    /// Whether the stored axes are right-handed: a mirrored copy with the same header differs in nothing else.
    package var isRightHanded: Bool
    /// What differs from the background, millilitres.
    package var foregroundMillilitres: Double
    /// The values at ``percentileRanks`` of what differs from the background; empty when nothing does.
    package var percentiles: [Float]
    /// Whether all voxels have one value: the contrast was not measured.
    package var isConstant: Bool
    /// NaN and infinite voxels.
    package var nonFinite: Int

    /// The percentiles taken.
    package static let percentileRanks: [Double] = [5, 50, 95]

    init(contrast: Contrast, file: String, image: NIfTIImage, survey: Survey) {
        self.contrast = contrast
        self.file = file
        dims = Array(image.header.dims.prefix(3))
        spacing = image.header.spacing
        orientation = image.header.affine.orientation
        obliqueDegrees = image.header.affine.obliqueness
        isRightHanded = image.header.affine.determinant > 0
        foregroundMillilitres = survey.millilitres
        percentiles = survey.percentiles
        isConstant = survey.isConstant
        nonFinite = survey.nonFinite
    }

    private enum CodingKeys: String, CodingKey {
        case contrast, file, dims, spacing, orientation
        case obliqueDegrees = "oblique_degrees"
        case isRightHanded = "right_handed"
        case foregroundMillilitres = "foreground_ml"
        case percentiles
        case isConstant = "constant"
        case nonFinite = "non_finite"
    }
}
