/// A map from voxel indices (i, j, k) to millimetres (x to the right, y to the front, z up: RAS+), NIfTI-1 §"METHOD 2/3".
///
/// `rows[r][c]`: three rows of four; the missing fourth row is 0 0 0 1.
package struct Affine: Sendable, Equatable, Codable {
    package var rows: [[Double]]

    /// - Parameter rows: three rows of four finite numbers.
    package init(rows: [[Double]]) {
        precondition(rows.count == 3 && rows.allSatisfy { $0.count == 4 }, "an affine has three rows of four")
        self.rows = rows
    }

    /// Voxels of the given size in millimetres along each axis, the first voxel's centre at the origin.
    package init(spacing: (Double, Double, Double)) {
        self.init(rows: [[spacing.0, 0, 0, 0], [0, spacing.1, 0, 0], [0, 0, spacing.2, 0]])
    }

    /// The point in millimetres of a voxel index, which may lie between voxels.
    package func point(_ i: Double, _ j: Double, _ k: Double) -> (Double, Double, Double) {
        func row(_ r: Int) -> Double { rows[r][0] * i + rows[r][1] * j + rows[r][2] * k + rows[r][3] }
        return (row(0), row(1), row(2))
    }
}
