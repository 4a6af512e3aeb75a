import NIfTI

/// The voxels of one 3D scan in the scanner: how many along each stored axis, and where.
struct Grid: Sendable, Equatable {
    /// Sizes along the three stored axes.
    let dims: [Int]
    /// Voxel indices to millimetres.
    let affine: Affine

    /// Voxels in the grid.
    var count: Int { dims[0] * dims[1] * dims[2] }

    /// Whether the two grids have the same voxels: equal sizes, and no corner further apart than a twentieth of the
    /// smallest voxel edge (headers written by different programs differ in the last digits).
    func matches(_ other: Grid) -> Bool {
        guard dims == other.dims else { return false }
        let tolerance = 0.05 * min(affine.spacing.min() ?? 0, other.affine.spacing.min() ?? 0)
        for corner in 0..<8 {
            let index = (0..<3).map { Double(corner >> $0 & 1) * Double(dims[$0] - 1) }
            let a = affine.point(index[0], index[1], index[2])
            let b = other.affine.point(index[0], index[1], index[2])
            let distance = ((a.0 - b.0) * (a.0 - b.0) + (a.1 - b.1) * (a.1 - b.1) + (a.2 - b.2) * (a.2 - b.2))
                .squareRoot()
            guard distance <= tolerance else { return false }
        }
        return true
    }

    /// How this grid is seen along the axes of another that has the same voxels and stores them in another order; nil
    /// where the two do not have the same voxels.
    func view(as other: Grid) -> OrientedView? {
        let view = OrientedView(
            dims: dims, from: Orientation(affine: affine), to: Orientation(affine: other.affine))
        let seen = Grid(dims: view.dims, affine: affine.after(view.storedFromViewed))
        return seen.matches(other) ? view : nil
    }

    /// How much of this grid lies inside `other`'s, 0…1, on a lattice of 17³ points.
    func overlap(with other: Grid) -> Double {
        guard let back = other.affine.undone() else { return 0 }
        let map = back.after(affine)
        let points = 17
        var inside = 0
        for c in 0..<points {
            for b in 0..<points {
                for a in 0..<points {
                    let lattice = [a, b, c]
                    let at = (0..<3).map { Double(lattice[$0]) / Double(points - 1) * Double(dims[$0] - 1) }
                    let (i, j, k) = map.point(at[0], at[1], at[2])
                    let found = [i, j, k]
                    if (0..<3).allSatisfy({ found[$0] >= -0.5 && found[$0] <= Double(other.dims[$0]) - 0.5 }) {
                        inside += 1
                    }
                }
            }
        }
        return Double(inside) / Double(points * points * points)
    }
}

extension Grid {
    /// Of a file's first three axes.
    init(_ header: NIfTIHeader) { self.init(dims: Array(header.dims.prefix(3)), affine: header.affine) }
}
