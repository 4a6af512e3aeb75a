package import NIfTI

/// Where a prepared volume lies in the body, and the way between its voxels and those of the scan it came from.
package struct PreparedGeometry: Codable, Sendable, Equatable {
    /// The contrast whose grid all others were brought to.
    package var reference: Contrast
    /// The reference scan's sizes along its stored axes.
    package var nativeDims: [Int]
    /// The reference scan's voxel indices to millimetres.
    package var nativeAffine: Affine
    /// How the reference scan is stored, `LPS` and the like.
    package var storedOrientation: String
    /// Its largest angle to the body's axes in degrees.
    package var obliqueDegrees: Double
    /// How the prepared axes run, `RAS` and the like.
    package var orientation: String
    /// First voxel of the crop along the prepared axes, in native steps.
    package var cropOrigin: [Int]
    /// Sizes of the crop along the prepared axes, in native steps.
    package var cropDims: [Int]
    /// Edges of one prepared voxel in millimetres.
    package var spacing: [Double]
    /// Prepared voxel indices (x, y, z) to native voxel indices (i, j, k), centres to centres.
    package var nativeFromPrepared: Affine

    /// Prepared voxel indices to millimetres: the affine of a NIfTI file of the prepared cube.
    package var affine: Affine { nativeAffine.after(nativeFromPrepared) }

    /// The place in the native grid of a prepared voxel; both may lie between voxels.
    package func native(_ x: Double, _ y: Double, _ z: Double) -> (i: Double, j: Double, k: Double) {
        let (i, j, k) = nativeFromPrepared.point(x, y, z)
        return (i, j, k)
    }

    /// Native voxel indices to prepared voxel indices.
    package var preparedFromNative: Affine? { nativeFromPrepared.undone() }

    /// The place in the prepared cube of a native voxel; outside 0…size−1 where it was cropped away.
    package func prepared(_ i: Double, _ j: Double, _ k: Double) -> (x: Double, y: Double, z: Double) {
        // A prepared grid is made of axes with length, so the map back exists.
        guard let back = preparedFromNative else { return (.nan, .nan, .nan) }
        let (x, y, z) = back.point(i, j, k)
        return (x, y, z)
    }
}
