package import NIfTI

extension PreparedGeometry {
    /// A mask in any grid of the same patient, as it falls into the prepared cube: each prepared voxel takes the mask's
    /// voxel nearest to its centre. A mask too small for any takes the prepared voxels that its own lie in.
    ///
    /// - Parameters:
    ///   - mask: A 3D image; what is above ½ is inside.
    ///   - size: Edge of the cube, S.
    /// - Returns: (S, S, S) with z fastest, 1 inside and 0 outside: what `ContactSheet` outlines.
    package func prepared(mask: NIfTIImage, size: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: size * size * size)
        let dims = mask.header.dims
        guard dims.count >= 3, mask.voxels.count >= dims[0] * dims[1] * dims[2],
            let map = mask.header.affine.undone()?.after(affine)
        else { return result }
        func nearest(_ at: Double, _ count: Int) -> Int? {
            let index = (at + 0.5).rounded(.down)
            return index >= 0 && index < Double(count) ? Int(index) : nil
        }
        for x in 0..<size {
            for y in 0..<size {
                for z in 0..<size {
                    let (i, j, k) = map.point(Double(x), Double(y), Double(z))
                    guard let i = nearest(i, dims[0]), let j = nearest(j, dims[1]), let k = nearest(k, dims[2]),
                        mask.voxels[(k * dims[1] + j) * dims[0] + i] > 0.5
                    else { continue }
                    result[(x * size + y) * size + z] = 1
                }
            }
        }
        if !result.contains(1), let back = map.undone() { mark(mask, in: &result, size: size, by: back) }
        return result
    }

    /// Marks the prepared voxel of each voxel of a mask.
    /// - Parameter map: the mask's voxels to prepared ones.
    private func mark(_ mask: NIfTIImage, in result: inout [UInt8], size: Int, by map: Affine) {
        let dims = mask.header.dims
        for at in 0..<dims[0] * dims[1] * dims[2] where mask.voxels[at] > 0.5 {
            let (x, y, z) = map.point(
                Double(at % dims[0]), Double(at / dims[0] % dims[1]), Double(at / (dims[0] * dims[1])))
            let place = [x, y, z].map { Int(($0 + 0.5).rounded(.down)) }
            guard place.allSatisfy({ (0..<size).contains($0) }) else { continue }
            result[(place[0] * size + place[1]) * size + place[2]] = 1
        }
    }
}
