import Foundation

extension ImageStatistics {
    /// How much stands out in T1c that does not in T1w: vessels and what else takes up contrast agent are thin and bright.
    ///
    /// - Parameters:
    ///   - t1c: of the brain's voxels, or none.
    ///   - t1w: the same.
    /// - Returns: the logarithm of how far the bends of the difference of the two reach up (their 99.9th percentile less the
    ///   median) against how far down (the median less the 0.1st): above 0 for T1c against T1w, below 0 where they are
    ///   exchanged. Each contrast counts as its distance from its median over its quartiles' distance; a bend is twice a voxel
    ///   less its two neighbours. Nil where a contrast is missing, or no voxel has neighbours.
    static func enhancement(_ t1c: [Float], over t1w: [Float], _ triples: VoxelTriples) -> Double? {
        guard !t1c.isEmpty, !t1w.isEmpty, !triples.places.isEmpty else { return nil }
        let change = zip(standardised(t1c), standardised(t1w)).map(-)
        let bends = triples.places.map { 2 * change[$0.at] - change[$0.before] - change[$0.after] }.sorted()
        let middle = part(bends, 0.5)
        // A hundredth keeps what does not bend at all finite.
        return log(Double((part(bends, 0.999) - middle + 0.01) / (middle - part(bends, 0.001) + 0.01)))
    }

    private static func standardised(_ values: [Float]) -> [Float] {
        let sorted = values.sorted()
        let middle = part(sorted, 0.5)
        let distance = part(sorted, 0.75) - part(sorted, 0.25) + 1e-4
        return values.map { ($0 - middle) / distance }
    }

    private static func part(_ sorted: [Float], _ rank: Double) -> Float {
        sorted[Int(rank * Double(sorted.count - 1))]
    }
}
