/// Where a prepared case has brain: where any of its contrasts is not 0.
package enum BrainVoxels {
    /// - Parameter voxels: (contrasts, S, S, S), absent contrasts 0.
    /// - Returns: (S, S, S) in the same order.
    package static func find(in voxels: [Float], contrasts: Int = Contrast.allCases.count) -> [Bool] {
        let count = voxels.count / contrasts
        return (0..<count).map { i in (0..<contrasts).contains { voxels[$0 * count + i] != 0 } }
    }
}
