import Foundation
import Testing

import NIfTI

/// Real and nasty files of `shared/data`, which is not part of the repository.
struct SharedDataTests {
    /// `CONSILIUM_DATA`, or `../shared/data` beside the package.
    static let folder: String = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let beside = root.deletingLastPathComponent().appendingPathComponent("shared/data").path
        return ProcessInfo.processInfo.environment["CONSILIUM_DATA"] ?? beside
    }()
    static let isPresent = FileManager.default.fileExists(atPath: folder + "/nasty")

    private struct Expected: Decodable { var verdict: String }

    @Test(
        "Every synthetic file gets the verdict that is expected of it", .enabled(if: isPresent, "shared/data is absent")
    )
    func judgesSyntheticFiles() throws {
        let folder = Self.folder + "/nasty/synthetic"
        let json = try Data(contentsOf: URL(fileURLWithPath: folder + "/expected.json"))
        let expected = try JSONDecoder().decode([String: Expected].self, from: json)
        #expect(expected.count >= 21)
        for (name, expected) in expected {
            let header = try? NIfTIFile.open("\(folder)/\(name)").surveyed()
            switch expected.verdict {
            case "accept": #expect(header != nil, "\(name)")
            case "reject": #expect(header == nil, "\(name)")
            default: #expect(header.map { !$0.warnings.isEmpty } ?? true, "\(name)")
            }
        }
    }

    @Test("The orientation files are named as they are stored", .enabled(if: isPresent, "shared/data is absent"))
    func namesOrientations() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder + "/nasty/orientations")
        #expect(names.count == 24)
        for name in names {
            let header = try NIfTIFile.readHeader("\(Self.folder)/nasty/orientations/\(name)")
            #expect(header.affine.orientation == name.prefix(3))
        }
    }

    /// What nibabel reads as a real image of three or four dimensions is accepted; all else is refused for its own
    /// reason.
    static let verdicts: [String: NIfTIError.Code?] = [
        "nibabel/analyze.hdr": .unsupportedFormat, "nibabel/anatomical.nii": nil, "nibabel/example4d.nii.gz": nil,
        "nibabel/example_nifti2.nii.gz": nil, "nibabel/functional.nii": nil, "nibabel/nifti1.hdr": .unsupportedFormat,
        "nibabel/nifti2.hdr": .unsupportedFormat, "nibabel/reoriented_anat_moved.nii": nil,
        "nibabel/resampled_anat_moved.nii": nil, "nibabel/row_major.dconn.nii": .dimensions,
        "nibabel/someones_anatomy.nii.gz": nil, "nibabel/someones_epi.nii.gz": nil, "nibabel/standard.nii.gz": nil,
        "nibabel/test.mgz": .unsupportedFormat, "nifti_rs/27/float32.nii": nil, "nifti_rs/27/float64.nii": nil,
        "nifti_rs/27/int16.nii": nil, "nifti_rs/27/int32.nii": nil, "nifti_rs/27/int64.nii": nil,
        "nifti_rs/27/int8.nii": nil, "nifti_rs/27/uint16.nii": nil, "nifti_rs/27/uint32.nii": nil,
        "nifti_rs/27/uint64.nii": nil, "nifti_rs/27/uint8.nii": nil, "nifti_rs/complex/complex32.nii": .datatype,
        "nifti_rs/complex/complex64.nii": .datatype, "nifti_rs/f32.nii.gz": nil,
        "nifti_rs/fuzz_artifacts/crash-1.nii": .notNIfTI,
        "nifti_rs/fuzz_artifacts/crash-ed7d46344d7efb3b9f0c374d66d2e02f66cc447d.nii": .notNIfTI,
        "nifti_rs/minimal.hdr": .unsupportedFormat, "nifti_rs/minimal.hdr.gz": .unsupportedFormat,
        "nifti_rs/minimal.img": .unsupportedFormat, "nifti_rs/minimal.img.gz": .unsupportedFormat,
        "nifti_rs/minimal.nii": nil, "nifti_rs/minimal.nii.gz": nil, "nifti_rs/minimal2.hdr": .unsupportedFormat,
        "nifti_rs/minimal_extended_hdr.nii": .dimensions, "nifti_rs/rgb/3D.nii": .datatype,
        "nifti_rs/rgb/4D.nii": .datatype, "nifti_rs/rgba/4D.nii": .datatype, "nifti_rs/zstat1.nii.gz": nil,
    ]

    @Test(
        "Other libraries' test files are read or refused for a reason", .enabled(if: isPresent, "shared/data is absent")
    )
    func judgesOthersFiles() throws {
        for (name, code) in Self.verdicts {
            do {
                _ = try NIfTIFile.read("\(Self.folder)/nasty/\(name)")
                #expect(code == nil, "\(name)")
            } catch let error as NIfTIError {
                #expect(error.code == code, "\(name): \(error)")
            }
        }
    }
}
