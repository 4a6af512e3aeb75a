/// The facts of a NIfTI-1 or NIfTI-2 header that passed the gate.
package struct NIfTIHeader: Sendable, Equatable {
    /// 1 or 2.
    package var version: Int
    /// Sizes along the axes, 1…2048 each: three, or four when the file holds several volumes.
    package var dims: [Int]
    /// Voxel sizes in millimetres along the first three axes, from the affine.
    package var spacing: [Double]
    /// Voxel indices to millimetres, RAS+.
    package var affine: Affine

    package init(version: Int, dims: [Int], spacing: [Double], affine: Affine) {
        self.version = version
        self.dims = dims
        self.spacing = spacing
        self.affine = affine
    }
}
