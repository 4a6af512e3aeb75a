import NIfTI

/// One 3D scan, read row by row so that no full-size copy of a file's voxels is made.
struct Scan: Sendable {
    /// How sentences name it: the contrast, and the file where one is known.
    let name: String
    let grid: Grid
    private let voxels: Voxels

    /// Where the voxels are.
    private enum Voxels: Sendable {
        /// Converted values; this scan starts at the index.
        case values([Float], first: Int)
        /// The bytes of a file; this scan starts at the index.
        case content(NIfTIContent, first: Int)
    }

    /// A scan of converted values.
    ///
    /// - Parameter first: Where its voxels start, for one volume of a 4D file.
    init(name: String, grid: Grid, values: [Float], first: Int = 0) {
        precondition(first >= 0 && values.count - first >= grid.count, "fewer voxels than the grid has")
        self.name = name
        self.grid = grid
        voxels = .values(values, first: first)
    }

    /// A scan of a file's stored voxels, converted as they are read.
    ///
    /// - Parameter first: Where its voxels start, for one volume of a 4D file.
    init(name: String, content: NIfTIContent, first: Int = 0) {
        let grid = Grid(dims: Array(content.header.dims.prefix(3)), affine: content.header.affine)
        precondition(first >= 0 && content.header.voxelCount - first >= grid.count, "fewer voxels than the grid has")
        self.name = name
        self.grid = grid
        voxels = .content(content, first: first)
    }

    /// Converts `count` voxels that follow each other in file order.
    ///
    /// - Parameters:
    ///   - start: Position of the first in this scan, x fastest.
    ///   - count: How many.
    ///   - target: Room for `count` values.
    @inline(__always)
    func read(_ start: Int, _ count: Int, into target: UnsafeMutablePointer<Float>) {
        precondition(start >= 0 && count >= 0 && start + count <= grid.count, "voxels outside the scan")
        switch voxels {
        case .values(let values, let first):
            values.withUnsafeBufferPointer { source in
                guard let base = source.baseAddress else { return }
                target.update(from: base + first + start, count: count)
            }
        case .content(let content, let first):
            content.convert(
                from: first + start, into: UnsafeMutableBufferPointer(start: target, count: count))
        }
    }
}
