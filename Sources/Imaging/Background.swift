/// The value of what is not brain: 0 in most files, −3.6 in one that was z-scored, a range of small values where the
/// air around a head was left in.
package struct Background: Sendable, Equatable {
    /// The most frequent value on the six faces of the volume.
    package let value: Float
    /// Voxels from here…
    package let darkest: Float
    /// …to here are background.
    package let brightest: Float
    /// The part of the faces that is background, 0…1.
    package let borderFraction: Double

    /// The part of the faces below which the air around the head counts as noise rather than as one value.
    static let singleValue = 0.5

    /// Zero alone: the background of a scan whose outside has been set to 0.
    static let zero = Background(value: 0, darkest: 0, brightest: 0, borderFraction: 1)

    private init(value: Float, darkest: Float, brightest: Float, borderFraction: Double) {
        self.value = value
        self.darkest = darkest
        self.brightest = brightest
        self.borderFraction = borderFraction
    }

    /// Looks at the faces of a scan, and at its corners where the faces do not agree.
    init(of scan: Scan) {
        let faces = Background.faces(of: scan)
        let value = Background.mostFrequent(faces)
        // Rounding of a rescaled or resampled background.
        let tolerance = abs(value) * 1e-6
        let low = value - tolerance
        var high = value + tolerance
        let same = faces.reduce(0) { $0 + ($1 >= low && $1 <= high ? 1 : 0) }
        let fraction = faces.isEmpty ? 0 : Double(same) / Double(faces.count)
        if fraction < Background.singleValue {
            let corners = Background.corners(of: scan).sorted()
            if !corners.isEmpty { high = max(high, corners[(corners.count - 1) * 99 / 100]) }
        }
        self.value = value
        darkest = low
        brightest = high
        borderFraction = fraction
    }

    /// Whether it is more than one value.
    var isRange: Bool { darkest < brightest }

    /// Whether a voxel is something else than background; not-a-number is background.
    @inline(__always)
    func differs(_ voxel: Float) -> Bool { voxel < darkest || voxel > brightest }

    /// The finite voxels of the six faces, on a lattice of about 64 × 64 each.
    private static func faces(of scan: Scan) -> [Float] {
        let dims = scan.grid.dims
        let steps = dims.map { max(1, $0 / 64) }
        var found: [Float] = []
        found.reserveCapacity(6 * 128 * 128)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: dims[0]) { row in
            guard let line = row.baseAddress else { return }
            func add(_ index: Int) { if line[index].isFinite { found.append(line[index]) } }
            func addLine(j: Int, k: Int) {
                scan.read((k * dims[1] + j) * dims[0], dims[0], into: line)
                for i in stride(from: 0, to: dims[0], by: steps[0]) { add(i) }
            }
            for k in [0, dims[2] - 1] {
                for j in stride(from: 0, to: dims[1], by: steps[1]) { addLine(j: j, k: k) }
            }
            for k in stride(from: 0, to: dims[2], by: steps[2]) {
                for j in [0, dims[1] - 1] { addLine(j: j, k: k) }
                for j in stride(from: 0, to: dims[1], by: steps[1]) {
                    for i in [0, dims[0] - 1] {
                        scan.read((k * dims[1] + j) * dims[0] + i, 1, into: line)
                        add(0)
                    }
                }
            }
        }
        return found
    }

    /// The finite voxels of eight boxes in the corners, a sixteenth of each axis long.
    private static func corners(of scan: Scan) -> [Float] {
        let dims = scan.grid.dims
        let edges = dims.map { max(1, $0 / 16) }
        func ends(_ axis: Int) -> [Range<Int>] { [0..<edges[axis], dims[axis] - edges[axis]..<dims[axis]] }
        var found: [Float] = []
        withUnsafeTemporaryAllocation(of: Float.self, capacity: edges[0]) { row in
            guard let line = row.baseAddress else { return }
            for slabs in ends(2) {
                for k in slabs {
                    for lines in ends(1) {
                        for j in lines {
                            for columns in ends(0) {
                                scan.read((k * dims[1] + j) * dims[0] + columns.lowerBound, edges[0], into: line)
                                for i in 0..<edges[0] where line[i].isFinite { found.append(line[i]) }
                            }
                        }
                    }
                }
            }
        }
        return found
    }

    /// The value that occurs most often, the smallest of several; 0 for none.
    static func mostFrequent(_ values: [Float]) -> Float {
        // A majority is found in one pass (Boyer and Moore, 1991); only without one are the values sorted.
        var candidate: Float = 0
        var lead = 0
        for value in values {
            if lead == 0 { candidate = value }
            lead += value == candidate ? 1 : -1
        }
        let votes = values.reduce(0) { $0 + ($1 == candidate ? 1 : 0) }
        if votes * 2 > values.count { return candidate }
        let sorted = values.sorted()
        var best: Float = 0
        var longest = 0
        var start = 0
        while start < sorted.count {
            var end = start
            while end < sorted.count && sorted[end] == sorted[start] { end += 1 }
            if end - start > longest { (best, longest) = (sorted[start], end - start) }
            start = end
        }
        return best
    }
}
