import Foundation
import NIfTI
import Testing

/// `agent check` and `agent purge`, run as children.
struct CheckTests {
    /// A ball of brain in nothing, 80 mm across, and a manifest that names it in its first row.
    static func cohort(_ folder: String, moreRows: String = "") throws -> String {
        let edge = 24
        var voxels = [Float](repeating: 0, count: edge * edge * edge)
        for index in voxels.indices {
            let place = [index % edge, index / edge % edge, index / edge / edge].map { Double($0) - 11.5 }
            let radius = place.reduce(0) { $0 + $1 * $1 }
            if radius < 100 { voxels[index] = Float(200 - radius) }
        }
        try NIfTIFile.write(
            folder + "/scan.nii.gz", voxels: voxels, dims: [edge, edge, edge], affine: Affine(spacing: (4, 4, 4)))
        let manifest = folder + "/manifest.csv"
        try "case,patient,T1w\nfirst,p1,scan.nii.gz\n\(moreRows)".write(
            toFile: manifest, atomically: true, encoding: .utf8)
        return manifest
    }

    @Test("A sound cohort ends with the statement and exit code 0; its pictures are written for the owner only")
    func sound() throws {
        try TemporaryFolder.with { folder in
            let manifest = try Self.cohort(folder)
            let ran = try AgentProcess.run(["check", "--data", manifest, "--pictures", folder + "/pictures"])
            #expect(ran.status == 0)
            let end = "Checks found no obvious identifiers. This is not a de-identification certificate.\n"
            #expect(ran.output.hasSuffix(end))
            let picture = try Data(contentsOf: URL(fileURLWithPath: folder + "/pictures/first.png"))
            #expect(picture.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            let facts = try FileManager.default.attributesOfItem(atPath: folder + "/pictures")
            #expect(facts[.posixPermissions] as? Int == 0o700)
        }
    }

    @Test("An empty folder for pictures is closed to others, and one with files that others may read is refused")
    func pictureFolders() throws {
        try TemporaryFolder.with { folder in
            let manifest = try Self.cohort(folder)
            let files = FileManager.default
            for name in ["empty", "shared"] {
                try files.createDirectory(
                    atPath: folder + "/" + name, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o755])
            }
            try "x".write(toFile: folder + "/shared/notes.txt", atomically: true, encoding: .utf8)
            // The second time it holds a picture and is the owner's alone.
            for _ in 0..<2 {
                #expect(
                    try AgentProcess.run(["check", "--data", manifest, "--pictures", folder + "/empty"]).status == 0)
                let facts = try files.attributesOfItem(atPath: folder + "/empty")
                #expect(facts[.posixPermissions] as? Int == 0o700)
            }
            #expect(try AgentProcess.run(["check", "--data", manifest, "--pictures", folder + "/shared"]).status != 0)
            #expect(try files.contentsOfDirectory(atPath: folder + "/shared") == ["notes.txt"])
        }
    }

    @Test("A case that cannot be used makes the exit code 1, with --json as without")
    func unusable() throws {
        try TemporaryFolder.with { folder in
            let manifest = try Self.cohort(folder, moreRows: "second,p2,gone.nii.gz\n")
            let ran = try AgentProcess.run(["check", "--data", manifest])
            #expect(ran.status == 1)
            #expect(ran.output.contains("1 of 2 cases can be used, 1 cannot."))
            let json = try AgentProcess.run(["check", "--data", manifest, "--json"])
            #expect(json.status == 1)
            let object = try #require(JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
            #expect((object["cases"] as? [[String: Any]])?.map { $0["usable"] as? Bool } == [true, false])
        }
    }

    @Test("What is checked is prepared as a fit would: size, orientation and recipe are those asked for")
    func recipe() throws {
        try TemporaryFolder.with { folder in
            let manifest = try Self.cohort(folder)
            let asked = ["--recipe", "lamim-finetune", "--size", "32", "--orientation", "LPS"]
            let ran = try AgentProcess.run(["check", "--data", manifest] + asked)
            #expect(ran.status == 0)
            #expect(ran.output.contains("lamim-finetune/2 size=32 orientation=LPS"))
        }
    }

    @Test("A wrong path, an empty manifest, an unknown task or recipe print nothing on standard output and fail")
    func wrongInput() throws {
        try TemporaryFolder.with { folder in
            let manifest = try Self.cohort(folder)
            let empty = folder + "/empty.csv"
            try "".write(toFile: empty, atomically: true, encoding: .utf8)
            for arguments in [
                ["--data", folder + "/gone.csv"], ["--data", empty], ["--data", folder],
                ["--data", manifest, "--task", "idh"], ["--data", manifest, "--recipe", "mine"],
                ["--data", manifest, "--pictures", manifest],
                ["--data", manifest, "--size", "3"], ["--data", manifest, "--orientation", "RAR"],
            ] {
                let ran = try AgentProcess.run(["check"] + arguments)
                #expect(ran.status != 0, "\(arguments)")
                #expect(ran.output.isEmpty, "\(arguments)")
            }
        }
    }

    @Test("Purging a folder deletes the cache's entries and says how many")
    func purge() throws {
        try TemporaryFolder.with { folder in
            let entry = folder + "/" + String(repeating: "0a", count: 32) + ".prepared"
            for path in [entry, folder + "/mine.txt"] {
                try "x".write(toFile: path, atomically: true, encoding: .utf8)
            }
            let young = try AgentProcess.run(["purge", "--cache", folder, "--older-than", "1"])
            #expect(young.output == "Deleted 0 prepared cases (0 MiB) from \(folder).\n")
            let all = try AgentProcess.run(["purge", "--cache", folder])
            #expect((all.status, all.output) == (0, "Deleted 1 prepared case (0 MiB) from \(folder).\n"))
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left == ["mine.txt"])
            let none = try AgentProcess.run(["purge", "--cache", folder + "/gone"])
            #expect(none.status == 0)
        }
    }
}
