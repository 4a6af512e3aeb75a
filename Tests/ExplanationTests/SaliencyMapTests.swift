import Explanation
import Foundation
import Imaging
import NIfTI
import Testing

@Suite struct SaliencyMapTests {
    /// An egg with a texture, on a grid.
    private func scan(_ dims: [Int], _ affine: Affine) -> NIfTIImage {
        var voxels: [Float] = []
        for k in 0..<dims[2] {
            for j in 0..<dims[1] {
                for i in 0..<dims[0] {
                    let (x, y, z) = affine.point(Double(i), Double(j), Double(k))
                    let inside = x * x / 3600 + y * y / 5625 + z * z / 3025 < 1
                    voxels.append(inside ? Float(600 + 100 * sin(x / 9) + 90 * cos(y / 7) + 80 * sin(z / 8)) : 0)
                }
            }
        }
        return NIfTIImage(
            header: NIfTIHeader(version: 1, dims: dims, spacing: affine.spacing, affine: affine), voxels: voxels)
    }

    private func centred(_ dims: [Int], _ spacing: [Double]) -> Affine {
        Affine(
            rows: (0..<3).map { row in
                (0..<3).map { $0 == row ? spacing[row] : 0 } + [-spacing[row] * Double(dims[row] - 1) / 2]
            })
    }

    /// A voxel's map in the scan's grid is brightest within one prepared voxel of it.
    private func comesBack(_ image: NIfTIImage, mark: [Int]) throws {
        let size = 24
        let geometry = try Preparation.prepare(contrasts: [.flair: image], brain: nil, recipe: Recipe(size: size))
            .geometry
        let at = geometry.prepared(Double(mark[0]), Double(mark[1]), Double(mark[2]))
        let cell = [at.x, at.y, at.z].map { Int($0.rounded()) }
        var values = [Float](repeating: 0, count: size * size * size)
        values[(cell[0] * size + cell[1]) * size + cell[2]] = 1
        let native = SaliencyMap(edge: size, values: values).native(geometry, size: size)
        let dims = image.header.dims
        #expect(native.count == dims.reduce(1, *))
        let peak = try #require(native.indices.max { native[$0] < native[$1] })
        let found = image.header.affine.point(
            Double(peak % dims[0]), Double(peak / dims[0] % dims[1]), Double(peak / (dims[0] * dims[1])))
        let marked = image.header.affine.point(Double(mark[0]), Double(mark[1]), Double(mark[2]))
        // A prepared voxel, or the scan's own where that is larger.
        let edge = max(geometry.spacing.max() ?? 0, image.header.spacing.max() ?? 0)
        for (a, b) in [(found.0, marked.0), (found.1, marked.1), (found.2, marked.2)] {
            #expect(abs(a - b) <= edge + 1e-6)
        }
    }

    @Test("a voxel marked in the scan comes back to itself, however the scan is stored")
    func orientations() throws {
        let dims = [34, 42, 30]
        let image = scan(dims, centred(dims, [4, 4, 4]))
        let place = [22, 14, 18]
        #expect(Orientation.all.count == 48)
        for orientation in Orientation.all {
            let mark = (0..<3).map { stored in
                let axis = orientation.axes[stored]
                return orientation.reversed[stored] ? dims[axis] - 1 - place[axis] : place[axis]
            }
            try comesBack(image.oriented(as: orientation), mark: mark)
        }
    }

    @Test("a voxel marked in an oblique scan and in one of thick slices comes back to itself")
    func oblique() throws {
        let (c, s) = (cos(0.3), sin(0.3))
        let turned = Affine(rows: [[-3 * c, 3 * s, 0, 66], [3 * s, 3 * c, 0, -95], [0, 0, 3, -60]])
        try comesBack(scan([44, 56, 40], turned), mark: [22, 30, 17])
        let dims = [140, 172, 22]
        try comesBack(scan(dims, centred(dims, [1, 1, 5.5])), mark: [80, 100, 12])
    }

    @Test("the file lies where the scan lies, and holds the map")
    func file() throws {
        let (c, s) = (cos(0.3), sin(0.3))
        let affine = Affine(rows: [[-3 * c, 3 * s, 0, 66], [3 * s, 3 * c, 0, -95], [0, 0, 3, -60]])
        let image = scan([44, 56, 40], affine)
        let geometry = try Preparation.prepare(contrasts: [.t1w: image], brain: nil, recipe: Recipe(size: 16))
            .geometry
        let map = SaliencyMap(edge: 2, values: [0, 1, 2, 3, 4, 5, 6, 7])
        let path = NSTemporaryDirectory() + "/map-\(UUID().uuidString).nii.gz"
        defer { unlink(path) }
        try map.write(to: path, geometry, size: 16)
        let back = try NIfTIFile.read(path)
        #expect(back.header.dims == image.header.dims)
        for (a, b) in zip(back.header.affine.rows.joined(), affine.rows.joined()) { #expect(abs(a - b) < 1e-5) }
        #expect(back.voxels == map.native(geometry, size: 16))
        #expect((back.voxels.max() ?? 0) > 6)
    }

    @Test("between cells a map is linear, and sums of cells are their sum")
    func values() {
        let map = SaliencyMap(edge: 2, values: [0, 1, 2, 3, 4, 5, 6, 7])
        // Cells of 4 voxels: centres at 1.5 and 5.5.
        #expect(map.value(at: (1.5, 1.5, 1.5), size: 8) == 0)
        #expect(map.value(at: (5.5, 5.5, 5.5), size: 8) == 7)
        #expect(map.value(at: (3.5, 1.5, 1.5), size: 8) == 2)
        #expect(map.value(at: (0, 0, 0), size: 8) == 0)
        #expect(map.value(at: (-0.6, 0, 0), size: 8) == 0 && map.value(at: (7.6, 7, 7), size: 8) == 0)
        #expect(map.centre(map.peak, size: 8) == [5.5, 5.5, 5.5])
        #expect(
            SaliencyMap(edge: 4, values: Array(repeating: 0.5, count: 64)).summed(edge: 2).values
                == Array(repeating: 4, count: 8))
        #expect(map.summed(edge: 1).values == [28])
        #expect(SaliencyMap(edge: 1, values: [3]).value(at: (4, 4, 4), size: 8) == 3)
    }

    @Test("correlation is Pearson's over cells that either map uses")
    func correlation() throws {
        func map(_ values: [Float]) -> SaliencyMap { SaliencyMap(edge: 2, values: values) }
        let one = map([1, 2, 3, 4, 0, 0, 0, 0])
        #expect(abs(try #require(one.correlation(with: map([2, 4, 6, 8, 0, 0, 0, 0]))) - 1) < 1e-12)
        #expect(abs(try #require(one.correlation(with: map([4, 3, 2, 1, 0, 0, 0, 0]))) + 1) < 1e-12)
        #expect(one.correlation(with: map([5, 5, 5, 5, 0, 0, 0, 0])) == nil)
    }
}
