import Glibc
import Imaging
import NIfTI
import Testing

@Suite struct GeometryTests {
    /// Marks one bright voxel in the brain, prepares, and looks where it went.
    private func roundTrip(_ image: NIfTIImage, recipe: Recipe, mark: [Int]) throws {
        var marked = image
        let dims = image.header.dims
        let size = recipe.size
        marked.voxels = marked.voxels.map { $0 == 0 ? 0 : 100 }
        // A blob of two prepared voxels, so that averaging does not lose it.
        let geometry = try Preparation.prepare(contrasts: [.flair: marked], brain: nil, recipe: recipe).geometry
        let centre = image.header.affine.point(Double(mark[0]), Double(mark[1]), Double(mark[2]))
        let reach = 1.5 * (geometry.spacing.max() ?? 1)
        for k in 0..<dims[2] {
            for j in 0..<dims[1] {
                for i in 0..<dims[0] {
                    let p = image.header.affine.point(Double(i), Double(j), Double(k))
                    let (x, y, z) = (p.0 - centre.0, p.1 - centre.1, p.2 - centre.2)
                    if x * x + y * y + z * z < reach * reach {
                        marked.voxels[(k * dims[1] + j) * dims[0] + i] = 1000
                    }
                }
            }
        }
        let prepared = try Preparation.prepare(contrasts: [.flair: marked], brain: nil, recipe: recipe)
        // The middle of what is bright in the cube.
        var sums = [0.0, 0.0, 0.0]
        var total = 0.0
        for x in 0..<size {
            for y in 0..<size {
                for z in 0..<size {
                    let value = Double(prepared.voxels[((3 * size + x) * size + y) * size + z])
                    guard value > 0.3 else { continue }
                    total += value
                    for (axis, at) in [x, y, z].enumerated() { sums[axis] += value * Double(at) }
                }
            }
        }
        let found = sums.map { $0 / total }
        let expected = prepared.geometry.prepared(Double(mark[0]), Double(mark[1]), Double(mark[2]))
        for (a, b) in zip(found, [expected.x, expected.y, expected.z]) { #expect(abs(a - b) < 1) }
        let back = prepared.geometry.native(found[0], found[1], found[2])
        let there = image.header.affine.point(back.i, back.j, back.k)
        for (a, (b, edge)) in zip(
            [there.0, there.1, there.2], zip([centre.0, centre.1, centre.2], [reach, reach, reach]))
        {
            #expect(abs(a - b) < edge)
        }
        // The prepared affine and the way through the native grid are the same place.
        let direct = prepared.geometry.affine.point(found[0], found[1], found[2])
        #expect(abs(direct.0 - there.0) + abs(direct.1 - there.1) + abs(direct.2 - there.2) < 1e-6)
    }

    private static let settings = [
        Recipe(name: .consilium, size: 24, percentiles: [0, 100]), Recipe(name: .lamimPretrain, size: 24),
        Recipe(name: .lamimFinetune, size: 24, orientation: "LPS"),
    ]

    @Test(arguments: settings) func aMarkedVoxelIsFoundAgainInAllFortyEightOrientations(recipe: Recipe) throws {
        let dims = [34, 42, 30]
        let image = Phantom.image(
            dims: dims, affine: Phantom.centred(dims, spacing: [4, 4, 4]), value: Phantom.brain())
        let place = [22, 14, 18]
        for orientation in Orientation.all {
            let turned = image.oriented(as: orientation)
            let mark = (0..<3).map { stored in
                let axis = orientation.axes[stored]
                return orientation.reversed[stored] ? dims[axis] - 1 - place[axis] : place[axis]
            }
            try roundTrip(turned, recipe: recipe, mark: mark)
        }
    }

    @Test(arguments: settings) func aMarkedVoxelIsFoundAgainInAnObliqueAndInAThickSlicedScan(recipe: Recipe) throws {
        let (c, s) = (cos(0.3), sin(0.3))
        let oblique = Affine(rows: [[-3 * c, 3 * s, 0, 66], [3 * s, 3 * c, 0, -95], [0, 0, 3, -60]])
        let image = Phantom.image(dims: [44, 56, 40], affine: oblique, value: Phantom.brain())
        try roundTrip(image, recipe: recipe, mark: [22, 30, 17])
        let dims = [140, 172, 22]
        let thick = Phantom.image(
            dims: dims, affine: Phantom.centred(dims, spacing: [1, 1, 5.5]), value: Phantom.brain())
        try roundTrip(thick, recipe: recipe, mark: [80, 100, 12])
    }

    @Test func oneVolumeOfTissueIsTheSameInEveryOrientation() throws {
        let image = Phantom.brainImage()
        let recipe = Recipe(size: 32)
        let reference = try Preparation.prepare(contrasts: [.t1w: image], brain: nil, recipe: recipe)
        for orientation in Orientation.all {
            let turned = try Preparation.prepare(
                contrasts: [.t1w: image.oriented(as: orientation)], brain: nil, recipe: recipe)
            let difference = zip(turned.voxels, reference.voxels).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
            #expect(difference < 1e-5, "\(orientation.letters)")
            #expect(turned.geometry.storedOrientation == orientation.letters)
            #expect(turned.geometry.orientation == "RAS")
        }
    }

    @Test func theAspectOfTheBrainIsKept() throws {
        let dims = [140, 168, 24]
        let image = Phantom.image(
            dims: dims, affine: Phantom.centred(dims, spacing: [1, 1, 5.5]), value: Phantom.brain())
        let prepared = try Preparation.prepare(contrasts: [.t1w: image], brain: nil, recipe: Recipe(size: 48))
        let spacing = prepared.geometry.spacing
        #expect(abs(spacing[0] - spacing[1]) < 1e-9 && abs(spacing[1] - spacing[2]) < 1e-9)
        // 120 × 150 × 110 mm in voxels of this size.
        let size = 48
        var lows = [size, size, size]
        var highs = [0, 0, 0]
        for x in 0..<size {
            for y in 0..<size {
                for z in 0..<size where prepared.voxels[(x * size + y) * size + z] > 0.05 {
                    for (axis, at) in [x, y, z].enumerated() {
                        lows[axis] = min(lows[axis], at)
                        highs[axis] = max(highs[axis], at + 1)
                    }
                }
            }
        }
        for (axis, extent) in [120.0, 150, 110].enumerated() {
            #expect(abs(Double(highs[axis] - lows[axis]) - extent / spacing[axis]) < 3, "axis \(axis)")
        }
        #expect(prepared.voxels.allSatisfy { (0...1).contains($0) })
    }

    @Test func aMaskInAnotherGridFallsWhereItsTissueDoes() throws {
        let size = 40
        let prepared = try Preparation.prepare(
            contrasts: [.t1w: Phantom.stored(Phantom.brainImage(), as: "LPS")], brain: nil, recipe: Recipe(size: size))
        let dims = [120, 50, 90]
        let mask = Phantom.image(dims: dims, affine: Phantom.centred(dims, spacing: [1.2, 4, 1.5])) { x, y, z in
            Phantom.brain()(x, y, z) > 0 && x > 0 ? 1 : 0
        }
        let found = prepared.geometry.prepared(mask: mask, size: size)
        var (agree, differ) = (0, 0)
        for at in found.indices {
            let right = prepared.geometry.affine.point(Double(at / (size * size)), 0, 0).0 > 0
            let inside = right && prepared.voxels[at] > 0.02
            if inside && found[at] == 1 { agree += 1 }
            if inside != (found[at] == 1) { differ += 1 }
        }
        #expect(agree > 5000)
        // Dice: only the rim, where voxels of 4 mm straddle it, may differ.
        #expect(Double(2 * agree) / Double(2 * agree + differ) > 0.92)
    }

    @Test func aMaskSmallerThanAPreparedVoxelTakesTheOneItLiesIn() throws {
        let image = Phantom.brainImage()
        let size = 8
        let prepared = try Preparation.prepare(contrasts: [.t1w: image], brain: nil, recipe: Recipe(size: size))
        var mask = image
        mask.voxels = mask.voxels.map { _ in 0 }
        let mark = [30, 41, 37]
        mask.voxels[(mark[2] * 84 + mark[1]) * 70 + mark[0]] = 1
        let found = prepared.geometry.prepared(mask: mask, size: size)
        let place = prepared.geometry.prepared(Double(mark[0]), Double(mark[1]), Double(mark[2]))
        let at = [place.x, place.y, place.z].reduce(0) { $0 * size + Int(($1 + 0.5).rounded(.down)) }
        #expect(found.indices.filter { found[$0] != 0 } == [at])
        mask.header.affine.rows[0][3] += 5000
        #expect(!prepared.geometry.prepared(mask: mask, size: size).contains(1))
    }

    @Test("an image on another grid shows the same place; beyond its edge 0; what is no number counts as 0")
    func onAnotherGrid() throws {
        let dims = [9, 8, 7]
        let affine = Phantom.centred(dims, spacing: [3, 2, 4])
        func ramp(_ x: Double, _ y: Double, _ z: Double) -> Float { Float(100 + x - 2 * y + 3 * z) }
        var image = Phantom.image(dims: dims, affine: affine, value: ramp)
        // A finer grid, turned and shifted, all of it inside.
        let finer = Affine(rows: [[0, 1.1, 0, -5.3], [1.3, 0, 0, -6.1], [0, 0, 1.7, -9.2]])
        let there = Phantom.image(dims: [8, 9, 10], affine: finer, value: ramp)
        for (a, b) in zip(try image.voxels(on: there.header), there.voxels) { #expect(abs(a - b) < 1e-3) }
        #expect(try image.voxels(on: image.header) == image.voxels)
        let turned = try Phantom.stored(image, as: "PIL")
        #expect(try turned.voxels(on: image.header) == image.voxels)
        var far = there.header
        for axis in 0..<3 { far.affine.rows[axis][3] += 1000 }
        #expect(try image.voxels(on: far).allSatisfy { $0 == 0 })
        image.voxels[3] = .nan
        image.voxels[9] = .infinity
        #expect(try image.voxels(on: there.header).allSatisfy { $0.isFinite })
        let same = try image.voxels(on: image.header)
        #expect(same[3] == 0 && same[9] == 0 && same[4] == image.voxels[4])
        var flat = image
        flat.header.affine.rows[2] = [0, 0, 0, 5]
        #expect(throws: ImagingError.self) { try flat.voxels(on: image.header) }
        var several = image
        several.header.dims = [9, 4, 7, 2]
        #expect(throws: ImagingError.self) { try several.voxels(on: image.header) }
    }
}
