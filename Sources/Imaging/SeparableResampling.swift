import CImaging

/// Weighted sums along the three axes of a scan, one axis after the other, from slabs read once in file order.
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
        let (wi, wj, wk) = (windows[0], windows[1], windows[2])
        let (mi, mj, mk) = (wi.outputs, wj.outputs, wk.outputs)
        precondition(target.count >= mi * mj * mk, "no room for the cube")
        let (lines, slabs) = (wj.used, wk.used)
        let width = rows.scan.grid.dims[0]

        // (mk, mj, mi) in the stored order of axes, transposed into `target` at the end.
        withUnsafeTemporaryAllocation(of: Float.self, capacity: mi * mj * mk) { cube in
            cube.initialize(repeating: 0)
            guard let out = cube.baseAddress else { return }
            withUnsafeTemporaryAllocation(of: Float.self, capacity: width * lines.count + width + mi * mj) { scratch in
                guard let slab = scratch.baseAddress, !wi.used.isEmpty, !lines.isEmpty else { return }
                let sums = slab + width * lines.count
                let plane = sums + width
                for k in slabs {
                    rows.read(slab: k, lines: lines, into: slab)
                    wi.withKernelWindows { columns in
                        wj.withKernelWindows { across in
                            consilium_gather_plane(
                                slab, width, lines.lowerBound, columns, across, sums, plane)
                        }
                    }
                    for output in 0..<mk {
                        let tap = k - wk.starts[output]
                        guard tap >= 0, tap < wk.counts[output] else { continue }
                        consilium_add_weighted(
                            out + output * mi * mj, plane, wk.weights[wk.firsts[output] + tap], mi * mj)
                    }
                }
            }
            let outputs = (wi.divisors, wj.divisors, wk.divisors)
            scatter(out, dims: (mi, mj, mk), divisors: outputs, strides: strides, into: target)
        }
    }

    /// Divides the sums and moves them to their places, in blocks small enough that both sides stay in the cache.
    private static func scatter(
        _ sums: UnsafeMutablePointer<Float>, dims: (Int, Int, Int), divisors: ([Float], [Float], [Float]),
        strides: [Int], into target: UnsafeMutableBufferPointer<Float>
    ) {
        let block = 16
        let (si, sj, sk) = (strides[0], strides[1], strides[2])
        for j in 0..<dims.1 {
            for firstK in stride(from: 0, to: dims.2, by: block) {
                for firstI in stride(from: 0, to: dims.0, by: block) {
                    for i in firstI..<min(firstI + block, dims.0) {
                        let divisor = divisors.0[i] * divisors.1[j]
                        for k in firstK..<min(firstK + block, dims.2) {
                            target[i * si + j * sj + k * sk] =
                                sums[(k * dims.1 + j) * dims.0 + i] / (divisor * divisors.2[k])
                        }
                    }
                }
            }
        }
    }
}

extension AxisWindows {
    /// The windows as the kernels take them, for the time of the call.
    fileprivate func withKernelWindows(_ body: (consilium_windows) -> Void) {
        starts.withUnsafeBufferPointer { starts in
            counts.withUnsafeBufferPointer { counts in
                weights.withUnsafeBufferPointer { weights in
                    body(
                        consilium_windows(
                            starts: starts.baseAddress, counts: counts.baseAddress, weights: weights.baseAddress,
                            outputs: outputs))
                }
            }
        }
    }
}
