/// Which of several grids is the finest: the one all contrasts of a case are brought to.
package enum FinestGrid {
    /// The grid whose largest voxel edge is smallest: 1 mm isotropic before 0.43 × 0.43 × 5 mm, whose slices would
    /// smear every other contrast. Of equals the one with the smallest voxel, and of those the first.
    ///
    /// - Parameter spacings: Voxel edges of each grid along its three axes, millimetres.
    /// - Returns: Its position; nil for no grids.
    package static func index(of spacings: [[Double]]) -> Int? {
        /// Headers of the same grid differ in the last digits: only a truly smaller number counts.
        func isSmaller(_ a: Double, _ b: Double) -> Bool { a < b * 0.999 }
        let sizes = spacings.map { (edge: $0.max() ?? 0, volume: $0.reduce(1, *)) }
        return sizes.indices.dropFirst().reduce(sizes.indices.first) { best, index in
            guard let best else { return index }
            let (a, b) = (sizes[index], sizes[best])
            if isSmaller(a.edge, b.edge) { return index }
            return !isSmaller(b.edge, a.edge) && isSmaller(a.volume, b.volume) ? index : best
        }
    }
}
