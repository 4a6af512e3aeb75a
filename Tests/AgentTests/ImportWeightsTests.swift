import Foundation
import Testing
import Weights

/// Runs `import-weights` of both programs as a person would.
@Suite struct ImportWeightsTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func golden(_ name: String) -> String {
        let folder =
            ProcessInfo.processInfo.environment["CONSILIUM_GOLDEN"]
            ?? root.appendingPathComponent("Tests/Fixtures/golden").path
        return "\(folder)/\(name)"
    }

    private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String, error: String)
    {
        let process = Process()
        process.executableURL = Self.root.appendingPathComponent(".build/release/\(program)")
        process.arguments = ["import-weights"] + arguments
        let (output, error) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = error
        try process.run()
        let texts = [output, error].map {
            String(decoding: $0.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        }
        process.waitUntilExit()
        return (process.terminationStatus, texts[0], texts[1])
    }

    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("import-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }

    @Test(
        "both programs import a checkpoint, say that no licence was found and keep the reference",
        arguments: ["agent", "coordinator"])
    func imports(program: String) throws {
        try withFolder { folder in
            let target = folder.appendingPathComponent("out.safetensors").path
            let (status, output, _) = try run(
                program, [Self.golden("ckpt_zip_ddp.pth"), target, "--licence-ref", "letter of 3 May"])
            #expect(status == 0)
            #expect(
                output.contains(
                    "No licence found for these weights. Obtain written permission before training on or releasing from them"
                ))
            let file = try SafetensorsFile(target)
            #expect(file.metadata["licence_ref"] == "letter of 3 May")
            #expect(file.metadata["imported_by"] == "\(program) import-weights")
            #expect(file.tensor("blocks.0.attn.qkv.weight")?.shape == [24, 8])
        }
    }

    @Test(
        "a hostile, truncated or missing checkpoint is one sentence and a failure, and nothing is written",
        arguments: [
            ("ckpt_hostile_zip.pth", "posix.system"), ("ckpt_hostile_raw.pkl", "posix.system"),
            ("ckpt_truncated.pth", "cut short"), ("no_such_file.pth", "cannot be opened"),
        ])
    func refuses(name: String, reason: String) throws {
        try withFolder { folder in
            for program in ["agent", "coordinator"] {
                let target = folder.appendingPathComponent("out.safetensors").path
                let (status, output, error) = try run(program, [Self.golden(name), target])
                #expect(status != 0)
                #expect(output.isEmpty)
                #expect(error.contains(name) && error.contains(reason))
                #expect(error.split(separator: "\n").count == 1)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
            }
        }
    }
}
