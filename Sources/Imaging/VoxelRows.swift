import CImaging

/// A scan as it is averaged: masked, cleaned and, where the recipe crops to the brain, windowed to 0…1 with the
/// background at 0.
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

    /// The same scan with something else done to each voxel.
    func toned(_ tone: Tone) -> VoxelRows {
        VoxelRows(scan: scan, mask: mask, background: background, cleans: cleans, tone: tone)
    }

    /// Reads whole lines of one slab.
    ///
    /// - Parameters:
    ///   - k: Which slab along the slowest stored axis.
    ///   - lines: Which lines.
    ///   - target: (lines, voxels of a line), voxels fastest.
    func read(slab k: Int, lines: Range<Int>, into target: UnsafeMutablePointer<Float>) {
        let (n0, n1) = (scan.grid.dims[0], scan.grid.dims[1])
        let start = (k * n1 + lines.lowerBound) * n0
        let count = lines.count * n0
        scan.read(start, count, into: target)
        clean(target, start: start, count: count)
        if case .window(let low, let high) = tone {
            let scale = high > low ? 1 / (high - low) : 0
            consilium_tone(target, count, low, scale, background.darkest, background.brightest)
        }
    }

    /// Replaces what is not brain, and what is not a number if asked to, by the background value.
    private func clean(_ row: UnsafeMutablePointer<Float>, start: Int, count: Int) {
        if cleans {
            for i in 0..<count where !row[i].isFinite { row[i] = background.value }
        }
        if let mask {
            mask.withUnsafeBufferPointer { mask in
                for i in 0..<count where mask[start + i] == 0 { row[i] = background.value }
            }
        }
    }
}
