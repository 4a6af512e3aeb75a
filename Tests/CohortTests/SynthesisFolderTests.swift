import Cohort
import Foundation
import Testing

struct SynthesisFolderTests {
    @Test("Settings out of range are refused in one sentence")
    func settings() {
        for (cases, sites, size) in [(0, 1, 96), (-3, 1, 96), (4, 0, 96), (4, 5, 96), (4, 2, 31), (4, 2, 257)] {
            #expect(throws: SynthesisError.self) {
                _ = try SyntheticCohort(cases: cases, sites: sites, seed: 1, size: size)
            }
        }
    }

    @Test(
        "A folder with other files in it is refused and left alone; an earlier cohort is replaced; nothing else stays")
    func folders() throws {
        let parent = FileManager.default.temporaryDirectory.appendingPathComponent("synthesis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: parent) }
        let folder = parent.appendingPathComponent("cohort")
        let cohort = try SyntheticCohort(cases: 1, sites: 1, seed: 1, size: 32)
        try cohort.write(to: folder.path, threads: 1)
        let first = try String(contentsOf: folder.appendingPathComponent("manifest.csv"), encoding: .utf8)
        try SyntheticCohort(cases: 1, sites: 1, seed: 2, size: 32).write(to: folder.path, threads: 1)
        let second = try String(contentsOf: folder.appendingPathComponent("manifest.csv"), encoding: .utf8)
        #expect(first != second)

        let note = folder.appendingPathComponent("notes.txt")
        try Data("mine".utf8).write(to: note)
        let refusal = #expect(throws: SynthesisError.self) { try cohort.write(to: folder.path, threads: 1) }
        #expect(refusal?.code == .folderInUse)
        #expect(try String(contentsOf: folder.appendingPathComponent("manifest.csv"), encoding: .utf8) == second)
        #expect(try String(contentsOf: note, encoding: .utf8) == "mine")
        #expect(throws: SynthesisError.self) { try cohort.write(to: note.path, threads: 1) }
        #expect(throws: SynthesisError.self) { try cohort.write(to: note.path + "/under", threads: 1) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: parent.path) == ["cohort"])
    }
}
