/// Counts and extremes gathered line by line.
struct Tally {
    private(set) var minimum = Float.infinity
    private(set) var maximum = -Float.infinity
    private(set) var nonFinite = 0
    private let dims: [Int]
    private var columns: [Int32]
    private var lines: [Int32]

    init(dims: [Int]) {
        self.dims = dims
        columns = [Int32](repeating: 0, count: dims[0])
        lines = [Int32](repeating: 0, count: dims[1] * dims[2])
    }

    var foreground: Int { lines.reduce(0) { $0 + Int($1) } }

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
    @inline(__always)
    mutating func add(
        _ line: UnsafeMutableBufferPointer<Float>, j: Int, k: Int, background: Background
    ) -> Bool {
        typealias Lanes = SIMD8<Float>
        var lows = Lanes(repeating: minimum)
        var highs = Lanes(repeating: maximum)
        var bad = SIMD8<Int32>(repeating: 0)
        var found = SIMD8<Int32>(repeating: 0)
        let darkest = Lanes(repeating: background.darkest)
        let brightest = Lanes(repeating: background.brightest)
        let one = SIMD8<Int32>(repeating: 1)
        let zero = SIMD8<Int32>(repeating: 0)
        let whole = line.count / 8 * 8
        columns.withUnsafeMutableBufferPointer { columns in
            guard let values = UnsafeRawPointer(line.baseAddress),
                let sums = UnsafeMutableRawPointer(columns.baseAddress)
            else { return }
            for i in stride(from: 0, to: whole, by: 8) {
                let v = values.loadUnaligned(fromByteOffset: i * 4, as: Lanes.self)
                let finite = (v - v) .== 0
                lows.replace(with: v, where: (v .< lows) .& finite)
                highs.replace(with: v, where: (v .> highs) .& finite)
                bad &+= one.replacing(with: zero, where: finite)
                let differs = ((v .< darkest) .| (v .> brightest)) .& finite
                let counted = zero.replacing(with: one, where: differs)
                found &+= counted
                let column = sums.loadUnaligned(fromByteOffset: i * 4, as: SIMD8<Int32>.self)
                sums.storeBytes(of: column &+ counted, toByteOffset: i * 4, as: SIMD8<Int32>.self)
            }
            minimum = lows.min()
            maximum = highs.max()
            var inLine = found.wrappedSum()
            var lost = Int(bad.wrappedSum())
            for i in whole..<line.count {
                let v = line[i]
                guard v.isFinite else {
                    lost += 1
                    continue
                }
                minimum = v < minimum ? v : minimum
                maximum = v > maximum ? v : maximum
                if background.differs(v) {
                    inLine += 1
                    columns[i] += 1
                }
            }
            nonFinite += lost
            lines[k * dims[1] + j] = inLine
        }
        return lines[k * dims[1] + j] > 0
    }
}
