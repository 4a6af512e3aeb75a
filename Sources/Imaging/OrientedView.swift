package import NIfTI

/// A grid of voxels seen along other axes without moving one of them: an offset and a signed stride an axis.
package struct OrientedView: Sendable, Equatable {
    /// Sizes along the new axes.
    package let dims: [Int]
    /// For each new axis, the stored axis it follows.
    package let storedAxis: [Int]
    /// For each new axis, whether it runs against the stored one.
    package let flipped: [Bool]
    /// Position in file order of the new grid's first voxel.
    package let offset: Int
    /// Steps in file order along the new axes, negative where flipped.
    package let strides: [Int]

    /// - Parameters:
    ///   - dims: Sizes along the three stored axes, the first fastest.
    ///   - orientation: How they are stored.
    ///   - target: How they are to be seen.
    package init(dims stored: [Int], from orientation: Orientation, to target: Orientation) {
        let storedStrides = [1, stored[0], stored[0] * stored[1]]
        var axisOf: [Int] = []
        var flips: [Bool] = []
        for new in 0..<3 {
            let axis = orientation.axes.firstIndex(of: target.axes[new]) ?? new
            axisOf.append(axis)
            flips.append(orientation.reversed[axis] != target.reversed[new])
        }
        storedAxis = axisOf
        flipped = flips
        dims = axisOf.map { stored[$0] }
        strides = (0..<3).map { flips[$0] ? -storedStrides[axisOf[$0]] : storedStrides[axisOf[$0]] }
        offset = (0..<3).reduce(0) { flips[$1] ? $0 + (stored[axisOf[$1]] - 1) * storedStrides[axisOf[$1]] : $0 }
    }

    /// From indices along the new axes to indices along the stored ones.
    package var storedFromViewed: Affine {
        var rows = [[Double]](repeating: [0, 0, 0, 0], count: 3)
        for new in 0..<3 {
            let stored = storedAxis[new]
            rows[stored][new] = flipped[new] ? -1 : 1
            rows[stored][3] = flipped[new] ? Double(dims[new] - 1) : 0
        }
        return Affine(rows: rows)
    }

    /// The voxels in the new order, first axis fastest, bit for bit.
    ///
    /// - Parameter voxels: The stored voxels, `dims` product of them.
    package func copy<Voxel: BitwiseCopyable>(_ voxels: [Voxel]) -> [Voxel] {
        let count = dims[0] * dims[1] * dims[2]
        precondition(voxels.count >= count, "fewer voxels than the grid has")
        return [Voxel](unsafeUninitializedCapacity: count) { target, filled in
            voxels.withUnsafeBufferPointer { source in
                var next = 0
                for z in 0..<dims[2] {
                    for y in 0..<dims[1] {
                        var from = offset + z * strides[2] + y * strides[1]
                        for _ in 0..<dims[0] {
                            target.initializeElement(at: next, to: source[from])
                            next += 1
                            from += strides[0]
                        }
                    }
                }
            }
            filled = count
        }
    }
}

extension NIfTIImage {
    /// The same scan with its axes along those of `target`: the same voxels in the same places of the body.
    package func oriented(as target: Orientation) -> NIfTIImage {
        let view = OrientedView(dims: header.dims, from: Orientation(affine: header.affine), to: target)
        var turned = header
        turned.dims = view.dims + header.dims.dropFirst(3)
        turned.spacing = view.storedAxis.map { header.spacing[$0] }
        turned.affine = header.affine.after(view.storedFromViewed)
        let volume = view.dims.reduce(1, *)
        guard volume > 0, voxels.count > volume else { return NIfTIImage(header: turned, voxels: view.copy(voxels)) }
        var result: [Float] = []
        result.reserveCapacity(voxels.count)
        for start in stride(from: 0, to: voxels.count, by: volume) {
            result += view.copy(Array(voxels[start..<start + volume]))
        }
        return NIfTIImage(header: turned, voxels: result)
    }
}
