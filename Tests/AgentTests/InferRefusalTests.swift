import Compute
import Encoder
import Foundation
import NIfTI
import Testing

/// Model files whose parts do not fit each other.
@Suite(.serialized) struct InferRefusalTests {
    /// Writes a model of a tiny shape whose metadata say what they like.
    private func makeModel(
        _ path: String, channels: Int = 4, recipe: String?, contrasts: [String]? = nil
    ) throws {
        let encoder = EncoderConfiguration(
            imageSize: 16, patchSize: 8, inChannels: channels, hidden: 32, heads: 4, layers: 1, mlp: 32)
        let model = ModelConfiguration(encoder: encoder, head: .mean(classes: 2))
        let device = try Device(precision: .fp32, threads: 1)
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: 1)
        let description = ModelDescription(
            configuration: model, task: "detection", classes: ["normal", "tumour"], recipe: recipe,
            contrasts: contrasts)
        _ = try ModelFile.save(store, as: description, to: path)
    }

    private func infer(_ folder: String, _ more: [String] = []) throws -> FitProcess.Result {
        try FitProcess.run(
            [
                "infer", "--model", folder + "/crafted.safetensors", "--data", folder + "/cohort/manifest.csv", "--out",
                folder + "/predictions",
            ] + more)
    }

    @Test("a model is refused whose recipe prepares another size or number of contrasts than its encoder takes")
    func inconsistent() throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 6)
            let path = folder + "/crafted.safetensors"
            func refusal() throws -> String {
                let run = try infer(folder)
                #expect(run.status == 1 && !run.killed)
                #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
                #expect(!FileManager.default.fileExists(atPath: folder + "/predictions"))
                return run.errors
            }
            for size in [8, 96] {
                try makeModel(path, recipe: #"{"name": "consilium", "size": \#(size)}"#)
                #expect(try refusal().contains("4 contrasts of 16 voxels"))
            }
            try makeModel(path, channels: 6, recipe: #"{"name": "consilium", "size": 16}"#)
            #expect(try refusal().contains("6 contrasts of 16 voxels"))
            try makeModel(path, recipe: #"{"size": "large"}"#)
            #expect(try refusal().contains("carries a recipe that cannot be read"))
            try makeModel(path, recipe: #"{"name": "consilium", "size": 16}"#)
            let run = try infer(folder, ["--recipe", "lamim-finetune"])
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.errors.contains("note: --recipe is not used"), "\(run.errors)")
        }
    }

    @Test("a model that was trained without some contrasts is not shown them")
    func contrasts() throws {
        try TemporaryFolder.with { folder in
            // One grid for all: which one the others are brought to must not depend on the columns.
            let edge = 24
            for (number, name) in ["T1w", "T1c", "T2w", "FLAIR"].enumerated() {
                let voxels = (0..<edge * edge * edge).map { i -> Float in
                    let place = [i % edge, i / edge % edge, i / edge / edge].map { Double($0) - 11.5 }
                    let radius = place.reduce(0) { $0 + $1 * $1 }
                    return radius < 100 ? Float(200 - radius) + Float(i % (number + 2)) * 30 : 0
                }
                try NIfTIFile.write(
                    "\(folder)/\(name).nii.gz", voxels: voxels, dims: [edge, edge, edge],
                    affine: Affine(spacing: (4, 4, 4)))
            }
            for (name, contrasts) in [("four", ["T1w", "T1c", "T2w", "FLAIR"]), ("two", ["T1c", "FLAIR"])] {
                let files = contrasts.map { "\($0).nii.gz" }
                try "case,\(contrasts.joined(separator: ","))\none,\(files.joined(separator: ","))\n"
                    .write(toFile: "\(folder)/\(name).csv", atomically: true, encoding: .utf8)
            }
            struct Written: Decodable, Equatable {
                var probabilities: [String: Double]
                var contrastsUsed: [String]
            }
            func predictions(_ manifest: String) throws -> [Written] {
                let run = try FitProcess.run([
                    "infer", "--model", folder + "/crafted.safetensors", "--data", "\(folder)/\(manifest).csv",
                    "--out", folder + "/predictions",
                ])
                #expect(run.status == 0, "\(run.errors)")
                let decoder = JSONDecoder()
                decoder.keyDecodingStrategy = .convertFromSnakeCase
                return try run.output.split(separator: "\n").compactMap { line in
                    guard let colon = line.firstIndex(of: ":"), line.contains("normal 0") else { return nil }
                    let path = "\(folder)/predictions/\(line[..<colon])/prediction.json"
                    return try decoder.decode(Written.self, from: Data(contentsOf: URL(filePath: path)))
                }
            }
            let path = folder + "/crafted.safetensors"
            try makeModel(path, recipe: #"{"name": "consilium", "size": 16}"#)
            let (four, two) = (try predictions("four"), try predictions("two"))
            #expect(four.count == 1 && four != two)
            try makeModel(path, recipe: #"{"name": "consilium", "size": 16}"#, contrasts: ["T1c", "FLAIR"])
            #expect(try predictions("four") == two)
            #expect(two.allSatisfy { Set($0.contrastsUsed).isSubset(of: ["T1c", "FLAIR"]) })
        }
    }
}
