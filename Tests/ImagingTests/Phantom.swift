import Testing
import Glibc
import Imaging
import NIfTI

/// Images made for tests: what they show is known at every point of space.
enum Phantom {
    /// An image whose voxels are `value` of their place in millimetres.
    static func image(
        dims: [Int], affine: Affine, value: (Double, Double, Double) -> Float
    ) -> NIfTIImage {
        var voxels: [Float] = []
        voxels.reserveCapacity(dims[0] * dims[1] * dims[2])
        for k in 0..<dims[2] {
            for j in 0..<dims[1] {
                for i in 0..<dims[0] {
                    let (x, y, z) = affine.point(Double(i), Double(j), Double(k))
                    voxels.append(value(x, y, z))
                }
            }
        }
        return NIfTIImage(
            header: NIfTIHeader(version: 1, dims: dims, spacing: affine.spacing, affine: affine), voxels: voxels)
    }

    /// Voxels of the given edges, the grid's middle at the origin.
    static func centred(_ dims: [Int], spacing: [Double]) -> Affine {
        var affine = Affine(spacing: (spacing[0], spacing[1], spacing[2]))
        for axis in 0..<3 { affine.rows[axis][3] = -spacing[axis] * Double(dims[axis] - 1) / 2 }
        return affine
    }

    /// Inside an egg of 60 × 75 × 55 mm half axes, a texture between 300 and 900 that differs along every axis;
    /// outside, `background`.
    static func brain(background: Float = 0, gain: Float = 1) -> (Double, Double, Double) -> Float {
        { x, y, z in
            let r = x * x / 3600 + y * y / 5625 + z * z / 3025
            guard r < 1 else { return background }
            let texture = 600 + 100 * sin(x / 9) + 90 * cos(y / 7) + 80 * sin(z / 8 + 1) + y / 2 + x / 4
            return gain * Float(texture)
        }
    }

    /// The usual brain on 2 mm voxels.
    static func brainImage(background: Float = 0, gain: Float = 1) -> NIfTIImage {
        let dims = [70, 84, 64]
        return image(
            dims: dims, affine: centred(dims, spacing: [2, 2, 2]), value: brain(background: background, gain: gain))
    }

    /// The same image as it would be stored along other axes.
    static func stored(_ image: NIfTIImage, as letters: String) throws -> NIfTIImage {
        image.oriented(as: try #require(Orientation(letters: letters)))
    }
}
