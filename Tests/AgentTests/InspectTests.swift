import Foundation
import NIfTI
import Testing

/// `agent inspect`, run as a child.
struct InspectTests {
    struct Line: Decodable {
        var file: String
        var verdict: String
        var reason: String?
        var warnings: [String]
        var dims: [Int]?
        var spacing: [Double]?
        var orientation: String?
        var datatype: String?
    }

    static func inspect(_ files: [String], memoryMiB: Int? = nil) throws -> (status: Int32, lines: [Line]) {
        let ran = try AgentProcess.run(["inspect"] + files, memoryMiB: memoryMiB)
        let lines = try ran.output.split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
        return (ran.status, lines)
    }

    /// A sound little-endian NIfTI-1 file of 4×5×6 bytes, with some of its bytes replaced.
    static func file(_ patches: [(Int, [UInt8])] = []) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 352) + (0..<120).map { UInt8($0) }
        let sound: [(Int, [UInt8])] = [
            (0, little(348 as Int32)), (40, [3, 4, 5, 6, 1, 1, 1, 1].flatMap { little($0 as Int16) }),
            (70, little(2 as Int16) + little(8 as Int16)), (76, [1, 1, 1, 1].flatMap { little($0 as Float) }),
            (108, little(352 as Float) + little(1 as Float)), (254, little(1 as Int16)),
            (280, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0].flatMap { little($0 as Float) }),
            (344, [0x6e, 0x2b, 0x31, 0]),
        ]
        for (offset, patch) in sound + patches { bytes.replaceSubrange(offset..<offset + patch.count, with: patch) }
        return bytes
    }

    static func little(_ value: some FixedWidthInteger & BitwiseCopyable) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    static func little(_ value: Float) -> [UInt8] { little(value.bitPattern) }

    /// Headers that lead careless readers astray: into huge allocations, endless loops, undefined conversions.
    static var hostile: [[UInt8]] {
        let shorts: [Int16] = [-32768, -1, 0, 8, 200, 32767]
        let floats: [Float] = [.nan, .infinity, -.infinity, 1e30, -1, 0, 351, 352.5, 1e7]
        let sizes: [Int32] = [0, -16, 8, 17, .max, .min]
        var files = shorts.map { file([(40, little($0))]) }
        files += shorts.filter { $0 < 1 || $0 > 2048 }.map { file([(42, little($0))]) }
        files += floats.map { file([(108, little($0))]) }
        files += floats[..<4].map { file([(280, little($0))]) }
        files += floats[..<3].map { file([(76, little($0))]) }
        files += floats[..<3].map { file([(116, little($0))]) }
        files += [0, 1, 32, 128, 1234, -4].map { file([(70, little($0 as Int16))]) }
        files += [0, 16, -8].map { file([(72, little($0 as Int16))]) }
        files += sizes.map { file([(108, little(384 as Float)), (348, [1, 0, 0, 0] + little($0))]) }
        files += [0, 1, 3, 100, 347, 348, 351, 352, 471].map { Array(file()[..<$0]) }
        files += floats[..<4].map { file([(252, [1, 0, 0, 0]), (256, little($0))]) }
        files += floats[..<3].map { file([(252, [1, 0, 0, 0]), (268, little($0))]) }
        files += [file() + [0], file([(344, [0, 0, 0, 0])]), file([(344, [0x6e, 0x69, 0x31, 0])])]
        // A 377-byte file that asks for 18 GB.
        let dims = [3, 2048, 2048, 2048].flatMap { little($0 as Int16) }
        files.append(Array(file([(40, dims), (70, little(64 as Int16) + little(64 as Int16))])[..<377]))
        return files
    }

    @Test("A sound file is accepted, with what there is to know in the order it is documented")
    func accepts() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/scan.nii.gz"
            let affine = Affine(rows: [[-1, 0, 0, 9], [0, 0, 1.5, 9], [0, -2, 0, 9]])
            try NIfTIFile.write(
                path, voxels: (0..<24).map { Float($0) }, dims: [2, 3, 4], affine: affine, datatype: .int16)
            let ran = try AgentProcess.run(["inspect", path])
            let expected = """
                {"file":"\(path)","verdict":"accept","reason":null,"warnings":[],"dims":[2,3,4],\
                "spacing":[1.0,2.0,1.5],"orientation":"LIA","datatype":"int16"}

                """
            #expect(ran.output == expected)
            #expect(ran.status == 0)
        }
    }

    @Test("One rejected file makes the exit code 1, and every file has its line")
    func rejectsOne() throws {
        try TemporaryFolder.with { folder in
            let paths = ["good.nii", "bad.nii", "none.nii"].map { "\(folder)/\($0)" }
            try Data(Self.file()).write(to: URL(fileURLWithPath: paths[0]))
            try Data(Self.file([(40, [9, 0])])).write(to: URL(fileURLWithPath: paths[1]))
            let (status, lines) = try Self.inspect(paths)
            #expect(status == 1)
            #expect(lines.map(\.file) == paths)
            #expect(lines.map(\.verdict) == ["accept", "reject", "reject"])
            #expect(lines[1].reason?.contains("9 dimensions") == true)
            #expect(lines[2].reason?.contains("no such file") == true)
            #expect(lines[1].dims == nil && lines[1].datatype == nil)
        }
    }

    @Test("A damaged checksum and NaN voxels are found: every voxel is read")
    func readsVoxels() throws {
        try TemporaryFolder.with { folder in
            let path = folder + "/scan.nii.gz"
            let voxels: [Float] = [1, .nan, 3, .infinity, 5, 6, 7, 8]
            try NIfTIFile.write(path, voxels: voxels, dims: [2, 2, 2], affine: Affine(spacing: (1, 1, 1)))
            #expect(try Self.inspect([path]).lines[0].warnings == ["2 of 8 voxels are NaN or infinite"])
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[bytes.count - 6] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            #expect(try Self.inspect([path]).lines[0].reason?.contains("checksum") == true)
        }
    }

    @Test("A file name cannot break out of its line")
    func escapesNames() throws {
        let name = "/nowhere/\"a\\b\n\u{1b}[31m{}é.nii"
        let (status, lines) = try Self.inspect([name])
        #expect(lines.map(\.file) == [name])
        #expect(status == 1)
    }

    @Test("Hostile headers are all refused, together within 40 MiB of memory")
    func refusesWithinMemory() throws {
        try TemporaryFolder.with { folder in
            let files = Self.hostile
            #expect(files.count >= 60)
            let paths = try files.enumerated().map { index, bytes in
                let path = "\(folder)/\(index).nii"
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                return path
            }
            let (status, lines) = try Self.inspect(paths, memoryMiB: 40)
            #expect(status == 1)
            #expect(lines.count == paths.count)
            for line in lines {
                #expect(line.verdict == "reject", "\(line)")
                #expect(line.reason?.contains("memory") == false, "\(line)")
            }
        }
    }

    @Test("A gzip bomb is refused within 40 MiB of memory; a true image of that size is told what it needs")
    func refusesBombs() throws {
        try TemporaryFolder.with { folder in
            let image = folder + "/image.nii.gz"
            let zeros = [Float](repeating: 0, count: 240 * 240 * 240)
            try NIfTIFile.write(image, voxels: zeros, dims: [240, 240, 240], affine: Affine(spacing: (1, 1, 1)))
            // A small image, and behind it 55 MB of zeros in a second member.
            let small = try NIfTIFile.encode(
                voxels: [1], dims: [1, 1, 1], affine: Affine(spacing: (1, 1, 1)), datatype: .uint8)
            let bomb = folder + "/bomb.nii.gz"
            let zerosCompressed = try Data(contentsOf: URL(fileURLWithPath: image))
            try (Data(small) + zerosCompressed).write(to: URL(fileURLWithPath: bomb))
            let (status, lines) = try Self.inspect([bomb, image], memoryMiB: 40)
            #expect(status == 1)
            #expect(lines.first?.reason?.contains("inflates to more than the 353 bytes") == true)
            #expect(lines.last?.reason?.contains("needs 52 MiB of memory") == true)
            #expect(try Self.inspect([image]).status == 0)
        }
    }
}
