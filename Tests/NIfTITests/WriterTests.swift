import Foundation
import Testing

import NIfTI

/// Writing `.nii.gz`, and reading it back.
struct WriterTests {
    private static let tilted = Affine(rows: [[0, -1.5, 0, 10], [0.96, 0, -0.7, -20], [0.28, 0, 2.4, 30]])

    @Test(
        "What is written reads the same, in every type that is written",
        arguments: [NIfTIDatatype.uint8, .int8, .int16, .uint16, .int32, .uint32, .float32])
    func roundTrips(_ datatype: NIfTIDatatype) throws {
        let voxels = (0..<240).map { Float($0 % 120) }
        let bytes = try NIfTIFile.encode(voxels: voxels, dims: [4, 5, 6, 2], affine: Self.tilted, datatype: datatype)
        let image = try NIfTIFile.content(of: bytes).image()
        #expect(image.voxels == voxels)
        #expect(image.header.dims == [4, 5, 6, 2])
        #expect(image.header.datatype == datatype)
        #expect(image.header.affineSource == .sform)
        for (written, read) in zip(Self.tilted.rows.joined(), image.header.affine.rows.joined()) {
            #expect(Double(Float(written)) == read)
        }
    }

    @Test("The file is what the standard's tables say, byte for byte")
    func matchesTheTables() throws {
        let voxels = (0..<120).map { Float($0) }
        let affine = Affine(rows: [[-2, 0, 0, 90], [0, 2, 0, -126], [0, 0, 3, -72]])
        let bytes = try NIfTIFile.encode(voxels: voxels, dims: [4, 5, 6], affine: affine, datatype: .int16)
        #expect(Array(bytes[..<10]) == [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, bytes[8], 255])

        var expected = ForgedFile()
        (expected.datatype, expected.qformCode) = (4, 1)
        expected.pixdim = [-1, 2, 2, 3, 1, 0, 0, 0]
        expected.srow = Array(affine.rows.joined())
        expected.quaternion = [0, 1, 0]
        expected.qoffset = [90, -126, -72]
        expected.body = expected.stored((0..<120).map(Double.init))
        #expect(try NIfTIFile.content(of: bytes).header == NIfTIFile.content(of: expected.bytes).header)
        #expect(try NIfTIFile.content(of: bytes).floats() == NIfTIFile.content(of: expected.bytes).floats())
    }

    @Test("Both forms say the same when edges are at right angles; a sheared affine has an sform only")
    func writesBothForms() throws {
        let voxels = [Float](repeating: 1, count: 8)
        let c = 0.8
        let s = 0.6
        let turned = Affine(rows: [[2 * c, -2 * s, 0, 5], [2 * s, 2 * c, 0, 6], [0, 0, -3, 7]])
        let bytes = try NIfTIFile.encode(voxels: voxels, dims: [2, 2, 2], affine: turned, datatype: .uint8)
        #expect(try NIfTIFile.content(of: bytes).header.warnings.filter { $0.contains("disagree") } == [])
        let sheared = Affine(rows: [[1, 0.4, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
        let other = try NIfTIFile.encode(voxels: voxels, dims: [2, 2, 2], affine: sheared, datatype: .uint8)
        let read = try NIfTIFile.content(of: other).header
        #expect(read.affine.rows[0][1] == Double(Float(0.4)))
        #expect(read.warnings.filter { $0.contains("disagree") } == [])
    }

    @Test("The same input gives the same bytes, and nothing else is left in the folder")
    func isDeterministic() throws {
        let voxels = (0..<1000).map { Float($0) * 0.37 }
        try TemporaryFolder.with { folder in
            for name in ["a.nii.gz", "b.nii.gz", "a.nii.gz"] {
                try NIfTIFile.write(
                    "\(folder)/\(name)", voxels: voxels, dims: [10, 10, 10], affine: Affine(spacing: (1, 1, 1)))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.nii.gz", "b.nii.gz"])
            let files = try ["a", "b"].map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0).nii.gz")) }
            #expect(files[0] == files[1])
            #expect(try NIfTIFile.read("\(folder)/a.nii.gz").voxels == voxels)
        }
    }

    @Test("What cannot be written leaves the old file as it was")
    func refusesWithoutHarm() throws {
        let unit = Affine(spacing: (1, 1, 1))
        try TemporaryFolder.with { folder in
            let path = folder + "/scan.nii.gz"
            try NIfTIFile.write(path, voxels: [1, 2], dims: [2, 1, 1], affine: unit)
            let before = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(throws: NIfTIError.self) {
                try NIfTIFile.write(path, voxels: [1, 300], dims: [2, 1, 1], affine: unit, datatype: .uint8)
            }
            #expect(throws: NIfTIError.self) {
                try NIfTIFile.write(path, voxels: [1, .nan], dims: [2, 1, 1], affine: unit, datatype: .int16)
            }
            #expect(throws: NIfTIError.self) {
                try NIfTIFile.write(path, voxels: [1, 2], dims: [2, 1, 1], affine: unit, datatype: .float64)
            }
            #expect(throws: NIfTIError.self) { try NIfTIFile.write(path, voxels: [1], dims: [2, 1, 1], affine: unit) }
            #expect(throws: NIfTIError.self) { try NIfTIFile.write(path, voxels: [1], dims: [1], affine: unit) }
            let flat = Affine(rows: [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]])
            #expect(throws: NIfTIError.self) {
                try NIfTIFile.write(path, voxels: [1, 2], dims: [2, 1, 1], affine: flat)
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
            let error = #expect(throws: NIfTIError.self) {
                try NIfTIFile.write(folder + "/none/scan.nii.gz", voxels: [1], dims: [1, 1, 1], affine: unit)
            }
            #expect(error?.code == .cannotWrite)
            // A folder stands where the file should go: the rename fails and the temporary file goes too.
            let taken = folder + "/taken.nii.gz"
            try FileManager.default.createDirectory(atPath: taken, withIntermediateDirectories: false)
            #expect(throws: NIfTIError.self) { try NIfTIFile.write(taken, voxels: [1], dims: [1, 1, 1], affine: unit) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 2)
        }
    }

    @Test("Integer types round to nearest, halves to even")
    func rounds() throws {
        let bytes = try NIfTIFile.encode(
            voxels: [0.5, 1.5, -2.4, 2.6], dims: [4, 1, 1], affine: Affine(spacing: (1, 1, 1)), datatype: .int16)
        #expect(try NIfTIFile.content(of: bytes).floats() == [0, 2, -2, 3])
    }
}
