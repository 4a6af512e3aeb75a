import Compute
import Encoder
import Foundation
import Testing

/// Model files whose parts do not fit each other.
@Suite(.serialized) struct InferRefusalTests {
    /// Writes a model of a tiny shape whose metadata say what they like.
    private func makeModel(_ path: String, channels: Int = 4, recipe: String?) throws {
        let encoder = EncoderConfiguration(
            imageSize: 16, patchSize: 8, inChannels: channels, hidden: 32, heads: 4, layers: 1, mlp: 32)
        let model = ModelConfiguration(encoder: encoder, head: .mean(classes: 2))
        let device = try Device(precision: .fp32, threads: 1)
        let store = try ParameterStore(ParameterLayout(model), device: device)
        store.initialise(seed: 1)
        let description = ModelDescription(
            configuration: model, task: "detection", classes: ["normal", "tumour"], recipe: recipe)
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
}
