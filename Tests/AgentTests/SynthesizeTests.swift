import Foundation
import Testing

/// `agent synthesize`, run as a child.
struct SynthesizeTests {
    @Test("agent synthesize writes the cohort and says where; a bad option is one sentence and writes nothing")
    func run() throws {
        try TemporaryFolder.with { folder in
            let made = try AgentProcess.run(
                [
                    "synthesize", "--cases", "3", "--sites", "2", "--seed", "4", "--size", "32", "--out",
                    folder + "/made",
                ])
            #expect(made.status == 0)
            #expect(made.output.contains("3 cases of 2 sites in \(folder)/made/manifest.csv"))
            let manifest = try String(contentsOfFile: folder + "/made/manifest.csv", encoding: .utf8)
            #expect(manifest.split(separator: "\n").count == 4)
            #expect(FileManager.default.fileExists(atPath: folder + "/made/site-2/manifest.csv"))

            for options in [["--cases", "0"], ["--cases", "2", "--sites", "3"], ["--cases", "2", "--size", "9"]] {
                let refused = try AgentProcess.run(["synthesize", "--out", folder + "/refused"] + options)
                #expect(refused.status != 0)
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["made"])
        }
    }
}
