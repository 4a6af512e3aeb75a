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
            // The first case of the manifest that is a training case, as it is and half as large.
            let lines = try String(contentsOfFile: folder + "/cohort/manifest.csv", encoding: .utf8).split(
                separator: "\n")
            let columns = lines[0].split(separator: ",", omittingEmptySubsequences: false)
            let cells = try #require(
                lines.dropFirst().map { $0.split(separator: ",", omittingEmptySubsequences: false) }
                    .first { $0[columns.firstIndex(of: "split") ?? 0] == "train" })
            let names = ["T1w", "T1c", "T2w", "FLAIR", "brain"]
            var rows = ["case," + names.joined(separator: ",")]
            for (name, scale) in [("usual", 1.0), ("small", 0.5)] {
                var row = [name]
                for column in names {
                    let cell = String(cells[columns.firstIndex(of: Substring(column)) ?? 0])
                    guard !cell.isEmpty else {
                        row.append("")
                        continue
                    }
                    let image = try NIfTIFile.read(folder + "/cohort/" + cell)
                    var affine = image.header.affine
                    for r in 0..<3 { for c in 0..<3 { affine.rows[r][c] *= scale } }
                    let file = "\(folder)/\(name)-\(column).nii.gz"
                    try NIfTIFile.write(file, voxels: image.voxels, dims: image.header.dims, affine: affine)
                    row.append(file)
                }
                rows.append(row.joined(separator: ","))
            }
            let manifest = folder + "/two.csv"
            try (rows.joined(separator: "\n") + "\n").write(toFile: manifest, atomically: true, encoding: .utf8)
            func infer() throws -> FitProcess.Result {
                try FitProcess.run([
                    "infer", "--model", folder + "/fit", "--data", manifest, "--out", folder + "/out",
                ])
            }
            func prediction(_ name: String) throws -> [String: Any] {
                let json = try JSONSerialization.jsonObject(
                    with: Data(contentsOf: URL(filePath: folder + "/out/\(name)/prediction.json")))
                return try #require(json as? [String: Any])
            }
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
}
