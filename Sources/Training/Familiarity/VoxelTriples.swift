/// Voxels of a brain that have one before and one after them along an axis.
struct VoxelTriples {
    /// Places in the list of the brain's voxels.
    let places: [(before: Int, at: Int, after: Int)]

    /// - Parameter brain: voxels of a cube of the edge `size`, the last axis running fastest.
    init(_ brain: [Int], size: Int) {
        var place = [Int](repeating: -1, count: size * size * size)
        for (index, voxel) in brain.enumerated() { place[voxel] = index }
        var found: [(before: Int, at: Int, after: Int)] = []
        for (index, voxel) in brain.enumerated() {
            for (stride, at) in [(size * size, voxel / (size * size)), (size, voxel / size % size), (1, voxel % size)]
            where at > 0 && at < size - 1 && place[voxel - stride] >= 0 && place[voxel + stride] >= 0 {
                found.append((place[voxel - stride], index, place[voxel + stride]))
            }
        }
        places = found
    }
}
