import Cohort
import Foundation
import Imaging
import NIfTI

/// A small synthetic cohort on disk, for the tests that look at what was written.
struct SynthesisCohort {
    let folder: String

    /// Makes a cohort in a folder that is gone after the body.
    static func with(
        cases: Int, sites: Int, seed: UInt64, size: Int = 40, threads: Int = 2, _ body: (SynthesisCohort) throws -> Void
    ) throws {
        let parent = FileManager.default.temporaryDirectory.appendingPathComponent("synthesis-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: parent) }
        let folder = parent.appendingPathComponent("cohort").path
        try SyntheticCohort(cases: cases, sites: sites, seed: seed, size: size).write(to: folder, threads: threads)
        try body(SynthesisCohort(folder: folder))
    }

    var manifest: Manifest {
        get throws { try Manifest.read(folder + "/manifest.csv") }
    }

    /// The rows of `truth.csv` by case.
    var truths: [String: (truth: String, label: String, millilitres: Double)] {
        get throws {
            let text = try String(contentsOfFile: folder + "/truth.csv", encoding: .utf8)
            var found: [String: (String, String, Double)] = [:]
            for line in text.split(separator: "\n").dropFirst() {
                let fields = line.split(separator: ",").map(String.init)
                found[fields[0]] = (fields[3], fields[4], Double(fields[5]) ?? .nan)
            }
            return found
        }
    }

    /// Every file's bytes by its name within the folder.
    var contents: [String: Data] {
        get throws {
            var found: [String: Data] = [:]
            for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
                var isFolder: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder)
                if !isFolder.boolValue { found[name] = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)) }
            }
            return found
        }
    }
}

extension NIfTIImage {
    /// Calls the body with each voxel's value and place in millimetres.
    func visit(_ body: (Float, (Double, Double, Double)) -> Void) {
        var index = 0
        for k in 0..<header.dims[2] {
            for j in 0..<header.dims[1] {
                for i in 0..<header.dims[0] {
                    body(voxels[index], header.affine.point(Double(i), Double(j), Double(k)))
                    index += 1
                }
            }
        }
    }

    /// The volume of a voxel in millilitres.
    var voxelMillilitres: Double { header.spacing.prefix(3).reduce(1, *) / 1000 }
}
