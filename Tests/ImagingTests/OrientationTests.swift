import Foundation
import Imaging
import NIfTI
import Testing

@Suite struct OrientationTests {
    private static let dims = [5, 7, 4]

    /// A grid of distinct values whose axes are R, A, S.
    private static var grid: NIfTIImage {
        let affine = Affine(rows: [[1.5, 0, 0, -11], [0, 2, 0, 7], [0, 0, 3, 5]])
        return Phantom.image(dims: dims, affine: affine) { x, y, z in Float(x + 100 * y + 10000 * z) }
    }

    /// The same voxels written by loops in another storage order, with the affine that says so: independent of the
    /// code under test.
    private static func rewritten(_ image: NIfTIImage, axes: [Int], reversed: [Bool]) -> NIfTIImage {
        let dims = image.header.dims
        let new = axes.map { dims[$0] }
        var voxels = [Float](repeating: .nan, count: dims.reduce(1, *))
        for z in 0..<dims[2] {
            for y in 0..<dims[1] {
                for x in 0..<dims[0] {
                    let place = [x, y, z]
                    let at = (0..<3).map { reversed[$0] ? new[$0] - 1 - place[axes[$0]] : place[axes[$0]] }
                    voxels[(at[2] * new[1] + at[1]) * new[0] + at[0]] = image.voxels[(z * dims[1] + y) * dims[0] + x]
                }
            }
        }
        var rows = [[Double]](repeating: [0, 0, 0, 0], count: 3)
        for world in 0..<3 { rows[world][3] = image.header.affine.rows[world][3] }
        for stored in 0..<3 {
            let step = image.header.affine.rows[axes[stored]][axes[stored]]
            rows[axes[stored]][stored] = reversed[stored] ? -step : step
            if reversed[stored] { rows[axes[stored]][3] += step * Double(new[stored] - 1) }
        }
        let affine = Affine(rows: rows)
        return NIfTIImage(
            header: NIfTIHeader(version: 1, dims: new, spacing: affine.spacing, affine: affine), voxels: voxels)
    }

    private static let orders: [([Int], [Bool])] = [
        [0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0],
    ].flatMap { axes in (0..<8).map { bits in (axes, (0..<3).map { bits >> $0 & 1 == 1 }) } }

    @Test func allFortyEightStorageOrdersBecomeOneGridBitForBit() {
        let reference = Self.grid
        var letters = Set<String>()
        for (axes, reversed) in Self.orders {
            let stored = Self.rewritten(reference, axes: axes, reversed: reversed)
            letters.insert(Orientation(affine: stored.header.affine).letters)
            let back = stored.oriented(as: .ras)
            #expect(back.header.dims == reference.header.dims)
            #expect(back.header.affine == reference.header.affine)
            #expect(back.header.spacing == reference.header.spacing)
            #expect(back.voxels.map(\.bitPattern) == reference.voxels.map(\.bitPattern), "\(axes) \(reversed)")
        }
        #expect(letters.count == 48)
    }

    @Test func lettersNameTheSideAnAxisRunsTo() {
        let lps = Affine(rows: [[-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 1, 0]])
        #expect(Orientation(affine: lps).letters == "LPS")
        let sagittal = Affine(rows: [[0, 0, -1, 0], [1, 0, 0, 0], [0, -1, 0, 0]])
        #expect(Orientation(affine: sagittal).letters == "AIL")
        #expect(Orientation(letters: "AIL")?.letters == "AIL")
        for bad in ["", "RA", "RAL", "RAR", "ras", "RASS", "XYZ"] {
            #expect(Orientation(letters: bad) == nil, "\(bad)")
        }
        #expect(Set(Orientation.all.map(\.letters)).count == 48)
    }

    @Test(arguments: [0.0, 5, 12.5, 40]) func anObliqueGridReportsItsAngleAndTakesTheNearestAxes(degrees: Double) {
        let (c, s) = (cos(degrees * .pi / 180), sin(degrees * .pi / 180))
        let affine = Affine(rows: [[-2 * c, 3 * s, 0, 1], [-2 * s, -3 * c, 0, 2], [0, 0, 4, 3]])
        let orientation = Orientation(affine: affine)
        #expect(orientation.letters == "LPS")
        #expect(abs(orientation.obliqueDegrees - degrees) < 1e-6)
    }

    /// Twenty-four real files of one head; skipped where shared/data is absent.
    @Test(.enabled(if: Fixtures.hasData, "shared/data is absent")) func realFilesOfOneHeadBecomeOneGrid() throws {
        let folder = Fixtures.data.appendingPathComponent("nasty/orientations")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".nii.gz") }
        var reference: NIfTIImage?
        for name in names.sorted() {
            let image = try NIfTIFile.read(folder.appendingPathComponent(name).path)
            let turned = image.oriented(as: .ras)
            guard let first = reference else {
                reference = turned
                continue
            }
            #expect(turned.header.dims == first.header.dims, "\(name)")
            #expect(turned.voxels == first.voxels, "\(name)")
        }
        #expect(names.count == 24)
    }
}
