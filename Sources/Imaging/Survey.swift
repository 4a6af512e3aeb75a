package import NIfTI

/// What one pass over a scan says about it.
package struct Survey: Sendable, Equatable {
    /// What its background is.
    package let background: Background
    /// Smallest and largest finite value inside the mask, or anywhere without one; 0 and 0 for a scan of none.
    package let minimum: Float
    package let maximum: Float
    /// NaN and infinite voxels.
    package let nonFinite: Int
    /// Voxels that differ from the background, inside the mask if there is one.
    package let foreground: Int
    /// All voxels.
    package let voxels: Int
    /// For each stored axis, the foreground voxels in each plane across it.
    package let profiles: [[Int]]
    /// The volume of the foreground in millilitres.
    package let millilitres: Double
    /// Values at the percentiles asked for, over the foreground; empty when none was asked for or nothing is there.
    package let percentiles: [Float]

    /// Whether every finite voxel has the same value: nothing was measured.
    package var isConstant: Bool { minimum == maximum }

    /// The planes across a stored axis from the first to the last with foreground.
    func extent(along axis: Int) -> Range<Int> {
        guard let first = profiles[axis].firstIndex(where: { $0 > 0 }),
            let last = profiles[axis].lastIndex(where: { $0 > 0 })
        else { return 0..<0 }
        return first..<last + 1
    }

    /// Surveys a 3D scan.
    ///
    /// - Parameters:
    ///   - image: A 3D image, or the first volume of a 4D one.
    ///   - percentiles: Percentiles of the foreground wanted, 0…100.
    package init(of image: NIfTIImage, percentiles: [Double] = []) {
        let grid = Grid(image.header)
        self.init(of: Scan(name: "", grid: grid, values: image.voxels), mask: nil, percentiles: percentiles)
    }

    /// - Parameter background: What masked voxels become; nil is the scan's own.
    init(of scan: Scan, mask: [UInt8]?, percentiles wanted: [Double], background given: Background? = nil) {
        let background = given ?? Background(of: scan)
        let rows = VoxelRows(scan: scan, mask: mask, background: background, cleans: false, tone: .stored)
        var tally = Tally(dims: scan.grid.dims)
        var histogram = wanted.isEmpty ? nil : OrderStatistics(background: background)
        rows.forEachLine { line, j, k in
            let found = tally.add(line, j: j, k: k, background: background)
            if found { histogram?.count(line) }
        }
        if var statistics = histogram {
            statistics.choose(wanted)
            rows.forEachLine { line, j, k in
                if tally.hasForeground(j: j, k: k) { statistics.refine(line) }
            }
            percentiles = statistics.values
        } else {
            percentiles = []
        }
        self.background = background
        minimum = tally.minimum <= tally.maximum ? tally.minimum : 0
        maximum = tally.minimum <= tally.maximum ? tally.maximum : 0
        nonFinite = tally.nonFinite
        foreground = tally.foreground
        voxels = scan.grid.count
        profiles = tally.profiles
        millilitres = Double(tally.foreground) * scan.grid.affine.voxelVolume / 1000
    }
}

extension VoxelRows {
    /// Every line of the scan along the fastest axis, in file order.
    @inline(__always)
    func forEachLine(_ body: (UnsafeMutableBufferPointer<Float>, _ j: Int, _ k: Int) -> Void) {
        let (n0, n1, n2) = (scan.grid.dims[0], scan.grid.dims[1], scan.grid.dims[2])
        withUnsafeTemporaryAllocation(of: Float.self, capacity: n0 * n1) { slab in
            guard let values = slab.baseAddress else { return }
            for k in 0..<n2 {
                read(slab: k, lines: 0..<n1, into: values)
                for j in 0..<n1 { body(UnsafeMutableBufferPointer(start: values + j * n0, count: n0), j, k) }
            }
        }
    }
}
