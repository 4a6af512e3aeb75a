package import NIfTI

extension NIfTIImage {
    /// Whether it has the voxels of another image, perhaps stored in another order.
    package func hasVoxels(of other: NIfTIImage) -> Bool {
        guard header.dims.count >= 3, other.header.dims.count >= 3 else { return false }
        let (own, target) = (Grid(header), Grid(other.header))
        return own.matches(target) || own.view(as: target) != nil
    }

    /// The voxels of a 3D image on the grid of another image of the same patient, first axis fastest: the same ones
    /// where the two grids have the same, else trilinear, averaged first along axes where the grid's steps are twice the
    /// image's own or more; 0 outside the image and for what is not a number.
    /// - Throws: `ImagingError` for several volumes, or voxels that have no place of their own.
    package func voxels(on grid: NIfTIHeader) throws -> [Float] {
        var numbers = self
        for i in numbers.voxels.indices where !numbers.voxels[i].isFinite { numbers.voxels[i] = 0 }
        let scan = try Preparation.scan(of: numbers, named: "The image")
        let target = Grid(grid)
        guard scan.grid.affine.undone() != nil else {
            throw ImagingError(.badSetting, "The image's header puts voxels on top of each other: export it again.")
        }
        let brought =
            scan.grid.matches(target) ? scan : GridResampling.bring(scan, to: target, outside: 0, cleans: false)
        return [Float](unsafeUninitializedCapacity: target.count) { room, filled in
            if let base = room.baseAddress { brought.read(0, target.count, into: base) }
            filled = target.count
        }
    }
}
