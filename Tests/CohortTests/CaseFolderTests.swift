import Cohort
import Foundation
import Imaging
import Testing

@Suite("Case folder")
struct CaseFolderTests {
    static func record(_ names: [String]) throws -> CaseRecord {
        try CaseFolder.record(id: "x", folder: "x/", names: names)
    }

    static func error(_ names: [String]) -> String {
        do {
            _ = try record(names)
            return "accepted"
        } catch { return "\(error)" }
    }

    @Test(
        "The names of BraTS and its users are known",
        arguments: [
            [
                "BraTS-GLI-00001-000-t1n.nii.gz", "BraTS-GLI-00001-000-t1c.nii.gz", "BraTS-GLI-00001-000-t2w.nii.gz",
                "BraTS-GLI-00001-000-t2f.nii.gz",
            ],
            ["Brats18_t1.nii", "Brats18_t1ce.nii", "Brats18_t2.nii", "Brats18_flair.nii"],
            ["TCGA_t1.nii.gz", "TCGA_t1c.nii.gz", "TCGA_t2.nii.gz", "TCGA_fla.nii.gz"],
            ["T1w.nii.gz", "T1c.nii.gz", "T2w.nii.gz", "FLAIR.nii.gz"],
            ["sub-01_T1w.nii.gz", "sub-01_T1Gd.nii.gz", "sub-01_T2w.nii.gz", "sub-01_T2_FLAIR.nii.gz"],
        ])
    func names(files: [String]) throws {
        let extra = ["notes.txt", "x-seg.nii.gz", "x_brainmask.nii.gz", "other.nii.gz", "readme.nii.txt"]
        let record = try Self.record(extra + files.reversed())
        let expected = Dictionary(uniqueKeysWithValues: zip(Contrast.allCases, files.map { "x/" + $0 }))
        #expect(record.paths.contrasts == expected)
        #expect(record.paths.brain == "x/x_brainmask.nii.gz")
        #expect(record.mask == "x/x-seg.nii.gz")
        #expect(record.paths.volume == nil)
    }

    @Test(
        "Words of the contrast agent beside T1 mean T1c; a word for FLAIR wins over T2",
        arguments: [
            ("T1_CE", Contrast.t1c), ("T1_Gd", .t1c), ("t1_post", .t1c), ("T1w_post_contrast", .t1c), ("t1-gad", .t1c),
            ("sub-01_ce-gadolinium_T1w", .t1c), ("sub-01_ce-GADOLINIUM_T1w", .t1c), ("ax T1 postcontrast", .t1c),
            ("T1_pre_contrast", .t1w), ("t1_non_enhanced", .t1w), ("t1_post_op", .t1w), ("T1_postop", .t1w),
            ("T1_post_op_gd", .t1c), ("FLAIR_T2", .flair), ("T2_FLAIR", .flair), ("t2w_tse", .t2w),
            ("flair_gd", .flair),
        ])
    func words(name: String, contrast: Contrast) throws {
        #expect(try Self.record([name + ".nii.gz"]).paths.contrasts == [contrast: "x/\(name).nii.gz"])
    }

    @Test("A name of two contrasts is refused with the file", arguments: ["T1_reg_to_T2", "T2_in_T1", "FLAIR_on_t1ce"])
    func twoContrasts(name: String) {
        #expect(Self.error([name + ".nii"]).hasPrefix("The name of x/\(name).nii says two contrasts"))
    }

    @Test("A volume stands for all four")
    func volume() throws {
        #expect(try Self.record(["volume.nii.gz", "seg.nii.gz"]).paths == CasePaths(volume: "x/volume.nii.gz"))
    }

    @Test("Nothing known, two files for one contrast, and a volume beside contrasts are refused")
    func refusals() {
        #expect(Self.error([]).contains("holds no scan known by its name"))
        #expect(Self.error(["scan.nii.gz"]).contains("holds no scan known by its name"))
        #expect(Self.error(["a_t1.nii", "b_t1n.nii.gz"]).contains("look like T1w, a_t1.nii and b_t1n.nii.gz"))
        #expect(Self.error(["volume.nii", "t1.nii"]).contains("a volume and single contrasts"))
        #expect(Self.error(["volume.nii", "volume.nii.gz"]).contains("keep one"))
    }

    @Test("A folder on disk is read, a single file is a volume, and what does not exist is refused")
    func disk() throws {
        let scratch = try Scratch()
        _ = try scratch.write("case_t1.nii", "")
        _ = try scratch.write("volume.txt", "")
        let record = try CaseFolder.read(scratch.path + "/")
        #expect(record.id == scratch.path.split(separator: "/").last.map(String.init))
        #expect(record.paths.contrasts == [.t1w: scratch.path + "/case_t1.nii"])
        let single = try CaseFolder.read(scratch.path + "/case_t1.nii")
        #expect(single.id == "case_t1")
        #expect(single.paths.volume == scratch.path + "/case_t1.nii")
        for path in [scratch.path + "/nowhere", scratch.path + "/volume.txt"] {
            #expect(throws: CohortError.self) { try CaseFolder.read(path) }
        }
    }
}
