import Files
import Foundation
import Testing

@Suite struct DurableFileTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "files-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test("a file that is not committed leaves the old one as it was and nothing beside it")
    func dropped() throws {
        try withFolder { folder in
            let path = "\(folder)/a"
            try DurableFile.write("old".utf8, to: path)
            do {
                let file = try DurableFile(path)
                try file.append(Array("half of the n".utf8))
            }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
        }
    }

    @Test("a committed file replaces the old one, readable by its owner only")
    func committed() throws {
        try withFolder { folder in
            let path = "\(folder)/a"
            try DurableFile.write("old".utf8, to: path, mode: 0o644)
            try DurableFile.write("new".utf8, to: path)
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "new")
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
        }
    }

    @Test("a folder, a missing folder and an empty name are refused in a sentence that names them")
    func refused() throws {
        try withFolder { folder in
            for path in [folder, "\(folder)/none/a", "\(folder)/", ""] {
                #expect {
                    try DurableFile.write("x".utf8, to: path)
                } throws: { (path.isEmpty || "\($0)".contains(path)) && "\($0)".contains("cannot be written") }
            }
        }
    }

    @Test("a full disk is said before the first byte")
    func full() throws {
        try withFolder { folder in
            #expect {
                _ = try DurableFile("\(folder)/a", size: 1 << 60)
            } throws: { ($0 as? FileError)?.code == .diskFull }
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names.isEmpty)
        }
    }
}
