import Foundation
import Testing
import Weights

@Suite struct SafetensorsWriterTests {
    @Test("a writer that is dropped leaves the old file in place and nothing beside it")
    func dropped() throws {
        try withTemporaryFolder { (folder) throws in
            let path = folder + "/w.safetensors"
            try "old".write(toFile: path, atomically: false, encoding: .utf8)
            do {
                var writer = try SafetensorsWriter(path, entries: [.init("w", .float32, [4])])
                try writer.append([1, 2])
            }
            #expect(try contents(of: folder) == ["w.safetensors"])
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "old")
        }
    }

    @Test("an incomplete file is not finished, and more bytes than declared are refused")
    func incomplete() throws {
        try withTemporaryFolder { (folder) throws in
            let path = folder + "/w.safetensors"
            #expect(throws: WeightsError.self) {
                var writer = try SafetensorsWriter(path, entries: [.init("w", .float32, [4])])
                try writer.append([1, 2])
                _ = try writer.finish()
            }
            #expect(throws: WeightsError.self) {
                var writer = try SafetensorsWriter(path, entries: [.init("w", .float32, [4])])
                try writer.append([1, 2, 3, 4, 5])
            }
            #expect(throws: WeightsError.self) {
                var writer = try SafetensorsWriter(path, entries: [.init("w", .float32, [1])])
                try writer.append([1])
                try writer.append([2])
            }
            #expect(try contents(of: folder) == [])
        }
    }

    @Test("tensors of no elements and scalars are written and read")
    func empty() throws {
        try withTemporaryFolder { (folder) throws in
            let path = folder + "/w.safetensors"
            var writer = try SafetensorsWriter(
                path,
                entries: [.init("none", .float32, [0, 3]), .init("scalar", .float32, []), .init("end", .bool, [0])])
            try writer.append([7])
            _ = try writer.finish()
            let file = try SafetensorsFile(path)
            #expect(try file.floats("none") == [])
            #expect(try file.floats("scalar") == [7])
            try file.withMapped("none") { #expect($0.isEmpty) }
        }
    }

    @Test("the same tensors and metadata give the same bytes, and the library's file opens as ours does")
    func deterministic() throws {
        try withTemporaryFolder { (folder) throws in
            let digests = try (0..<3).map { number in
                var writer = try SafetensorsWriter(
                    "\(folder)/\(number)", entries: [.init("w", .bfloat16, [3])],
                    metadata: ["b": "2", "a": "1", "c": "3"])
                try writer.append([1, 2, 3])
                return try writer.finish()
            }
            #expect(Set(digests).count == 1)
        }
    }

    @Test("names that could not be read back are refused before anything is created")
    func unreadableNames() throws {
        try withTemporaryFolder { (folder) throws in
            for entries: [SafetensorsWriter.Entry] in [
                [.init("w", .float32, [1]), .init("w", .float32, [1])], [.init("", .float32, [1])],
                [.init("é", .float32, [1])], [.init("w", .float32, [-1])], [.init("w", .float32, [Int.max, 2])],
                [.init("w", .float32, [1, 1, 1, 1, 1, 1, 1, 1, 1])],
            ] {
                #expect(throws: WeightsError.self) { _ = try SafetensorsWriter(folder + "/w", entries: entries) }
            }
            #expect(try contents(of: folder) == [])
        }
    }

    @Test("more bytes than the disk holds is one sentence, and nothing is left")
    func diskFull() throws {
        try withTemporaryFolder { (folder) throws in
            let path = folder + "/w.safetensors"
            let error = #expect(throws: WeightsError.self) {
                _ = try SafetensorsWriter(path, entries: [.init("w", .uint8, [1 << 60])])
            }
            #expect(error?.code == .diskFull || error?.code == .cannotWrite)
            #expect(error?.message.hasPrefix(path + " cannot be written: ") == true)
            #expect(try contents(of: folder) == [])
        }
    }

    @Test("a folder that does not exist and a target that is a folder are refused")
    func badTarget() throws {
        try withTemporaryFolder { (folder) throws in
            #expect(throws: WeightsError.self) { _ = try SafetensorsWriter(folder + "/no/w", entries: []) }
            #expect(throws: WeightsError.self) { _ = try SafetensorsWriter(folder, entries: []) }
        }
    }
}
