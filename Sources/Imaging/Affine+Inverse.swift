import NIfTI

extension Affine {
    /// The volume of one voxel in cubic millimetres.
    var voxelVolume: Double { determinant.magnitude }

    /// First `inner`, then this map.
    func after(_ inner: Affine) -> Affine {
        let product: [[Double]] = rows.map { row in
            (0..<4).map { column in
                let terms: [Double] = (0..<3).map { row[$0] * inner.rows[$0][column] }
                return terms.reduce(column == 3 ? row[3] : 0, +)
            }
        }
        return Affine(rows: product)
    }

    /// The map back, or nil where a voxel has no volume.
    func undone() -> Affine? {
        let d = determinant
        guard d.isFinite, d != 0 else { return nil }
        func minor(_ r: Int, _ c: Int) -> Double {
            let (r0, r1) = ((r + 1) % 3, (r + 2) % 3)
            let (c0, c1) = ((c + 1) % 3, (c + 2) % 3)
            return rows[r0][c0] * rows[r1][c1] - rows[r0][c1] * rows[r1][c0]
        }
        let inverse: [[Double]] = (0..<3).map { r in
            let row: [Double] = (0..<3).map { c in minor(c, r) / d }
            let shift: Double = row[0] * rows[0][3] + row[1] * rows[1][3] + row[2] * rows[2][3]
            return row + [-shift]
        }
        guard inverse.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { return nil }
        return Affine(rows: inverse)
    }
}
