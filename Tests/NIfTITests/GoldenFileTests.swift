import Foundation
import Testing

import NIfTI

/// Files made and read by nibabel 5.4.2 (`Tests/Fixtures/nifti/make_golden.py`).
struct GoldenFileTests {
    struct Golden: Decodable {
        var dims: [Int]
        var datatype: String
        var affine: [[Double]]
        var orientation: String
        var spacing: [Double]
        var comments: [String]
        var values: [Double]
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/nifti")

    @Test("Every golden file reads as nibabel reads it, bit for bit")
    func readsAsNibabel() throws {
        let json = try Data(contentsOf: Self.folder.appendingPathComponent("golden.json"))
        let goldens = try JSONDecoder().decode([String: Golden].self, from: json)
        #expect(goldens.count == 10)
        for (name, golden) in goldens {
            let image = try NIfTIFile.read(Self.folder.appendingPathComponent(name).path)
            #expect(image.header.dims == golden.dims, "\(name)")
            #expect(image.header.datatype.name == golden.datatype, "\(name)")
            #expect(image.header.affine.orientation == golden.orientation, "\(name)")
            #expect(image.header.extensions.filter { $0.code == 6 }.map(\.text) == golden.comments, "\(name)")
            #expect(image.voxels == golden.values.map { Float($0) }, "\(name)")
            for (ours, theirs) in zip(image.header.affine.rows.joined(), golden.affine.joined()) {
                // A qform goes through a quaternion of 32-bit floats, which either side turns back by its own formula.
                #expect((ours - theirs).magnitude <= 1e-6, "\(name)")
            }
            for (ours, theirs) in zip(image.header.spacing, golden.spacing) {
                #expect((ours - theirs).magnitude <= 1e-6, "\(name)")
            }
        }
    }
}
