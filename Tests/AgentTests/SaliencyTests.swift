import Compute
import Encoder
import Foundation
import NIfTI
import Testing

/// Maps of predictions by the real program.
@Suite(.serialized) struct SaliencyTests {
    private func makeModel(_ path: String, _ encoder: EncoderConfiguration, head: Head? = .mean(classes: 2)) throws {
        let model = ModelConfiguration(encoder: encoder, head: head)
        let store = try ParameterStore(ParameterLayout(model), device: try Device(precision: .fp32, threads: 1))
        store.initialise(seed: 1)
        let description = ModelDescription(
            configuration: model, task: "detection", classes: head == nil ? [] : ["normal", "tumour"],
            recipe: #"{"name": "consilium", "size": 16}"#)
        _ = try ModelFile.save(store, as: description, to: path)
    }

    private static let small = EncoderConfiguration(
        imageSize: 16, patchSize: 4, hidden: 32, heads: 4, layers: 2, mlp: 32)

    private struct Prediction: Decodable {
        struct Saliency: Decodable {
            var method, map, picture: String
            var peakVoxel: [Int]?
            var contrasts: [String: Double]?

            enum CodingKeys: String, CodingKey {
                case method, map, picture, contrasts, peakVoxel = "peak_voxel"
            }
        }
        var probabilities: [String: Double]
        var warnings: [String]
        var saliency: Saliency?
    }

    private func prediction(_ folder: String) throws -> Prediction {
        try JSONDecoder().decode(
            Prediction.self, from: Data(contentsOf: URL(filePath: folder + "/prediction.json")))
    }

    /// The rows of the cohort's manifest by column.
    private func rows(_ folder: String) throws -> [[String: String]] {
        let lines = try String(contentsOfFile: folder + "/cohort/manifest.csv", encoding: .utf8).split(separator: "\n")
        let columns = lines[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        return lines.dropFirst().map { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            return Dictionary(uniqueKeysWithValues: zip(columns, cells))
        }
    }

    @Test(
        "a map lies in the scan's own grid, with a picture and what each contrast adds; the prediction stays the same")
    func maps() throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 6)
            let model = folder + "/model.safetensors"
            try makeModel(model, Self.small)
            func infer(_ out: String, _ more: [String]) throws -> FitProcess.Result {
                try FitProcess.run(
                    ["infer", "--model", model, "--data", folder + "/cohort/manifest.csv", "--out", folder + "/" + out]
                        + more)
            }
            #expect(try infer("plain", []).status == 0)
            // Without a method a small model's is occlusion.
            for method in ["", "occlusion", "coarse-to-fine", "relevance", "gradcam", "gradients"] {
                let run = try infer("as-\(method)", ["--saliency"] + (method.isEmpty ? [] : [method]))
                #expect(run.status == 0, "\(run.errors)")
                for row in try rows(folder) {
                    let id = row["case"] ?? ""
                    let found = try prediction(folder + "/as-\(method)/\(id)")
                    let plain = try prediction(folder + "/plain/\(id)")
                    for (name, value) in plain.probabilities {
                        #expect(abs(value - (found.probabilities[name] ?? -1)) < 1e-6)
                    }
                    #expect(plain.saliency == nil)
                    let saliency = try #require(found.saliency)
                    #expect(saliency.method == (method.isEmpty ? "occlusion" : method))
                    let map = try NIfTIFile.read(folder + "/as-\(method)/\(id)/\(saliency.map)")
                    let scans = ["T1w", "T1c", "T2w", "FLAIR"].compactMap { row[$0] }.filter { !$0.isEmpty }
                    let headers = try scans.map { try NIfTIFile.readHeader(folder + "/cohort/" + $0) }
                    let isAScansGrid = headers.contains { header in
                        header.dims == map.header.dims
                            && zip(header.affine.rows.joined(), map.header.affine.rows.joined())
                                .allSatisfy { abs($0 - $1) < 1e-4 }
                    }
                    #expect(isAScansGrid)
                    if let peak = saliency.peakVoxel {
                        #expect(zip(peak, map.header.dims).allSatisfy { $0 >= 0 && $0 < $1 })
                    } else {
                        // Grad-CAM may find nothing.
                        #expect(map.voxels.allSatisfy { $0 <= 0 })
                    }
                    #expect((saliency.contrasts == nil) == (scans.count == 1))
                    let picture = try Data(
                        contentsOf: URL(filePath: folder + "/as-\(method)/\(id)/\(saliency.picture)"))
                    #expect(picture.prefix(4) == Data([0x89, 0x50, 0x4e, 0x47]))
                }
            }
        }
    }

    @Test("what cannot be explained is said in one sentence")
    func refusals() throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 6)
            let model = folder + "/model.safetensors"
            let out = folder + "/out"
            func refusal(_ arguments: [String]) throws -> String {
                let run = try FitProcess.run(arguments + ["--out", out])
                #expect(run.status == 1 && !run.killed)
                #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
                return run.errors
            }
            let data = ["--data", folder + "/cohort/manifest.csv"]
            try makeModel(model, Self.small, head: nil)
            let headless = try refusal(["infer", "--model", model, "--saliency", "occlusion"] + data)
            #expect(headless.contains("without a head"))
            let stages = ResidualStages(widths: [8, 16], blocks: [1, 1])
            try makeModel(model, EncoderConfiguration(imageSize: 16, residual: stages))
            let residual = try refusal(["infer", "--model", model, "--saliency", "relevance"] + data)
            #expect(residual.contains("use occlusion or gradients"))

            // A mask far from the head, and a case of one contrast.
            try makeModel(model, Self.small)
            let row = try #require(try rows(folder).first { !($0["T1w"] ?? "").isEmpty })
            let scan = folder + "/cohort/" + (row["T1w"] ?? "")
            let brain = folder + "/cohort/" + (row["brain"] ?? "")
            let elsewhere = folder + "/far.nii.gz"
            let affine = Affine(rows: [[1, 0, 0, 5000], [0, 1, 0, 5000], [0, 0, 1, 5000]])
            try NIfTIFile.write(elsewhere, voxels: Array(repeating: 1, count: 8), dims: [2, 2, 2], affine: affine)
            let manifest = folder + "/one.csv"
            try "case,T1w,brain,mask\none,\(scan),\(brain),\(elsewhere)\n"
                .write(toFile: manifest, atomically: true, encoding: .utf8)
            let arguments = ["infer", "--model", model, "--saliency", "occlusion", "--data", manifest]
            let far = try refusal(arguments)
            #expect(far.contains("check that both are of this patient and registered"))
            try "case,T1w,brain\none,\(scan),\(brain)\n".write(toFile: manifest, atomically: true, encoding: .utf8)
            let run = try FitProcess.run(arguments + ["--out", out])
            #expect(run.status == 0, "\(run.errors)")
            let found = try prediction(out + "/one")
            #expect(found.saliency != nil && found.saliency?.contrasts == nil)
            #expect(found.warnings.contains { $0.contains("what each contrast adds cannot be told") })
        }
    }

    @Test("faithfulness of a cohort is a row a case and method, and a summary")
    func faithfulness() throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 6)
            let model = folder + "/model.safetensors"
            try makeModel(model, Self.small)
            let run = try FitProcess.run([
                "explain", "--model", model, "--data", folder + "/cohort/manifest.csv", "--faithfulness", "--method",
                "occlusion", "--method", "relevance", "--out", folder + "/out",
            ])
            #expect(run.status == 0, "\(run.errors)")
            let table = try String(contentsOfFile: folder + "/out/faithfulness.csv", encoding: .utf8)
            #expect(table.split(separator: "\n").count == 1 + 2 * 6)
            let json = try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: folder + "/out/faithfulness.json")))
            let summaries = try #require((json as? [String: Any])?["summaries"] as? [[String: Any]])
            #expect(summaries.contains { $0["group"] as? String == "all" && $0["cases"] as? Int == 6 })
            #expect(run.output.contains("| occlusion | all | 6 |"))
        }
    }
}
