import NIfTI

/// A scan brought to the grid of another by their affines.
enum GridResampling {
    /// The same voxels in the target's order, bit for bit, where the two grids have the same; else trilinear
    /// interpolation. Where the target's steps along one of the scan's axes are twice the scan's own or more,
    /// that axis is averaged in whole groups first, so that fine detail does not alias.
    ///
    /// - Parameters:
    ///   - scan: What to bring.
    ///   - target: Where to.
    ///   - outside: The value of target voxels the scan does not reach.
    ///   - cleans: Whether NaN and infinite voxels become `outside` first.
    static func bring(_ scan: Scan, to target: Grid, outside: Float, cleans: Bool) -> Scan {
        guard let back = scan.grid.affine.undone() else { return scan }
        var values = [Float](unsafeUninitializedCapacity: scan.grid.count) { room, filled in
            if let base = room.baseAddress { scan.read(0, scan.grid.count, into: base) }
            filled = scan.grid.count
        }
        if let view = scan.grid.view(as: target) {
            return Scan(name: scan.name, role: scan.role, grid: target, values: view.copy(values))
        }
        if cleans { values = values.map { $0.isFinite ? $0 : outside } }
        var source = scan.grid
        let map = back.after(target.affine)
        for axis in 0..<3 {
            let step = (0..<3).map { abs(map.rows[axis][$0]) }.max() ?? 1
            let group = Int(step + 1e-6)
            if group >= 2 && source.dims[axis] >= group {
                (values, source) = averaged(values, source, axis: axis, group: group)
            }
        }
        guard let inverse = source.affine.undone() else { return scan }
        let brought = interpolate(values, source, map: inverse.after(target.affine), to: target.dims, outside: outside)
        return Scan(name: scan.name, role: scan.role, grid: target, values: brought)
    }

    /// Each target voxel as `convert` of the source voxel nearest to it, or of 0 outside the source.
    static func nearest<Result: BitwiseCopyable & Sendable>(
        _ scan: Scan, on target: Grid, threads: Int, convert: @Sendable (Float) -> Result
    ) -> [Result] {
        let dims = scan.grid.dims
        let values = [Float](unsafeUninitializedCapacity: scan.grid.count) { room, filled in
            if let base = room.baseAddress { scan.read(0, scan.grid.count, into: base) }
            filled = scan.grid.count
        }
        if scan.grid.matches(target) { return values.map(convert) }
        if let view = scan.grid.view(as: target) { return view.copy(values).map(convert) }
        guard let back = scan.grid.affine.undone() else { return [Result](repeating: convert(0), count: target.count) }
        let map = back.after(target.affine)
        return [Result](unsafeUninitializedCapacity: target.count) { room, filled in
            var next = 0
            for k in 0..<target.dims[2] {
                for j in 0..<target.dims[1] {
                    for i in 0..<target.dims[0] {
                        let (x, y, z) = map.point(Double(i), Double(j), Double(k))
                        let at = [x, y, z]
                        var place = 0
                        var inside = true
                        for axis in (0..<3).reversed() {
                            let index = (at[axis] + 0.5).rounded(.down)
                            inside = inside && index >= 0 && index < Double(dims[axis])
                            place = place * dims[axis] + (inside ? Int(index) : 0)
                        }
                        room.initializeElement(at: next, to: convert(inside ? values[place] : 0))
                        next += 1
                    }
                }
            }
            filled = target.count
        }
    }

    /// Averages of `group` neighbours along one axis; of fewer at the end where the length is no multiple.
    private static func averaged(_ values: [Float], _ grid: Grid, axis: Int, group: Int) -> ([Float], Grid) {
        var dims = grid.dims
        dims[axis] = (dims[axis] + group - 1) / group
        let strides = [1, grid.dims[0], grid.dims[0] * grid.dims[1]]
        var result = [Float](repeating: 0, count: dims[0] * dims[1] * dims[2])
        values.withUnsafeBufferPointer { values in
            result.withUnsafeMutableBufferPointer { result in
                var next = 0
                for k in 0..<dims[2] {
                    for j in 0..<dims[1] {
                        for i in 0..<dims[0] {
                            var index = [i, j, k]
                            index[axis] *= group
                            let members = min(group, grid.dims[axis] - index[axis])
                            let start = index[0] + index[1] * strides[1] + index[2] * strides[2]
                            // Differences from the first keep a background of one value exactly that value.
                            let origin = values[start]
                            var sum: Float = 0
                            for step in 1..<max(members, 1) { sum += values[start + step * strides[axis]] - origin }
                            result[next] = origin + sum / Float(members)
                            next += 1
                        }
                    }
                }
            }
        }
        var rows = grid.affine.rows
        for r in 0..<3 {
            rows[r][3] += rows[r][axis] * Double(group - 1) / 2
            rows[r][axis] *= Double(group)
        }
        return (result, Grid(dims: dims, affine: Affine(rows: rows)))
    }

    private static func interpolate(
        _ values: [Float], _ source: Grid, map: Affine, to dims: [Int], outside: Float
    ) -> [Float] {
        let count = dims[0] * dims[1] * dims[2]
        let (n0, n1, n2) = (source.dims[0], source.dims[1], source.dims[2])
        let rows = map.rows
        return [Float](unsafeUninitializedCapacity: count) { room, filled in
            values.withUnsafeBufferPointer { values in
                /// The lower neighbour along one axis and the part of the upper, or nil outside.
                @inline(__always) func locate(_ at: Double, _ n: Int) -> (Int, Int, Float)? {
                    guard at >= -0.5, at <= Double(n) - 0.5 else { return nil }
                    let inside = at < 0 ? 0 : (at > Double(n - 1) ? Double(n - 1) : at)
                    let low = Int(inside)
                    return (low, low + 1 < n ? low + 1 : low, Float(inside - Double(low)))
                }
                @inline(__always) func between(_ a: Float, _ b: Float, _ part: Float) -> Float { a + part * (b - a) }
                var next = 0
                for k in 0..<dims[2] {
                    for j in 0..<dims[1] {
                        let (x0, y0, z0) = map.point(0, Double(j), Double(k))
                        for i in 0..<dims[0] {
                            let x = x0 + rows[0][0] * Double(i)
                            let y = y0 + rows[1][0] * Double(i)
                            let z = z0 + rows[2][0] * Double(i)
                            var value = outside
                            if let (i0, i1, fi) = locate(x, n0), let (j0, j1, fj) = locate(y, n1),
                                let (k0, k1, fk) = locate(z, n2)
                            {
                                let (a, b) = ((k0 * n1 + j0) * n0, (k0 * n1 + j1) * n0)
                                let (c, d) = ((k1 * n1 + j0) * n0, (k1 * n1 + j1) * n0)
                                let low = between(
                                    between(values[a + i0], values[a + i1], fi),
                                    between(values[b + i0], values[b + i1], fi), fj)
                                let high = between(
                                    between(values[c + i0], values[c + i1], fi),
                                    between(values[d + i0], values[d + i1], fi), fj)
                                value = between(low, high, fk)
                            }
                            room.initializeElement(at: next, to: value)
                            next += 1
                        }
                    }
                }
            }
            filled = count
        }
    }
}
