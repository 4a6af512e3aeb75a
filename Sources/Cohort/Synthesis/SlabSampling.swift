import NIfTI

/// Reads a head on another grid: trilinear between its voxels, averaged over the thickness of a slice.
struct SlabSampling {
    let head: SyntheticHead
    let grid: AcquisitionGrid

    /// What is read at a voxel.
    struct Sample {
        var signals: SIMD4<Float>
        var outline: Float
        var tumour: Float
    }

    /// One value for each voxel of the grid, first axis fastest.
    /// - Parameter body: is given the voxel's centre in millimetres, its place in the file and what is there.
    func map(_ body: (SIMD3<Float>, Int, Sample) -> Float) -> [Float] {
        let rows = grid.affine.rows
        func column(_ c: Int) -> SIMD3<Float> { SIMD3(Float(rows[0][c]), Float(rows[1][c]), Float(rows[2][c])) }
        let (stepX, stepY, stepZ, origin) = (column(0), column(1), column(2), column(3))
        // Each reading covers about one voxel of the head.
        let readings = max(1, Int((Float(grid.spacing.z) / head.spacing).rounded()))
        let dims = grid.dims
        return [Float](unsafeUninitializedCapacity: dims[0] * dims[1] * dims[2]) { target, count in
            head.signals.withUnsafeBufferPointer { signals in
                head.outline.withUnsafeBufferPointer { outline in
                    head.tumour.withUnsafeBufferPointer { tumour in
                        var place = 0
                        for k in 0..<dims[2] {
                            for j in 0..<dims[1] {
                                for i in 0..<dims[0] {
                                    let point = origin + stepX * Float(i) + stepY * Float(j) + stepZ * Float(k)
                                    var sum = Sample(signals: .zero, outline: 0, tumour: 0)
                                    for r in 0..<readings {
                                        let off = (Float(r) + 0.5) / Float(readings) - 0.5
                                        add(at: point + stepZ * off, signals, outline, tumour, to: &sum)
                                    }
                                    let share = 1 / Float(readings)
                                    sum.signals *= share
                                    sum.outline *= share
                                    sum.tumour *= share
                                    target.initializeElement(at: place, to: body(point, place, sum))
                                    place += 1
                                }
                            }
                        }
                        count = place
                    }
                }
            }
        }
    }

    @inline(__always)
    private func add(
        at point: SIMD3<Float>, _ signals: UnsafeBufferPointer<SIMD4<Float>>, _ outline: UnsafeBufferPointer<Float>,
        _ tumour: UnsafeBufferPointer<Float>, to sum: inout Sample
    ) {
        let u = (point + BrainAnatomy.extent) / head.spacing - 0.5
        let top = SIMD3<Float>(Float(head.counts.x - 2), Float(head.counts.y - 2), Float(head.counts.z - 2))
        guard all(u .>= 0), all(u .<= top) else {
            sum.outline += 10
            return
        }
        let base = u.rounded(.down)
        let t = u - base
        let strideY = Int(head.counts.x)
        let strideZ = strideY * Int(head.counts.y)
        let first = Int(base.x) + Int(base.y) * strideY + Int(base.z) * strideZ
        for dz in 0..<2 {
            for dy in 0..<2 {
                let row = first + dy * strideY + dz * strideZ
                let weight = (dy == 0 ? 1 - t.y : t.y) * (dz == 0 ? 1 - t.z : t.z)
                let (w0, w1) = (weight * (1 - t.x), weight * t.x)
                sum.signals += signals[row] * w0 + signals[row + 1] * w1
                sum.outline += outline[row] * w0 + outline[row + 1] * w1
                sum.tumour += tumour[row] * w0 + tumour[row + 1] * w1
            }
        }
    }
}

@inline(__always)
private func all(_ mask: SIMDMask<SIMD3<Int32>>) -> Bool { mask[0] && mask[1] && mask[2] }
