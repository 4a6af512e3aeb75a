import Glibc

extension Affine {
    /// Voxel edges in millimetres: the lengths of the first three columns.
    package var spacing: [Double] {
        (0..<3).map { column in (0..<3).reduce(0) { $0 + rows[$1][column] * rows[$1][column] }.squareRoot() }
    }

    /// Of the 3×3 part: a voxel's volume in mm³, negative when the axes are left-handed.
    package var determinant: Double {
        func minor(_ a: Int, _ b: Int) -> Double { rows[1][a] * rows[2][b] - rows[1][b] * rows[2][a] }
        return rows[0][0] * minor(1, 2) - rows[0][1] * minor(0, 2) + rows[0][2] * minor(0, 1)
    }

    /// For each voxel axis the patient axis nearest to it: which (0 right, 1 front, 2 up) and whether it runs against.
    ///
    /// Of the six ways to pair three axes with three, the one whose cosines add up to the most.
    package var axes: [(world: Int, isReversed: Bool)] {
        let cosines = cosines
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
        var best = orders[0]
        var most = -1.0
        for order in orders {
            let sum = (0..<3).reduce(0) { $0 + cosines[order[$1]][$1].magnitude }
            if sum > most + 1e-12 { (best, most) = (order, sum) }
        }
        return (0..<3).map { (best[$0], cosines[best[$0]][$0] < 0) }
    }

    /// The direction each voxel axis points to, such as `RAS` or `LPI`.
    package var orientation: String {
        let letters: [(String, String)] = [("R", "L"), ("A", "P"), ("S", "I")]
        return axes.map { $0.isReversed ? letters[$0.world].1 : letters[$0.world].0 }.joined()
    }

    /// The largest angle in degrees between a voxel axis and its nearest patient axis: 0 when nothing is oblique.
    package var obliqueness: Double {
        let cosines = cosines
        return axes.enumerated().map { column, axis in
            acos(min(1, cosines[axis.world][column].magnitude)) * 180 / .pi
        }.reduce(0, max)
    }

    /// The farthest that a corner of the grid lies in another map, in millimetres.
    func distance(to other: Affine, over dims: [Int]) -> Double {
        var farthest = 0.0
        for corner in 0..<8 {
            let index = (0..<3).map { corner >> $0 & 1 == 0 ? 0 : Double(dims[$0] - 1) }
            let here = point(index[0], index[1], index[2])
            let there = other.point(index[0], index[1], index[2])
            let (x, y, z) = (here.0 - there.0, here.1 - there.1, here.2 - there.2)
            farthest = max(farthest, (x * x + y * y + z * z).squareRoot())
        }
        return farthest
    }

    /// `[world][voxel axis]`; 0 for an axis of no length.
    private var cosines: [[Double]] {
        let spacing = spacing
        return rows.map { row in (0..<3).map { spacing[$0] > 0 ? row[$0] / spacing[$0] : 0 } }
    }
}
