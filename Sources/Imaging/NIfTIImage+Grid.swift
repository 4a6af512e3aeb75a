package import NIfTI

extension NIfTIImage {
    /// The voxels of a 3D image on the grid of another image of the same patient, first axis fastest: the same ones where
    /// the two grids have the same, else trilinear, averaged first along axes where the grid's steps are twice the image's
    /// own or more; 0 outside the image and for what is not a number.
    package func voxels(on grid: NIfTIHeader) -> [Float] {
        func three(_ header: NIfTIHeader) -> Grid {
            Grid(dims: Array(header.dims.prefix(3)), affine: header.affine)
        }
        let scan = Scan(name: "image", grid: three(header), values: voxels)
        let target = three(grid)
        let brought =
            scan.grid.matches(target) ? scan : GridResampling.bring(scan, to: target, outside: 0, cleans: true)
        return [Float](unsafeUninitializedCapacity: target.count) { room, filled in
            if let base = room.baseAddress { brought.read(0, target.count, into: base) }
            filled = target.count
        }
    }
}
