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

extension NIfTIImage {
    /// The values of the brain under a mask, which may lie on another grid, and outside it.
    func brainValues(parted mask: NIfTIImage) -> (inside: [Double], outside: [Double]) {
        // The axes are at right angles, so a place's index is its distance along each axis.
        let rows = mask.header.affine.rows
        func index(_ at: (Double, Double, Double), _ axis: Int) -> Int {
            let d = [at.0 - rows[0][3], at.1 - rows[1][3], at.2 - rows[2][3]]
            let along = (0..<3).reduce(0.0) { $0 + d[$1] * rows[$1][axis] }
            let square = (0..<3).reduce(0.0) { $0 + rows[$1][axis] * rows[$1][axis] }
            return Int((along / square).rounded())
        }
        var (inside, outside): ([Double], [Double]) = ([], [])
        let dims = mask.header.dims
        visit { value, at in
            guard value > 0 else { return }
            let place = (0..<3).map { index(at, $0) }
            let isThere = (0..<3).allSatisfy { place[$0] >= 0 && place[$0] < dims[$0] }
            let isTumour = isThere && mask.voxels[(place[2] * dims[1] + place[1]) * dims[0] + place[0]] == 1
            if isTumour { inside.append(Double(value)) } else { outside.append(Double(value)) }
        }
        return (inside, outside)
    }
}

extension [Double] {
    /// The mean; 0 of none.
    var mean: Double { isEmpty ? 0 : reduce(0, +) / Double(count) }
}
