import Foundation
import Testing
import Weights

/// `agent fit` and `agent infer` as a person runs them.
@Suite(.serialized) struct FitCommandTests {
    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(filePath: path)) }

    @Test("a fit killed again and again gives the bytes of one left alone, and its model predicts")
    func killed() throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 12)
            let began = Date()
            let whole = try FitProcess.run(FitProcess.arguments(folder, out: "whole"))
            #expect(whole.status == 0, "\(whole.errors)")
            let seconds = Date().timeIntervalSince(began)
            #expect(whole.output.contains("epoch 2/2"))
            #expect(whole.output.contains("test: "))
            #expect(whole.output.contains("Not a medical device"))

            // A checkpoint after every step, and a kill at a random moment of what is left.
            let arguments = FitProcess.arguments(folder, out: "killed", ["--checkpoint-minutes", "0.00001"])
            var kills = 0
            var random = SystemRandomNumberGenerator()
            for _ in 0..<5 {
                let after = Double.random(in: 0.1...1, using: &random) * seconds
                let run = try FitProcess.run(arguments, signalAfter: after)
                if run.killed { kills += 1 } else { #expect(run.status == 0, "\(run.errors)") }
            }
            let last = try FitProcess.run(arguments)
            #expect(last.status == 0, "\(last.errors)")
            #expect(
                try bytes(folder + "/whole/model.safetensors") == bytes(folder + "/killed/model.safetensors"),
                "after \(kills) kills")
            #expect(try bytes(folder + "/whole/metrics.json") == bytes(folder + "/killed/metrics.json"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/killed").count == 4)
            try infers(folder)
            try compares(folder)
        }
    }

    /// The two models, which are the same, on all cases as if they were for testing.
    private func compares(_ folder: String) throws {
        var rows = try String(contentsOfFile: folder + "/cohort/manifest.csv", encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
        let split = try #require(rows[0].firstIndex(of: "split"))
        func evaluate(_ name: String) throws -> FitProcess.Result {
            let text = rows.map { $0.joined(separator: ",") }.joined(separator: "\n") + "\n"
            try text.write(toFile: "\(folder)/cohort/\(name).csv", atomically: true, encoding: .utf8)
            return try FitProcess.run(
                ["evaluate", "--models", folder + "/whole/model.safetensors", folder + "/killed/model.safetensors"]
                    + ["--data", "\(folder)/cohort/\(name).csv", "--out", folder + "/compared"],
                program: AgentProcess.coordinator)
        }
        for row in rows.indices.dropFirst() { rows[row][split] = "test" }
        let run = try evaluate("tested")
        #expect(run.status == 0 && run.output.contains("change of AUC within sites 0"), "\(run.output)\(run.errors)")
        #expect(run.output.contains("0.5, for there are no positive select cases"))
        let scores = try String(contentsOfFile: folder + "/compared/scores.csv", encoding: .utf8)
        #expect(scores.split(separator: "\n").count == 13)
        // A second site whose folder is called the same.
        try FileManager.default.createDirectory(atPath: folder + "/other", withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: folder + "/cohort", toPath: folder + "/other/cohort")
        let tested = [folder + "/cohort/tested.csv", folder + "/other/cohort/tested.csv"]
        func together(_ data: [String]) throws -> FitProcess.Result {
            try FitProcess.run(
                ["evaluate", "--models", folder + "/whole/model.safetensors", "--data"] + data
                    + ["--out", folder + "/together"], program: AgentProcess.coordinator)
        }
        let both = try together(tested)
        #expect(
            both.output.contains("24 cases") && both.output.contains("of 22 patients"), "\(both.output)\(both.errors)")
        #expect(both.output.contains("other/cohort"))
        #expect(try together([tested[0], tested[0]]).errors.contains("is given twice"))
        rows = rows.map { row in row.enumerated().filter { $0.offset != split }.map(\.element) }
        let refused = try evaluate("undivided")
        #expect(refused.status != 0 && refused.errors.contains("has no split column"), "\(refused.errors)")
    }

    /// Predictions of the model of `whole`.
    private func infers(_ folder: String) throws {
        let manifest = folder + "/cohort/manifest.csv"
        let run = try FitProcess.run([
            "infer", "--model", folder + "/whole", "--data", manifest, "--out", folder + "/predictions",
        ])
        #expect(run.status == 0, "\(run.errors)")
        let table = try String(contentsOfFile: folder + "/predictions/predictions.csv", encoding: .utf8)
        let rows = table.split(separator: "\n").map { $0.split(separator: ",", omittingEmptySubsequences: false) }
        #expect(rows.count == 13)
        #expect(rows[0] == ["case", "label", "predicted", "probability normal", "probability tumour"])
        for row in rows.dropFirst() {
            let sum = (Double(row[3]) ?? 0) + (Double(row[4]) ?? 0)
            #expect(abs(sum - 1) < 1e-5)
        }
        struct Written: Decodable {
            var probabilities: [String: Double]
            var threshold: Double
            var modelDigest: String
            var contrastsUsed: [String]
            var notice: String
            var recipe: String
            var device: String
        }
        let path = "\(folder)/predictions/\(rows[1][0])/prediction.json"
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let written = try decoder.decode(Written.self, from: bytes(path))
        #expect(Set(written.probabilities.keys) == ["normal", "tumour"])
        #expect(written.modelDigest.count == 64)
        #expect(!written.contrastsUsed.isEmpty)
        #expect(
            written.notice == "Investigational output. Not a medical device. Must not inform the care of any patient.")
        #expect(written.recipe.hasPrefix("consilium/"))
        #expect(written.device.contains("thread"))

        // One damaged case does not keep the others from being predicted.
        var lines = try String(contentsOfFile: manifest, encoding: .utf8).split(separator: "\n").map(String.init)
        let fields = lines[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        lines[1] = fields.map { $0.hasSuffix("T1c.nii.gz") ? "nothing.nii.gz" : $0 }.joined(separator: ",")
        let broken = folder + "/cohort/broken.csv"
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: broken))
        let second = try FitProcess.run([
            "infer", "--model", folder + "/whole", "--data", broken, "--out", folder + "/second",
        ])
        #expect(second.status == 1)
        #expect(second.errors.contains(fields[0]))
        let after = try String(contentsOfFile: folder + "/second/predictions.csv", encoding: .utf8)
        #expect(after.split(separator: "\n").count == 12)
    }

    @Test("SIGTERM ends a fit with a checkpoint")
    func terminated() throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 12)
            let arguments = FitProcess.arguments(folder, out: "stopped", ["--epochs", "10000"])
            var run = try FitProcess.run(arguments, signalAfter: 4, SIGTERM)
            // A busy machine may not have come to the first step.
            if run.output.contains("before the first step") {
                run = try FitProcess.run(arguments, signalAfter: 30, SIGTERM)
            }
            #expect(!run.killed)
            #expect(run.status == 130, "\(run.errors)")
            #expect(run.output.contains("goes on from there"), "\(run.output)")
            let state = try SafetensorsFile(folder + "/stopped/checkpoint/state.safetensors")
            #expect(state.tensor("moment.1") != nil)
            let other = try FitProcess.run(arguments + ["--seed", "2"])
            #expect(other.status == 1)
            #expect(other.errors.contains("seed is \"1\""), "\(other.errors)")
        }
    }

    @Test("what cannot be used is refused in one sentence")
    func refused() throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 6)
            func errors(_ arguments: [String]) throws -> String {
                let run = try FitProcess.run(arguments)
                #expect(run.status != 0)
                #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
                return run.errors
            }
            let base = FitProcess.arguments(folder, out: "out")
            #expect(try errors(base + ["--task", "nothing"]).contains("no label column \"nothing\""))
            #expect(try errors(base + ["--data", folder + "/none.csv"]).contains("none.csv cannot be opened"))
            #expect(try errors(base + ["--freeze", "*"]).contains("nothing to train"))
            #expect(try errors(base + ["--batch", "1000", "--preset", "lamim"]).contains("GiB"))
            #expect(
                try errors(["infer", "--model", folder, "--case", folder, "--out", folder + "/p"])
                    .contains("no model.safetensors"))
            try Data("not weights".utf8).write(to: URL(filePath: folder + "/bad.safetensors"))
            #expect(
                try errors([
                    "infer", "--model", folder + "/bad.safetensors", "--case", folder, "--out", folder + "/p",
                ]).contains("bad.safetensors is not a usable safetensors file"))
            #expect(!FileManager.default.fileExists(atPath: folder + "/p"))
        }
    }
}
