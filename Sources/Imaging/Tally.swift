import CImaging

/// Counts and extremes gathered line by line.
struct Tally {
    private var sums = consilium_tally(minimum: .infinity, maximum: -.infinity, not_finite: 0, foreground: 0)
    private let dims: [Int]
    private var columns: [Int32]
    private var lines: [Int32]

    init(dims: [Int]) {
        self.dims = dims
        columns = [Int32](repeating: 0, count: dims[0])
        lines = [Int32](repeating: 0, count: dims[1] * dims[2])
    }

    /// Smallest finite value, infinite before any was seen.
    var minimum: Float { sums.minimum }
    var maximum: Float { sums.maximum }
    var nonFinite: Int { sums.not_finite }
    var foreground: Int { sums.foreground }

    /// For each stored axis, the foreground voxels in each plane across it.
    var profiles: [[Int]] {
        var result = [columns.map(Int.init), [Int](repeating: 0, count: dims[1]), [Int](repeating: 0, count: dims[2])]
        for k in 0..<dims[2] {
            for j in 0..<dims[1] {
                result[1][j] += Int(lines[k * dims[1] + j])
                result[2][k] += Int(lines[k * dims[1] + j])
            }
        }
        return result
    }

    func hasForeground(j: Int, k: Int) -> Bool { lines[k * dims[1] + j] > 0 }

    /// Adds one line and says whether it holds foreground.
    mutating func add(
        _ line: UnsafeMutableBufferPointer<Float>, j: Int, k: Int, background: Background
    ) -> Bool {
        let found = columns.withUnsafeMutableBufferPointer { columns in
            consilium_tally_line(
                line.baseAddress, columns.baseAddress, line.count, background.darkest, background.brightest, &sums)
        }
        lines[k * dims[1] + j] = Int32(found)
        return found > 0
    }
}
