import Cohort
import Imaging
import NIfTI
import Testing

@Suite("Left and right")
struct SidesTests {
    static func sides(_ report: CohortReport) -> [String] {
        report.cases.filter { $0.findings.contains { $0.kind == .leftRight } }.map(\.id)
    }

    @Test("A contrast stored mirrored under an unchanged header is found; the same heads unmirrored raise nothing")
    func withinCase() throws {
        var scans: [String: MadeScan] = [:]
        var table = "case,patient,T1w,FLAIR\n"
        for head in 1...6 {
            var (t1w, flair) = CohortCheckTests.pair(UInt64(head))
            flair.isMirrored = head % 3 == 0
            t1w.gain = 3
            scans["\(head)a.nii"] = t1w
            scans["\(head)b.nii"] = flair
            table += "h\(head),p\(head),\(head)a.nii,\(head)b.nii\n"
        }
        #expect(try Self.sides(CohortCheckTests.check(scans, table, recipe: Recipe(size: 48))) == ["h3", "h6"])
        // Also where the recipe keeps the stored axes.
        let stored = Recipe(name: .lamimPretrain, size: 32)
        #expect(try Self.sides(CohortCheckTests.check(scans, table, recipe: stored)) == ["h3", "h6"])
    }

    @Test("One case stored in the other sense among many of the same grid is found")
    func handedness() throws {
        let scratch = try Scratch()
        var table = "case,patient,T1w\n"
        for head in 1...6 {
            let scan = MadeScan(head: UInt64(head))
            var affine = scan.affine
            if head == 4 { affine.rows[0] = [-4, 0, 0, 76] }
            try NIfTIFile.write(
                "\(scratch.path)/\(head).nii", voxels: scan.voxels, dims: scan.dims, affine: affine)
            table += "h\(head),p\(head),\(head).nii\n"
        }
        let manifest = try Manifest.read(scratch.write("m.csv", table))
        #expect(try Self.sides(CohortCheck(manifest: manifest, recipe: Recipe(size: 32)).run()) == ["h4"])
    }

    @Test("Among heads that are crooked the same way, one that is crooked the other way is found")
    func amongCases() throws {
        var scans: [String: MadeScan] = [:]
        var table = "case,patient,T1w\n"
        for number in 1...24 {
            // One head in many brightnesses and shapes.
            var scan = MadeScan(head: 5)
            scan.dims = [36 + number % 5, 44 - number % 3, 36 + number % 2]
            scan.gain = Float(1 + number % 4)
            scan.isMirrored = number == 9
            scans["\(number).nii"] = scan
            table += "h\(number),p\(number),\(number).nii\n"
        }
        #expect(try Self.sides(CohortCheckTests.check(scans, table)) == ["h9"])
    }

    @Test(
        "In real cases no contrast is taken for mirrored, and each mirrored one is found",
        .enabled(if: SharedData.has("open_ms_mni/patient07"), "shared/data is absent"))
    func realCases() throws {
        let folder = SharedData.folder
        let gli = "\(folder)/brats2023_brainlesion/BraTS-GLI-00001-000/BraTS-GLI-00001-000-"
        let tcga = "\(folder)/tcga_lgg/TCGA-DU-7294/sri24_bet/TCGA-DU-7294_"
        let files = [
            [gli + "t1n", gli + "t1c", gli + "t2w", gli + "t2f"],
            [tcga + "t1", tcga + "t1c", tcga + "t2", tcga + "fla"],
            ["t1", "t1c", "t2", "flair"].map { "\(folder)/open_ms_mni/patient07/\($0)" },
        ]
        for paths in files.map({ $0.map { $0 + ".nii.gz" } }) {
            let scratch = try Scratch()
            var table = "case,patient,T1w,T1c,T2w,FLAIR\nnone,p,\(paths.joined(separator: ","))\n"
            for turned in 1..<4 {
                let image = try NIfTIFile.read(paths[turned])
                let path = "\(scratch.path)/\(turned).nii"
                try PlainFile.write(
                    path, voxels: Self.mirrored(image), dims: image.header.dims, affine: image.header.affine)
                var names = paths
                names[turned] = path
                table += "\(Contrast.allCases[turned].rawValue),p,\(names.joined(separator: ","))\n"
            }
            let manifest = try Manifest.read(scratch.write("m.csv", table))
            let report = try CohortCheck(manifest: manifest, recipe: Recipe()).run()
            #expect(Self.sides(report) == ["T1c", "T2w", "FLAIR"], "\(paths[0])")
        }
    }

    /// The voxels with the first stored axis reversed: left and right in all of these files.
    static func mirrored(_ image: NIfTIImage) -> [Float] {
        let nx = image.header.dims[0]
        var result: [Float] = []
        result.reserveCapacity(image.voxels.count)
        for start in stride(from: 0, to: image.voxels.count, by: nx) {
            result.append(contentsOf: image.voxels[start..<start + nx].reversed())
        }
        return result
    }
}
