/// Weighted sums along the three axes of a scan, one axis after the other, from rows read once in file order.
enum SeparableResampling {
    /// Gathers `rows` into a cube whose axes may run along other stored axes.
    ///
    /// - Parameters:
    ///   - rows: The scan, with whatever is done to each voxel before it is averaged.
    ///   - windows: For each of the three stored axes, the windows of the outputs along it.
    ///   - strides: For each stored axis, the step in `target` of its outputs.
    ///   - target: Room for the product of the outputs; every place of it is written.
    static func gather(
        _ rows: VoxelRows, windows: [AxisWindows], strides: [Int], into target: UnsafeMutableBufferPointer<Float>
    ) {
        let dims = rows.scan.grid.dims
        let (wi, wj, wk) = (windows[0], windows[1], windows[2])
        let (mi, mj, mk) = (wi.outputs, wj.outputs, wk.outputs)
        precondition(target.count >= mi * mj * mk, "no room for the cube")
        let (ri, rj, rk) = (wi.used, wj.used, wk.used)
        let width = ri.count

        // (mk, mj, mi) in the stored order of axes, transposed into `target` at the end.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: mi * mj * mk) { cube in
            cube.initialize(repeating: 0)
            guard width > 0, !rj.isEmpty, !rk.isEmpty, let out = cube.baseAddress else { return }
            withUnsafeTemporaryAllocation(of: Float.self, capacity: width * rj.count + width + mi * mj) { scratch in
                guard let slice = scratch.baseAddress else { return }
                let sums = slice + width * rj.count
                let plane = sums + width
                var firstOutput = 0
                for k in rk {
                    while firstOutput < mk && wk.starts[firstOutput] + wk.counts[firstOutput] <= k { firstOutput += 1 }
                    rows.read(slab: k, columns: ri, lines: rj, dims: dims, into: slice)
                    gatherPlane(slice, width: width, first: (ri.lowerBound, rj.lowerBound), wi, wj, sums, plane)
                    var output = firstOutput
                    while output < mk && wk.starts[output] <= k {
                        if k < wk.starts[output] + wk.counts[output] {
                            let weight = wk.weights[wk.firsts[output] + k - wk.starts[output]]
                            let place = out + output * mi * mj
                            for at in 0..<mi * mj { place[at] += weight * plane[at] }
                        }
                        output += 1
                    }
                }
            }
            for k in 0..<mk {
                for j in 0..<mj {
                    let scale = wk.scales[k] * wj.scales[j]
                    let line = cube.baseAddress.map { $0 + (k * mj + j) * mi }
                    guard let line else { continue }
                    var place = k * strides[2] + j * strides[1]
                    for i in 0..<mi {
                        target[place] = line[i] * (scale * wi.scales[i])
                        place += strides[0]
                    }
                }
            }
        }
    }

    /// One slab (lines × width) to one plane (mj × mi).
    @inline(__always)
    private static func gatherPlane(
        _ slice: UnsafeMutablePointer<Float>, width: Int, first: (Int, Int), _ wi: AxisWindows, _ wj: AxisWindows,
        _ sums: UnsafeMutablePointer<Float>, _ plane: UnsafeMutablePointer<Float>
    ) {
        wi.weights.withUnsafeBufferPointer { weights in
            for j in 0..<wj.outputs {
                sums.update(repeating: 0, count: width)
                for tap in 0..<wj.counts[j] {
                    let weight = wj.weights[wj.firsts[j] + tap]
                    let line = slice + (wj.starts[j] - first.1 + tap) * width
                    for i in 0..<width { sums[i] += weight * line[i] }
                }
                let outputs = plane + j * wi.outputs
                for i in 0..<wi.outputs {
                    let start = wi.starts[i] - first.0
                    let own = wi.firsts[i]
                    var sum: Float = 0
                    for tap in 0..<wi.counts[i] { sum += weights[own + tap] * sums[start + tap] }
                    outputs[i] = sum
                }
            }
        }
    }
}
