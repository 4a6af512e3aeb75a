import Foundation
import NIfTI
import Testing

/// What a fit writes of its training cases, and what a prediction makes of it.
@Suite(.serialized) struct FamiliarityTests {
    @Test("a head of half the size gets no answer but a reason, its neighbours are answered as before")
    func unlike() throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 30)
            let fit = try FitProcess.run(FitProcess.arguments(folder, out: "fit", ["--epochs", "1"]))
            try #require(fit.status == 0, "\(fit.errors)")
            let path = folder + "/fit/familiarity.json"
            let written = try Data(contentsOf: URL(filePath: path))
            let manifest = try Self.twins(folder, "small") { image in
                for r in 0..<3 { for c in 0..<3 { image.header.affine.rows[r][c] *= 0.5 } }
            }
            func infer() throws -> FitProcess.Result { try Self.infer(folder, manifest) }
            func prediction(_ name: String) throws -> [String: Any] { try Self.prediction(folder, name) }
            let run = try infer()
            try #require(run.status == 0, "\(run.errors)")
            #expect(run.output.contains("small: no answer"))
            let small = try prediction("small")
            let familiarity = try #require(small["familiarity"] as? [String: Any])
            #expect(small["predicted"] == nil && (familiarity["probability"] as? Double ?? 1) < 0.01)
            #expect((familiarity["unlike"] as? String ?? "").contains("the brain volume"))
            let usual = try prediction("usual")
            #expect(usual["predicted"] is String)
            #expect((usual["familiarity"] as? [String: Any])?["unlike"] == nil)

            // Done again the fit leaves it as it is, and makes it again where it is gone.
            #expect(try FitProcess.run(FitProcess.arguments(folder, out: "fit", ["--epochs", "1"])).status == 0)
            #expect(try Data(contentsOf: URL(filePath: path)) == written)
            unlink(path)
            #expect(try FitProcess.run(FitProcess.arguments(folder, out: "fit", ["--epochs", "1"])).status == 0)
            #expect(try Data(contentsOf: URL(filePath: path)) == written)

            // One that is damaged is not silently left out.
            try Data("{}".utf8).write(to: URL(filePath: path))
            let damaged = try infer()
            #expect(damaged.status == 1 && damaged.errors.contains("is damaged or of another version: remove it"))
        }
    }

    @Test("a fit from a pretrained model also tells what that restores worse than the training cases")
    func restoration() throws {
        try TemporaryFolder.with { folder in
            try FitProcess.makeCohort(in: folder, cases: 30)
            let pretraining = try FitProcess.run([
                "pretrain", "--data", folder + "/cohort/manifest.csv", "--preset", "small", "--objective", "masked",
                "--out",
                folder + "/pretrained", "--epochs", "1", "--precision", "fp32", "--cache", folder + "/cache",
            ])
            try #require(pretraining.status == 0, "\(pretraining.errors)")
            let fit = try FitProcess.run([
                "fit", "--data", folder + "/cohort/manifest.csv", "--task", "detection", "--weights",
                folder + "/pretrained", "--out", folder + "/fit", "--epochs", "1", "--precision", "fp32", "--cache",
                folder + "/cache",
            ])
            try #require(fit.status == 0, "\(fit.errors)")
            let kept = folder + "/fit/restorer.safetensors"
            #expect(
                FileManager.default.contentsEqual(atPath: kept, andPath: folder + "/pretrained/model.safetensors"))

            let manifest = try Self.twins(folder, "bright") { image in
                // Bright nearly everywhere, which a network of one epoch does not expect.
                let most = image.voxels.max() ?? 0
                for i in image.voxels.indices where image.voxels[i] > 0 && i % 10 > 0 { image.voxels[i] = most }
            }
            let run = try Self.infer(folder, manifest)
            try #require(run.status == 0, "\(run.errors)")
            #expect(try Self.reason(folder, "bright").contains("what is hidden of it is restored with an error"))
            #expect(try Self.prediction(folder, "usual")["predicted"] is String)

            // Another model in its place is told; without it, images and features tell alone.
            unlink(kept)
            try FileManager.default.copyItem(atPath: folder + "/fit/model.safetensors", toPath: kept)
            let other = try Self.infer(folder, manifest)
            #expect(other.status == 1 && other.errors.contains("is not the pretrained model that"))
            unlink(kept)
            #expect(try Self.infer(folder, manifest).status == 0)
            #expect(try !Self.reason(folder, "bright").contains("restored"))
        }
    }

    private static func infer(_ folder: String, _ manifest: String) throws -> FitProcess.Result {
        try FitProcess.run(["infer", "--model", folder + "/fit", "--data", manifest, "--out", folder + "/out"])
    }

    private static func prediction(_ folder: String, _ name: String) throws -> [String: Any] {
        let json = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(filePath: folder + "/out/\(name)/prediction.json")))
        return try #require(json as? [String: Any])
    }

    /// Why a case is unlike the training cases; empty when it is not.
    private static func reason(_ folder: String, _ name: String) throws -> String {
        let familiarity = try prediction(folder, name)["familiarity"] as? [String: Any]
        return familiarity?["unlike"] as? String ?? ""
    }

    /// A manifest of the cohort's first training case twice: as it is, called `usual`, and changed.
    private static func twins(
        _ folder: String, _ name: String, _ change: (inout NIfTIImage) -> Void
    ) throws -> String {
        let lines = try String(contentsOfFile: folder + "/cohort/manifest.csv", encoding: .utf8).split(separator: "\n")
        let columns = lines[0].split(separator: ",", omittingEmptySubsequences: false)
        let cells = try #require(
            lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
                .first { $0[columns.firstIndex(of: "split") ?? 0] == "train" })
        let names = ["T1w", "T1c", "T2w", "FLAIR", "brain"]
        var rows = ["case," + names.joined(separator: ",")]
        for isChanged in [false, true] {
            let own = isChanged ? name : "usual"
            var row = [own]
            for column in names {
                let cell = String(cells[columns.firstIndex(of: Substring(column)) ?? 0])
                guard !cell.isEmpty else {
                    row.append("")
                    continue
                }
                var image = try NIfTIFile.read(folder + "/cohort/" + cell)
                if isChanged { change(&image) }
                let file = "\(folder)/\(own)-\(column).nii.gz"
                try NIfTIFile.write(
                    file, voxels: image.voxels, dims: image.header.dims, affine: image.header.affine)
                row.append(file)
            }
            rows.append(row.joined(separator: ","))
        }
        let manifest = "\(folder)/\(name).csv"
        try (rows.joined(separator: "\n") + "\n").write(toFile: manifest, atomically: true, encoding: .utf8)
        return manifest
    }
}
