import Foundation
import Imaging
import NIfTI
import Testing

/// Real scans; all of this is skipped where shared/data is absent.
@Suite(.enabled(if: Fixtures.hasData, "shared/data is absent")) struct RealScanTests {
    private func path(_ name: String) -> String { Fixtures.data.appendingPathComponent(name).path }

    @Test(arguments: ["healthy/IXI012-HH-1211_T1.nii.gz", "healthy/fernando_t2.nii.gz"])
    func headsWithTheirSkullAreRefused(name: String) throws {
        do {
            _ = try Preparation.prepare(paths: CasePaths(contrasts: [.t1w: path(name)]), recipe: Recipe(size: 32))
            Issue.record("\(name) was taken for a brain")
        } catch let error as ImagingError {
            #expect(error.code == .notBrainExtracted)
            #expect(error.message.contains(name))
        }
        let allowed = try Preparation.prepare(
            paths: CasePaths(contrasts: [.t1w: path(name)]), recipe: Recipe(size: 32, unstripped: true))
        #expect(allowed.voxels.contains { $0 > 0.5 })
    }

    @Test(arguments: [
        "healthy/subpixar009_T1w.nii.gz", "brats2013_deepmedic/pat0001/Flair_subtrMeanDivStd.nii.gz",
        "brats2013_deepmedic/pat0002/T1c_subtrMeanDivStd.nii.gz", "open_ms_mni/patient07/flair.nii.gz",
        "tcga_lgg/TCGA-DU-7294/sri24_bet/TCGA-DU-7294_t2.nii.gz",
        "brats2023_brainlesion/BraTS-GLI-00001-000/BraTS-GLI-00001-000-t1c.nii.gz",
    ]) func extractedBrainsAreTaken(name: String) throws {
        let prepared = try Preparation.prepare(
            paths: CasePaths(contrasts: [.flair: path(name)]), recipe: Recipe(size: 48))
        #expect(prepared.warnings.isEmpty)
        #expect(prepared.voxels.contains { $0 > 0.9 })
        #expect(prepared.voxels.allSatisfy { (0...1).contains($0) })
    }

    @Test func preparedVolumesOfFourContrastsAreTaken() throws {
        let folder = path("prepared96")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter {
            $0.hasSuffix(".nii.gz") && !$0.hasSuffix("_mask.nii.gz")
        }
        #expect(names.count == 8)
        for name in names {
            let prepared = try Preparation.prepare(
                paths: CasePaths(volume: folder + "/" + name), recipe: Recipe(size: 48, unstripped: true))
            #expect(prepared.present.contains(true), "\(name)")
        }
    }
}
