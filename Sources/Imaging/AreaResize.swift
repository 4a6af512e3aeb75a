import NIfTI

/// Adaptive average pooling of a whole volume (MONAI's Resize with mode "area"; LAMIM.md §5).
package enum AreaResize {
    /// - Parameters:
    ///   - voxels: The volume, first axis fastest.
    ///   - dims: Its three sizes.
    ///   - target: The three sizes wanted, larger or smaller.
    /// - Returns: The averages, first axis fastest.
    package static func resize(_ voxels: [Float], dims: [Int], to target: [Int]) -> [Float] {
        precondition(dims.count == 3 && target.count == 3 && target.allSatisfy { $0 > 0 }, "three sizes")
        let count = target[0] * target[1] * target[2]
        let scan = Scan(name: "", grid: Grid(dims: dims, affine: Affine(spacing: (1, 1, 1))), values: voxels)
        let rows = VoxelRows(scan: scan, mask: nil, background: Background(of: scan), cleans: false, tone: .stored)
        return [Float](unsafeUninitializedCapacity: count) { room, filled in
            room.initialize(repeating: 0)
            filled = count
            SeparableResampling.gather(
                rows, windows: (0..<3).map { AxisWindows.adaptive(dims[$0], to: target[$0]) },
                strides: [1, target[0], target[0] * target[1]], into: room)
        }
    }
}
