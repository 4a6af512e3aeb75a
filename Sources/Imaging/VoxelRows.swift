/// A scan as it is averaged: masked, cleaned and, for `consilium`, windowed to 0…1 with the background at 0.
struct VoxelRows: Sendable {
    /// What is done to each voxel.
    enum Tone: Sendable, Equatable {
        /// Nothing.
        case stored
        /// `low` and below become 0, `high` and above 1, background 0.
        case window(low: Float, high: Float)
    }

    let scan: Scan
    /// In the scan's grid: 0 outside the brain. Voxels outside become background.
    let mask: [UInt8]?
    let background: Background
    /// Whether NaN and infinite voxels are to become background.
    let cleans: Bool
    let tone: Tone

    /// Reads part of one slab.
    ///
    /// - Parameters:
    ///   - k: Which slab along the slowest stored axis.
    ///   - columns: Which voxels of each line.
    ///   - lines: Which lines.
    ///   - target: (lines, columns), columns fastest.
    @inline(__always)
    func read(
        slab k: Int, columns: Range<Int>, lines: Range<Int>, dims: [Int], into target: UnsafeMutablePointer<Float>
    ) {
        let width = columns.count
        for (line, j) in lines.enumerated() {
            let start = (k * dims[1] + j) * dims[0] + columns.lowerBound
            let row = target + line * width
            scan.read(start, width, into: row)
            clean(row, start: start, count: width)
            if case .window(let low, let high) = tone { window(row, count: width, low: low, high: high) }
        }
    }

    /// Replaces what is not brain, and what is not a number if asked to, by the background value.
    @inline(__always)
    func clean(_ row: UnsafeMutablePointer<Float>, start: Int, count: Int) {
        if cleans {
            for i in 0..<count where !row[i].isFinite { row[i] = background.value }
        }
        if let mask {
            mask.withUnsafeBufferPointer { mask in
                for i in 0..<count where mask[start + i] == 0 { row[i] = background.value }
            }
        }
    }

    @inline(__always)
    private func window(_ row: UnsafeMutablePointer<Float>, count: Int, low: Float, high: Float) {
        let scale = high > low ? 1 / (high - low) : 0
        let (darkest, brightest) = (background.darkest, background.brightest)
        for i in 0..<count {
            let value = row[i]
            var toned = (value - low) * scale
            toned = toned > 0 ? toned : 0
            toned = toned < 1 ? toned : 1
            row[i] = value < darkest || value > brightest ? toned : 0
        }
    }
}
