import Encoder
import Foundation
import Imaging
import NIfTI

/// Loading, reorienting, scaling and resizing a case of four 240×240×155 files.
struct PrepareCase {
    let recipe: Recipe
    let files: [String]

    init(recipe: String, files: [String]) throws {
        guard let name = Recipe.Name(rawValue: recipe), files.count == 4 else {
            throw BenchError("usage: bench prepare lamim-pretrain|lamim-finetune|consilium RUNS T1w T1c T2w FLAIR")
        }
        self.recipe = Recipe(name: name)
        self.files = files
    }

    func measure(_ runs: Int) throws -> [String: Double] {
        let paths = CasePaths(contrasts: Dictionary(uniqueKeysWithValues: zip(Contrast.allCases, files)))
        let seconds = try median(of: runs) { _ = try Preparation.prepare(paths: paths, recipe: recipe) }
        return ["seconds": seconds, "peak_gib": peakGiB()]
    }

    /// A real case where `CONSILIUM_DATA` names a folder that has it, else a made one: an ellipsoid of noise with the
    /// size, type and compressibility of a brain-extracted scan.
    static func case240(in folder: URL) throws -> [String] {
        if let data = ProcessInfo.processInfo.environment["CONSILIUM_DATA"] {
            let stem = "\(data)/brats2023_brainlesion/BraTS-GLI-00001-000/BraTS-GLI-00001-000-"
            let files = ["t1n", "t1c", "t2w", "t2f"].map { "\(stem)\($0).nii.gz" }
            if files.allSatisfy({ FileManager.default.fileExists(atPath: $0) }) { return files }
        }
        let dims = [240, 240, 155]
        return try Contrast.allCases.map { contrast in
            var stream = RandomStream(seed: 3, name: contrast.rawValue)
            var voxels = [Float](repeating: 0, count: dims.reduce(1, *))
            for z in 0..<dims[2] {
                for y in 0..<dims[1] {
                    for x in 0..<dims[0] {
                        let (u, v, w) = (Float(x - 120) / 68, Float(y - 120) / 85, Float(z - 77) / 70)
                        guard u * u + v * v + w * w < 1 else { continue }
                        voxels[(z * dims[1] + y) * dims[0] + x] = (800 + 300 * u * w + 90 * stream.unit()).rounded()
                    }
                }
            }
            let path = folder.appending(path: "\(contrast.rawValue).nii.gz").path
            try NIfTIFile.write(
                path, voxels: voxels, dims: dims, affine: Affine(spacing: (1, 1, 1)), datatype: .int16)
            return path
        }
    }
}
